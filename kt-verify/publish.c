/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "state_alerts.h"

#define TRIES_MAX 4
#define CANDIDATES_MAX ((size_t)3 * UINT8_MAX)

static bool same_id(const struct kt_device_id *a, const struct kt_device_id *b)
{
  return memcmp(a->b, b->b, KT_DEVICE_ID_LEN) == 0;
}

static const struct kt_device *find(const struct kt_device *devices, size_t n, const struct kt_device_id *id)
{
  for (size_t i = 0; i < n; i++) {
    if (same_id(&devices[i].id, id)) {
      return &devices[i];
    }
  }
  return NULL;
}

static int compare_ids(const void *a, const void *b)
{
  return memcmp(((const struct kt_device *)a)->id.b, ((const struct kt_device *)b)->id.b, KT_DEVICE_ID_LEN);
}

/* Devices of the three values that `wanted` accepts, each id once, ascending; earlier values win. */
typedef enum kt_err (*device_wanted)(const struct kt_own_label *own, const struct kt_device *device, bool *ret_wanted);

static enum kt_err collect(struct kt_own_label *own, device_wanted wanted, struct kt_device **ret_devices,
                           size_t *ret_n)
{
  const struct kt_bytes values[] = { own->account.latest, own->account.own, own->account.foreign };
  struct kt_device *devices = kt_arena_alloc(&own->session->arena, CANDIDATES_MAX + 1, sizeof *devices);
  size_t n = 0;
  if (devices == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t v = 0; v < 3; v++) {
    struct kt_device_set set;
    size_t n_devices = kt_own_set(own->session, values[v], &set) ? set.n_devices : 0;
    for (size_t i = 0; i < n_devices; i++) {
      bool is_wanted = find(devices, n, &set.devices[i].id) == NULL;
      enum kt_err err = is_wanted ? wanted(own, &set.devices[i], &is_wanted) : KT_OK;
      if (err != KT_OK) {
        return err;
      }
      if (is_wanted) {
        devices[n++] = set.devices[i];
      }
    }
  }
  qsort(devices, n, sizeof *devices, compare_ids);
  *ret_devices = devices;
  *ret_n = n;
  return KT_OK;
}

static enum kt_err want_all(const struct kt_own_label *own, const struct kt_device *device, bool *ret_wanted)
{
  (void)own;
  (void)device;
  *ret_wanted = true;
  return KT_OK;
}

static enum kt_err want_approved(const struct kt_own_label *own, const struct kt_device *device, bool *ret_wanted)
{
  return kt_owner_knows_device(&own->known, device, ret_wanted);
}

enum kt_err kt_publish_candidates(struct kt_own_label *own, struct kt_device_set *ret_set)
{
  struct kt_device *devices;
  size_t n;
  enum kt_err err = collect(own, want_all, &devices, &n);
  if (err == KT_OK) {
    *ret_set = (struct kt_device_set){ .devices = devices, .n_devices = n };
  }
  return err;
}

/* --- building --------------------------------------------------------------------------------------------------------- */

enum kt_err kt_publish_disown(struct kt_own_label *own, const struct kt_device_id *id)
{
  struct kt_state *state = &own->session->state;
  struct kt_device_set known;
  enum kt_err err = kt_publish_candidates(own, &known);
  if (err != KT_OK) {
    return err;
  }
  const struct kt_device *device = find(known.devices, known.n_devices, id);
  for (size_t i = 0; device != NULL && err == KT_OK && i < device->n_keys; i++) {
    struct kt_hash fingerprint;
    err = kt_device_key_fingerprint(&device->keys[i], &fingerprint);
    if (err == KT_OK) {
      err = kt_state_disapprove_key(state, own->label, &fingerprint);
    }
  }
  return err == KT_OK ? kt_state_disapprove(state, own->label, id) : err;
}

static enum kt_err approve(struct kt_publication *publication)
{
  struct kt_own_label *own = publication->own;
  struct kt_approved_device approved;
  enum kt_err err = KT_OK;
  if (publication->add != NULL) {
    approved.id = publication->add->id;
    err = kt_device_keys_hash(publication->add, &approved.keys);
    if (err == KT_OK) {
      err = kt_state_approve(&own->session->state, own->label, &approved);
    }
  }
  if (err == KT_OK && publication->remove != NULL) {
    err = kt_own_load(own, own->session);
    if (err == KT_OK) {
      err = kt_publish_disown(own, publication->remove);
    }
  }
  return err;
}

static enum kt_err make_value(struct kt_publication *publication)
{
  struct kt_own_label *own = publication->own;
  struct kt_device_set before;
  struct kt_device *devices;
  size_t n;
  enum kt_err err = collect(own, want_approved, &devices, &n);
  if (err != KT_OK) {
    return err;
  }
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) { /* the added one is the newer truth about its id */
    bool drop = publication->add != NULL && same_id(&devices[i].id, &publication->add->id);
    devices[kept] = devices[i];
    kept += drop ? 0 : 1;
  }
  if (publication->add != NULL) {
    devices[kept++] = *publication->add;
    qsort(devices, kept, sizeof *devices, compare_ids);
  }
  struct kt_device_set set = { .log_id = own->session->log_id,
                               .label = own->label,
                               .seq = own->account.account.n_sets,
                               .previous = own->account.account.latest,
                               .devices = devices,
                               .n_devices = kept };
  if (kt_own_set(own->session, own->account.own, &before)) { /* what we once listed stays */
    set.recovery_keys = before.recovery_keys;
    set.n_recovery_keys = before.n_recovery_keys;
    set.extensions = before.extensions;
    set.n_extensions = before.n_extensions;
  }
  err = kt_device_set_sign(&set, publication->secret->seed);
  return err == KT_OK ? kt_device_set_encode(&set, &own->session->arena, &publication->value) : err;
}

/* In one transaction: approvals, the value, and that it is ours. */
static enum kt_err prepare(void *ctx, struct kt_session *session)
{
  struct kt_publication *publication = ctx;
  struct kt_own_label *own = publication->own;
  struct kt_hash hash;
  enum kt_err err = approve(publication);
  if (err == KT_OK) {
    err = kt_own_load(own, session);
  }
  if (err == KT_OK) {
    err = make_value(publication);
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
  return kt_own_judge(own, result.first_version, result.values, result.n_values, result.position, result.position_ms);
}

static bool about_device(const struct kt_alert *alert)
{
  return alert->kind == KT_ALERT_UNKNOWN_DEVICE || alert->kind == KT_ALERT_DEVICE_REMOVED;
}

enum kt_err kt_publish_settle(struct kt_session *session, struct kt_bytes label, const struct kt_device_set *set,
                              uint32_t version, enum kt_settlement settlement)
{
  struct kt_ledger_entry *entries;
  size_t n;
  enum kt_err err = kt_state_alerts(&session->state, &label, &session->arena, &entries, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    const struct kt_alert *alert = &entries[i].alert;
    enum kt_settlement how = settlement;
    if (alert->audience != KT_AUDIENCE_OWNER || entries[i].settlement != KT_SETTLEMENT_OPEN) {
      continue;
    }
    if (about_device(alert)) {
      bool listed = find(set->devices, set->n_devices, &alert->device) != NULL;
      how = listed ? KT_SETTLEMENT_APPROVED : KT_SETTLEMENT_REMOVED;
    }
    err = kt_state_settle(&session->state, &entries[i], how, version, kt_now_ms());
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
    err = kt_publish_settle(session, own->label, &set, publication->version, publication->settlement);
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
      return kt_output_fail(out, KT_EXIT_ALERT, "unknown-version",
                            "%s: the log has versions that were not made here; nothing was published. "
                            "Look at the alerts, then try again",
                            own->name);
    }
    if (!publication->disregarded) {
      return KT_EXIT_OK;
    }
    code = kt_own_refresh(own); /* ours, from an earlier attempt that was cut off: build upon it */
    if (code != KT_EXIT_OK) {
      return code;
    }
  }
  return kt_output_fail(out, KT_EXIT_UNDECIDED, "busy-label", "%s: other versions keep being first; try again",
                        own->name);
}
