/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/owner_judge.h>

#include "account/alert_list.h"
#include "crypto/hash.h"

#include <string.h>

/* Alerts beside those about single devices: version-not-mine, account-key-changed, unsigned-set. */
#define OTHER_ALERTS 3

static bool hash_in(const struct kt_hash *hashes, size_t n, const struct kt_hash *hash)
{
  for (size_t i = 0; i < n; i++) {
    if (kt_hash_equal(&hashes[i], hash)) {
      return true;
    }
  }
  return false;
}

static bool is_approved(const struct kt_owner_knowledge *known, const struct kt_device_id *id,
                        const struct kt_hash *keys)
{
  for (size_t i = 0; i < known->n_approved; i++) {
    const struct kt_approved_device *approved = &known->approved[i];
    if (memcmp(approved->id.b, id->b, sizeof id->b) == 0 && kt_hash_equal(&approved->keys, keys)) {
      return true;
    }
  }
  return false;
}

static enum kt_err knows_all_keys(const struct kt_owner_knowledge *known, const struct kt_device *device,
                                  bool *ret_knows)
{
  bool knows = device->n_keys > 0;
  for (size_t i = 0; i < device->n_keys && knows; i++) {
    struct kt_hash fingerprint;
    enum kt_err err = kt_device_key_fingerprint(&device->keys[i], &fingerprint);
    if (err != KT_OK) {
      return err;
    }
    knows = hash_in(known->approved_keys, known->n_approved_keys, &fingerprint);
  }
  *ret_knows = knows;
  return KT_OK;
}

enum kt_err kt_owner_knows_device(const struct kt_owner_knowledge *known, const struct kt_device *device,
                                  bool *ret_knows)
{
  struct kt_hash keys;
  enum kt_err err = kt_device_keys_hash(device, &keys);
  if (err != KT_OK) {
    return err;
  }
  if (is_approved(known, &device->id, &keys)) {
    *ret_knows = true;
    return KT_OK;
  }
  return knows_all_keys(known, device, ret_knows);
}

/* One of our values, where we put it: an old one of ours that is logged again is not ours. */
static bool is_mine(const struct kt_owner_knowledge *known, const struct kt_set_judgement *judgement)
{
  switch (judgement->set_class) {
  case KT_SET_BY_KEY:
  case KT_SET_BY_SUCCESSOR:
  case KT_SET_BY_RECOVERY:
  case KT_SET_BY_OPERATOR_KEY:
  case KT_SET_FIRST_KEY: return hash_in(known->own_values, known->n_own_values, &judgement->value_hash);
  case KT_SET_UNSIGNED:
  case KT_SET_UNSIGNED_AFTER_SIGNED:
  case KT_SET_UNENDORSED_KEY:
  case KT_SET_OUT_OF_CHAIN:
  case KT_SET_BAD_SIGNATURE:
  case KT_SET_WRONG_PLACE:
  case KT_SET_MALFORMED: return false;
  }
  return false;
}

static bool same_recovery_keys(const struct kt_account_state *state, const struct kt_device_set *set)
{
  size_t len = set->n_recovery_keys * sizeof *set->recovery_keys;
  return state->n_recovery_keys == set->n_recovery_keys &&
         (len == 0 || memcmp(state->recovery_keys, set->recovery_keys, len) == 0);
}

/* Nothing of the device but what it was, its name included. */
static enum kt_err is_kept(const struct kt_device *device, const struct kt_device_set *set, bool *ret_kept)
{
  const struct kt_device *now = kt_device_by_id(set, &device->id);
  struct kt_hash keys_before;
  struct kt_hash keys_now;
  if (now == NULL || now->name.len != device->name.len ||
      memcmp(now->name.data, device->name.data, now->name.len) != 0) {
    *ret_kept = false;
    return KT_OK;
  }
  enum kt_err err = kt_device_keys_hash(device, &keys_before);
  if (err == KT_OK) {
    err = kt_device_keys_hash(now, &keys_now);
  }
  if (err == KT_OK) {
    *ret_kept = kt_hash_equal(&keys_before, &keys_now);
  }
  return err;
}

/* "Approving a planned device beforehand means no false alarm": another client of the owner's added devices, every one of
 * which was approved here before, and did nothing else. Whoever stole the account key gains nothing by doing that. */
static enum kt_err judge_expected(const struct kt_owner_knowledge *known, const struct kt_set_judgement *judgement,
                                  bool *ret_expected)
{
  const struct kt_device_set *set = &judgement->set;
  const struct kt_device_set *previous = known->previous;
  bool expected = judgement->set_class == KT_SET_BY_KEY && known->has_key && previous != NULL &&
                  kt_account_key_equal(&set->account_key, &known->key) && set->n_devices > previous->n_devices &&
                  same_recovery_keys(&known->state, set);
  for (size_t i = 0; expected && i < previous->n_devices; i++) {
    enum kt_err err = is_kept(&previous->devices[i], set, &expected);
    if (err != KT_OK) {
      return err;
    }
  }
  for (size_t i = 0; expected && i < set->n_devices; i++) {
    enum kt_err err = kt_owner_knows_device(known, &set->devices[i], &expected);
    if (err != KT_OK) {
      return err;
    }
  }
  *ret_expected = expected;
  return KT_OK;
}

/* Signed as it should be, for this label, by whomever. */
static bool is_validly_signed(const struct kt_set_judgement *judgement)
{
  return judgement->has_set && judgement->set.is_signed && judgement->set_class != KT_SET_BAD_SIGNATURE &&
         judgement->set_class != KT_SET_WRONG_PLACE;
}

/* The key to stand by after this value: what the owner or the key itself moved, never what the operator did. */
static void key_after(const struct kt_owner_knowledge *known, struct kt_owner_verdict *verdict)
{
  const struct kt_set_judgement *judgement = &verdict->judgement;
  bool endorsed = judgement->set_class == KT_SET_BY_SUCCESSOR || judgement->set_class == KT_SET_BY_RECOVERY;
  bool ours = known->has_key && endorsed && kt_account_key_equal(&known->key, &known->state.key);
  bool first = !known->has_key && judgement->set_class == KT_SET_FIRST_KEY;
  bool moves = verdict->is_mine || ours || first;
  verdict->has_key = known->has_key || moves;
  verdict->key = moves ? judgement->set.account_key : known->key;
}

#define BY_ACCOUNT_KEY "It is signed with your account key"

static const char *class_detail(enum kt_set_class set_class)
{
  switch (set_class) {
  case KT_SET_BY_KEY: return BY_ACCOUNT_KEY ": by another computer of yours, or by somebody who has a copy of the key.";
  case KT_SET_BY_SUCCESSOR:
    return "It is signed with a new account key that your old one endorsed. If you did not do this on another "
           "computer, "
           "somebody with a copy of your key has taken the account over.";
  case KT_SET_BY_RECOVERY:
    return "It is signed with a new account key that one of your recovery keys endorsed. If you did not do this on "
           "another computer, somebody has your recovery key and has taken the account over.";
  case KT_SET_BY_OPERATOR_KEY: return "It is signed with a key that the operator of the log brought in.";
  case KT_SET_FIRST_KEY: return "It sets the first account key of this account.";
  case KT_SET_UNSIGNED:
  case KT_SET_UNSIGNED_AFTER_SIGNED: return "It is not signed; only the operator of the log can add such a version.";
  case KT_SET_UNENDORSED_KEY: return "It is signed with an account key that your key did not endorse.";
  case KT_SET_OUT_OF_CHAIN: return "It carries a valid signature but does not follow the version before it.";
  case KT_SET_BAD_SIGNATURE: return "Its signature is wrong.";
  case KT_SET_WRONG_PLACE: return "It was made for another account or another log.";
  case KT_SET_MALFORMED: return "It is not a list of devices at all.";
  }
  return NULL;
}

static void version_bytes(uint32_t version, uint8_t ret[static 4])
{
  for (int i = 0; i < 4; i++) {
    ret[i] = (uint8_t)(version >> (24 - 8 * i));
  }
}

/* The log's established key, and what it endorses, may have become somebody else's. */
static bool is_strangers(const struct kt_owner_knowledge *known, const struct kt_set_judgement *judgement)
{
  bool by_established = judgement->set_class == KT_SET_BY_KEY || judgement->set_class == KT_SET_BY_SUCCESSOR ||
                        judgement->set_class == KT_SET_BY_RECOVERY;
  return by_established && known->has_key && !kt_account_key_equal(&known->key, &known->state.key);
}

/* Everything that says so is said by the key the owner stands by, and this client cannot sign with it any more. */
static bool is_key_replaced(const struct kt_owner_knowledge *known, const struct kt_set_judgement *judgement)
{
  bool moves = judgement->set_class == KT_SET_BY_SUCCESSOR || judgement->set_class == KT_SET_BY_RECOVERY;
  bool gone = judgement->set_class == KT_SET_BY_KEY && known->lacks_key;
  return (moves || gone) && known->has_key && !is_strangers(known, judgement);
}

static const char *version_detail(const struct kt_owner_knowledge *known, const struct kt_set_judgement *judgement)
{
  bool by_key = judgement->set_class == KT_SET_BY_KEY;
  if (is_strangers(known, judgement)) {
    return class_detail(KT_SET_UNENDORSED_KEY);
  }
  if (by_key && known->lacks_key) {
    return "It is signed with the account key that took the place of yours, which this computer does not have: by "
           "another computer of yours, or by whoever took the account over.";
  }
  if (by_key && !same_recovery_keys(&known->state, &judgement->set)) {
    return BY_ACCOUNT_KEY ", by another computer of yours or by somebody who has a copy of the key, and it changes the "
                          "recovery keys: whoever holds one can put a new account key in place of yours. Compare "
                          "them with your papers: kt-verify account show.";
  }
  return class_detail(judgement->set_class);
}

/* By the key that this client holds as well: what took its place is told by key_replaced. */
static bool is_by_account_key(const struct kt_owner_knowledge *known, const struct kt_set_judgement *judgement)
{
  return judgement->set_class == KT_SET_BY_KEY && !known->lacks_key && !is_strangers(known, judgement);
}

static void judge_version(struct kt_alert_list *list, const struct kt_owner_knowledge *known,
                          const struct kt_set_judgement *judgement)
{
  uint8_t version[4];
  version_bytes(list->logged->version, version);
  const struct kt_bytes parts[] = { { version, sizeof version },
                                    { judgement->value_hash.b, sizeof judgement->value_hash.b } };
  struct kt_alert *alert =
      kt_alert_list_add(list, KT_ALERT_VERSION_NOT_MINE, version_detail(known, judgement), parts, 2);
  alert->key_replaced = is_key_replaced(known, judgement);
  alert->by_account_key = is_by_account_key(known, judgement);
}

/* "account-key-changed: not endorsed": used by somebody, or named by the operator, who then may use it. */
static void judge_account_key(struct kt_alert_list *list, const struct kt_owner_verdict *verdict)
{
  const struct kt_set_judgement *judgement = &verdict->judgement;
  const uint8_t *key = NULL;
  const char *detail = NULL;
  if (is_validly_signed(judgement)) {
    key = judgement->set.account_key.b;
    detail = judgement->next.has_key && kt_account_key_equal(&judgement->next.key, &judgement->set.account_key)
                 ? "The new key has taken over: the log may no longer accept yours. Ask its operator."
                 : "The new key signed the newest list of devices; the log still accepts yours.";
  } else if (judgement->set_class == KT_SET_UNSIGNED || judgement->set_class == KT_SET_UNSIGNED_AFTER_SIGNED) {
    key = kt_device_set_operator_key(&judgement->set);
    detail = "The operator of the log names the new key; it has not signed anything here.";
  }
  if (!verdict->has_key || key == NULL || memcmp(key, verdict->key.b, sizeof verdict->key.b) == 0) {
    return;
  }
  const struct kt_bytes parts[] = { { verdict->key.b, sizeof verdict->key.b }, { key, KT_ACCOUNT_KEY_LEN } };
  kt_alert_list_add(list, KT_ALERT_ACCOUNT_KEY_CHANGED, detail, parts, 2);
}

static void judge_signature(struct kt_alert_list *list, const struct kt_owner_knowledge *known,
                            const struct kt_set_judgement *judgement)
{
  bool lost = judgement->set_class == KT_SET_UNSIGNED_AFTER_SIGNED || judgement->set_class == KT_SET_BAD_SIGNATURE ||
              judgement->set_class == KT_SET_WRONG_PLACE || judgement->set_class == KT_SET_MALFORMED;
  if (lost || (judgement->set_class == KT_SET_UNSIGNED && !known->allow_unsigned)) {
    const struct kt_bytes part = { judgement->value_hash.b, sizeof judgement->value_hash.b };
    kt_alert_list_add(list, KT_ALERT_UNSIGNED_SET, class_detail(judgement->set_class), &part, 1);
  }
}

static enum kt_err is_replaced(const struct kt_device_set *previous, const struct kt_device *device,
                               const struct kt_hash *keys, bool *ret_replaced)
{
  const struct kt_device *before = kt_device_by_id(previous, &device->id);
  struct kt_hash keys_before;
  if (before == NULL) {
    *ret_replaced = false;
    return KT_OK;
  }
  enum kt_err err = kt_device_keys_hash(before, &keys_before);
  if (err == KT_OK) {
    *ret_replaced = !kt_hash_equal(&keys_before, keys);
  }
  return err;
}

static enum kt_err judge_new_devices(struct kt_alert_list *list, const struct kt_owner_knowledge *known,
                                     const struct kt_device_set *set)
{
  for (size_t i = 0; i < set->n_devices; i++) {
    const struct kt_device *device = &set->devices[i];
    bool knows = false;
    struct kt_hash keys;
    enum kt_err err = kt_owner_knows_device(known, device, &knows);
    if (err == KT_OK) {
      err = kt_device_keys_hash(device, &keys);
    }
    if (err != KT_OK) {
      return err;
    }
    if (knows) {
      continue;
    }
    bool replaced = false;
    err = is_replaced(known->previous, device, &keys, &replaced);
    if (err != KT_OK) {
      return err;
    }
    const char *detail = replaced ? "It stands under the id of a device listed before, with other keys." : NULL;
    const struct kt_bytes parts[] = { { device->id.b, sizeof device->id.b }, { keys.b, sizeof keys.b } };
    kt_alert_set_device(kt_alert_list_add(list, KT_ALERT_UNKNOWN_DEVICE, detail, parts, 2), device);
  }
  return KT_OK;
}

/* Devices of the version before that were approved and are gone. Under the same id with other keys counts as an
 * unknown device, not as a missing one. set is NULL when nothing readable was logged. */
static enum kt_err judge_gone_devices(struct kt_alert_list *list, const struct kt_owner_knowledge *known,
                                      const struct kt_device_set *set)
{
  const struct kt_device_set *previous = known->previous;
  for (size_t i = 0; previous != NULL && i < previous->n_devices; i++) {
    const struct kt_device *device = &previous->devices[i];
    bool knows = false;
    enum kt_err err = kt_owner_knows_device(known, device, &knows);
    if (err != KT_OK) {
      return err;
    }
    if (!knows || kt_device_by_id(set, &device->id) != NULL) {
      continue;
    }
    uint8_t version[4];
    version_bytes(list->logged->version, version);
    const struct kt_bytes parts[] = { { device->id.b, sizeof device->id.b }, { version, sizeof version } };
    kt_alert_set_device(kt_alert_list_add(list, KT_ALERT_DEVICE_REMOVED, NULL, parts, 2), device);
  }
  return KT_OK;
}

enum kt_err kt_owner_judge(const struct kt_owner_knowledge *known, const struct kt_logged_value *logged,
                           struct kt_arena *arena, struct kt_owner_verdict *ret_verdict)
{
  struct kt_owner_verdict verdict = { .alerts = NULL };
  struct kt_set_judgement *judgement = &verdict.judgement;
  enum kt_err err = kt_account_judge(&known->state, &logged->log_id, logged->label, logged->value, arena, judgement);
  if (err != KT_OK) {
    return err;
  }
  const struct kt_device_set *set = judgement->has_set ? &judgement->set : NULL;
  size_t n_devices = (set != NULL ? set->n_devices : 0) + (known->previous != NULL ? known->previous->n_devices : 0);
  struct kt_alert_list list;
  err = kt_alert_list_init(&list, logged, KT_AUDIENCE_OWNER, n_devices + OTHER_ALERTS, arena);
  if (err != KT_OK) {
    return err;
  }
  verdict.is_mine = is_mine(known, judgement);
  key_after(known, &verdict);
  if (set != NULL) {
    err = judge_new_devices(&list, known, set);
  }
  if (err == KT_OK && set != NULL && !verdict.is_mine) {
    err = judge_expected(known, judgement, &verdict.is_expected);
  }
  if (err == KT_OK && !verdict.is_mine && !verdict.is_expected) {
    judge_version(&list, known, judgement);
    judge_account_key(&list, &verdict);
    judge_signature(&list, known, judgement);
    err = judge_gone_devices(&list, known, set);
  }
  if (err != KT_OK) {
    return err;
  }
  verdict.alerts = list.items;
  verdict.n_alerts = list.n;
  *ret_verdict = verdict;
  return KT_OK;
}
