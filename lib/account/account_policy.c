/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/account_policy.h>

#include "crypto/hash.h"

#include <string.h>

const char *kt_set_class_name(enum kt_set_class set_class)
{
  static const char *const names[] = {
    [KT_SET_BY_KEY] = "by-key",
    [KT_SET_BY_SUCCESSOR] = "by-successor",
    [KT_SET_BY_RECOVERY] = "by-recovery",
    [KT_SET_BY_OPERATOR_KEY] = "by-operator-key",
    [KT_SET_FIRST_KEY] = "first-key",
    [KT_SET_UNSIGNED] = "unsigned",
    [KT_SET_UNSIGNED_AFTER_SIGNED] = "unsigned-after-signed",
    [KT_SET_UNENDORSED_KEY] = "unendorsed-key",
    [KT_SET_OUT_OF_CHAIN] = "out-of-chain",
    [KT_SET_BAD_SIGNATURE] = "bad-signature",
    [KT_SET_WRONG_PLACE] = "wrong-place",
    [KT_SET_MALFORMED] = "malformed",
  };
  return names[set_class];
}

static bool is_recovery_key(const struct kt_account_state *state, const struct kt_account_key *key)
{
  for (size_t i = 0; i < state->n_recovery_keys; i++) {
    if (kt_account_key_equal(&state->recovery_keys[i], key)) {
      return true;
    }
  }
  return false;
}

/* "Only sets signed by it, or by a successor that it or a listed recovery key endorsed". Endorsements name the
 * predecessor and the set's seq, so one that belongs to an earlier succession counts for nothing here. */
static enum kt_set_class signer_class(const struct kt_account_state *state, const struct kt_device_set *set)
{
  if (!set->is_signed) {
    return state->has_key ? KT_SET_UNSIGNED_AFTER_SIGNED : KT_SET_UNSIGNED;
  }
  if (state->has_key && kt_account_key_equal(&set->account_key, &state->key)) {
    return KT_SET_BY_KEY;
  }
  if (state->has_key && kt_endorsement_verify(set, &state->key) == KT_OK) {
    if (kt_account_key_equal(&set->endorsement.key, &state->key)) {
      return KT_SET_BY_SUCCESSOR;
    }
    if (is_recovery_key(state, &set->endorsement.key)) {
      return KT_SET_BY_RECOVERY;
    }
  }
  if (state->has_operator_key && kt_account_key_equal(&set->account_key, &state->operator_key)) {
    return KT_SET_BY_OPERATOR_KEY;
  }
  return state->has_key || state->has_operator_key ? KT_SET_UNENDORSED_KEY : KT_SET_FIRST_KEY;
}

static bool in_place(const struct kt_device_set *set, const struct kt_hash *log_id, struct kt_bytes label)
{
  return kt_hash_equal(&set->log_id, log_id) && set->label.len == label.len &&
         memcmp(set->label.data, label.data, label.len) == 0;
}

enum kt_err kt_account_inspect(const struct kt_account_state *state, const struct kt_hash *log_id,
                               struct kt_bytes label, struct kt_bytes value, struct kt_arena *arena,
                               struct kt_set_judgement *ret_judgement)
{
  struct kt_set_judgement judgement = { .set_class = KT_SET_MALFORMED, .next = *state };
  kt_device_set_value_hash(value, &judgement.value_hash);
  enum kt_err err = kt_device_set_decode(value, arena, &judgement.set);
  if (err == KT_ERR_MEMORY) {
    return err;
  }
  judgement.has_set = err == KT_OK;
  if (judgement.has_set) {
    enum kt_err signature_err = judgement.set.is_signed ? kt_device_set_verify(&judgement.set) : KT_OK;
    if (signature_err == KT_ERR_MEMORY) {
      return signature_err;
    }
    if (!in_place(&judgement.set, log_id, label)) {
      judgement.set_class = KT_SET_WRONG_PLACE;
    } else if (signature_err != KT_OK) {
      judgement.set_class = KT_SET_BAD_SIGNATURE;
    } else {
      judgement.set_class = signer_class(state, &judgement.set);
    }
  }
  *ret_judgement = judgement;
  return KT_OK;
}

static bool in_chain(const struct kt_account_state *state, const struct kt_device_set *set)
{
  /* "seq: counts real sets"; "SHA-256 of the previous real value, zero for seq 0": the zero state says exactly that. */
  return set->seq == state->n_sets && kt_hash_equal(&set->previous, &state->latest);
}

static void set_operator_key(struct kt_account_state *next, const uint8_t *key)
{
  next->has_operator_key = true;
  memcpy(next->operator_key.b, key, KT_ACCOUNT_KEY_LEN);
}

/* The owner spoke: this key is established, its recovery keys count, and what the operator brought in is settled. */
static void establish(struct kt_account_state *next, const struct kt_device_set *set)
{
  next->has_key = true;
  next->key = set->account_key;
  next->recovery_keys = set->recovery_keys;
  next->n_recovery_keys = set->n_recovery_keys;
  next->has_operator_key = false;
  memset(&next->operator_key, 0, sizeof next->operator_key);
}

/* What an insertion leaves behind. The established key stays, so its owner can always answer; a key that the operator
 * used is remembered even on a label that never had one, so that nobody else can claim the label then. */
static void note_insertion(struct kt_account_state *next, const struct kt_device_set *set)
{
  const uint8_t *named = set->is_signed ? set->account_key.b : kt_device_set_operator_key(set);
  if (named != NULL && !(next->has_key && memcmp(named, next->key.b, KT_ACCOUNT_KEY_LEN) == 0)) {
    set_operator_key(next, named);
  }
}

static bool is_owners(enum kt_set_class set_class)
{
  return set_class == KT_SET_BY_KEY || set_class == KT_SET_BY_SUCCESSOR || set_class == KT_SET_BY_RECOVERY ||
         set_class == KT_SET_BY_OPERATOR_KEY || set_class == KT_SET_FIRST_KEY;
}

enum kt_err kt_account_judge(const struct kt_account_state *state, const struct kt_hash *log_id, struct kt_bytes label,
                             struct kt_bytes value, struct kt_arena *arena, struct kt_set_judgement *ret_judgement)
{
  struct kt_set_judgement judgement;
  enum kt_err err = kt_account_inspect(state, log_id, label, value, arena, &judgement);
  if (err != KT_OK) {
    return err;
  }
  if (is_owners(judgement.set_class) && !in_chain(state, &judgement.set)) {
    judgement.set_class = KT_SET_OUT_OF_CHAIN;
  }
  struct kt_account_state *next = &judgement.next;
  switch (judgement.set_class) {
  case KT_SET_BY_KEY:
  case KT_SET_BY_SUCCESSOR:
  case KT_SET_BY_RECOVERY:
  case KT_SET_BY_OPERATOR_KEY:
  case KT_SET_FIRST_KEY: establish(next, &judgement.set); break;
  case KT_SET_UNSIGNED:
  case KT_SET_UNSIGNED_AFTER_SIGNED:
  case KT_SET_UNENDORSED_KEY:
  case KT_SET_OUT_OF_CHAIN: note_insertion(next, &judgement.set); break;
  case KT_SET_BAD_SIGNATURE:
  case KT_SET_WRONG_PLACE:
  case KT_SET_MALFORMED: *ret_judgement = judgement; return KT_OK; /* no set of this account: outside the chain */
  }
  /* Counted here, not taken from the set: an insertion with a huge seq must not lock the owner out. */
  next->n_sets = state->n_sets + 1;
  next->latest = judgement.value_hash;
  *ret_judgement = judgement;
  return KT_OK;
}

enum kt_err kt_registration_from_name(const char *name, enum kt_registration *ret_registration)
{
  static const char *const names[] = {
    [KT_REGISTRATION_OPEN] = "open",
    [KT_REGISTRATION_TOKEN] = "token",
    [KT_REGISTRATION_CLOSED] = "closed",
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(name, names[i]) == 0) {
      *ret_registration = (enum kt_registration)i;
      return KT_OK;
    }
  }
  return KT_ERR_USAGE;
}

static enum kt_err claim_admit(enum kt_registration registration, bool has_token, struct kt_reason *reason)
{
  if (registration == KT_REGISTRATION_CLOSED) {
    return kt_fail(reason, KT_ERR_DENIED, "registration-closed", "only the operator registers labels in this log",
                   "ours");
  }
  if (registration == KT_REGISTRATION_TOKEN && !has_token) {
    return kt_fail(reason, KT_ERR_DENIED, "registration-token", "registering a label needs an unused token", "ours");
  }
  return KT_OK;
}

enum kt_err kt_account_admit(const struct kt_set_judgement *judgement, enum kt_registration registration,
                             bool has_token, struct kt_reason *reason)
{
  switch (judgement->set_class) {
  case KT_SET_BY_KEY:
  case KT_SET_BY_SUCCESSOR:
  case KT_SET_BY_RECOVERY:
  case KT_SET_BY_OPERATOR_KEY: return KT_OK;
  case KT_SET_FIRST_KEY: return claim_admit(registration, has_token, reason);
  case KT_SET_UNSIGNED:
  case KT_SET_UNSIGNED_AFTER_SIGNED: /* S14 */
    return kt_fail(reason, KT_ERR_DENIED, "unsigned-set", "device sets sent over the network must be signed", "ours");
  case KT_SET_UNENDORSED_KEY: /* S14 */
    return kt_fail(reason, KT_ERR_DENIED, "account-key",
                   "the set is not signed by the account key of this label or by a successor it endorsed", "ours");
  case KT_SET_OUT_OF_CHAIN: /* S14 */
    return kt_fail(reason, KT_ERR_CONFLICT, "set-chain",
                   "the set does not follow the newest set of this label (seq or previous)", "ours");
  case KT_SET_BAD_SIGNATURE: /* S14 */
    return kt_fail(reason, KT_ERR_DENIED, "set-signature", "the signature of the device set is wrong", "ours");
  case KT_SET_WRONG_PLACE: /* S14 */
    return kt_fail(reason, KT_ERR_DENIED, "set-place", "the device set was made for another label or log", "ours");
  case KT_SET_MALFORMED: return kt_fail(reason, KT_ERR_FORMAT, "set-format", "the value is not a device set", "ours");
  }
  return KT_ERR_USAGE;
}
