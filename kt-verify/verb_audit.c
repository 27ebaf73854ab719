/* SPDX-License-Identifier: Apache-2.0 */
/* audit [--from N] [--to N] (draft: Auditing): every entry of the log, page by page in constant memory.
 *
 * After each page the tree that the entries lead to is compared with the tree the log signed (consistency with the
 * newest verified head). Only then the progress is kept, so what a later run goes on from was never a tampered page's. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kt/audit.h>

#include "audit_recent.h"
#include "crypto/hash.h"
#include "evidence_store.h"
#include "heads.h"
#include "verbs.h"
#include "wire/auditor.h"

#define PROGRESS "audit"
#define PROGRESS_FORMAT 1
#define PROGRESS_MAX 4096
#define PAGE_ENTRIES 256
#define SEEN_HEADS_MAX 1024

struct audit {
  struct kt_session *session;
  struct kt_audit_state state;
  uint64_t from;   /* first entry of the audit, which may have begun in an earlier run */
  uint64_t leaves; /* added since */
  uint64_t first;  /* first entry of this run */
  uint64_t target; /* size to reach */
  bool keep;       /* keep the progress */
  struct kt_audit_recent recent;
  struct kt_seen_head *seen; /* accepted heads, largest first */
  size_t n_seen;
  uint64_t started_ms;
};

/* --- progress ----------------------------------------------------------------------------------------------------------- */

static enum kt_err put_progress(void *ctx, struct kt_session *session)
{
  const struct audit *audit = ctx;
  uint8_t buf[PROGRESS_MAX];
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_u8(&w, PROGRESS_FORMAT);
  kt_write_u64(&w, audit->from);
  kt_write_u64(&w, audit->leaves);
  kt_audit_state_write(&w, &audit->state);
  return w.err == KT_OK ? kt_state_put_value(&session->state, PROGRESS, (struct kt_bytes){ buf, w.len }) : w.err;
}

static enum kt_err get_progress(void *ctx, struct kt_session *session)
{
  struct audit *audit = ctx;
  struct kt_bytes value;
  struct kt_reader r;
  enum kt_err err = kt_state_value(&session->state, PROGRESS, &session->arena, &value);
  if (err != KT_OK) {
    return err;
  }
  kt_reader_init(&r, value.data, value.len);
  if (kt_read_u8(&r) != PROGRESS_FORMAT) {
    return KT_ERR_ABSENT; /* of another version: begin anew */
  }
  uint64_t from = kt_read_u64(&r);
  uint64_t leaves = kt_read_u64(&r);
  if (r.err != KT_OK || kt_audit_state_decode((struct kt_bytes){ r.at, r.left }, &audit->state) != KT_OK) {
    return KT_ERR_ABSENT;
  }
  audit->from = from;
  audit->leaves = leaves;
  return KT_OK;
}

static enum kt_exit save_progress(struct audit *audit)
{
  enum kt_err err = KT_OK;
  enum kt_exit code = audit->keep ? kt_session_write(audit->session, put_progress, audit, &err) : KT_EXIT_OK;
  /* A conflict loses nothing but this page's progress. */
  return code;
}

static void show_progress(const struct audit *audit, bool done)
{
  const struct kt_output *out = audit->session->out;
  uint64_t n = audit->state.size - audit->first;
  uint64_t elapsed_ms = kt_now_ms() - audit->started_ms;
  if (isatty(fileno(out->messages)) != 1 || n == 0) {
    return;
  }
  uint64_t left_s = elapsed_ms * (audit->target - audit->state.size) / n / 1000;
  fprintf(out->messages, "\raudited %" PRIu64 " of %" PRIu64 " entries, %" PRIu64 " s left \033[K%s", audit->state.size,
          audit->target, left_s, done ? "\r\033[K" : "");
  fflush(out->messages);
}

/* --- failures ----------------------------------------------------------------------------------------------------------- */

/* The entry as it was received, as one page: no proof against the log, but what to look at. */
static void keep_entry(struct audit *audit, const char *code, uint64_t position, struct kt_bytes entry)
{
  char request[96];
  struct kt_writer w;
  int n = snprintf(request, sizeof request, "GET /v1/audit?start=%" PRIu64 "&limit=1", position);
  kt_writer_init(&w, KT_REPLY_MAX + 4);
  kt_write_u32(&w, 1);
  kt_write_bytes(&w, entry.data, entry.len);
  if (w.err == KT_OK) {
    kt_session_keep_failed(audit->session, code, (struct kt_bytes){ (const uint8_t *)request, (size_t)n },
                           (struct kt_bytes){ w.buf, w.len });
  }
  kt_writer_release(&w);
}

static enum kt_exit fail_entry(struct audit *audit, enum kt_err err, struct kt_reason *reason, struct kt_bytes entry)
{
  char what[64];
  uint64_t position = audit->state.size;
  if (!reason->has_position) {
    reason->position = position;
    reason->has_position = true;
  }
  if (reason->code == NULL) {
    reason->code = "audit-format";
    reason->text = kt_err_text(err);
  }
  snprintf(what, sizeof what, "audit of entry %" PRIu64, position);
  show_progress(audit, true);
  kt_output_status(audit->session->out, err == KT_ERR_UNDETERMINED ? KT_EXIT_UNDECIDED : KT_EXIT_FAILED,
                   "entry %" PRIu64 ": %s", position, reason->text);
  enum kt_exit code = kt_output_fail_reason(audit->session->out, err, reason, what);
  if (code == KT_EXIT_FAILED) {
    keep_entry(audit, reason->code, position, entry);
  }
  return code;
}

/* --- entries and pages ----------------------------------------------------------------------------------------------------- */

/* A head accepted earlier, at the size just reached: another root there is a fork, unless the feed is made up. */
static enum kt_exit compare_seen(struct audit *audit)
{
  struct kt_session *session = audit->session;
  while (audit->n_seen > 0 && audit->seen[audit->n_seen - 1].size < audit->state.size) {
    audit->n_seen--;
  }
  const struct kt_seen_head *seen = audit->n_seen > 0 ? &audit->seen[audit->n_seen - 1] : NULL;
  struct kt_hash root;
  struct kt_hash proven;
  struct kt_bytes consistency;
  kt_audit_root(&audit->state, &root);
  if (seen == NULL || seen->size != audit->state.size || kt_hash_equal(&root, &seen->root)) {
    return KT_EXIT_OK;
  }
  enum kt_exit code = kt_heads_root_at(session, seen->size, &session->arena, &proven, &consistency);
  if (code != KT_EXIT_OK || kt_hash_equal(&proven, &seen->root)) {
    return code; /* the log stands by its head: the page will not lead to the signed tree */
  }
  struct kt_seen_head newest;
  if (!kt_session_seen_head(session, session->pinned->log.tree.size, &newest)) {
    newest = (struct kt_seen_head){ .size = seen->size, .root = root };
  }
  return kt_session_report_fork(session, seen, &newest, consistency);
}

static enum kt_exit step(struct audit *audit, const struct kt_auditor_update *update, struct kt_bytes encoded)
{
  struct kt_session *session = audit->session;
  struct kt_reason reason = { .code = NULL };
  uint64_t pos = 0;
  const uint64_t *published =
      kt_audit_published(&session->config, &audit->state, update->timestamp, &pos) ? &pos : NULL;
  const struct kt_audit_history history = kt_audit_recent_history(&audit->recent);
  struct kt_audit_state next;
  enum kt_err err = kt_audit_step(&session->config, &audit->state, update, &history, &next, &reason);
  if (err == KT_OK && update->n_removed > 0 && !kt_audit_recent_reaches(&audit->recent, audit->from, published)) {
    err = kt_fail(&reason, KT_ERR_UNDETERMINED, "audit-history",
                  "a leaf is removed, and this run does not know when it was added: audit again with --from",
                  "Third Parties / Auditing");
  }
  if (err == KT_OK) {
    err = kt_audit_recent_add(&audit->recent, update, audit->state.size, published);
  }
  if (err != KT_OK) {
    return fail_entry(audit, err, &reason, encoded);
  }
  audit->leaves += update->n_added;
  audit->state = next;
  return compare_seen(audit);
}

/* The tree that the entries up to here lead to is the one the log signed. */
static enum kt_exit confirm_page(struct audit *audit, uint64_t first)
{
  struct kt_session *session = audit->session;
  struct kt_hash root;
  struct kt_hash expected;
  struct kt_bytes consistency;
  struct kt_arena arena; /* a page leaves nothing behind */
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_exit code = kt_heads_root_at(session, audit->state.size, &arena, &expected, &consistency);
  kt_arena_release(&arena);
  if (code != KT_EXIT_OK) {
    return code;
  }
  kt_audit_root(&audit->state, &root);
  if (kt_hash_equal(&root, &expected)) {
    return KT_EXIT_OK;
  }
  show_progress(audit, true);
  kt_output_status(session->out, KT_EXIT_FAILED, "entries %" PRIu64 " to %" PRIu64 " are not those of the signed tree",
                   first, audit->state.size - 1);
  return kt_output_fail(session->out, KT_EXIT_FAILED, "audit-root",
                        "entries %" PRIu64 " to %" PRIu64 " as handed out for auditing lead to another tree than the "
                        "one the log signed",
                        first, audit->state.size - 1);
}

static enum kt_exit read_page(struct audit *audit, struct kt_bytes page, uint64_t limit)
{
  struct kt_reader r;
  kt_reader_init(&r, page.data, page.len);
  uint32_t count = kt_read_u32(&r);
  if (r.err == KT_OK && count == 0) {
    return kt_output_fail(audit->session->out, KT_EXIT_UNDECIDED, "audit-incomplete",
                          "the log does not hand out entry %" PRIu64 ", which its signed head says exists",
                          audit->state.size);
  }
  enum kt_exit code = KT_EXIT_OK;
  for (uint32_t i = 0; i < count && code == KT_EXIT_OK; i++) {
    struct kt_arena arena;
    struct kt_auditor_update update = { .timestamp = 0 };
    const uint8_t *start = r.at;
    struct kt_reason reason = { .code = NULL };
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    kt_auditor_update_read(&r, &arena, &update);
    if (r.err != KT_OK || count > limit) {
      code =
          fail_entry(audit, KT_ERR_FORMAT, &reason, (struct kt_bytes){ start, (size_t)(page.data + page.len - start) });
    } else {
      code = step(audit, &update, (struct kt_bytes){ start, (size_t)(r.at - start) });
    }
    kt_arena_release(&arena);
  }
  if (code == KT_EXIT_OK && kt_reader_end(&r) != KT_OK) {
    return kt_output_fail(audit->session->out, KT_EXIT_FAILED, "audit-format",
                          "the page that ends with entry %" PRIu64 " is malformed", audit->state.size);
  }
  return code;
}

static enum kt_exit refused(struct audit *audit, const struct kt_reply *reply)
{
  if (reply->kind == KT_REPLY_PROBLEM && reply->status == 410) {
    return kt_output_fail(audit->session->out, KT_EXIT_UNDECIDED, "pruned",
                          "the log no longer has the entries from %" PRIu64
                          " on: audit what it kept, with --from N (%s)",
                          audit->state.size, reply->error);
  }
  return kt_session_refused(audit->session, reply, "audit");
}

static enum kt_exit audit_page(struct audit *audit)
{
  struct kt_session *session = audit->session;
  char path[96];
  struct kt_reply reply;
  uint64_t first = audit->state.size;
  uint64_t left = audit->target - first;
  uint64_t limit = left < PAGE_ENTRIES ? left : PAGE_ENTRIES;
  snprintf(path, sizeof path, "/v1/audit?start=%" PRIu64 "&limit=%" PRIu64, first, limit);
  kt_transport_get(session->transport, path, &reply);
  enum kt_exit code =
      reply.kind == KT_REPLY_OK ? read_page(audit, kt_reply_body(&reply), limit) : refused(audit, &reply);
  kt_reply_release(&reply);
  if (code == KT_EXIT_OK) {
    code = confirm_page(audit, first);
  }
  if (code == KT_EXIT_OK) {
    code = save_progress(audit);
    show_progress(audit, false);
  }
  return code;
}

/* --- where to begin and to end ------------------------------------------------------------------------------------------------ */

static enum kt_exit start_late(struct audit *audit)
{
  struct kt_session *session = audit->session;
  char path[96];
  struct kt_hash root;
  struct kt_bytes consistency;
  struct kt_reply reply;
  struct kt_reason reason = { .code = NULL };
  enum kt_exit code = kt_heads_root_at(session, audit->from, &session->arena, &root, &consistency);
  if (code != KT_EXIT_OK) {
    return code;
  }
  snprintf(path, sizeof path, "/v1/audit/state?size=%" PRIu64, audit->from);
  kt_transport_get(session->transport, path, &reply);
  if (reply.kind != KT_REPLY_OK) {
    code = refused(audit, &reply);
  } else {
    enum kt_err err =
        kt_audit_state_verify(audit->from, &root, kt_reply_body(&reply), &session->arena, &audit->state, &reason);
    code = err == KT_OK ? KT_EXIT_OK : kt_output_fail_reason(session->out, err, &reason, "start of the audit");
  }
  kt_reply_release(&reply);
  return code;
}

static enum kt_exit read_range(struct audit *audit, const struct kt_cli *cli)
{
  struct kt_output *out = audit->session->out;
  uint64_t size = audit->session->pinned->log.tree.size;
  const char *from = cli->values[KT_OPT_FROM];
  const char *to = cli->values[KT_OPT_TO];
  uint64_t last = size - 1;
  if (to != NULL && !kt_cli_number(to, INT64_MAX - 1, &last)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "--to %s: not a log entry", to);
  }
  if (from != NULL && !kt_cli_number(from, INT64_MAX - 1, &audit->from)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "--from %s: not a log entry", from);
  }
  if (last >= size || audit->from > last) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage",
                          "entries %" PRIu64 " to %" PRIu64 ": the log has entries 0 to %" PRIu64, audit->from, last,
                          size - 1);
  }
  audit->target = last + 1;
  audit->keep = from == NULL || to == NULL; /* looking at a range leaves the progress alone */
  return KT_EXIT_OK;
}

static enum kt_err load_seen(void *ctx, struct kt_session *session)
{
  struct audit *audit = ctx;
  return kt_state_heads(&session->state, SEEN_HEADS_MAX, &session->arena, &audit->seen, &audit->n_seen);
}

static enum kt_exit begin(struct audit *audit, const struct kt_cli *cli)
{
  struct kt_session *session = audit->session;
  enum kt_err err = KT_OK;
  enum kt_exit code = read_range(audit, cli);
  if (code == KT_EXIT_OK) {
    code = kt_session_read(session, load_seen, audit, &err);
  }
  if (code == KT_EXIT_OK && cli->values[KT_OPT_FROM] == NULL) {
    code = kt_session_read(session, get_progress, audit, &err); /* none: from the first entry */
  } else if (code == KT_EXIT_OK && audit->from > 0) {
    code = start_late(audit);
  }
  audit->first = audit->state.size;
  audit->started_ms = kt_now_ms();
  kt_audit_recent_init(&audit->recent, audit->first);
  return code;
}

static enum kt_exit finish(struct audit *audit)
{
  struct kt_output *out = audit->session->out;
  uint64_t entries = audit->state.size - audit->from;
  enum kt_exit code = audit->state.size == audit->first ? confirm_page(audit, audit->from) : KT_EXIT_OK;
  show_progress(audit, true);
  kt_output_set(out, "entries", json_integer((json_int_t)entries));
  kt_output_set(out, "leaves", json_integer((json_int_t)audit->leaves));
  kt_output_set(out, "from", json_integer((json_int_t)audit->from));
  kt_output_set(out, "new_entries", json_integer((json_int_t)(audit->state.size - audit->first)));
  if (code == KT_EXIT_OK) {
    out->verified = true;
    kt_output_check(out, "entries", true);
    kt_output_check(out, "signed-head", true);
    kt_output_status(out, KT_EXIT_OK, "%" PRIu64 " entries, %" PRIu64 " leaves; they lead to the tree the log signed",
                     entries, audit->leaves);
  }
  return code;
}

enum kt_exit kt_verb_audit(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  const struct kt_distinguished_result *heads;
  struct audit *audit = calloc(1, sizeof *audit);
  if (audit == NULL) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  enum kt_exit code = kt_session_open(&session, cli, out);
  audit->session = &session;
  if (code == KT_EXIT_OK) {
    code = kt_heads_refresh(&session, &heads);
  }
  if (code == KT_EXIT_OK) {
    code = begin(audit, cli);
  }
  while (code == KT_EXIT_OK && audit->state.size < audit->target) {
    code = audit_page(audit);
  }
  if (code == KT_EXIT_OK) {
    code = finish(audit);
  }
  kt_audit_recent_release(&audit->recent);
  free(audit);
  kt_session_close(&session);
  return code;
}
