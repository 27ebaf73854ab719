/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "state_alerts.h"

#define BIT(kind) (1u << (kind))

enum kt_err kt_watch_read(void *ctx, struct kt_session *session)
{
  struct kt_watch *watch = ctx;
  return watch->transient ? KT_OK : kt_state_contact(&session->state, watch->label, &session->arena, &watch->other);
}

void kt_watch_init(struct kt_watch *watch, struct kt_session *session, struct kt_bytes label)
{
  *watch = (struct kt_watch){ .session = session, .label = label };
  kt_text_clean(label, watch->name, sizeof watch->name);
}

enum kt_exit kt_watch_load(struct kt_watch *watch)
{
  enum kt_err err;
  return kt_session_read(watch->session, kt_watch_read, watch, &err);
}

/* --- the newest version --------------------------------------------------------------------------------------------------- */

static void request_search(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct kt_watch *watch = ctx;
  kt_request_search(w, log, watch->label, NULL);
}

enum kt_err kt_watch_verdict(const struct kt_other_label *other, const struct kt_logged_value *logged,
                             bool allow_unsigned, uint64_t now_ms, struct kt_arena *arena,
                             struct kt_contact_verdict *ret_verdict)
{
  struct kt_contact_knowledge known = { .contact = other->contact, .allow_unsigned = allow_unsigned };
  struct kt_device_set last;
  if (other->last.data != NULL && kt_device_set_decode(other->last, arena, &last) == KT_OK) {
    known.last = &last;
    kt_device_set_value_hash(other->last, &known.last_hash);
  }
  return kt_contact_judge(&known, logged, now_ms, arena, ret_verdict);
}

enum kt_err kt_watch_judge(struct kt_watch *watch, struct kt_bytes value, uint64_t now_ms, struct kt_arena *arena)
{
  const struct kt_logged_value logged = { .log_id = watch->session->log_id,
                                          .label = watch->label,
                                          .value = value,
                                          .version = watch->version,
                                          .position = watch->position,
                                          .time_ms = watch->time_ms };
  enum kt_err err = kt_watch_verdict(&watch->other, &logged, watch->allow_unsigned, now_ms, arena, &watch->verdict);
  if (err == KT_OK) {
    watch->other.contact = watch->verdict.contact;
    if (watch->verdict.is_endorsed) {
      watch->other.last = value;
    }
  }
  return err;
}

static enum kt_err verify_search(void *ctx, const struct kt_client *client, struct kt_bytes response,
                                 struct kt_log_state *ret_log)
{
  struct kt_watch *watch = ctx;
  struct kt_search_result result;
  const uint32_t *known = watch->other.has_version ? &watch->other.version : NULL;
  enum kt_err err = kt_verify_search(client, watch->label, NULL, known, &watch->other.monitoring, response, &result);
  if (err == KT_OK || err == KT_ERR_ABSENT) {
    *ret_log = result.log;
    watch->found = err == KT_OK;
  }
  if (err == KT_OK) {
    watch->version = result.version;
    watch->position = result.terminal;
    watch->time_ms = result.terminal_ms;
    watch->first_unseen = watch->other.has_version ? watch->other.version + 1 : 0;
    watch->other.monitoring = result.contact;
    watch->other.has_version = true;
    watch->other.version = result.version;
    err = kt_watch_judge(watch, result.value, client->now_ms, client->arena);
  }
  return err;
}

enum kt_err kt_watch_settle(struct kt_session *session, struct kt_bytes label, unsigned kinds,
                            enum kt_settlement settlement, uint32_t version)
{
  struct kt_ledger_entry *entries;
  size_t n;
  enum kt_err err = kt_state_alerts(&session->state, &label, &session->arena, &entries, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    const struct kt_alert *alert = &entries[i].alert;
    if (alert->audience != KT_AUDIENCE_OWNER && (kinds & BIT(alert->kind)) != 0) {
      err = kt_state_settle(&session->state, &entries[i], settlement, version, kt_now_ms());
    }
  }
  return err;
}

/* What the newest version answers: a set that the pinned key stands behind, or one accepted without signature. */
static enum kt_err settle(struct kt_watch *watch)
{
  const unsigned doubts =
      BIT(KT_ALERT_UNSIGNED_SET) | BIT(KT_ALERT_ACCOUNT_KEY_CHANGED) | BIT(KT_ALERT_VERSION_NOT_MINE);
  if (watch->verdict.is_endorsed) {
    return kt_watch_settle(watch->session, watch->label, doubts, KT_SETTLEMENT_REMOVED, watch->version);
  }
  if (watch->allow_unsigned && watch->verdict.judgement.set_class == KT_SET_UNSIGNED) {
    return kt_watch_settle(watch->session, watch->label, BIT(KT_ALERT_UNSIGNED_SET), KT_SETTLEMENT_APPROVED, 0);
  }
  return KT_OK;
}

enum kt_err kt_watch_keep(struct kt_watch *watch)
{
  struct kt_session *session = watch->session;
  enum kt_raised raised;
  enum kt_err err = kt_state_put_contact(&session->state, &watch->other);
  for (size_t i = 0; i < watch->verdict.n_alerts && err == KT_OK; i++) {
    const struct kt_alert alert =
        kt_report_with_keys(&watch->verdict.alerts[i], &watch->verdict.judgement.set, &session->arena);
    err = kt_state_raise(&session->state, &alert, watch->label, kt_now_ms(), &session->arena, &raised);
  }
  return err;
}

static enum kt_err commit_search(void *ctx, struct kt_session *session)
{
  struct kt_watch *watch = ctx;
  (void)session;
  if (!watch->found || watch->transient || kt_watch_wants_history(watch)) {
    return KT_OK; /* with the history it is judged again */
  }
  if (watch->other.monitoring.n_map == 0) {
    watch->other.checked_ms = kt_now_ms(); /* nothing is left to be monitored */
  }
  enum kt_err err = kt_watch_keep(watch);
  return err == KT_OK ? settle(watch) : err;
}

struct kt_query kt_watch_search_query(struct kt_watch *watch)
{
  return (struct kt_query){ .path = "/v1/search",
                            .what = watch->name,
                            .ctx = watch,
                            .load = kt_watch_read,
                            .request = request_search,
                            .verify = verify_search,
                            .commit = commit_search };
}

static enum kt_exit search(struct kt_watch *watch)
{
  struct kt_query query = kt_watch_search_query(watch);
  return kt_session_query(watch->session, &query);
}

enum kt_exit kt_watch_look(struct kt_watch *watch)
{
  enum kt_exit code = search(watch);
  if (code == KT_EXIT_OK && kt_watch_wants_history(watch)) {
    code = kt_watch_follow(watch);
    code = code == KT_EXIT_OK ? search(watch) : code;
  }
  if (code == KT_EXIT_OK) {
    kt_watch_add_notes(watch);
  }
  return code == KT_EXIT_OK ? kt_watch_monitor(watch) : code;
}

/* --- obligations -------------------------------------------------------------------------------------------------------------- */

static void request_monitor(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct kt_watch *watch = ctx;
  kt_request_contact(w, log, watch->label, &watch->other.monitoring);
}

static enum kt_err verify_monitor(void *ctx, const struct kt_client *client, struct kt_bytes response,
                                  struct kt_log_state *ret_log)
{
  struct kt_watch *watch = ctx;
  struct kt_contact_result result;
  enum kt_err err = kt_verify_contact(client, &watch->other.monitoring, response, &result);
  if (err == KT_OK) {
    watch->other.monitoring = result.contact;
    *ret_log = result.log;
  }
  return err;
}

static enum kt_err commit_monitor(void *ctx, struct kt_session *session)
{
  struct kt_watch *watch = ctx;
  watch->other.checked_ms = kt_now_ms();
  return kt_state_put_contact(&session->state, &watch->other);
}

static enum kt_err mark_checked(void *ctx, struct kt_session *session)
{
  enum kt_err err = kt_watch_read(ctx, session);
  return err == KT_OK ? commit_monitor(ctx, session) : err;
}

static enum kt_err forget_obligation(void *ctx, struct kt_session *session)
{
  struct kt_watch *watch = ctx;
  enum kt_err err = kt_watch_read(watch, session);
  watch->other.monitoring.n_map = 0;
  watch->other.monitoring.n_known = 0;
  return err == KT_OK ? commit_monitor(watch, session) : err;
}

/* "Offline beyond the lifetime: … the contact is told." Only who was away that long may give up. */
static enum kt_exit give_up(struct kt_watch *watch, enum kt_exit code)
{
  enum kt_err err;
  char time[KT_TIME_SIZE];
  if (!kt_session_is_late(watch->session, watch->other.checked_ms)) {
    return kt_output_fail(
        watch->session->out, code, "gone-early",
        "%s: the log says that it removed what following this label needs, but it was checked recently "
        "enough: no log may have removed that yet",
        watch->name);
  }
  kt_report_time(watch->other.checked_ms, time);
  kt_session_tell_gap(
      watch->session, watch->name,
      "followed up last on %s, longer ago than the log keeps entries. Whether what the log showed then was "
      "hidden from its owner afterwards cannot be checked any more. What it shows now is checked as always; "
      "to be sure about the time between, compare codes in person",
      time);
  return kt_session_write(watch->session, forget_obligation, watch, &err);
}

struct kt_query kt_watch_monitor_query(struct kt_watch *watch)
{
  return (struct kt_query){ .path = "/v1/contact-monitor",
                            .what = watch->name,
                            .ctx = watch,
                            .load = kt_watch_read,
                            .request = request_monitor,
                            .verify = verify_monitor,
                            .commit = commit_monitor,
                            .quiet_expiry = true };
}

enum kt_exit kt_watch_monitor(struct kt_watch *watch)
{
  struct kt_query query = kt_watch_monitor_query(watch);
  enum kt_err err;
  if (watch->transient) {
    return KT_EXIT_OK;
  }
  if (watch->other.monitoring.n_map == 0) {
    return kt_session_write(watch->session, mark_checked, watch, &err);
  }
  enum kt_exit code = kt_session_query(watch->session, &query);
  return query.expired ? give_up(watch, code) : code;
}

/* --- an older version ----------------------------------------------------------------------------------------------------------- */

static enum kt_err load_old(void *ctx, struct kt_session *session)
{
  struct kt_old_version *old = ctx;
  return kt_watch_read(old->watch, session);
}

static void request_old(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct kt_old_version *old = ctx;
  kt_request_search(w, log, old->watch->label, &old->version);
}

static enum kt_err verify_old(void *ctx, const struct kt_client *client, struct kt_bytes response,
                              struct kt_log_state *ret_log)
{
  struct kt_old_version *old = ctx;
  struct kt_watch *watch = old->watch;
  struct kt_search_result result;
  struct kt_account_state state = { .has_key = watch->other.contact.has_key, .key = watch->other.contact.key };
  enum kt_err err =
      kt_verify_search(client, watch->label, &old->version, NULL, &watch->other.monitoring, response, &result);
  if (err == KT_OK || err == KT_ERR_ABSENT) {
    *ret_log = result.log;
  }
  if (err == KT_OK) {
    old->position = result.terminal;
    old->time_ms = result.terminal_ms;
    watch->other.monitoring = result.contact;
    err =
        kt_account_inspect(&state, &watch->session->log_id, watch->label, result.value, client->arena, &old->judgement);
  }
  return err;
}

static enum kt_err commit_old(void *ctx, struct kt_session *session)
{
  struct kt_old_version *old = ctx;
  return old->watch->transient ? KT_OK : kt_state_put_contact(&session->state, &old->watch->other);
}

enum kt_exit kt_watch_version(struct kt_old_version *old)
{
  struct kt_watch *watch = old->watch;
  struct kt_query query = { .path = "/v1/search",
                            .what = watch->name,
                            .ctx = old,
                            .load = load_old,
                            .request = request_old,
                            .verify = verify_old,
                            .commit = commit_old,
                            .quiet_expiry = true,
                            .quiet_refusal = true };
  enum kt_exit code = kt_session_query(watch->session, &query);
  if (query.status == 422) { /* "A fixed version above the greatest gets 422": to be proven */
    code = kt_watch_look(watch);
    if (code == KT_EXIT_OK && watch->version >= old->version) {
      return kt_output_fail(watch->session->out, KT_EXIT_FAILED, "version-withheld",
                            "%s: the log proves version %" PRIu32 " and yet refuses version %" PRIu32, watch->name,
                            watch->version, old->version);
    }
    return code == KT_EXIT_OK ? KT_EXIT_ABSENT : code;
  }
  if (query.expired) {
    return kt_output_fail(watch->session->out, KT_EXIT_UNDECIDED, "expired",
                          "%s: version %" PRIu32
                          " was replaced longer ago than the log keeps entries, and its value is gone",
                          watch->name, old->version);
  }
  if (query.status == 410) {
    return kt_output_fail(watch->session->out, KT_EXIT_UNDECIDED, "gone",
                          "%s: the log says that version %" PRIu32 " was erased", watch->name, old->version);
  }
  if (query.status != 0 && code == KT_EXIT_UNDECIDED && query.status != 429 && query.status < 500) {
    return kt_output_fail(watch->session->out, code, "refused", "%s: the log refuses the request (%d)", watch->name,
                          query.status);
  }
  return code == KT_EXIT_OK ? kt_watch_monitor(watch) : code;
}
