/* SPDX-License-Identifier: Apache-2.0 */
/* A logged value: what decodes is encoded to the same bytes again, and is judged as its owner and a contact would.
 *
 * The bits of the first byte: sign the set anew, for this label and log (1), with a stranger's key (2), where it
 * belongs in the chain (4); the account has a key (8), and the operator brought in the stranger's (16). So the
 * judgements behind the signatures are reached. Alerts must come whenever anything was not the owner's doing. */
#include "fuzz.h"

#include <kt/contact_judge.h>
#include <kt/owner_judge.h>
#include <kt/suite.h>

#include "crypto/hash.h"

enum {
  SIGN = 1,
  AS_STRANGER = 2,
  IN_CHAIN = 4,
  HAS_KEY = 8,
  HAS_OPERATOR_KEY = 16,
};

static const uint8_t owner_seed[KT_ACCOUNT_SEED_LEN] = "fuzz: the owner";
static const uint8_t stranger_seed[KT_ACCOUNT_SEED_LEN] = "fuzz: a stranger";
static const struct kt_bytes label = { (const uint8_t *)"alice", 5 };
static const struct kt_hash log_id = { { 1, 2, 3 } };

static struct kt_account_key owner_key;
static struct kt_account_key stranger_key;

static void start(void)
{
  static bool started;
  if (!started) {
    FUZZ_CHECK(kt_crypto_init() == KT_OK);
    FUZZ_CHECK(kt_account_key_from_seed(owner_seed, &owner_key) == KT_OK);
    FUZZ_CHECK(kt_account_key_from_seed(stranger_seed, &stranger_key) == KT_OK);
    started = true;
  }
}

/* The account before this value. */
static struct kt_account_state state_of(uint8_t selector)
{
  struct kt_account_state state = { .has_key = (selector & HAS_KEY) != 0,
                                    .has_operator_key = (selector & HAS_OPERATOR_KEY) != 0 };
  if (state.has_key) {
    state.key = owner_key;
    state.n_sets = 1;
    state.latest = log_id; /* the hash of some value */
  }
  if (state.has_operator_key) {
    state.operator_key = stranger_key;
  }
  return state;
}

static struct kt_bytes sign(const struct kt_device_set *set, uint8_t selector, const struct kt_account_state *state,
                            struct kt_arena *arena, struct kt_bytes unsigned_value)
{
  struct kt_device_set made = *set;
  struct kt_bytes value;
  made.log_id = log_id;
  made.label = label;
  made.has_endorsement = set->is_signed && set->has_endorsement;
  if ((selector & IN_CHAIN) != 0) {
    made.seq = state->n_sets;
    made.previous = state->latest;
  }
  const uint8_t *seed = (selector & AS_STRANGER) != 0 ? stranger_seed : owner_seed;
  if (kt_device_set_sign(&made, seed) != KT_OK || kt_device_set_encode(&made, arena, &value) != KT_OK) {
    return unsigned_value; /* an operator key belongs into unsigned sets only; or it became too long */
  }
  FUZZ_CHECK(kt_device_set_verify(&made) == KT_OK);
  return value;
}

static void check_state(const struct kt_account_state *state, struct kt_arena *arena)
{
  struct kt_account_state decoded;
  struct kt_bytes first = { .len = 0 };
  struct kt_bytes second = { .len = 0 };
  FUZZ_CHECK(kt_account_state_encode(state, arena, &first) == KT_OK);
  FUZZ_CHECK(kt_account_state_decode(first, arena, &decoded) == KT_OK);
  FUZZ_CHECK(kt_account_state_encode(&decoded, arena, &second) == KT_OK);
  FUZZ_CHECK(fuzz_equal(first, second));
}

static void check_judgement(const struct kt_account_state *state, struct kt_bytes value, struct kt_arena *arena)
{
  struct kt_set_judgement judgement;
  struct kt_reason reason = { 0 };
  FUZZ_CHECK(kt_account_judge(state, &log_id, label, value, arena, &judgement) == KT_OK);
  FUZZ_CHECK(kt_set_class_name(judgement.set_class) != NULL);
  FUZZ_CHECK(judgement.has_set || judgement.set_class == KT_SET_MALFORMED);
  if (judgement.set_class == KT_SET_BY_KEY) {
    FUZZ_CHECK(state->has_key && kt_account_key_equal(&judgement.set.account_key, &state->key));
  }
  /* "established: no later value clears it", and only who may moves it. */
  FUZZ_CHECK(judgement.next.has_key || !state->has_key);
  if (state->has_key && !kt_account_key_equal(&judgement.next.key, &state->key)) {
    FUZZ_CHECK(judgement.set.has_endorsement || state->has_operator_key);
  }
  check_state(&judgement.next, arena);
  if (kt_account_admit(&judgement, KT_REGISTRATION_CLOSED, false, &reason) == KT_OK) {
    FUZZ_CHECK(judgement.set.is_signed && (state->has_key || state->has_operator_key));
  }
}

static size_t count(const struct kt_alert *alerts, size_t n, enum kt_alert_kind kind)
{
  size_t found = 0;
  for (size_t i = 0; i < n; i++) {
    char next[KT_ALERT_NEXT_SIZE];
    kt_alert_next(&alerts[i], label, next);
    FUZZ_CHECK(kt_alert_kind_name(alerts[i].kind) != NULL && memchr(next, '\0', sizeof next) != NULL);
    found += alerts[i].kind == kind && !alerts[i].is_note;
  }
  return found;
}

/* Nobody approved or published anything: every version and every device is somebody else's. */
static void check_owner(const struct kt_account_state *state, const struct kt_logged_value *logged,
                        struct kt_arena *arena)
{
  const struct kt_owner_knowledge known = { .state = *state, .has_key = state->has_key, .key = state->key };
  struct kt_owner_verdict verdict;
  FUZZ_CHECK(kt_owner_judge(&known, logged, arena, &verdict) == KT_OK);
  const struct kt_set_judgement *judgement = &verdict.judgement;
  FUZZ_CHECK(!verdict.is_mine);
  FUZZ_CHECK(count(verdict.alerts, verdict.n_alerts, KT_ALERT_VERSION_NOT_MINE) == 1);
  FUZZ_CHECK(count(verdict.alerts, verdict.n_alerts, KT_ALERT_UNKNOWN_DEVICE) ==
             (judgement->has_set ? judgement->set.n_devices : 0));
}

static void check_contact(const struct kt_account_state *state, const struct kt_logged_value *logged,
                          struct kt_arena *arena)
{
  const struct kt_contact_knowledge known = { .contact = { .has_key = state->has_key, .key = state->key } };
  struct kt_contact_verdict verdict;
  FUZZ_CHECK(kt_contact_judge(&known, logged, 1000, arena, &verdict) == KT_OK);
  const struct kt_set_judgement *judgement = &verdict.judgement;
  if (!verdict.is_endorsed) {
    FUZZ_CHECK(verdict.n_alerts > 0);
  } else {
    FUZZ_CHECK(judgement->has_set && judgement->set.is_signed);
    FUZZ_CHECK(!state->has_key || kt_account_key_equal(&judgement->set.account_key, &state->key) ||
               judgement->set.has_endorsement);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  struct kt_arena arena;
  struct kt_device_set set;
  struct kt_bytes value;
  start();
  if (!fuzz_split(data, size, &input)) {
    return 0;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  const struct kt_account_state state = state_of(input.selector);
  value = input.rest;
  enum kt_err err = kt_device_set_decode(input.rest, &arena, &set);
  if (err == KT_OK) {
    FUZZ_CHECK(kt_device_set_encode(&set, &arena, &value) == KT_OK && fuzz_equal(value, input.rest));
    value = (input.selector & SIGN) != 0 ? sign(&set, input.selector, &state, &arena, value) : value;
  } else {
    FUZZ_CHECK(fuzz_is_refusal(err));
  }
  const struct kt_logged_value logged = { .log_id = log_id, .label = label, .value = value };
  check_judgement(&state, value, &arena);
  check_owner(&state, &logged, &arena);
  check_contact(&state, &logged, &arena);
  kt_arena_release(&arena);
  return 0;
}
