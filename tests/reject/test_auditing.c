/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's head (draft: Auditor Tree Head Signature). The log and the auditor sign whatever the lie leads to, except
 * where the signature itself is the lie. */
#include "reject_test.h"
#include "support/toy_suite.h"

#define MAX_LAG 30

static const struct toy_query search_query = { .kind = TOY_SEARCH, .label = REJECT_LABEL };
static const struct toy_query walk_query = { .kind = TOY_DISTINGUISHED };

struct scene {
  struct toy_log log; /* entries at 1000, 1010 … 1060 */
  struct toy_user user;
};

/* The auditor is at `auditor` entries; seen: observed before, with the auditor as far as it was then. */
static void begin(struct scene *scene, uint64_t auditor, uint64_t seen)
{
  reject_log(&scene->log, "1000200", 35, 0);
  toy_log_set_auditor(&scene->log, 0, MAX_LAG, 0);
  scene->log.auditor_size = auditor;
  toy_user_init(&scene->user, &scene->log);
  if (seen > 0) {
    toy_user_observe(&scene->user, seen);
  }
}

static void end(struct scene *scene)
{
  toy_user_release(&scene->user);
  toy_log_release(&scene->log);
}

static struct kt_auditor_tree_head *head_of(void *response)
{
  return &((struct kt_search_response *)response)->full_tree_head.auditor_head;
}

/* One lie, to a newcomer and to somebody who saw five entries. */
static void lie(uint64_t auditor, toy_mutate how, enum kt_err want, const char *code)
{
  static struct scene scene;
  for (uint64_t seen = 0; seen <= 5; seen += 5) {
    begin(&scene, auditor, seen);
    accept_honest(&scene.user, &search_query, KT_OK);
    reject_lie(&scene.user, &search_query, how, want, code);
    end(&scene);
  }
}

/* --- R12: as bytes ---------------------------------------------------------------------------------------------------- */

/* The answer of a log in one mode, read by a user who pinned the other. */
static void read_as(struct scene *scene, enum kt_mode pinned)
{
  accept_honest(&scene->user, &walk_query, KT_OK);
  assert_int_equal(toy_ask(&scene->user, scene->log.size, &walk_query), KT_OK);
  scene->log.config.mode = pinned;
  reject_response(&scene->user, &walk_query, 1060, KT_ERR_FORMAT, "malformed-response");
}

static void test_R12_auditor_head_missing(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, 6, 0);
  scene.log.config.mode = KT_MODE_CONTACT_MONITORING;
  read_as(&scene, KT_MODE_THIRD_PARTY_AUDITING);
  end(&scene);
}

static void test_R12_auditor_head_in_another_mode(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, 6, 0);
  read_as(&scene, KT_MODE_CONTACT_MONITORING);
  end(&scene);
}

/* --- R13: an auditor that began too late --------------------------------------------------------------------------------- */

/* Seen with the first auditor at `vouched` entries; then another one takes over that began at `start`. */
static void change_auditor(uint64_t vouched, uint64_t start, bool accepted)
{
  static struct scene scene;
  begin(&scene, vouched, 5);
  assert_int_equal(scene.user.state.auditor_size, vouched);
  toy_log_set_auditor(&scene.log, 1, MAX_LAG, start);
  if (accepted) {
    accept_honest(&scene.user, &search_query, KT_OK);
  } else {
    assert_int_equal(toy_ask(&scene.user, scene.log.size, &search_query), KT_OK);
    reject_response(&scene.user, &search_query, 1060, KT_ERR_PROOF, "auditor-start");
    /* Who sees the log for the first time has nothing to compare with. */
    toy_user_release(&scene.user);
    toy_user_init(&scene.user, &scene.log);
    accept_honest(&scene.user, &search_query, KT_OK);
  }
  end(&scene);
}

static void test_R13_auditor_that_began_too_late(void **state)
{
  (void)state;
  change_auditor(4, 0, true);
  change_auditor(4, 3, true);
  change_auditor(4, 4, true);
  change_auditor(4, 5, false);
  change_auditor(2, 3, false);
}

/* A head from before there was an auditor vouches for nothing. */
static void test_R13_no_auditor_before(void **state)
{
  static struct scene scene;
  (void)state;
  for (uint64_t start = 0; start <= 1; start++) {
    begin(&scene, 6, 0);
    scene.log.config.mode = KT_MODE_CONTACT_MONITORING;
    toy_user_observe(&scene.user, 5);
    toy_log_set_auditor(&scene.log, 0, MAX_LAG, start);
    assert_int_equal(toy_ask(&scene.user, scene.log.size, &search_query), KT_OK);
    if (start > 0) {
      reject_response(&scene.user, &search_query, 1060, KT_ERR_PROOF, "auditor-start");
    } else {
      accept_honest(&scene.user, &search_query, KT_OK);
    }
    end(&scene);
  }
}

/* --- R14, R15: time ----------------------------------------------------------------------------------------------------- */

static void claim_later(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  head_of(response)->timestamp = 1061;
}

static void claim_end_of_time(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  head_of(response)->timestamp = UINT64_MAX;
}

static void test_R14_auditor_later_than_the_log(void **state)
{
  (void)state;
  lie(7, claim_later, KT_ERR_PROOF, "auditor-time");
  lie(6, claim_end_of_time, KT_ERR_PROOF, "auditor-time");
}

static void claim_earlier(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  head_of(response)->timestamp = 1060 - MAX_LAG - 1;
}

static void claim_beginning_of_time(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  head_of(response)->timestamp = 0;
}

static void test_R15_auditor_too_far_behind(void **state)
{
  (void)state;
  lie(4, claim_earlier, KT_ERR_STALE, "auditor-missing"); /* entry 3 is exactly as old as it may be */
  lie(4, claim_beginning_of_time, KT_ERR_STALE, "auditor-missing");
}

/* A genuine head that is late; it is honest, so real signatures too. Then the auditor is back. */
static void test_R15_auditor_away(void **state)
{
  static struct scene scene;
  (void)state;
  for (uint64_t seen = 0; seen <= 3; seen += 3) {
    begin(&scene, 3, seen);
    scene.log.config.suite = toy_suite();
    assert_int_equal(toy_ask(&scene.user, 7, &search_query), KT_OK);
    reject_response(&scene.user, &search_query, 1060, KT_ERR_STALE, "auditor-missing");
    scene.log.auditor_size = 4;
    accept_honest(&scene.user, &search_query, KT_OK);
    end(&scene);
  }
}

/* A forged head is a forgery, however late it claims to be. */
static void test_R15_late_and_forged_is_forged(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, 4, 0);
  scene.log.config.suite = toy_suite();
  accept_honest(&scene.user, &search_query, KT_OK);
  reject_lie(&scene.user, &search_query, claim_earlier, KT_ERR_PROOF, "auditor-signature");
  end(&scene);
}

/* --- R16: size ---------------------------------------------------------------------------------------------------------- */

static void claim_size(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)arena;
  head_of(response)->tree_size = *(const uint64_t *)log->mutate_ctx;
}

static void test_R16_auditor_size_over_the_log_or_0(void **state)
{
  static struct scene scene;
  uint64_t sizes[] = { 0, 8, 9, (uint64_t)1 << 63, UINT64_MAX };
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    for (uint64_t seen = 0; seen <= 5; seen += 5) {
      begin(&scene, 7, seen);
      scene.log.mutate_ctx = &sizes[i];
      accept_honest(&scene.user, &search_query, KT_OK);
      reject_lie(&scene.user, &search_query, claim_size, KT_ERR_PROOF, "auditor-size");
      end(&scene);
    }
  }
}

/* --- R17: signature ------------------------------------------------------------------------------------------------------- */

/* What the log can do with true signatures: its own, or the auditor's for another size, time, root or configuration. */
struct forgery {
  uint64_t size;   /* signed: the tree of so many entries */
  uint64_t salt;   /* signed: a fork's root */
  bool by_the_log; /* signed with the log's key */
  bool other_config;
  bool later; /* signed: a later timestamp */
};

static void forge(struct toy_log *log, struct kt_arena *arena, void *response)
{
  const struct forgery *forgery = log->mutate_ctx;
  uint8_t *signature = kt_arena_alloc(arena, 1, KT_SIGNATURE_MAX);
  struct kt_config config = log->config;
  struct kt_auditor_tree_head *head = head_of(response);
  struct kt_hash root;
  uint8_t seed[KT_SEED_LEN] = "toy log: auditor";
  assert_non_null(signature);
  toy_naive_root(log, forgery->size, &root);
  root.b[0] ^= (uint8_t)forgery->salt;
  config.max_auditor_lag += forgery->other_config;
  if (forgery->by_the_log) {
    memcpy(seed, "toy log: signing key", 21);
  }
  assert_int_equal(
      kt_auditor_tree_head_sign(&config, seed, head->timestamp + forgery->later, head->tree_size, &root, signature),
      KT_OK);
  head->signature = (struct kt_bytes){ signature, config.suite->signature_len };
}

static void test_R17_auditor_signature_of_something_else(void **state)
{
  static struct scene scene;
  struct forgery forgeries[] = { { .size = 5 },
                                 { .size = 7 },
                                 { .size = 6, .salt = 1 },
                                 { .size = 6, .by_the_log = true },
                                 { .size = 6, .other_config = true },
                                 { .size = 6, .later = true } };
  (void)state;
  for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
    for (uint64_t seen = 0; seen <= 5; seen += 5) {
      begin(&scene, 6, seen);
      scene.log.config.suite = toy_suite();
      scene.log.mutate_ctx = &forgeries[i];
      accept_honest(&scene.user, &search_query, KT_OK);
      reject_lie(&scene.user, &search_query, forge, KT_ERR_PROOF, "auditor-signature");
      end(&scene);
    }
  }
  /* The same hand that forges can sign the truth: it is what is signed that was refused. */
  struct forgery truth = { .size = 6 };
  begin(&scene, 6, 0);
  scene.log.config.suite = toy_suite();
  scene.log.mutate = forge;
  scene.log.mutate_ctx = &truth;
  accept_honest(&scene.user, &search_query, KT_OK);
  end(&scene);
}

/* What stands right of the auditor's size in a subtree that was retained is recomputed, so the auditor's root belongs to
 * the tree the user saw. */
static void swap_element(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_inclusion_proof *inclusion = &proof_of_search(response)->inclusion;
  (void)log;
  assert_true(inclusion->n_elements > 0);
  edit_hashes(arena, &inclusion->elements, inclusion->n_elements)[0].b[0] ^= 1;
}

static void test_R17_root_of_another_tree_than_the_retained(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, 3, 0);
  toy_log_set_auditor(&scene.log, 0, 1000, 0);
  scene.log.auditor_size = 3;
  toy_user_observe(&scene.user, 4);
  accept_honest(&scene.user, &search_query, KT_OK);
  reject_lie(&scene.user, &search_query, swap_element, KT_ERR_PROOF, "log-retained");
  end(&scene);
}

/* --- comparing heads ------------------------------------------------------------------------------------------------------ */

static void forge_log_head(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_full_tree_head *head = &((struct kt_search_response *)response)->full_tree_head;
  uint8_t *signature = edit_array(arena, head->tree_head.signature.data, head->tree_head.signature.len, 1);
  (void)log;
  signature[0] ^= 1;
  head->tree_head.signature.data = signature;
}

/* Who compares heads of the log needs no auditor's word, and still the log's. */
static void test_log_only_needs_no_auditor(void **state)
{
  static struct scene scene;
  static const toy_mutate lies[] = { claim_later, claim_earlier, claim_beginning_of_time };
  (void)state;
  begin(&scene, 4, 0);
  scene.log.config.suite = toy_suite();
  scene.user.log_only = true;
  for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
    scene.log.mutate = lies[i]; /* the auditor's signature does not fit any more either */
    accept_honest(&scene.user, &search_query, KT_OK);
  }
  reject_lie(&scene.user, &search_query, forge_log_head, KT_ERR_PROOF, "head-signature");
  scene.user.log_only = false;
  for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
    reject_lie(&scene.user, &search_query, lies[i], KT_ERR_PROOF, i == 0 ? "auditor-time" : "auditor-signature");
  }
  end(&scene);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R12_auditor_head_missing),
    cmocka_unit_test(test_R12_auditor_head_in_another_mode),
    cmocka_unit_test(test_R13_auditor_that_began_too_late),
    cmocka_unit_test(test_R13_no_auditor_before),
    cmocka_unit_test(test_R14_auditor_later_than_the_log),
    cmocka_unit_test(test_R15_auditor_too_far_behind),
    cmocka_unit_test(test_R15_auditor_away),
    cmocka_unit_test(test_R15_late_and_forged_is_forged),
    cmocka_unit_test(test_R16_auditor_size_over_the_log_or_0),
    cmocka_unit_test(test_R17_auditor_signature_of_something_else),
    cmocka_unit_test(test_R17_root_of_another_tree_than_the_retained),
    cmocka_unit_test(test_log_only_needs_no_auditor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
