/* SPDX-License-Identifier: Apache-2.0 */
/* audit [--from N] [--to N] (draft: Auditing): every entry of the log, page by page in constant memory.
 *
 * After each page the tree that the entries lead to is compared with the tree the log signed (consistency with the
 * newest verified head). Only then the progress is kept, so what a later run goes on from was never a tampered page's. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kt/audit.h>

#include "audit_feed.h"
#include "crypto/hash.h"
#include "heads.h"
#include "verbs.h"

#define PROGRESS "audit"
#define PROGRESS_FORMAT 1
#define PROGRESS_MAX 4096
#define SEEN_HEADS_MAX 1024

struct audit {
  struct kt_session *session;
  struct kt_audit_feed feed;
  uint64_t first;            /* first entry of this run */
  uint64_t target;           /* size to reach */
  bool keep;                 /* keep the progress */
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
  kt_write_u64(&w, audit->feed.from);
  kt_write_u64(&w, audit->feed.leaves);
  kt_audit_state_write(&w, &audit->feed.state);
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
  if (r.err != KT_OK || kt_audit_state_decode((struct kt_bytes){ r.at, r.left }, &audit->feed.state) != KT_OK) {
    return KT_ERR_ABSENT;
  }
  audit->feed.from = from;
  audit->feed.leaves = leaves;
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
  uint64_t n = audit->feed.state.size - audit->first;
  uint64_t elapsed_ms = kt_now_ms() - audit->started_ms;
  if (n == 0 || !kt_output_rewrites(out)) {
    return;
  }
  uint64_t left_s = elapsed_ms * (audit->target - audit->feed.state.size) / n / 1000;
  fprintf(out->messages, "\raudited %" PRIu64 " of %" PRIu64 " entries, %" PRIu64 " s left \033[K%s",
          audit->feed.state.size, audit->target, left_s, done ? "\r\033[K" : "");
  fflush(out->messages);
}

static void end_progress(void *ctx)
{
  show_progress(ctx, true);
}

/* --- pages ----------------------------------------------------------------------------------------------------- */

/* A head accepted earlier, at the size just reached: another root there is a fork, unless the feed is made up. */
static enum kt_exit compare_seen(void *ctx, const struct kt_auditor_update *update, const uint64_t *published)
{
  struct audit *audit = ctx;
  (void)update;
  (void)published;
  struct kt_session *session = audit->session;
  while (audit->n_seen > 0 && audit->seen[audit->n_seen - 1].size < audit->feed.state.size) {
    audit->n_seen--;
  }
  const struct kt_seen_head *seen = audit->n_seen > 0 ? &audit->seen[audit->n_seen - 1] : NULL;
  struct kt_hash root;
  struct kt_hash proven;
  struct kt_bytes consistency;
  kt_audit_root(&audit->feed.state, &root);
  if (seen == NULL || seen->size != audit->feed.state.size || kt_hash_equal(&root, &seen->root)) {
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

static enum kt_exit audit_page(struct audit *audit)
{
  uint64_t first = audit->feed.state.size;
  enum kt_exit code = kt_audit_feed_page(&audit->feed, audit->target);
  if (code == KT_EXIT_OK) {
    code = kt_audit_feed_confirm(&audit->feed, first);
  }
  if (code == KT_EXIT_OK) {
    code = save_progress(audit);
    show_progress(audit, false);
  }
  return code;
}

/* --- where to begin and to end ------------------------------------------------------------------------------------------------ */

static enum kt_exit read_range(struct audit *audit, const struct kt_cli *cli)
{
  struct kt_output *out = audit->session->out;
  const struct kt_log_state *log = &audit->session->pinned->log;
  uint64_t size = log->tree.size;
  const char *from = cli->values[KT_OPT_FROM];
  const char *to = cli->values[KT_OPT_TO];
  uint64_t last = size - 1;
  if (to != NULL && !kt_cli_number(to, INT64_MAX - 1, &last)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "--to %s: not a log entry", to);
  }
  if (from != NULL && !kt_cli_number(from, INT64_MAX - 1, &audit->feed.from)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "--from %s: not a log entry", from);
  }
  if (last >= size || audit->feed.from > last) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage",
                          "entries %" PRIu64 " to %" PRIu64 ": the log has entries 0 to %" PRIu64, audit->feed.from,
                          last, size - 1);
  }
  audit->feed.newest_size = size;
  audit->feed.newest_root = log->root;
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
  } else if (code == KT_EXIT_OK && audit->feed.from > 0) {
    code = kt_audit_feed_start(&audit->feed);
  }
  audit->first = audit->feed.state.size;
  audit->started_ms = kt_now_ms();
  kt_audit_recent_init(&audit->feed.recent, audit->first);
  return code;
}

static enum kt_exit finish(struct audit *audit)
{
  struct kt_output *out = audit->session->out;
  uint64_t entries = audit->feed.state.size - audit->feed.from;
  enum kt_exit code =
      audit->feed.state.size == audit->first ? kt_audit_feed_confirm(&audit->feed, audit->feed.from) : KT_EXIT_OK;
  show_progress(audit, true);
  kt_output_set(out, "entries", json_integer((json_int_t)entries));
  kt_output_set(out, "leaves", json_integer((json_int_t)audit->feed.leaves));
  kt_output_set(out, "from", json_integer((json_int_t)audit->feed.from));
  kt_output_set(out, "new_entries", json_integer((json_int_t)(audit->feed.state.size - audit->first)));
  if (code == KT_EXIT_OK) {
    out->verified = true;
    kt_output_check(out, "entries", true);
    kt_output_check(out, "signed-head", true);
    kt_output_status(out, KT_EXIT_OK, "%" PRIu64 " %s of the log, %" PRIu64 " %s; they lead to the tree the log signed",
                     entries, entries == 1 ? "entry" : "entries", audit->feed.leaves,
                     audit->feed.leaves == 1 ? "value" : "values");
    kt_output_data(out,
                   "  Checked: from entry %" PRIu64
                   " on nothing was changed, taken out or slipped in unseen. Not checked: "
                   "whether each device belongs to the person it is listed for; that is for their own monitors.\n",
                   audit->feed.from);
  }
  return code;
}

enum kt_exit kt_verb_audit(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  const struct kt_distinguished_result *heads;
  if (kt_cli_flag(cli, KT_OPT_FOLLOW) || cli->values[KT_OPT_SIGN] != NULL) {
    return kt_audit_as_auditor(cli, out);
  }
  struct audit *audit = calloc(1, sizeof *audit);
  if (audit == NULL) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  enum kt_exit code = kt_session_open(&session, cli, out);
  audit->session = &session;
  audit->feed =
      (struct kt_audit_feed){ .session = &session, .reached = compare_seen, .interrupt = end_progress, .ctx = audit };
  if (code == KT_EXIT_OK) {
    code = kt_audit_feed_open(&audit->feed, cli, out);
  }
  if (code == KT_EXIT_OK) {
    code = kt_heads_refresh(&session, &heads);
  }
  if (code == KT_EXIT_OK) {
    code = begin(audit, cli);
  }
  while (code == KT_EXIT_OK && audit->feed.state.size < audit->target) {
    code = audit_page(audit);
  }
  if (code == KT_EXIT_OK) {
    code = finish(audit);
  }
  kt_audit_feed_release(&audit->feed);
  free(audit);
  kt_session_close(&session);
  return code;
}
