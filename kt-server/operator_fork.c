/* SPDX-License-Identifier: Apache-2.0 */
#include "operator_fork.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kt/evidence.h>

#include "base/hex.h"
#include "crypto/hash.h"
#include "instance.h"

#define SUFFIX ".evidence"
#define EVIDENCE_MAX ((size_t)160 << 20)

struct judgement {
  const struct kt_opfork *fork;
  struct kt_arena arena;
  const struct kt_log_state *theirs; /* in the arena */
  uint64_t now_ms;
};

/* --- the file ----------------------------------------------------------------------------------------------------- */

bool kt_opfork_has_evidence(const char *dir, struct kt_path *ret_path)
{
  struct kt_path folder;
  struct kt_error error;
  bool found = false;
  DIR *stream = kt_path_join(dir, KT_NAME_EVIDENCE, &folder, &error) == KT_OK ? opendir(folder.s) : NULL;
  const struct dirent *entry;
  while (stream != NULL && !found && (entry = readdir(stream)) != NULL) {
    size_t len = strlen(entry->d_name);
    found = len > sizeof SUFFIX - 1 && strcmp(entry->d_name + len - (sizeof SUFFIX - 1), SUFFIX) == 0 &&
            kt_path_join(folder.s, entry->d_name, ret_path, &error) == KT_OK;
  }
  if (stream != NULL) {
    (void)closedir(stream);
  }
  return found;
}

static enum kt_err evidence_path(const char *dir, const struct kt_evidence *evidence, struct kt_path *ret_path,
                                 struct kt_error *error)
{
  uint8_t id[KT_EVIDENCE_ID_LEN];
  char name[KT_HEX_SIZE(KT_EVIDENCE_ID_LEN) + sizeof KT_NAME_EVIDENCE "/" SUFFIX];
  char hex[KT_HEX_SIZE(KT_EVIDENCE_ID_LEN)];
  struct kt_path folder;
  kt_evidence_id(evidence, id);
  (void)kt_hex_encode((struct kt_bytes){ id, sizeof id }, hex);
  enum kt_err err = kt_path_join(dir, KT_NAME_EVIDENCE, &folder, error);
  if (err == KT_OK && mkdir(folder.s, 0700) != 0 && errno != EEXIST) {
    err = kt_error_set(error, KT_ERR_STORE, "%s: %s", folder.s, strerror(errno));
  }
  if (err == KT_OK) {
    (void)snprintf(name, sizeof name, "%s" SUFFIX, hex);
    err = kt_path_join(folder.s, name, ret_path, error);
  }
  return err;
}

/* Durable before anybody is told; what is there already stays. */
static void save(const struct kt_opfork *fork, const struct kt_evidence *evidence, struct kt_path *ret_path)
{
  struct kt_path path;
  struct kt_error error;
  struct kt_writer w;
  kt_writer_init(&w, EVIDENCE_MAX);
  kt_evidence_write(&w, evidence);
  enum kt_err err = w.err != KT_OK ? kt_error_set(&error, w.err, "%s", kt_err_text(w.err))
                                   : evidence_path(fork->dir, evidence, &path, &error);
  if (err == KT_OK && access(path.s, F_OK) != 0) {
    err = kt_file_replace(path.s, w.buf, w.len, 0600, &error);
  }
  kt_writer_release(&w);
  ret_path->s[0] = '\0';
  if (err == KT_OK) {
    *ret_path = path;
  } else {
    kt_say("the evidence cannot be saved: %s", error.text);
  }
}

/* --- what they sign ----------------------------------------------------------------------------------------------- */

/* The head shown to somebody who remembers nothing. */
static enum kt_err fetch_theirs(struct judgement *judgement)
{
  static const struct kt_log_state nothing;
  struct kt_upstream_reply reply;
  struct kt_writer w;
  struct kt_reason reason = { .code = NULL };
  struct kt_distinguished_result *result = kt_arena_alloc(&judgement->arena, 1, sizeof *result);
  const struct kt_client client = { .config = judgement->fork->config,
                                    .log = &nothing,
                                    .now_ms = judgement->now_ms,
                                    .arena = &judgement->arena,
                                    .reason = &reason };
  if (result == NULL) {
    return KT_ERR_MEMORY;
  }
  kt_writer_init(&w, KT_REQUEST_MAX);
  kt_request_distinguished(&w, &nothing, NULL);
  const struct kt_bytes body = { w.buf, w.len };
  kt_upstream_send(judgement->fork->upstream, "/v1/distinguished", &body, &reply);
  enum kt_err err = reply.status == 200 ? kt_verify_distinguished(&client, NULL, kt_upstream_body(&reply), result)
                                        : KT_ERR_UNDETERMINED;
  if (err == KT_OK) {
    judgement->theirs = &result->log;
  }
  kt_upstream_reply_release(&reply);
  kt_writer_release(&w);
  return err;
}

/* They are larger: the elements that show another log at our size; empty: they extend us, or do not say. */
static struct kt_bytes fetch_contradiction(struct judgement *judgement)
{
  const struct kt_log_state *ours = judgement->fork->ours;
  const struct kt_log_state *theirs = judgement->theirs;
  struct kt_upstream_reply reply;
  struct kt_reason reason = { .code = NULL };
  struct kt_hash old_root;
  struct kt_bytes found = { 0 };
  char path[96];
  (void)snprintf(path, sizeof path, "/v1/log/consistency?old=%" PRIu64 "&size=%" PRIu64, ours->tree.size,
                 theirs->tree.size);
  kt_upstream_send(judgement->fork->upstream, path, NULL, &reply);
  if (reply.status == 200) {
    const struct kt_bytes body = { kt_arena_copy(&judgement->arena, reply.body, reply.len), reply.len };
    enum kt_err err = body.data == NULL ? KT_ERR_MEMORY
                                        : kt_verify_consistency(ours->tree.size, theirs->tree.size, &theirs->root, body,
                                                                &judgement->arena, &old_root, &reason);
    found = err == KT_OK && !kt_hash_equal(&old_root, &ours->root) ? body : found;
  }
  kt_upstream_reply_release(&reply);
  return found;
}

static struct kt_signed_head head_of(const struct judgement *judgement, const struct kt_log_state *log)
{
  return (struct kt_signed_head){ .config = judgement->fork->config_bytes,
                                  .received_ms = judgement->now_ms,
                                  .size = log->tree.size,
                                  .root = log->root,
                                  .signature = { log->signature, log->signature_len } };
}

static bool compare(struct judgement *judgement, struct kt_evidence *ret_evidence)
{
  const struct kt_log_state *ours = judgement->fork->ours;
  const struct kt_log_state *theirs = judgement->theirs;
  struct kt_evidence evidence = { .kind = KT_EVIDENCE_ROLLBACK,
                                  .first = head_of(judgement, ours),
                                  .second = head_of(judgement, theirs) };
  bool found = theirs->tree.size < ours->tree.size;
  if (theirs->tree.size == ours->tree.size) {
    evidence.kind = KT_EVIDENCE_FORK;
    found = !kt_hash_equal(&theirs->root, &ours->root);
  } else if (!found) {
    evidence.kind = KT_EVIDENCE_INCONSISTENT;
    evidence.consistency = fetch_contradiction(judgement);
    found = evidence.consistency.len > 0;
  }
  kt_config_log_id(judgement->fork->config, &evidence.log_id);
  *ret_evidence = evidence;
  return found;
}

enum kt_opfork_found kt_opfork_judge(const struct kt_opfork *fork, struct kt_path *ret_path)
{
  struct judgement judgement = { .fork = fork, .now_ms = kt_now_ms() };
  struct kt_evidence evidence;
  enum kt_opfork_found found = KT_OPFORK_NOTHING;
  kt_arena_init(&judgement.arena, KT_ARENA_CAP_DEFAULT);
  if (fork->ours->tree.size > 0 && fetch_theirs(&judgement) == KT_OK && compare(&judgement, &evidence)) {
    found = evidence.kind == KT_EVIDENCE_ROLLBACK ? KT_OPFORK_ROLLBACK : KT_OPFORK_FORK;
    save(fork, &evidence, ret_path);
  }
  kt_arena_release(&judgement.arena);
  return found;
}
