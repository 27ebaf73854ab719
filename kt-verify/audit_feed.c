/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_feed.h"

#include <inttypes.h>
#include <malloc.h>
#include <string.h>

#include "crypto/hash.h"
#include "heads.h"
#include "wire/auditor.h"

static void interrupt(const struct kt_audit_feed *feed)
{
  if (feed->interrupt != NULL) {
    feed->interrupt(feed->ctx);
  }
}

/* --- threads and memory ------------------------------------------------------------------------------------------------- */

/* One page's memory serves for the next. The C library would give back memory of that size, and the system would clear it
 * each time. */
static void keep_memory(void)
{
  (void)mallopt(M_MMAP_THRESHOLD, (int)KT_REPLY_MAX + 1);
  (void)mallopt(M_TRIM_THRESHOLD, (int)KT_REPLY_MAX);
}

enum kt_exit kt_audit_feed_open(struct kt_audit_feed *feed, const struct kt_cli *cli, struct kt_output *out)
{
  const char *text = cli->values[KT_OPT_JOBS];
  uint64_t jobs = kt_threads_default();
  keep_memory();
  if (text != NULL && (!kt_cli_number(text, KT_THREADS_MAX, &jobs) || jobs == 0)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "--jobs %s: from 1 to %d threads", text, KT_THREADS_MAX);
  }
  if (jobs > 1 && kt_audit_ahead_new((unsigned)jobs, &feed->ahead) != KT_OK) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "memory", "no threads can be started: --jobs 1 needs none");
  }
  return KT_EXIT_OK;
}

void kt_audit_feed_release(struct kt_audit_feed *feed)
{
  kt_audit_ahead_free(feed->ahead);
  feed->ahead = NULL;
  kt_audit_recent_release(&feed->recent);
}

/* --- failures ----------------------------------------------------------------------------------------------------------- */

/* The entry as it was received, as one page: no proof against the log, but what to look at. */
static void keep_entry(struct kt_audit_feed *feed, const char *code, uint64_t position, struct kt_bytes entry)
{
  char request[96];
  struct kt_writer w;
  int n = snprintf(request, sizeof request, "GET /v1/audit?start=%" PRIu64 "&limit=1", position);
  kt_writer_init(&w, KT_REPLY_MAX + 4);
  kt_write_u32(&w, 1);
  kt_write_bytes(&w, entry.data, entry.len);
  if (w.err == KT_OK) {
    kt_session_keep_failed(feed->session, code, (struct kt_bytes){ (const uint8_t *)request, (size_t)n },
                           (struct kt_bytes){ w.buf, w.len });
  }
  kt_writer_release(&w);
}

static enum kt_exit fail_entry(struct kt_audit_feed *feed, enum kt_err err, struct kt_reason *reason,
                               struct kt_bytes entry)
{
  struct kt_output *out = feed->session->out;
  char what[64];
  uint64_t position = feed->state.size;
  if (!reason->has_position) {
    reason->position = position;
    reason->has_position = true;
  }
  if (reason->code == NULL) {
    reason->code = err == KT_ERR_MEMORY ? "memory" : "audit-format";
    reason->text = kt_err_text(err);
  }
  snprintf(what, sizeof what, "audit of entry %" PRIu64, position);
  interrupt(feed);
  kt_output_status(out, kt_output_is_refuted(err) ? KT_EXIT_FAILED : KT_EXIT_UNDECIDED, "entry %" PRIu64 ": %s",
                   position, reason->text);
  enum kt_exit code = kt_output_fail_reason(out, err, reason, what);
  feed->stands = err != KT_ERR_MEMORY;
  if (code == KT_EXIT_FAILED) {
    keep_entry(feed, reason->code, position, entry);
  }
  return code;
}

static enum kt_exit refused(struct kt_audit_feed *feed, const struct kt_reply *reply)
{
  if (reply->kind == KT_REPLY_PROBLEM && reply->status == 410) {
    feed->stands = true;
    return kt_output_fail(feed->session->out, KT_EXIT_UNDECIDED, "pruned",
                          "the log no longer has the entries from %" PRIu64
                          " on: audit what it kept, with --from N (%s)",
                          feed->state.size, reply->error);
  }
  return kt_session_refused(feed->session, reply, "audit");
}

/* --- entries ------------------------------------------------------------------------------------------------------------ */

static enum kt_exit step(struct kt_audit_feed *feed, const struct kt_audit_page_entry *entry)
{
  const struct kt_config *config = &feed->session->config;
  const struct kt_auditor_update *update = &entry->update;
  struct kt_reason reason = { .code = NULL };
  uint64_t pos = 0;
  const uint64_t *published = kt_audit_published(config, &feed->state, update->timestamp, &pos) ? &pos : NULL;
  const struct kt_audit_history history = kt_audit_recent_history(&feed->recent);
  struct kt_audit_state next;
  enum kt_err err = kt_audit_step_with(config, &feed->state, update, &entry->change, &history, &next, &reason);
  if (err == KT_OK && update->n_removed > 0 && !kt_audit_recent_reaches(&feed->recent, feed->from, published)) {
    err = kt_fail(&reason, KT_ERR_UNDETERMINED, "audit-history",
                  "a leaf is removed, and this run does not know when it was added: audit again with --from",
                  "Third Parties / Auditing");
  }
  if (err == KT_OK) {
    err = kt_audit_recent_add(&feed->recent, update, feed->state.size, published);
  }
  if (err != KT_OK) {
    return fail_entry(feed, err, &reason, entry->encoded);
  }
  feed->leaves += update->n_added;
  feed->state = next;
  return feed->reached(feed->ctx, update, published);
}

static enum kt_exit take_entry(struct kt_audit_feed *feed, const struct kt_audit_page_entry *entry)
{
  struct kt_reason reason = { .code = NULL };
  return entry->err == KT_OK ? step(feed, entry) : fail_entry(feed, entry->err, &reason, entry->encoded);
}

static enum kt_exit take_page(struct kt_audit_feed *feed, const struct kt_audit_page *page)
{
  struct kt_output *out = feed->session->out;
  if (page->n == 0 && page->err == KT_OK) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "audit-incomplete",
                          "the log does not hand out entry %" PRIu64 ", which its signed head says exists",
                          feed->state.size);
  }
  enum kt_exit code = KT_EXIT_OK;
  for (size_t i = 0; i < page->n && code == KT_EXIT_OK; i++) {
    code = take_entry(feed, &page->entries[i]);
  }
  if (code == KT_EXIT_OK && page->err == KT_ERR_MEMORY) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  if (code == KT_EXIT_OK && page->err != KT_OK) {
    return kt_output_fail(out, KT_EXIT_FAILED, "audit-format", "the page that ends with entry %" PRIu64 " is malformed",
                          feed->state.size);
  }
  return code;
}

static enum kt_exit take_answer(struct kt_audit_feed *feed, const struct kt_audit_page *page)
{
  return page->reply.kind == KT_REPLY_OK ? take_page(feed, page) : refused(feed, &page->reply);
}

enum kt_exit kt_audit_feed_page(struct kt_audit_feed *feed, uint64_t target)
{
  struct kt_transport *transport = feed->session->transport;
  if (feed->ahead != NULL) {
    enum kt_exit code = take_answer(feed, kt_audit_ahead_next(feed->ahead, transport, feed->state.size, target));
    kt_audit_ahead_done(feed->ahead);
    return code;
  }
  struct kt_audit_page page;
  kt_audit_page_fetch(&page, transport, feed->state.size, target);
  if (page.reply.kind == KT_REPLY_OK) {
    kt_audit_page_read(&page);
  }
  enum kt_exit code = take_answer(feed, &page);
  kt_audit_page_release(&page);
  return code;
}

/* --- the signed tree --------------------------------------------------------------------------------------------------- */

static enum kt_exit signed_root_at(struct kt_audit_feed *feed, uint64_t size, struct kt_hash *ret_root)
{
  struct kt_bytes consistency;
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_exit code =
      kt_heads_root_under(feed->session, feed->newest_size, &feed->newest_root, size, &arena, ret_root, &consistency);
  kt_arena_release(&arena);
  return code;
}

enum kt_exit kt_audit_feed_confirm(struct kt_audit_feed *feed, uint64_t first)
{
  struct kt_output *out = feed->session->out;
  struct kt_hash root;
  struct kt_hash expected;
  enum kt_exit code = signed_root_at(feed, feed->state.size, &expected);
  if (code != KT_EXIT_OK) {
    return code;
  }
  kt_audit_root(&feed->state, &root);
  if (kt_hash_equal(&root, &expected)) {
    return KT_EXIT_OK;
  }
  interrupt(feed);
  kt_output_status(out, KT_EXIT_FAILED, "entries %" PRIu64 " to %" PRIu64 " are not those of the signed tree", first,
                   feed->state.size - 1);
  return kt_output_fail(out, KT_EXIT_FAILED, "audit-root",
                        "entries %" PRIu64 " to %" PRIu64 " as handed out for auditing lead to another tree than the "
                        "one the log signed",
                        first, feed->state.size - 1);
}

enum kt_exit kt_audit_feed_start(struct kt_audit_feed *feed)
{
  struct kt_session *session = feed->session;
  char path[96];
  struct kt_hash root;
  struct kt_reply reply;
  struct kt_reason reason = { .code = NULL };
  enum kt_exit code = signed_root_at(feed, feed->from, &root);
  if (code != KT_EXIT_OK) {
    return code;
  }
  snprintf(path, sizeof path, "/v1/audit/state?size=%" PRIu64, feed->from);
  kt_transport_get(session->transport, path, &reply);
  if (reply.kind != KT_REPLY_OK) {
    code = refused(feed, &reply);
  } else {
    enum kt_err err =
        kt_audit_state_verify(feed->from, &root, kt_reply_body(&reply), &session->arena, &feed->state, &reason);
    code = err == KT_OK ? KT_EXIT_OK : kt_output_fail_reason(session->out, err, &reason, "start of the audit");
  }
  kt_reply_release(&reply);
  return code;
}
