/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "key_store.h"
#include "report.h"
#include "state_alerts.h"

#define ROUNDS_MAX 32

bool kt_own_set(struct kt_session *session, struct kt_bytes value, struct kt_device_set *ret_set)
{
  return value.data != NULL && kt_device_set_decode(value, &session->arena, ret_set) == KT_OK;
}

enum kt_err kt_own_load(void *ctx, struct kt_session *session)
{
  struct kt_own_label *own = ctx;
  own->judged = NULL;
  own->n_judged = 0;
  if (own->transient) {
    own->account = own->kept;
    return KT_OK;
  }
  enum kt_err err = kt_state_account(&session->state, own->label, &session->arena, &own->account);
  if (err == KT_OK) {
    err = kt_state_approvals(&session->state, own->label, &session->arena, &own->known);
  }
  return err;
}

void kt_own_init(struct kt_own_label *own, struct kt_session *session, struct kt_bytes label)
{
  *own = (struct kt_own_label){ .session = session, .label = label };
  kt_text_clean(label, own->name, sizeof own->name);
}

enum kt_exit kt_own_open(struct kt_own_label *own, struct kt_session *session, struct kt_bytes label)
{
  enum kt_err err;
  kt_own_init(own, session, label);
  enum kt_exit code = kt_session_read(session, kt_own_load, own, &err);
  return code == KT_EXIT_OK && err != KT_OK ? KT_EXIT_ABSENT : code;
}

/* --- judging ---------------------------------------------------------------------------------------------------------- */

/* A baseline version signed by our key was made by another computer of ours. */
static enum kt_err adopt(struct kt_own_label *own, const struct kt_device_set *set, struct kt_bytes value)
{
  if (!own->baseline || set == NULL || !set->is_signed || !kt_account_key_equal(&set->account_key, &own->account.key)) {
    return KT_OK;
  }
  size_t n = own->known.n_own_values;
  struct kt_hash *hashes = kt_arena_alloc(&own->session->arena, n + 1, sizeof *hashes);
  if (hashes == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    hashes[i] = own->known.own_values[i];
  }
  kt_device_set_value_hash(value, &hashes[n]);
  own->known.own_values = hashes;
  own->known.n_own_values = n + 1;
  return KT_OK;
}

static enum kt_err judge_one(struct kt_own_label *own, const struct kt_logged_value *logged, struct kt_judged *ret)
{
  struct kt_own_account *account = &own->account;
  struct kt_device_set previous;
  struct kt_device_set set;
  enum kt_err err = adopt(own, kt_own_set(own->session, logged->value, &set) ? &set : NULL, logged->value);
  if (err != KT_OK) {
    return err;
  }
  own->known.state = account->account;
  own->known.has_key = true;
  own->known.key = account->key;
  own->known.lacks_key = !kt_key_is_here(own->session->state.home, own->label, &account->key);
  own->known.previous = kt_own_set(own->session, account->latest, &previous) ? &previous : NULL;
  ret->value = logged->value;
  err = kt_owner_judge(&own->known, logged, &own->session->arena, &ret->verdict);
  if (err != KT_OK) {
    return err;
  }
  account->account = ret->verdict.judgement.next;
  account->key = ret->verdict.key;
  account->latest = logged->value;
  if (ret->verdict.is_mine) {
    account->own = logged->value;
  }
  if (!ret->verdict.is_mine || own->baseline) { /* ours, but not made here: nobody here decided about its devices yet */
    account->foreign = logged->value;
  }
  account->n_judged++;
  return KT_OK;
}

enum kt_err kt_own_judge(struct kt_own_label *own, uint32_t first_version, const struct kt_bytes *values,
                         size_t n_values, uint64_t position, uint64_t time_ms)
{
  own->judged = kt_arena_alloc(&own->session->arena, n_values, sizeof *own->judged);
  own->n_judged = 0;
  if (own->judged == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n_values; i++) {
    const struct kt_logged_value logged = { .log_id = own->session->log_id,
                                            .label = own->label,
                                            .value = values[i],
                                            .version = first_version + (uint32_t)i,
                                            .position = position,
                                            .time_ms = time_ms };
    if (logged.version != own->account.n_judged) {
      continue; /* an earlier version has to come first: fetched by fetch_history */
    }
    enum kt_err err = judge_one(own, &logged, &own->judged[own->n_judged]);
    if (err != KT_OK) {
      return err;
    }
    own->n_judged++;
  }
  return KT_OK;
}

void kt_own_unused(struct kt_own_label *own, uint32_t first_version, uint32_t n)
{
  if (n > 0 && own->account.n_judged >= first_version && own->account.n_judged < first_version + n) {
    kt_output_note(own->session->out,
                   "kt-verify: %s: %" PRIu32 " version numbers from %" PRIu32 " on were skipped; they hold nothing\n",
                   own->name, n, first_version);
    own->account.n_judged = first_version + n;
  }
}

static bool worth_alerts(const struct kt_own_label *own, const struct kt_judged *judged)
{
  bool newest = !own->has_shown || own->account.n_judged > own->shown;
  return !own->baseline || (newest && judged == &own->judged[own->n_judged - 1]);
}

static enum kt_err commit_judged(struct kt_own_label *own, struct kt_session *session, const struct kt_judged *judged)
{
  const struct kt_owner_verdict *verdict = &judged->verdict;
  enum kt_raised raised;
  enum kt_err err =
      verdict->is_mine ? kt_state_add_own_value(&session->state, own->label, &verdict->judgement.value_hash) : KT_OK;
  for (size_t i = 0; i < verdict->n_alerts && err == KT_OK && worth_alerts(own, judged); i++) {
    const struct kt_alert alert = kt_report_with_keys(&verdict->alerts[i], &verdict->judgement.set, &session->arena);
    err = kt_state_raise(&session->state, &alert, own->label, kt_now_ms(), &session->arena, &raised);
  }
  return err;
}

enum kt_err kt_own_commit(void *ctx, struct kt_session *session)
{
  struct kt_own_label *own = ctx;
  if (own->transient) {
    own->kept = own->account;
    return KT_OK;
  }
  enum kt_err err = kt_state_put_account(&session->state, &own->account);
  for (size_t i = 0; i < own->n_judged && err == KT_OK; i++) {
    err = commit_judged(own, session, &own->judged[i]);
  }
  return err;
}

/* --- versions of one's own label ---------------------------------------------------------------------------------------- */

static void request_search(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct kt_own_label *own = ctx;
  kt_request_search(w, log, own->label, NULL);
}

/* The owner state monitors what it knows; a version it does not know yet is fetched next. So the search adds no
 * obligation of its own. */
static enum kt_err verify_search(void *ctx, const struct kt_client *client, struct kt_bytes response,
                                 struct kt_log_state *ret_log)
{
  struct kt_own_label *own = ctx;
  struct kt_search_result result;
  uint32_t known;
  bool has_known = kt_owner_greatest(&own->account.owner, &known);
  enum kt_err err = kt_verify_search(client, own->label, NULL, has_known ? &known : NULL, &own->account.owner.contact,
                                     response, &result);
  if (err == KT_OK || err == KT_ERR_ABSENT) {
    own->has_shown = err == KT_OK;
    own->shown = result.version;
    *ret_log = result.log;
  }
  return err;
}

static enum kt_exit search(struct kt_own_label *own)
{
  struct kt_query query = { .path = "/v1/search",
                            .what = own->name,
                            .ctx = own,
                            .load = kt_own_load,
                            .request = request_search,
                            .verify = verify_search };
  enum kt_exit code = kt_session_query(own->session, &query);
  return code == KT_EXIT_ABSENT ? KT_EXIT_OK : code;
}

static void request_fetch(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct kt_own_label *own = ctx;
  kt_request_update(w, log, own->label, &own->account.owner, NULL, 0);
}

static enum kt_err verify_fetch(void *ctx, const struct kt_client *client, struct kt_bytes response,
                                struct kt_log_state *ret_log)
{
  struct kt_own_label *own = ctx;
  struct kt_update_result result;
  enum kt_err err = kt_verify_update(client, own->label, &own->account.owner, NULL, 0, response, &result);
  if (err == KT_OK) {
    own->account.owner = result.owner;
    *ret_log = result.log;
    kt_own_unused(own, result.first_version - result.n_skipped, result.n_skipped);
    err = kt_own_judge(own, result.first_version, result.values, result.n_values, result.position, result.position_ms);
  }
  return err;
}

static void request_history(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct kt_own_label *own = ctx;
  const uint32_t version = own->account.n_judged + own->n_skipped;
  kt_request_search(w, log, own->label, &version);
}

/* What came before is unknown: the set says itself which it follows. Who signed it is judged as always. */
static void leave_out_skipped(struct kt_own_label *own, struct kt_bytes value)
{
  struct kt_own_account *account = &own->account;
  struct kt_device_set set;
  if (own->n_skipped > 0 && kt_own_set(own->session, value, &set)) {
    account->account.n_sets = set.seq;
    account->account.latest = set.previous;
  }
  account->n_judged += own->n_skipped;
}

static enum kt_err verify_history(void *ctx, const struct kt_client *client, struct kt_bytes response,
                                  struct kt_log_state *ret_log)
{
  struct kt_own_label *own = ctx;
  struct kt_search_result result;
  const uint32_t version = own->account.n_judged + own->n_skipped;
  enum kt_err err =
      kt_verify_search(client, own->label, &version, NULL, &own->account.owner.contact, response, &result);
  if (err == KT_ERR_ABSENT) { /* proven to hold nothing */
    *ret_log = result.log;
    own->n_judged = 0;
    kt_own_unused(own, version, own->n_skipped == 0 ? 1 : 0);
  } else if (err == KT_OK) {
    *ret_log = result.log;
    leave_out_skipped(own, result.value);
    err = kt_own_judge(own, version, &result.value, 1, result.terminal, result.terminal_ms);
  }
  return err;
}

/* Not an alert, and not nothing: the planned device is there. */
static void note_expected(const struct kt_own_label *own)
{
  for (size_t i = 0; i < own->n_judged; i++) {
    if (own->judged[i].verdict.is_expected) {
      kt_output_note(own->session->out,
                     "kt-verify: %s: another computer of yours listed a device that you approved beforehand\n",
                     own->name);
    }
  }
}

static bool knows_more_than_judged(const struct kt_own_label *own)
{
  uint32_t known;
  return kt_owner_greatest(&own->account.owner, &known) && known >= own->account.n_judged &&
         known - own->account.n_judged >= own->n_skipped;
}

static void tell_skipped(struct kt_own_label *own)
{
  kt_session_tell_gap(own->session, own->name,
                      "%" PRIu32
                      " older version%s of the list of devices expired before this home saw %s; the log does "
                      "not show them to anybody any more",
                      own->n_skipped, own->n_skipped == 1 ? "" : "s", own->n_skipped == 1 ? "it" : "them");
  own->n_skipped = 0;
}

/* Versions that were there before the owner state began, one by one. */
static enum kt_exit fetch_history(struct kt_own_label *own)
{
  struct kt_query query = { .path = "/v1/search",
                            .what = own->name,
                            .ctx = own,
                            .load = kt_own_load,
                            .request = request_history,
                            .verify = verify_history,
                            .commit = kt_own_commit,
                            .quiet_expiry = own->baseline || own->is_late };
  enum kt_exit code = KT_EXIT_OK;
  own->n_skipped = 0;
  while (code == KT_EXIT_OK && knows_more_than_judged(own)) {
    code = kt_session_query(own->session, &query);
    if ((query.quiet_expiry && query.expired) || (code == KT_EXIT_ABSENT && own->n_skipped > 0)) {
      own->n_skipped++;
      code = KT_EXIT_OK;
    } else if (code == KT_EXIT_OK && own->n_skipped > 0) {
      tell_skipped(own);
    }
    code = code == KT_EXIT_ABSENT ? KT_EXIT_OK : code; /* a number that was never used */
    note_expected(own);
  }
  return code;
}

/* Does the log show more than the owner state knows? */
static bool shows_more(const struct kt_own_label *own)
{
  uint32_t known;
  bool has_known = kt_owner_greatest(&own->account.owner, &known);
  return own->has_shown && (!has_known || own->shown > known);
}

static enum kt_exit fetch_new(struct kt_own_label *own)
{
  struct kt_query query = { .path = "/v1/update",
                            .what = own->name,
                            .ctx = own,
                            .load = kt_own_load,
                            .request = request_fetch,
                            .verify = verify_fetch,
                            .commit = kt_own_commit,
                            .quiet_expiry = true };
  enum kt_exit code = KT_EXIT_OK;
  while (code == KT_EXIT_OK && shows_more(own)) {
    /* Each answer adds at least one version (R36), so this ends. */
    code = kt_session_query(own->session, &query);
    code = query.expired ? kt_own_initialize_anew(own, code) : code;
    note_expected(own);
  }
  return code;
}

enum kt_exit kt_own_refresh(struct kt_own_label *own)
{
  enum kt_exit code = search(own);
  if (code == KT_EXIT_OK) {
    code = fetch_history(own);
  }
  if (code == KT_EXIT_OK) {
    code = fetch_new(own);
  }
  return code == KT_EXIT_OK ? fetch_history(own) : code;
}

/* --- owner monitoring ------------------------------------------------------------------------------------------------------- */

struct monitoring {
  struct kt_own_label *own;
  bool complete;
  bool moved;
};

static enum kt_err load_monitoring(void *ctx, struct kt_session *session)
{
  struct monitoring *monitoring = ctx;
  return kt_own_load(monitoring->own, session);
}

static void request_monitor(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct monitoring *monitoring = ctx;
  kt_request_owner_monitor(w, log, monitoring->own->label, &monitoring->own->account.owner);
}

static enum kt_err verify_monitor(void *ctx, const struct kt_client *client, struct kt_bytes response,
                                  struct kt_log_state *ret_log)
{
  struct monitoring *monitoring = ctx;
  struct kt_own_account *account = &monitoring->own->account;
  struct kt_owner_result result;
  enum kt_err err = kt_verify_owner_monitor(client, &account->owner, response, &result);
  if (err == KT_OK) {
    monitoring->complete = result.complete;
    monitoring->moved = result.owner.start > account->owner.start;
    account->owner = result.owner;
    *ret_log = result.log;
  }
  return err;
}

static enum kt_err commit_monitor(void *ctx, struct kt_session *session)
{
  struct monitoring *monitoring = ctx;
  if (monitoring->complete) {
    monitoring->own->account.checked_ms = kt_now_ms();
  }
  return kt_own_commit(monitoring->own, session);
}

static enum kt_exit monitor(struct kt_own_label *own, bool *ret_complete)
{
  struct monitoring monitoring = { .own = own };
  struct kt_query query = { .path = "/v1/owner/monitor",
                            .what = own->name,
                            .ctx = &monitoring,
                            .load = load_monitoring,
                            .request = request_monitor,
                            .verify = verify_monitor,
                            .commit = commit_monitor,
                            .quiet_expiry = true,
                            .quiet_refusal = true };
  enum kt_exit code;
  do {
    code = kt_session_query(own->session, &query);
  } while (code == KT_EXIT_OK && !monitoring.complete && monitoring.moved);
  if (query.expired) {
    code = kt_own_initialize_anew(own, code);
    *ret_complete = code == KT_EXIT_OK; /* the start is the rightmost distinguished entry */
    return code;
  }
  if (query.status != 0 && code == KT_EXIT_UNDECIDED) {
    return kt_output_fail(own->session->out, code, "monitoring-refused",
                          "%s: the log refuses to be monitored (status %d)", own->name, query.status);
  }
  *ret_complete = code == KT_EXIT_OK && monitoring.complete;
  return code;
}

/* New versions first, so that monitoring knows what to expect; an honest log stops early only when a version appeared
 * in between, so stopping early twice without one is a failure (R34). */
enum kt_exit kt_own_check(struct kt_own_label *own)
{
  bool complete = false;
  bool grew = true;
  for (int i = 0; i < ROUNDS_MAX && !complete; i++) {
    uint32_t judged_before = own->account.n_judged;
    enum kt_exit code = kt_own_refresh(own);
    grew = i == 0 || own->account.n_judged > judged_before;
    if (code == KT_EXIT_OK && !grew) {
      break;
    }
    if (code == KT_EXIT_OK) {
      code = monitor(own, &complete);
    }
    if (code != KT_EXIT_OK) {
      return code;
    }
  }
  if (complete) {
    return KT_EXIT_OK;
  }
  const struct kt_reason reason = {
    .code = "monitoring-incomplete",
    .text = "the log ends owner monitoring early, although it shows no newer version",
    .section = "Monitoring the Tree / Owner Algorithm",
    .position = own->account.owner.start,
    .has_position = true,
  };
  return kt_output_fail_reason(own->session->out, KT_ERR_PROOF, &reason, own->name);
}
