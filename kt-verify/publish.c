/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include <inttypes.h>
#include <string.h>

#include "publish_set.h"
#include "state_alerts.h"

#define TRIES_MAX 4

/* --- approvals -------------------------------------------------------------------------------------------------------- */

enum kt_err kt_publish_disown(struct kt_own_label *own, const struct kt_device_id *id)
{
  struct kt_state *state = &own->session->state;
  struct kt_device_set known;
  enum kt_err err = kt_publish_candidates(own, &known);
  if (err != KT_OK) {
    return err;
  }
  const struct kt_device *device = kt_publish_find(known.devices, known.n_devices, id);
  for (size_t i = 0; device != NULL && err == KT_OK && i < device->n_keys; i++) {
    struct kt_hash fingerprint;
    err = kt_device_key_fingerprint(&device->keys[i], &fingerprint);
    if (err == KT_OK) {
      err = kt_state_disapprove_key(state, own->label, &fingerprint);
    }
  }
  return err == KT_OK ? kt_state_disapprove(state, own->label, id) : err;
}

static enum kt_err approve_added(struct kt_publication *publication)
{
  struct kt_own_label *own = publication->own;
  struct kt_approved_device approved;
  struct kt_hash fingerprint;
  enum kt_err err = KT_OK;
  if (publication->add != NULL) {
    approved.id = publication->add->id;
    err = kt_device_keys_hash(publication->add, &approved.keys);
    if (err == KT_OK) {
      err = kt_state_approve(&own->session->state, own->label, &approved);
    }
  }
  if (err == KT_OK && publication->add_recovery != NULL) {
    kt_account_key_fingerprint(publication->add_recovery, &fingerprint);
    err = kt_state_approve_key(&own->session->state, own->label, &fingerprint);
  }
  return err;
}

static enum kt_err disown_removed(struct kt_publication *publication)
{
  struct kt_own_label *own = publication->own;
  struct kt_hash fingerprint;
  enum kt_err err = publication->n_remove > 0 ? kt_own_load(own, own->session) : KT_OK;
  for (size_t i = 0; err == KT_OK && i < publication->n_remove; i++) {
    err = kt_publish_disown(own, &publication->remove[i]);
  }
  if (err == KT_OK && publication->remove_recovery != NULL) {
    kt_account_key_fingerprint(publication->remove_recovery, &fingerprint);
    err = kt_state_disapprove_key(&own->session->state, own->label, &fingerprint);
  }
  return err;
}

/* In one transaction: approvals, the value, and that it is ours. */
static enum kt_err prepare(void *ctx, struct kt_session *session)
{
  struct kt_publication *publication = ctx;
  struct kt_own_label *own = publication->own;
  struct kt_hash hash;
  enum kt_err err = approve_added(publication);
  if (err == KT_OK) {
    err = disown_removed(publication);
  }
  if (err == KT_OK) {
    err = kt_own_load(own, session);
  }
  if (err == KT_OK && kt_publish_is_undecided(publication)) {
    err = KT_ERR_DENIED;
  }
  if (err == KT_OK) {
    err = kt_publish_make(publication);
  }
  if (err == KT_OK) {
    kt_device_set_value_hash(publication->value, &hash);
    err = kt_state_add_own_value(&session->state, own->label, &hash);
  }
  return err;
}

/* --- publishing --------------------------------------------------------------------------------------------------------- */

static enum kt_err load(void *ctx, struct kt_session *session)
{
  struct kt_publication *publication = ctx;
  return kt_own_load(publication->own, session);
}

static void request(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct kt_publication *publication = ctx;
  kt_request_update(w, log, publication->own->label, &publication->own->account.owner, &publication->value, 1);
}

static enum kt_err verify(void *ctx, const struct kt_client *client, struct kt_bytes response,
                          struct kt_log_state *ret_log)
{
  struct kt_publication *publication = ctx;
  struct kt_own_label *own = publication->own;
  struct kt_update_result result;
  enum kt_err err =
      kt_verify_update(client, own->label, &own->account.owner, &publication->value, 1, response, &result);
  if (err != KT_OK) {
    return err;
  }
  own->account.owner = result.owner;
  publication->disregarded = result.disregarded; /* R37 */
  publication->version = result.first_version;
  publication->position = result.position;
  *ret_log = result.log;
  kt_own_unused(own, result.first_version - result.n_skipped, result.n_skipped);
  return kt_own_judge(own, result.first_version, result.values, result.n_values, result.position, result.position_ms);
}

static bool about_device(const struct kt_alert *alert)
{
  return alert->kind == KT_ALERT_UNKNOWN_DEVICE || alert->kind == KT_ALERT_DEVICE_REMOVED;
}

/* False: this publication does not answer it. A device that another client of ours took off stays off, but nobody here said
 * yet that this is right. A version signed with the account key is answered by another key only. */
static bool answers(const struct kt_publication *publication, const struct kt_device_set *set,
                    const struct kt_alert *alert, enum kt_settlement *ret_how)
{
  if (alert->audience != KT_AUDIENCE_OWNER || (alert->by_account_key && publication->endorser == NULL)) {
    return false;
  }
  if (!about_device(alert)) {
    *ret_how = publication->settlement;
    return true;
  }
  bool listed = kt_publish_find(set->devices, set->n_devices, &alert->device) != NULL;
  *ret_how = listed ? KT_SETTLEMENT_APPROVED : KT_SETTLEMENT_REMOVED;
  return listed || alert->kind != KT_ALERT_DEVICE_REMOVED || kt_publish_removes(publication, &alert->device);
}

/* The alerts that the published set answers. Inside a transaction. */
static enum kt_err settle(const struct kt_publication *publication, const struct kt_device_set *set)
{
  const struct kt_own_label *own = publication->own;
  struct kt_state *state = &own->session->state;
  struct kt_ledger_entry *entries;
  size_t n;
  enum kt_err err = kt_state_alerts(state, &own->label, &own->session->arena, &entries, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    enum kt_settlement how;
    if (entries[i].settlement == KT_SETTLEMENT_OPEN && answers(publication, set, &entries[i].alert, &how)) {
      err = kt_state_settle(state, &entries[i], how, publication->version, kt_now_ms());
    }
  }
  return err;
}

static enum kt_err commit(void *ctx, struct kt_session *session)
{
  struct kt_publication *publication = ctx;
  struct kt_own_label *own = publication->own;
  struct kt_device_set set;
  enum kt_err err = kt_own_commit(own, session);
  bool done =
      err == KT_OK && !publication->disregarded && own->n_judged > 0 && own->judged[own->n_judged - 1].verdict.is_mine;
  if (done && kt_own_set(session, publication->value, &set)) {
    err = settle(publication, &set);
  }
  return err;
}

static enum kt_exit publish_once(struct kt_publication *publication)
{
  struct kt_session *session = publication->own->session;
  struct kt_query query = { .path = "/v1/update",
                            .what = publication->own->name,
                            .token = publication->token,
                            .ctx = publication,
                            .load = load,
                            .request = request,
                            .verify = verify,
                            .commit = commit };
  enum kt_err err;
  enum kt_exit code = kt_session_write(session, prepare, publication, &err);
  if (code == KT_EXIT_OK && err == KT_ERR_ABSENT) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "no-account",
                          "%s: no such account here: kt-verify account create makes one", publication->own->name);
  }
  if (code == KT_EXIT_OK && err == KT_ERR_DENIED) {
    publication->outcome = KT_PUBLISH_UNDECIDED;
    return KT_EXIT_ALERT;
  }
  if (code == KT_EXIT_OK && err != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "device-set", "%s: this list of devices cannot be published: %s",
                          publication->own->name, kt_err_text(err));
  }
  code = code == KT_EXIT_OK ? kt_session_query(session, &query) : code;
  bool needs_token = code == KT_EXIT_UNDECIDED && (query.status == 401 || query.status == 403);
  return needs_token ? KT_EXIT_USAGE : code;
}

static bool raised_alerts(const struct kt_own_label *own)
{
  for (size_t i = 0; i < own->n_judged; i++) {
    if (own->judged[i].verdict.n_alerts > 0) {
      return true;
    }
  }
  return false;
}

/* It becomes part of a header: one line of visible ASCII. */
static bool token_fits(const char *token)
{
  size_t len = token != NULL ? strlen(token) : 0;
  for (size_t i = 0; i < len; i++) {
    if (token[i] <= ' ' || token[i] > '~') {
      return false;
    }
  }
  return len <= KT_TOKEN_MAX;
}

/* Versions that were not made here, and alerted. There may be more of them, and the person is to see where it stands. */
static enum kt_exit not_first(struct kt_publication *publication)
{
  if (kt_own_refresh(publication->own) == KT_EXIT_FAILED) {
    return KT_EXIT_FAILED;
  }
  publication->outcome = KT_PUBLISH_NOT_FIRST;
  return KT_EXIT_ALERT;
}

enum kt_exit kt_publish(struct kt_publication *publication)
{
  struct kt_own_label *own = publication->own;
  struct kt_output *out = own->session->out;
  if (!token_fits(publication->token)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "token", "this is not a registration token");
  }
  for (int i = 0; i < TRIES_MAX; i++) {
    enum kt_exit code = publish_once(publication);
    if (code != KT_EXIT_OK) {
      return code;
    }
    if (raised_alerts(own)) {
      return not_first(publication);
    }
    if (!publication->disregarded) {
      publication->outcome = KT_PUBLISH_DONE;
      return KT_EXIT_OK;
    }
    /* Ours, from an earlier attempt that was cut off, or another client's that was expected: build upon it. */
    code = kt_own_refresh(own);
    if (code != KT_EXIT_OK) {
      return code;
    }
  }
  return kt_output_fail(out, KT_EXIT_UNDECIDED, "busy-label", "%s: other versions keep being first; try again",
                        own->name);
}
