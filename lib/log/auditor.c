/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Auditor Tree Head Signature, Auditing: the auditor's newest head, which every answer carries. */
#include "log/auditor.h"

#include <string.h>

#include "base/noun.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "log/published.h"
#include "log/query.h"
#include "wire/audit_head.h"

#define META_NAME "auditor/head"
#define META_MAX (KT_HASH_LEN + 8 + 8 + 2 + KT_SIGNATURE_MAX)

/* --- as stored
 * ---------------------------------------------------------------------------------------------------------
 *   struct { HashValue config; AuditorTreeHead head; } StoredAuditorHead;    config: SHA-256 of the Configuration */

static size_t encode(const struct kt_config *config, const struct kt_log_auditor_head *head,
                     uint8_t ret_bytes[static META_MAX])
{
  struct kt_hash hash;
  struct kt_writer w;
  const struct kt_auditor_tree_head wire = { .timestamp = head->timestamp_ms,
                                             .tree_size = head->size,
                                             .signature = { head->signature, config->suite->signature_len } };
  kt_log_config_hash(config, &hash);
  kt_writer_init_fixed(&w, ret_bytes, META_MAX);
  kt_write_bytes(&w, hash.b, sizeof hash.b);
  kt_auditor_tree_head_write(&w, &wire);
  return w.err == KT_OK ? w.len : 0;
}

static enum kt_err decode(struct kt_bytes stored, struct kt_hash *ret_config, struct kt_log_auditor_head *ret_head)
{
  struct kt_reader r;
  struct kt_auditor_tree_head wire = { 0 };
  kt_reader_init(&r, stored.data, stored.len);
  const uint8_t *hash = kt_read_bytes(&r, KT_HASH_LEN);
  kt_auditor_tree_head_read(&r, &wire);
  enum kt_err err = kt_reader_end(&r);
  if (err != KT_OK || wire.signature.len > KT_SIGNATURE_MAX) {
    return KT_ERR_FORMAT;
  }
  memcpy(ret_config->b, hash, KT_HASH_LEN);
  *ret_head = (struct kt_log_auditor_head){ .size = wire.tree_size, .timestamp_ms = wire.timestamp };
  memcpy(ret_head->signature, wire.signature.data, wire.signature.len);
  return KT_OK;
}

static enum kt_err get(struct kt_store_conn *conn, struct kt_hash *ret_config, struct kt_log_auditor_head *ret_head)
{
  struct kt_arena arena;
  struct kt_bytes stored;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_store_get_meta(conn, META_NAME, &arena, &stored);
  if (err == KT_OK) {
    err = decode(stored, ret_config, ret_head) == KT_OK ? KT_OK : KT_ERR_FORMAT;
  }
  kt_arena_release(&arena);
  return err;
}

enum kt_err kt_log_auditor_put(struct kt_log *log, const struct kt_log_auditor_head *head)
{
  uint8_t bytes[META_MAX];
  size_t len = encode(log->options.config, head, bytes);
  return len == 0 ? KT_ERR_USAGE : kt_store_put_meta(log->writer, META_NAME, (struct kt_bytes){ bytes, len });
}

/* --- what a head has to be ---------------------------------------------------------------------------------------- */

const char *kt_log_auditor_check(struct kt_store_conn *conn, const struct kt_config *config,
                                 const struct kt_log_auditor_head *head, uint64_t size)
{
  struct kt_store_entry entry;
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_hash root;
  const struct kt_auditor_tree_head wire = { .timestamp = head->timestamp_ms,
                                             .tree_size = head->size,
                                             .signature = { head->signature, config->suite->signature_len } };
  if (head->size == 0 || head->size > size) {
    return "it is of no entries or of more than the log has";
  }
  if (kt_store_get_entry(conn, head->size - 1, &entry) != KT_OK || kt_log_heads_at(conn, head->size, heads) != KT_OK) {
    return "the entries it is of cannot be read";
  }
  /* "AuditorTreeHead.timestamp is set to timestamp", that of the newest entry the head includes. */
  if (head->timestamp_ms != entry.timestamp_ms) {
    return "its timestamp is not that of its newest entry";
  }
  kt_log_root(head->size, heads, &root);
  return kt_auditor_tree_head_verify(config, &wire, &root) == KT_OK
             ? NULL
             : "its signature does not fit this log's tree and configuration";
}

enum kt_err kt_log_auditor_load(struct kt_log *log, struct kt_log_problem *problem)
{
  const struct kt_config *config = log->options.config;
  struct kt_log_auditor_head head;
  struct kt_hash made_for;
  struct kt_hash ours;
  if (config->mode != KT_MODE_THIRD_PARTY_AUDITING) {
    return KT_OK;
  }
  enum kt_err err = get(log->writer, &made_for, &head);
  if (err == KT_ERR_ABSENT) {
    return KT_OK;
  }
  if (err != KT_OK && err != KT_ERR_FORMAT) {
    return kt_log_store_problem(problem, err, log->writer);
  }
  kt_log_config_hash(config, &ours);
  if (err == KT_OK && !kt_hash_equal(&made_for, &ours)) {
    return KT_OK; /* of the auditor, or under the windows, before this one: no client would accept it */
  }
  const char *what = err == KT_OK ? kt_log_auditor_check(log->writer, config, &head, log->tip.size) : "it is malformed";
  if (what != NULL) {
    return kt_log_refuse(problem, KT_ERR_PROOF, "auditor-head", "the stored auditor's head is damaged: %s", what);
  }
  log->auditor = head;
  return KT_OK;
}

uint64_t kt_log_auditor_lag_ms(const struct kt_config *config, const struct kt_log_head *head)
{
  if (config->mode != KT_MODE_THIRD_PARTY_AUDITING) {
    return 0;
  }
  return head->auditor.size > 0 ? head->timestamp_ms - head->auditor.timestamp_ms : UINT64_MAX;
}

enum kt_err kt_log_auditor_last(struct kt_log_reader *reader, uint64_t *ret_size, struct kt_log_problem *ret_problem)
{
  struct kt_log_auditor_head head;
  struct kt_hash made_for;
  enum kt_err err = get(reader->conn, &made_for, &head);
  if (err == KT_OK) {
    *ret_size = head.size;
  } else if (err == KT_ERR_ABSENT) {
    *ret_size = 0;
  } else {
    return kt_log_store_problem(ret_problem, err == KT_ERR_FORMAT ? KT_ERR_STORE : err, reader->conn);
  }
  return KT_OK;
}

enum kt_err kt_log_auditor_require(const struct kt_log *log, const struct kt_log_head *head,
                                   struct kt_log_problem *problem)
{
  if (log->options.config->mode == KT_MODE_THIRD_PARTY_AUDITING && head->auditor.size == 0) {
    return kt_log_retry(problem, KT_ERR_STORE, "auditor-missing",
                        "the log's auditor has not vouched for it, so no client would accept an answer");
  }
  return KT_OK;
}

/* --- a new head --------------------------------------------------------------------------------------------------- */

static enum kt_err check_new(struct kt_log_reader *reader, const struct kt_auditor_tree_head *wire,
                             struct kt_log_auditor_head *ret_head, struct kt_log_problem *problem)
{
  const struct kt_config *config = reader->log->options.config;
  struct kt_log_head newest;
  kt_log_head(reader->log, &newest);
  if (config->mode != KT_MODE_THIRD_PARTY_AUDITING) {
    return kt_log_refuse(problem, KT_ERR_UNSUPPORTED, "mode", "this log has no auditor");
  }
  if (wire->signature.len != config->suite->signature_len) {
    return kt_log_refuse(problem, KT_ERR_PROOF, "auditor-head", "the auditor's head: its signature has %zu bytes",
                         wire->signature.len);
  }
  struct kt_log_auditor_head head = { .size = wire->tree_size, .timestamp_ms = wire->timestamp };
  memcpy(head.signature, wire->signature.data, wire->signature.len);
  const char *what = kt_log_auditor_check(reader->conn, config, &head, newest.size);
  if (what != NULL) {
    return kt_log_refuse(problem, KT_ERR_PROOF, "auditor-head", "the auditor's head: %s", what);
  }
  if (head.size < newest.auditor.size) {
    (void)kt_log_refuse(problem, KT_ERR_CONFLICT, "auditor-head-old", "a head of %llu %s is there already",
                        (unsigned long long)newest.auditor.size, kt_noun_entries(newest.auditor.size));
    problem->current_size = newest.auditor.size;
    return KT_ERR_CONFLICT;
  }
  *ret_head = head;
  return KT_OK;
}

enum kt_err kt_log_auditor_prepare(struct kt_log_reader *reader, const struct kt_auditor_tree_head *wire,
                                   struct kt_log_pending **ret_pending, struct kt_log_problem *ret_problem)
{
  struct kt_log_auditor_head head = { .size = 0 };
  struct kt_log_head newest;
  struct kt_log_pending *pending;
  enum kt_err err = check_new(reader, wire, &head, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  kt_log_head(reader->log, &newest);
  if (head.size == newest.auditor.size) {
    *ret_pending = NULL; /* sent twice: the auditor did not hear our answer */
    return KT_OK;
  }
  err = kt_log_pending_new(KT_LOG_WORK_AUDITOR, (struct kt_bytes){ 0 }, &pending, ret_problem);
  if (err == KT_OK) {
    pending->auditor = head;
    *ret_pending = pending;
  }
  return err;
}

/* --- what an auditor asks ----------------------------------------------------------------------------------------- */

enum kt_err kt_log_audit_head(struct kt_log_reader *reader, struct kt_writer *w)
{
  const struct kt_config *config = reader->log->options.config;
  struct kt_log_head head;
  kt_log_head(reader->log, &head);
  size_t signature_len = config->suite->signature_len;
  const struct kt_audit_head wire = {
    .tree_head = { .tree_size = head.size, .signature = { head.signature, signature_len } },
    .root = head.root,
    .has_auditor = head.auditor.size > 0,
    .auditor = { .timestamp = head.auditor.timestamp_ms,
                 .tree_size = head.auditor.size,
                 .signature = { head.auditor.signature, signature_len } },
  };
  kt_audit_head_write(w, &wire);
  return w->err;
}
