/* SPDX-License-Identifier: Apache-2.0 */
/* Which auditors' heads a user accepts, against the model (R13 to R17). Logs of up to 5 entries, timestamps 10 apart (level
 * 2: 7; level 3: 10); every advertised size with every size that the auditor had vouched for then, every start of the auditor,
 * every size and timestamp that its head can have or claim, every lag allowed, over the right root and over another one. */
#include "model_pair.h"

#include "support/toy_suite.h"
#include "wire/tree_head.h"

static struct model_pair pair;
static struct model_auditor_head claimed;
static unsigned long n_accepted;
static unsigned long n_late;
static unsigned long n_wrong;

/* --- signatures that depend on what is signed, and nothing else ------------------------------------------------------------ */

static enum kt_err sign(const struct kt_sign_key *key, struct kt_bytes message, uint8_t *ret_signature)
{
  struct model_value hash;
  (void)key;
  model_hash(message.data, message.len, &hash);
  memset(ret_signature, 0, MODEL_SIGNATURE_LEN);
  memcpy(ret_signature, hash.b, sizeof hash.b);
  return KT_OK;
}

static enum kt_err verify(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  uint8_t wanted[MODEL_SIGNATURE_LEN];
  (void)public_key;
  (void)sign(NULL, message, wanted);
  bool same = signature.len == sizeof wanted && memcmp(signature.data, wanted, sizeof wanted) == 0;
  return same ? KT_OK : KT_ERR_PROOF;
}

static void use_signatures(void)
{
  static struct kt_suite suite;
  suite = *pair.toy.config.suite;
  suite.sign = sign;
  suite.verify = verify;
  pair.toy.config.suite = &suite;
  pair.toy.prover_config = pair.toy.config;
}

/* --- one head ------------------------------------------------------------------------------------------------------------------ */

/* The answer has the head that is claimed, signed over what it claims. */
static void claim(struct toy_log *log, struct kt_arena *arena, void *response)
{
  static const uint8_t seed[KT_SEED_LEN];
  struct kt_auditor_tree_head *head = &((struct kt_distinguished_response *)response)->full_tree_head.auditor_head;
  uint8_t *signature = kt_arena_alloc(arena, 1, MODEL_SIGNATURE_LEN);
  struct kt_hash root;
  assert_non_null(signature);
  memcpy(root.b, claimed.signed_root.b, sizeof root.b);
  *head = (struct kt_auditor_tree_head){ .timestamp = claimed.timestamp, .tree_size = claimed.tree_size };
  assert_int_equal(
      kt_auditor_tree_head_sign(&log->config, seed, claimed.timestamp, claimed.tree_size, &root, signature), KT_OK);
  head->signature = (struct kt_bytes){ signature, MODEL_SIGNATURE_LEN };
}

/* A head that is merely too old is told apart: the log is right, and the auditor is away. */
static enum kt_err expected(unsigned faults)
{
  return faults == 0 ? KT_OK : faults == MODEL_AUDITOR_LAG ? KT_ERR_STALE : KT_ERR_PROOF;
}

static void compare(uint64_t last, uint64_t previous, const struct model_auditing *auditing)
{
  const struct toy_query walk = { .kind = TOY_DISTINGUISHED };
  const uint64_t size = pair.model.size;
  pair.toy.config.auditor_start_pos = auditing->start_pos;
  pair.toy.config.max_auditor_lag = auditing->max_lag;
  pair.toy.prover_config = pair.toy.config;
  pair.toy.auditor_size = claimed.tree_size == 0 || claimed.tree_size > size ? size : claimed.tree_size;
  memset(pair.toy.signed_heads, 0, sizeof pair.toy.signed_heads); /* the configuration is under them */
  model_pair_begin(&pair, last);
  pair.user.state.auditor_size = previous;
  unsigned faults = model_auditor_faults(&pair.run, auditing, previous, &claimed);
  assert_int_equal(model_pair_ask(&pair, &walk), KT_OK);
  assert_int_equal(model_pair_check(&pair, &walk), expected(faults));
  if (faults == 0) {
    assert_int_equal(pair.user.state.auditor_size, claimed.tree_size);
    n_accepted++;
  } else {
    assert_int_equal(pair.user.state.tree.size, last);
    assert_int_equal(pair.user.state.auditor_size, previous);
    n_late += faults == MODEL_AUDITOR_LAG;
    n_wrong += faults != MODEL_AUDITOR_LAG;
  }
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------ */

/* Every size of a head, 0 and one too many included, over the right root and, where there is one, another. */
static void compare_sizes(uint64_t last, uint64_t previous, const struct model_auditing *auditing)
{
  const uint64_t size = pair.model.size;
  for (claimed.tree_size = 0; claimed.tree_size <= size + 1; claimed.tree_size++) {
    bool exists = claimed.tree_size > 0 && claimed.tree_size <= size;
    for (unsigned wrong = 0; wrong <= (exists ? 1U : 0U); wrong++) {
      model_root(&pair.model, exists ? claimed.tree_size : size, &claimed.signed_root);
      claimed.signed_root.b[0] ^= (uint8_t)wrong;
      compare(last, previous, auditing);
    }
  }
}

static void compare_times(uint64_t last, uint64_t previous)
{
  const uint64_t size = pair.model.size;
  struct model_auditing auditing;
  for (auditing.start_pos = 0; auditing.start_pos <= size; auditing.start_pos++) {
    for (uint64_t lag = 0; lag <= size; lag += 2) {
      auditing.max_lag = 10 * lag;
      for (uint64_t time = 0; time <= size + 1; time++) {
        claimed.timestamp = 10 * time;
        compare_sizes(last, previous, &auditing);
      }
      claimed.timestamp = 10 * size - auditing.max_lag - 1; /* just too old, or, where that is before 0, far too late */
      compare_sizes(last, previous, &auditing);
      claimed.timestamp = 10 * size + 1; /* just later than the log */
      compare_sizes(last, previous, &auditing);
      claimed.timestamp = UINT64_MAX;
      compare_sizes(last, previous, &auditing);
    }
  }
}

static void auditor_heads_as_the_model_R13_R14_R15_R16_R17(void **state)
{
  (void)state;
  model_pair_init(&pair);
  toy_log_set_auditor(&pair.toy, 0, 0, 0);
  use_signatures();
  pair.toy.mutate = claim;
  for (uint64_t size = 1; size <= model_up_to(5, 7, 10); size++) {
    model_pair_append(&pair, 10 * size, size % 2 == 0);
    compare_times(0, 0);
    for (uint64_t last = 1; last < size; last++) {
      for (uint64_t previous = 0; previous <= last; previous++) {
        compare_times(last, previous);
      }
    }
  }
  model_pair_release(&pair);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(auditor_heads_as_the_model_R13_R14_R15_R16_R17),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("%lu heads accepted, %lu too old, %lu refused\n", n_accepted, n_late, n_wrong);
  return failed;
}
