/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/contact_judge.h>

#include "account/alert_list.h"
#include "crypto/hash.h"

/* Beside those about single devices: one about the set, and a note of an endorsed rotation. */
#define OTHER_ALERTS 2

/* The newest endorsed set, if the pinned key signed it. A person may have pinned another key since, and then neither the
 * recovery keys nor the count of the old key's set speak for the account. */
static const struct kt_device_set *last_of_pinned_key(const struct kt_contact_knowledge *known)
{
  bool is = known->last != NULL && kt_account_key_equal(&known->last->account_key, &known->contact.key);
  return is ? known->last : NULL;
}

/* What a contact knows of the account, as the policy sees it. */
static struct kt_account_state contact_as_state(const struct kt_contact_knowledge *known)
{
  const struct kt_device_set *last = last_of_pinned_key(known);
  return (struct kt_account_state){
    .has_key = known->contact.has_key,
    .key = known->contact.key,
    .recovery_keys = last != NULL ? last->recovery_keys : NULL,
    .n_recovery_keys = last != NULL ? last->n_recovery_keys : 0,
  };
}

/* Signed, but not newer than the newest set seen: the owner counts upwards, so somebody logged an old set again. */
static bool is_replay(const struct kt_contact_knowledge *known, const struct kt_set_judgement *judgement)
{
  const struct kt_device_set *last = last_of_pinned_key(known);
  if (last == NULL || kt_hash_equal(&known->last_hash, &judgement->value_hash)) {
    return false;
  }
  return judgement->set.seq <= last->seq;
}

static enum kt_err device_was_there(const struct kt_device_set *last, const struct kt_device *device,
                                    const struct kt_hash *keys, bool *ret_there)
{
  const struct kt_device *before = kt_device_by_id(last, &device->id);
  struct kt_hash keys_before;
  if (before == NULL) {
    *ret_there = false;
    return KT_OK;
  }
  enum kt_err err = kt_device_keys_hash(before, &keys_before);
  if (err == KT_OK) {
    *ret_there = kt_hash_equal(&keys_before, keys);
  }
  return err;
}

/* "endorsed by the pinned key: a note; under the contact's strict policy: an alert". */
static enum kt_err judge_added_devices(struct kt_alert_list *list, const struct kt_contact_knowledge *known,
                                       const struct kt_device_set *set)
{
  for (size_t i = 0; known->last != NULL && i < set->n_devices; i++) {
    const struct kt_device *device = &set->devices[i];
    struct kt_hash keys;
    bool there = false;
    enum kt_err err = kt_device_keys_hash(device, &keys);
    if (err == KT_OK) {
      err = device_was_there(known->last, device, &keys, &there);
    }
    if (err != KT_OK) {
      return err;
    }
    if (there) {
      continue;
    }
    const struct kt_bytes parts[] = { { device->id.b, sizeof device->id.b }, { keys.b, sizeof keys.b } };
    struct kt_alert *alert = kt_alert_list_add(list, KT_ALERT_CONTACT_DEVICE_ADDED, NULL, parts, 2);
    alert->is_note = known->contact.policy == KT_CONTACT_NORMAL;
    kt_alert_set_device(alert, device);
  }
  return KT_OK;
}

static struct kt_alert *add_key_change(struct kt_alert_list *list, const struct kt_contact *contact,
                                       const struct kt_account_key *key, const char *detail)
{
  const struct kt_bytes parts[] = { { contact->key.b, sizeof contact->key.b }, { key->b, sizeof key->b } };
  return kt_alert_list_add(list, KT_ALERT_ACCOUNT_KEY_CHANGED, detail, parts, 2);
}

/* Signed by the pinned key or by a successor it stands behind. */
static enum kt_err judge_endorsed(struct kt_alert_list *list, const struct kt_contact_knowledge *known, uint64_t now_ms,
                                  struct kt_contact_verdict *verdict)
{
  const struct kt_set_judgement *judgement = &verdict->judgement;
  const struct kt_bytes value_hash = { judgement->value_hash.b, sizeof judgement->value_hash.b };
  if (is_replay(known, judgement)) {
    kt_alert_list_add(list, KT_ALERT_VERSION_NOT_MINE, NULL, &value_hash, 1);
    return KT_OK;
  }
  if (judgement->set_class != KT_SET_BY_KEY) {
    const char *detail = judgement->set_class == KT_SET_BY_RECOVERY
                             ? "A recovery key of this contact endorsed the new account key."
                             : "The account key you knew endorsed the new one.";
    add_key_change(list, &known->contact, &judgement->set.account_key, detail)->is_note = true;
  }
  kt_contact_key_confirmed(&verdict->contact, &judgement->set.account_key, now_ms);
  verdict->is_endorsed = true;
  return judge_added_devices(list, known, &judgement->set);
}

static void judge_unsigned(struct kt_alert_list *list, const struct kt_set_judgement *judgement)
{
  const struct kt_bytes value_hash = { judgement->value_hash.b, sizeof judgement->value_hash.b };
  const char *detail = NULL;
  if (judgement->set_class == KT_SET_UNSIGNED_AFTER_SIGNED) {
    detail = "A list signed by this contact was there before; the newest one is not signed.";
  } else if (judgement->set_class == KT_SET_BAD_SIGNATURE) {
    detail = "It carries a signature, but the signature is wrong.";
  } else if (judgement->set_class == KT_SET_WRONG_PLACE) {
    detail = "It was made for another account or another log.";
  } else if (judgement->set_class == KT_SET_MALFORMED) {
    detail = "It is not a list of devices at all.";
  }
  kt_alert_list_add(list, KT_ALERT_UNSIGNED_SET, detail, &value_hash, 1);
}

static enum kt_err judge_class(struct kt_alert_list *list, const struct kt_contact_knowledge *known, uint64_t now_ms,
                               struct kt_contact_verdict *verdict)
{
  const struct kt_set_judgement *judgement = &verdict->judgement;
  switch (judgement->set_class) {
  case KT_SET_FIRST_KEY:
    kt_contact_pin(&verdict->contact, &judgement->set.account_key, now_ms);
    verdict->is_endorsed = true;
    return KT_OK;
  case KT_SET_BY_KEY:
  case KT_SET_BY_SUCCESSOR:
  case KT_SET_BY_RECOVERY: return judge_endorsed(list, known, now_ms, verdict);
  case KT_SET_BY_OPERATOR_KEY: /* a contact's state has no such key, nor a chain; both would be strangers' doing */
  case KT_SET_OUT_OF_CHAIN:
  case KT_SET_UNENDORSED_KEY:
    kt_contact_key_changed(&verdict->contact, &judgement->set.account_key, now_ms);
    add_key_change(list, &known->contact, &judgement->set.account_key, NULL);
    return KT_OK;
  case KT_SET_UNSIGNED:
    if (!known->allow_unsigned) {
      judge_unsigned(list, judgement);
    }
    return KT_OK;
  case KT_SET_UNSIGNED_AFTER_SIGNED:
  case KT_SET_BAD_SIGNATURE:
  case KT_SET_WRONG_PLACE:
  case KT_SET_MALFORMED: judge_unsigned(list, judgement); return KT_OK;
  }
  return KT_ERR_USAGE;
}

enum kt_err kt_contact_judge(const struct kt_contact_knowledge *known, const struct kt_logged_value *logged,
                             uint64_t now_ms, struct kt_arena *arena, struct kt_contact_verdict *ret_verdict)
{
  struct kt_contact_verdict verdict = { .contact = known->contact };
  struct kt_account_state state = contact_as_state(known);
  enum kt_err err =
      kt_account_inspect(&state, &logged->log_id, logged->label, logged->value, arena, &verdict.judgement);
  if (err != KT_OK) {
    return err;
  }
  size_t n_devices = verdict.judgement.has_set ? verdict.judgement.set.n_devices : 0;
  struct kt_alert_list list;
  err = kt_alert_list_init(&list, logged, KT_AUDIENCE_CONTACT, n_devices + OTHER_ALERTS, arena);
  if (err == KT_OK) {
    err = judge_class(&list, known, now_ms, &verdict);
  }
  if (err != KT_OK) {
    return err;
  }
  verdict.alerts = list.items;
  verdict.n_alerts = list.n;
  *ret_verdict = verdict;
  return KT_OK;
}
