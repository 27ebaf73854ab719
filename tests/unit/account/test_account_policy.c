/* SPDX-License-Identifier: Apache-2.0 */
/* S14 and the succession of account keys. Keys are named by the numbers of their seeds: 1 is alice's, 2 her next one, 3
 * a recovery key, 7 the operator's, 8 a stranger's. */
#include <kt/account_policy.h>

#include "accounts.h"

#define ALICE 1
#define NEXT 2
#define RECOVERY 3
#define OPERATOR 7
#define STRANGER 8

struct log { /* what both sides track while values are logged */
  struct kt_arena *arena;
  struct kt_account_state state;
  struct kt_set_judgement last;
};

static struct log log_new(void **state)
{
  return (struct log){ .arena = *state };
}

static enum kt_set_class judge(struct log *log, struct kt_bytes value)
{
  assert_int_equal(kt_account_judge(&log->state, &test_log, BYTES("alice"), value, log->arena, &log->last), KT_OK);
  return log->last.set_class;
}

static enum kt_set_class append(struct log *log, struct kt_bytes value)
{
  enum kt_set_class set_class = judge(log, value);
  log->state = log->last.next;
  return set_class;
}

static enum kt_err admit(const struct log *log, enum kt_registration registration, bool has_token)
{
  return kt_account_admit(&log->last, registration, has_token, NULL);
}

static struct kt_bytes next_by(struct log *log, uint8_t signer)
{
  struct kt_device_set set = set_after(&log->state, log->arena, "a");
  return signed_by(&set, signer, log->arena);
}

static struct kt_bytes next_endorsed(struct log *log, uint8_t endorser, uint8_t predecessor, uint8_t successor)
{
  struct kt_device_set set = set_after(&log->state, log->arena, "a");
  endorse(&set, endorser, predecessor, successor);
  return signed_by(&set, successor, log->arena);
}

static struct kt_bytes next_with_recovery(struct log *log, uint8_t signer, const struct kt_account_key *recovery)
{
  struct kt_device_set set = set_after(&log->state, log->arena, "a");
  set.recovery_keys = recovery;
  set.n_recovery_keys = 1;
  return signed_by(&set, signer, log->arena);
}

/* names: the key the operator names, 0 for none. */
static struct kt_bytes next_unsigned(struct log *log, uint8_t names)
{
  struct kt_device_set set = set_after(&log->state, log->arena, "ax");
  struct kt_account_key key = { { 0 } };
  struct kt_set_extension extension = { KT_SET_EXTENSION_OPERATOR_KEY, { key.b, sizeof key.b } };
  if (names != 0) {
    key = key_of(names);
    set.extensions = &extension;
    set.n_extensions = 1;
  }
  return encoded(&set, log->arena);
}

static void assert_established(const struct log *log, uint8_t n)
{
  struct kt_account_key key = key_of(n);
  assert_true(log->state.has_key);
  assert_memory_equal(&log->state.key, &key, sizeof key);
}

/* A claim by a stranger is never admitted, however registration is set up. */
static void assert_closed_to_strangers(struct log *log)
{
  assert_int_equal(judge(log, next_by(log, STRANGER)), KT_SET_UNENDORSED_KEY);
  assert_int_equal(admit(log, KT_REGISTRATION_OPEN, true), KT_ERR_DENIED);
  assert_int_equal(judge(log, next_endorsed(log, STRANGER, ALICE, STRANGER)), KT_SET_UNENDORSED_KEY);
  assert_int_equal(judge(log, next_endorsed(log, STRANGER, STRANGER, STRANGER)), KT_SET_UNENDORSED_KEY);
  assert_int_equal(admit(log, KT_REGISTRATION_OPEN, true), KT_ERR_DENIED);
}

/* --- claims ---------------------------------------------------------------------------------------------------- */

static void test_claim_under_each_policy(void **state)
{
  struct log log = log_new(state);
  assert_int_equal(judge(&log, next_by(&log, ALICE)), KT_SET_FIRST_KEY);
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, false), KT_OK);
  assert_int_equal(admit(&log, KT_REGISTRATION_TOKEN, true), KT_OK);
  assert_int_equal(admit(&log, KT_REGISTRATION_TOKEN, false), KT_ERR_DENIED);
  assert_int_equal(admit(&log, KT_REGISTRATION_CLOSED, true), KT_ERR_DENIED);
  struct kt_reason reason = { 0 };
  assert_int_equal(kt_account_admit(&log.last, KT_REGISTRATION_TOKEN, false, &reason), KT_ERR_DENIED);
  assert_string_equal(reason.code, "registration-token");
}

static void test_update_needs_no_registration(void **state)
{
  struct log log = log_new(state);
  append(&log, next_by(&log, ALICE));
  assert_established(&log, ALICE);
  for (uint32_t n = 1; n < 5; n++) {
    assert_int_equal(log.state.n_sets, n);
    assert_int_equal(append(&log, next_by(&log, ALICE)), KT_SET_BY_KEY);
    assert_int_equal(admit(&log, KT_REGISTRATION_CLOSED, false), KT_OK);
    assert_closed_to_strangers(&log);
  }
}

static void test_provisioned_label_is_claimed_under_the_policy(void **state)
{
  struct log log = log_new(state);
  assert_int_equal(append(&log, next_unsigned(&log, 0)), KT_SET_UNSIGNED);
  assert_false(log.state.has_key);
  assert_int_equal(append(&log, next_unsigned(&log, 0)), KT_SET_UNSIGNED);
  assert_int_equal(log.state.n_sets, 2);
  assert_int_equal(judge(&log, next_by(&log, ALICE)), KT_SET_FIRST_KEY);
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, false), KT_OK);
  assert_int_equal(admit(&log, KT_REGISTRATION_TOKEN, false), KT_ERR_DENIED);
  append(&log, next_by(&log, ALICE));
  assert_closed_to_strangers(&log);
}

static void test_provisioned_label_with_named_key_waits_for_it(void **state)
{
  struct log log = log_new(state);
  assert_int_equal(append(&log, next_unsigned(&log, ALICE)), KT_SET_UNSIGNED);
  assert_closed_to_strangers(&log);
  /* A later unsigned set that names nobody does not open the label again. */
  assert_int_equal(append(&log, next_unsigned(&log, 0)), KT_SET_UNSIGNED);
  assert_closed_to_strangers(&log);
  assert_int_equal(append(&log, next_by(&log, ALICE)), KT_SET_BY_OPERATOR_KEY);
  assert_int_equal(admit(&log, KT_REGISTRATION_CLOSED, false), KT_OK);
  assert_established(&log, ALICE);
  assert_false(log.state.has_operator_key);
}

/* --- succession ------------------------------------------------------------------------------------------------ */

static void test_rotation_endorsed_by_the_old_key(void **state)
{
  struct log log = log_new(state);
  append(&log, next_by(&log, ALICE));
  assert_int_equal(append(&log, next_endorsed(&log, ALICE, ALICE, NEXT)), KT_SET_BY_SUCCESSOR);
  assert_int_equal(admit(&log, KT_REGISTRATION_CLOSED, false), KT_OK);
  assert_established(&log, NEXT);
  assert_int_equal(judge(&log, next_by(&log, ALICE)), KT_SET_UNENDORSED_KEY); /* the old key is over */
  /* Later sets may carry one of their own, for contacts who still know the old key. */
  assert_int_equal(append(&log, next_endorsed(&log, ALICE, ALICE, NEXT)), KT_SET_BY_KEY);
}

static void test_rotation_endorsed_by_a_recovery_key(void **state)
{
  struct log log = log_new(state);
  struct kt_account_key recovery = key_of(RECOVERY);
  append(&log, next_by(&log, ALICE));
  assert_int_equal(judge(&log, next_endorsed(&log, RECOVERY, ALICE, NEXT)), KT_SET_UNENDORSED_KEY); /* not listed */
  append(&log, next_with_recovery(&log, ALICE, &recovery));
  assert_int_equal(append(&log, next_endorsed(&log, RECOVERY, ALICE, NEXT)), KT_SET_BY_RECOVERY);
  assert_int_equal(admit(&log, KT_REGISTRATION_CLOSED, false), KT_OK);
  assert_established(&log, NEXT);
  assert_int_equal(log.state.n_recovery_keys, 0); /* the newest set lists none */
}

/* Key 2 was replaced through the recovery key; its old endorsement must not bring it back. */
static void test_old_endorsement_does_not_undo_a_later_rotation(void **state)
{
  struct log log = log_new(state);
  struct kt_account_key recovery = key_of(RECOVERY);
  append(&log, next_with_recovery(&log, ALICE, &recovery));
  append(&log, next_endorsed(&log, RECOVERY, ALICE, NEXT));
  append(&log, next_with_recovery(&log, NEXT, &recovery));
  struct kt_device_set rotated = set_after(&log.state, log.arena, "a");
  endorse(&rotated, RECOVERY, NEXT, 4);
  rotated.recovery_keys = &recovery;
  rotated.n_recovery_keys = 1;
  assert_int_equal(append(&log, signed_by(&rotated, 4, log.arena)), KT_SET_BY_RECOVERY);
  assert_int_equal(judge(&log, next_endorsed(&log, RECOVERY, ALICE, NEXT)), KT_SET_UNENDORSED_KEY);
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, true), KT_ERR_DENIED);
}

/* Alice rotated to NEXT and came back. What vouched for NEXT then must not let NEXT take over again. */
static void test_old_endorsement_does_not_count_when_the_key_came_back(void **state)
{
  struct log log = log_new(state);
  append(&log, next_by(&log, ALICE));
  struct kt_device_set there = set_after(&log.state, log.arena, "a");
  endorse(&there, ALICE, ALICE, NEXT);
  assert_int_equal(append(&log, signed_by(&there, NEXT, log.arena)), KT_SET_BY_SUCCESSOR);
  assert_int_equal(append(&log, next_endorsed(&log, NEXT, NEXT, ALICE)), KT_SET_BY_SUCCESSOR);
  assert_established(&log, ALICE);
  struct kt_device_set again = set_after(&log.state, log.arena, "a");
  again.has_endorsement = true;
  again.endorsement = there.endorsement;
  assert_int_equal(judge(&log, signed_by(&again, NEXT, log.arena)), KT_SET_UNENDORSED_KEY);
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, true), KT_ERR_DENIED);
  assert_int_equal(append(&log, next_endorsed(&log, ALICE, ALICE, NEXT)), KT_SET_BY_SUCCESSOR); /* a new one does */
}

static void test_endorsement_for_another_label_log_or_key(void **state)
{
  struct log log = log_new(state);
  append(&log, next_by(&log, ALICE));
  for (int variant = 0; variant < 3; variant++) {
    struct kt_device_set set = set_after(&log.state, log.arena, "a");
    struct kt_device_set elsewhere = set;
    elsewhere.label = variant == 0 ? BYTES("alicia") : set.label;
    elsewhere.log_id.b[0] ^= variant == 1;
    endorse(&elsewhere, ALICE, ALICE, variant == 2 ? 4 : NEXT);
    set.has_endorsement = true;
    set.endorsement = elsewhere.endorsement;
    assert_int_equal(judge(&log, signed_by(&set, NEXT, log.arena)), KT_SET_UNENDORSED_KEY);
  }
}

/* --- what HTTP refuses ----------------------------------------------------------------------------------------- */

static void test_S14_wrong_seq_or_previous(void **state)
{
  struct log log = log_new(state);
  struct kt_bytes first = next_by(&log, ALICE);
  append(&log, first);
  append(&log, next_by(&log, ALICE));
  assert_int_equal(judge(&log, first), KT_SET_OUT_OF_CHAIN); /* a replay */
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, true), KT_ERR_CONFLICT);
  struct kt_device_set set = set_after(&log.state, log.arena, "a");
  for (int delta = -1; delta <= 1; delta++) {
    set.seq = (uint32_t)(2 + delta);
    assert_int_equal(judge(&log, signed_by(&set, ALICE, log.arena)), delta == 0 ? KT_SET_BY_KEY : KT_SET_OUT_OF_CHAIN);
  }
  set.seq = 2;
  for (size_t i = 0; i < sizeof set.previous.b; i++) {
    set.previous.b[i] ^= 1;
    assert_int_equal(judge(&log, signed_by(&set, ALICE, log.arena)), KT_SET_OUT_OF_CHAIN);
    set.previous.b[i] ^= 1;
  }
  struct log fresh = log_new(state);
  struct kt_device_set claim = set_after(&fresh.state, fresh.arena, "a");
  claim.seq = 1;
  assert_int_equal(judge(&fresh, signed_by(&claim, ALICE, fresh.arena)), KT_SET_OUT_OF_CHAIN);
}

static void test_S14_wrong_label_log_or_signature(void **state)
{
  struct log log = log_new(state);
  append(&log, next_by(&log, ALICE));
  struct kt_account_state before = log.state;
  struct kt_device_set set = set_after(&log.state, log.arena, "a");
  set.label = BYTES("alicf");
  assert_int_equal(append(&log, signed_by(&set, ALICE, log.arena)), KT_SET_WRONG_PLACE);
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, true), KT_ERR_DENIED);
  set.label = BYTES("alice");
  set.log_id.b[31] ^= 1;
  assert_int_equal(append(&log, signed_by(&set, ALICE, log.arena)), KT_SET_WRONG_PLACE);
  set.log_id.b[31] ^= 1;
  (void)signed_by(&set, ALICE, log.arena);
  set.signature[0] ^= 1;
  assert_int_equal(append(&log, encoded(&set, log.arena)), KT_SET_BAD_SIGNATURE);
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, true), KT_ERR_DENIED);
  assert_int_equal(append(&log, BYTES("not a device set")), KT_SET_MALFORMED);
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, true), KT_ERR_FORMAT);
  assert_int_equal(append(&log, (struct kt_bytes){ NULL, 0 }), KT_SET_MALFORMED);
  /* None of these is a set of this account: the owner goes on as if they were not there. */
  assert_memory_equal(&log.state, &before, sizeof before);
  assert_int_equal(judge(&log, next_by(&log, ALICE)), KT_SET_BY_KEY);
}

static void test_S14_unsigned_over_http(void **state)
{
  struct log log = log_new(state);
  judge(&log, next_unsigned(&log, 0));
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, true), KT_ERR_DENIED);
  append(&log, next_by(&log, ALICE));
  assert_int_equal(judge(&log, next_unsigned(&log, 0)), KT_SET_UNSIGNED_AFTER_SIGNED);
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, true), KT_ERR_DENIED);
}

/* --- operator insertions --------------------------------------------------------------------------------------- */

static void test_owner_recovers_after_an_unsigned_insertion(void **state)
{
  struct log log = log_new(state);
  append(&log, next_by(&log, ALICE));
  for (int i = 0; i < 3; i++) {
    assert_int_equal(append(&log, next_unsigned(&log, 0)), KT_SET_UNSIGNED_AFTER_SIGNED);
    assert_established(&log, ALICE);
    assert_closed_to_strangers(&log);
  }
  assert_int_equal(log.state.n_sets, 4);
  assert_int_equal(append(&log, next_by(&log, ALICE)), KT_SET_BY_KEY);
  assert_int_equal(admit(&log, KT_REGISTRATION_CLOSED, false), KT_OK);
}

static void test_owner_recovers_after_an_insertion_with_another_key(void **state)
{
  struct log log = log_new(state);
  append(&log, next_by(&log, ALICE));
  assert_int_equal(append(&log, next_by(&log, OPERATOR)), KT_SET_UNENDORSED_KEY);
  assert_established(&log, ALICE);
  assert_closed_to_strangers(&log);
  assert_int_equal(append(&log, next_by(&log, ALICE)), KT_SET_BY_KEY);
  assert_int_equal(admit(&log, KT_REGISTRATION_CLOSED, false), KT_OK);
  /* Having answered, the owner is rid of the operator's key. */
  assert_int_equal(judge(&log, next_by(&log, OPERATOR)), KT_SET_UNENDORSED_KEY);
  assert_int_equal(admit(&log, KT_REGISTRATION_OPEN, true), KT_ERR_DENIED);
}

static void test_insertion_cannot_lock_the_owner_out(void **state)
{
  struct log log = log_new(state);
  append(&log, next_by(&log, ALICE));
  struct kt_device_set set = set_after(&log.state, log.arena, "a");
  set.seq = UINT32_MAX;
  memset(set.previous.b, 0xee, sizeof set.previous.b);
  assert_int_equal(append(&log, encoded(&set, log.arena)), KT_SET_UNSIGNED_AFTER_SIGNED);
  assert_int_equal(log.state.n_sets, 2);
  assert_int_equal(append(&log, next_by(&log, ALICE)), KT_SET_BY_KEY);
}

static void test_operator_establishes_a_new_key_for_a_lost_one(void **state)
{
  for (int by_name = 0; by_name < 2; by_name++) {
    struct log log = log_new(state);
    append(&log, next_by(&log, ALICE));
    append(&log, by_name ? next_unsigned(&log, NEXT) : next_by(&log, NEXT));
    assert_established(&log, ALICE); /* until the new key's owner publishes */
    assert_closed_to_strangers(&log);
    assert_int_equal(judge(&log, next_by(&log, ALICE)), KT_SET_BY_KEY);
    assert_int_equal(append(&log, next_by(&log, NEXT)), KT_SET_BY_OPERATOR_KEY);
    assert_int_equal(admit(&log, KT_REGISTRATION_CLOSED, false), KT_OK);
    assert_established(&log, NEXT);
    assert_int_equal(judge(&log, next_by(&log, ALICE)), KT_SET_UNENDORSED_KEY);
    assert_closed_to_strangers(&log);
  }
}

/* The first signed set of a label came from the operator and was out of chain: nobody else may claim the label then. */
static void test_out_of_chain_first_key_closes_the_label(void **state)
{
  struct log log = log_new(state);
  struct kt_device_set set = set_after(&log.state, log.arena, "a");
  set.seq = 5;
  assert_int_equal(append(&log, signed_by(&set, ALICE, log.arena)), KT_SET_OUT_OF_CHAIN);
  assert_false(log.state.has_key);
  assert_closed_to_strangers(&log);
  assert_int_equal(append(&log, next_by(&log, ALICE)), KT_SET_BY_OPERATOR_KEY);
}

/* The established key is not also an operator key, whether its old set is logged again or the operator names it. */
static void test_established_key_is_no_operator_key(void **state)
{
  struct log log = log_new(state);
  struct kt_bytes first = next_by(&log, ALICE);
  append(&log, first);
  assert_int_equal(append(&log, first), KT_SET_OUT_OF_CHAIN);
  assert_false(log.state.has_operator_key);
  assert_int_equal(append(&log, next_unsigned(&log, ALICE)), KT_SET_UNSIGNED_AFTER_SIGNED);
  assert_false(log.state.has_operator_key);
}

/* Every sequence of four steps out of these; the rules of verification.md must hold after each. */
static void test_invariants_over_all_short_histories(void **state)
{
  enum { BY_ALICE, BY_STRANGER, ENDORSED, UNSIGNED, UNSIGNED_NAMING, REPLAY, GARBAGE, N_STEPS };
  struct kt_arena *arena = *state;
  const struct kt_account_key alice = key_of(ALICE);
  for (unsigned history = 0; history < N_STEPS * N_STEPS * N_STEPS * N_STEPS; history++) {
    struct log log = { .arena = arena };
    struct kt_bytes first = { NULL, 0 };
    unsigned rest = history;
    for (int step = 0; step < 4; step++, rest /= N_STEPS) {
      struct kt_account_state before = log.state;
      struct kt_bytes value = { NULL, 0 };
      switch (rest % N_STEPS) {
      case BY_ALICE: value = next_by(&log, ALICE); break;
      case BY_STRANGER: value = next_by(&log, STRANGER); break;
      case ENDORSED: value = next_endorsed(&log, ALICE, ALICE, NEXT); break;
      case UNSIGNED: value = next_unsigned(&log, 0); break;
      case UNSIGNED_NAMING: value = next_unsigned(&log, OPERATOR); break;
      case REPLAY: value = first; break;
      default: value = BYTES("garbage"); break;
      }
      first = step == 0 ? value : first;
      enum kt_set_class set_class = append(&log, value);
      bool admitted = admit(&log, KT_REGISTRATION_OPEN, true) == KT_OK;
      /* An established key is never cleared, and changes only by what HTTP would have admitted too. */
      assert_true(!before.has_key || log.state.has_key);
      if (before.has_key && !kt_account_key_equal(&before.key, &log.state.key)) {
        assert_true(admitted);
      }
      /* Nobody claims a label that has or had a key, whoever brought it. */
      if (set_class == KT_SET_FIRST_KEY) {
        assert_false(before.has_key || before.has_operator_key);
      }
      /* What is admitted is signed and extends the chain; nothing else establishes. */
      assert_true(!admitted || (log.last.set.is_signed && log.last.set.seq == before.n_sets));
      assert_int_equal(log.state.n_sets - before.n_sets, set_class < KT_SET_BAD_SIGNATURE);
      /* Whoever holds the established key can always go on. */
      if (log.state.has_key && kt_account_key_equal(&log.state.key, &alice)) {
        assert_int_equal(judge(&log, next_by(&log, ALICE)), KT_SET_BY_KEY);
      }
    }
    kt_arena_release(arena);
  }
}

static void test_state_encoding(void **state)
{
  struct log log = log_new(state);
  struct kt_account_key recovery = key_of(RECOVERY);
  append(&log, next_with_recovery(&log, ALICE, &recovery));
  append(&log, next_unsigned(&log, OPERATOR));
  struct kt_bytes bytes;
  struct kt_account_state back;
  assert_int_equal(kt_account_state_encode(&log.state, log.arena, &bytes), KT_OK);
  assert_int_equal(bytes.len, 1 + 34 + 34 + 4 + 32 + 1 + 33);
  assert_int_equal(kt_account_state_decode(bytes, log.arena, &back), KT_OK);
  assert_memory_equal(&back.operator_key, &log.state.operator_key, sizeof back.operator_key);
  assert_memory_equal(&back.latest, &log.state.latest, sizeof back.latest);
  assert_int_equal(back.n_sets, 2);
  assert_memory_equal(back.recovery_keys, &recovery, sizeof recovery);
  for (size_t len = 0; len < bytes.len; len++) {
    assert_int_not_equal(kt_account_state_decode((struct kt_bytes){ bytes.data, len }, log.arena, &back), KT_OK);
  }
  log.state = (struct kt_account_state){ 0 };
  assert_int_equal(kt_account_state_encode(&log.state, log.arena, &bytes), KT_OK);
  assert_int_equal(kt_account_state_decode(bytes, log.arena, &back), KT_OK);
  assert_false(back.has_key || back.has_operator_key);
  assert_int_equal(bytes.len, 1 + 1 + 1 + 4 + 32 + 1);
}

static void test_class_names(void **state)
{
  (void)state;
  static const char *const names[] = { "by-key",       "by-successor",  "by-recovery",           "by-operator-key",
                                       "first-key",    "unsigned",      "unsigned-after-signed", "unendorsed-key",
                                       "out-of-chain", "bad-signature", "wrong-place",           "malformed" };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    assert_string_equal(kt_set_class_name((enum kt_set_class)i), names[i]);
  }
}

static void test_registration_names(void **state)
{
  (void)state;
  enum kt_registration registration = KT_REGISTRATION_CLOSED;
  assert_int_equal(kt_registration_from_name("open", &registration), KT_OK);
  assert_int_equal(registration, KT_REGISTRATION_OPEN);
  assert_int_equal(kt_registration_from_name("token", &registration), KT_OK);
  assert_int_equal(registration, KT_REGISTRATION_TOKEN);
  assert_int_equal(kt_registration_from_name("closed", &registration), KT_OK);
  assert_int_equal(registration, KT_REGISTRATION_CLOSED);
  assert_int_equal(kt_registration_from_name("Open", &registration), KT_ERR_USAGE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(test_claim_under_each_policy),
    account_test(test_update_needs_no_registration),
    account_test(test_provisioned_label_is_claimed_under_the_policy),
    account_test(test_provisioned_label_with_named_key_waits_for_it),
    account_test(test_rotation_endorsed_by_the_old_key),
    account_test(test_rotation_endorsed_by_a_recovery_key),
    account_test(test_old_endorsement_does_not_undo_a_later_rotation),
    account_test(test_old_endorsement_does_not_count_when_the_key_came_back),
    account_test(test_endorsement_for_another_label_log_or_key),
    account_test(test_S14_wrong_seq_or_previous),
    account_test(test_S14_wrong_label_log_or_signature),
    account_test(test_S14_unsigned_over_http),
    account_test(test_owner_recovers_after_an_unsigned_insertion),
    account_test(test_owner_recovers_after_an_insertion_with_another_key),
    account_test(test_insertion_cannot_lock_the_owner_out),
    account_test(test_operator_establishes_a_new_key_for_a_lost_one),
    account_test(test_out_of_chain_first_key_closes_the_label),
    account_test(test_established_key_is_no_operator_key),
    account_test(test_invariants_over_all_short_histories),
    account_test(test_state_encoding),
    account_test(test_class_names),
    account_test(test_registration_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
