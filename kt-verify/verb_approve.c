/* SPDX-License-Identifier: Apache-2.0 */
/* monitor approve: the owner says that a device is theirs. A set that somebody else made is answered with one of our
 * own, "or contacts would keep alerting"; a set that carries our signature and chain needs no answer. */
#include <string.h>

#include "base/hex.h"
#include "owner_report.h"
#include "publish_set.h"
#include "state_alerts.h"
#include "verbs.h"

struct approval {
  struct kt_own_label *own;
  const struct kt_device *device; /* NULL: a fingerprint, of a recovery key or approved beforehand */
  struct kt_hash fingerprint;
  bool has_key;   /* the newest version is signed with the account key, which is in this home */
  bool all_known; /* nothing of the newest version is left to decide about: devices, recovery keys, the account key */
};

static enum kt_err approve_device(struct approval *approval, struct kt_session *session)
{
  struct kt_approved_device approved = { .id = approval->device->id };
  enum kt_err err = kt_device_keys_hash(approval->device, &approved.keys);
  return err == KT_OK ? kt_state_approve(&session->state, approval->own->label, &approved) : err;
}

static enum kt_err knows_all(struct approval *approval)
{
  struct kt_device_set set;
  struct kt_own_label *own = approval->own;
  const struct kt_account_state *account = &own->account.account;
  approval->all_known = approval->has_key && kt_own_set(own->session, own->account.latest, &set);
  for (size_t i = 0; i < account->n_recovery_keys; i++) {
    approval->all_known = approval->all_known && kt_publish_knows_recovery_key(own, &account->recovery_keys[i]);
  }
  for (size_t i = 0; approval->all_known && i < set.n_devices; i++) {
    enum kt_err err = kt_owner_knows_device(&own->known, &set.devices[i], &approval->all_known);
    if (err != KT_OK) {
      return err;
    }
  }
  return KT_OK;
}

/* Whether an approved device is what this version was alerted for. */
static bool brought_approved(const struct kt_alert *version, const struct kt_ledger_entry *entries, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    const struct kt_alert *alert = &entries[i].alert;
    if (alert->kind == KT_ALERT_UNKNOWN_DEVICE && alert->version == version->version &&
        entries[i].settlement == KT_SETTLEMENT_APPROVED) {
      return true;
    }
  }
  return false;
}

static bool is_about(const struct approval *approval, const struct kt_alert *alert)
{
  return approval->device != NULL && alert->has_device &&
         memcmp(alert->device.b, approval->device->id.b, KT_DEVICE_ID_LEN) == 0;
}

/* The approved device's own version, or that of a recovery key; a version signed with the account key that brought nothing
 * of what was approved may be a thief's, who took back off what they had listed. */
static bool answers_version(const struct approval *approval, const struct kt_alert *alert,
                            const struct kt_ledger_entry *entries, size_t n)
{
  return alert->kind == KT_ALERT_VERSION_NOT_MINE && approval->all_known &&
         (!alert->by_account_key || approval->device == NULL || brought_approved(alert, entries, n));
}

/* Alerts about the approved device, and once nothing unknown is left those about the version itself: a thief's recovery
 * key, or account key, is not settled by approving a device. */
static enum kt_err settle(struct approval *approval, struct kt_session *session)
{
  struct kt_ledger_entry *entries;
  size_t n;
  enum kt_err err = kt_state_alerts(&session->state, &approval->own->label, &session->arena, &entries, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    if (entries[i].alert.audience == KT_AUDIENCE_OWNER && is_about(approval, &entries[i].alert)) {
      err = kt_state_settle(&session->state, &entries[i], KT_SETTLEMENT_APPROVED, 0, kt_now_ms());
    }
  }
  if (err == KT_OK) { /* as they stand now */
    err = kt_state_alerts(&session->state, &approval->own->label, &session->arena, &entries, &n);
  }
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    const struct kt_alert *alert = &entries[i].alert;
    if (alert->audience == KT_AUDIENCE_OWNER && answers_version(approval, alert, entries, n)) {
      err = kt_state_settle(&session->state, &entries[i], KT_SETTLEMENT_APPROVED, 0, kt_now_ms());
    }
  }
  return err;
}

static enum kt_err keep(void *ctx, struct kt_session *session)
{
  struct approval *approval = ctx;
  enum kt_err err = approval->device != NULL
                        ? approve_device(approval, session)
                        : kt_state_approve_key(&session->state, approval->own->label, &approval->fingerprint);
  if (err == KT_OK) {
    err = kt_own_load(approval->own, session);
  }
  if (err == KT_OK) {
    err = knows_all(approval);
  }
  return err == KT_OK ? settle(approval, session) : err;
}

static bool in_newest(const struct kt_own_label *own, const struct kt_device *device)
{
  struct kt_device_set set;
  bool found = false;
  size_t n = kt_own_set(own->session, own->account.latest, &set) ? set.n_devices : 0;
  for (size_t i = 0; i < n; i++) {
    found = found || memcmp(set.devices[i].id.b, device->id.b, KT_DEVICE_ID_LEN) == 0;
  }
  return found;
}

static enum kt_exit approve_locally(struct approval *approval, const char *what, const char *argument)
{
  struct kt_session *session = approval->own->session;
  enum kt_err err;
  enum kt_exit code = kt_session_write(session, keep, approval, &err);
  if (code == KT_EXIT_OK && err != KT_OK) {
    code = kt_session_store_failed(session, err);
  }
  if (code == KT_EXIT_OK) {
    kt_output_status(session->out, code, "%s: approved %s%s", approval->own->name, argument, what);
    code = kt_report_alerts(session, approval->own->label, code);
  }
  return code;
}

static bool lists_recovery_key(const struct kt_own_label *own, const struct kt_hash *fingerprint)
{
  const struct kt_account_state *account = &own->account.account;
  struct kt_hash listed;
  bool found = false;
  for (size_t i = 0; i < account->n_recovery_keys; i++) {
    kt_account_key_fingerprint(&account->recovery_keys[i], &listed);
    found = found || memcmp(listed.b, fingerprint->b, KT_HASH_LEN) == 0;
  }
  return found;
}

static enum kt_exit approve_fingerprint(struct kt_own_label *own, const char *argument)
{
  struct approval approval = { .own = own };
  struct kt_secret *secret = NULL;
  size_t len = 0;
  if (kt_hex_decode(argument, strlen(argument), KT_HASH_LEN, approval.fingerprint.b, &len) != KT_OK ||
      len != KT_HASH_LEN) {
    return kt_output_fail(own->session->out, KT_EXIT_USAGE, "device",
                          "%s: %s has no such device; in advance only a full key fingerprint (64 hex digits) can be "
                          "approved",
                          argument, own->name);
  }
  if (!lists_recovery_key(own, &approval.fingerprint)) {
    return approve_locally(
        &approval, " in advance: a device or recovery key with this fingerprint counts as yours and raises no alert",
        argument);
  }
  enum kt_exit code = kt_own_find_key(own, &secret);
  kt_secret_free(secret);
  if (code != KT_EXIT_OK && code != KT_EXIT_ABSENT) {
    return code;
  }
  approval.has_key = code == KT_EXIT_OK && kt_publish_is_ours(own);
  return approve_locally(&approval, ": this recovery key is yours, and the next list names it again", argument);
}

static enum kt_exit approve(struct kt_own_label *own, const char *argument)
{
  struct approval approval = { .own = own };
  struct kt_secret *secret = NULL;
  enum kt_exit code = kt_own_find_device(own, argument, &approval.device);
  if (code == KT_EXIT_ABSENT) {
    return approve_fingerprint(own, argument);
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  bool is_published = kt_publish_is_ours(own) && in_newest(own, approval.device);
  code = is_published ? kt_own_find_key(own, &secret) : kt_own_load_key(own, &secret);
  if (is_published && (code == KT_EXIT_OK || code == KT_EXIT_ABSENT)) {
    approval.has_key = code == KT_EXIT_OK;
    code = approve_locally(&approval,
                           approval.has_key
                               ? "; the newest version is signed with your key, so nothing needs publishing"
                               : "; nothing was published: the key that signed the newest version is not in this home",
                           argument);
  } else if (code == KT_EXIT_OK) {
    struct kt_publication publication = { .own = own,
                                          .secret = secret,
                                          .token = own->session->cli->values[KT_OPT_TOKEN],
                                          .add = approval.device,
                                          .settlement = KT_SETTLEMENT_APPROVED };
    code = kt_own_publish_and_report(&publication);
  }
  kt_secret_free(secret);
  return code;
}

static enum kt_exit approve_all(struct kt_own_label *own, const struct kt_cli *cli)
{
  enum kt_exit code = KT_EXIT_OK;
  kt_output_set(own->session->out, "label", kt_output_text(own->label));
  for (size_t i = 1; i < cli->n_args && (code == KT_EXIT_OK || code == KT_EXIT_ALERT); i++) {
    code = approve(own, cli->args[i]); /* an alert left open is about the others */
  }
  return code;
}

enum kt_exit kt_verb_monitor_approve(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_own_label own;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_own_open_said(&own, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = approve_all(&own, cli);
  }
  kt_session_close(&session);
  return code;
}
