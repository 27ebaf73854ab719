/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be refused in credentials and their updates: an honest one is accepted, the same with one lie in it is
 * refused for the stated reason. The log signs whatever its lies lead to, but for R64's signature. */
#include "credential_test.h"

#include "support/toy_suite.h"
#include "tree/ladder.h"

static void test_R60_an_expired_entry_is_not_recent(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 50, 5);
  assert_int_equal(check(&bob, &bob.credential), KT_OK);
  bob.recent.rightmost_ms = 1050 + 49;
  assert_int_equal(check(&bob, &bob.credential), KT_OK);
  bob.recent.rightmost_ms = 1050 + 50; /* "greater than or equal to the defined duration" */
  expect(&bob, check(&bob, &bob.credential), KT_ERR_EXPIRED, "credential-expired");
  bob_release(&bob);
}

/* The same heads once more are learned; with another tree at one of them, nothing is. */
static void test_R61_changed_head_is_not_learned(void **state)
{
  static struct bob bob;
  static struct kt_distinguished_result walk;
  struct kt_recent_heads learned;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 7);
  struct kt_tree_state *states = edit_array(&bob.arena, bob.recent.heads, bob.recent.n, sizeof *states);
  walk.states = states;
  walk.n_heads = bob.recent.n;
  walk.rightmost_ms = LAST_MS;
  assert_true(walk.n_heads > 1);
  assert_int_equal(kt_recent_learn(&bob.recent, &walk, NULL, LAST_MS, &bob.arena, &bob.reason, &learned), KT_OK);
  for (size_t i = 0; i < walk.n_heads; i++) {
    states[i].heads[0].b[0] ^= 1;
    expect(&bob, kt_recent_learn(&bob.recent, &walk, NULL, LAST_MS, &bob.arena, &bob.reason, &learned), KT_ERR_PROOF,
           "head-changed");
    states[i].heads[0].b[0] ^= 1;
  }
  bob_release(&bob);
}

static void test_R62_unknown_position(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 7);
  assert_int_equal(check(&bob, &bob.credential), KT_OK);
  bob_learns(&bob, 7); /* heads from before entry 7 */
  expect(&bob, check(&bob, &bob.credential), KT_ERR_UNDETERMINED, "unknown-position");
  bob.recent = (struct kt_recent_heads){ 0 }; /* nothing learned yet */
  expect(&bob, check(&bob, &bob.credential), KT_ERR_UNDETERMINED, "unknown-position");
  bob_learns(&bob, SIZE);
  struct kt_credential lie = bob.credential;
  lie.position = 6; /* between two that are */
  refuse(&bob, &lie, KT_ERR_PROOF, "credential-position");
  bob_release(&bob);
}

static void test_R62_not_recent_any_more(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 3);
  assert_int_equal(check(&bob, &bob.credential), KT_OK);
  bob.recent.n_recent = 2; /* 7 and 5; 3 is kept for a pending one */
  expect(&bob, check(&bob, &bob.credential), KT_ERR_EXPIRED, "credential-expired");
  bob.recent.n = 2;
  expect(&bob, check(&bob, &bob.credential), KT_ERR_EXPIRED, "credential-expired");
  bob_release(&bob);
}

static void test_R63_another_prefix_tree(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 7);
  struct kt_credential other; /* the same lookups from the tree of another entry */
  toy_credential_make(&bob.log, SIZE, REJECT_LABEL, 5, &bob.arena, &other);
  struct kt_credential lie = bob.credential;
  lie.distinguished = other.distinguished;
  refuse(&bob, &lie, KT_ERR_PROOF, "prefix-root-retained");
  lie = bob.credential;
  edit_hashes(&bob.arena, &lie.distinguished.elements, lie.distinguished.n_elements)[0].b[0] ^= 1;
  refuse(&bob, &lie, KT_ERR_PROOF, "prefix-root-retained");
  bob_release(&bob);
}

/* The greatest version of a later time is not in the entry, and one that is there is not the greatest any more. */
static void test_R63_not_the_greatest_there(void **state)
{
  static struct bob bob;
  struct kt_credential old;
  (void)state;
  bob_init(&bob, "0100001000", 0, 7);
  toy_credential_make(&bob.log, 6, REJECT_LABEL, 5, &bob.arena, &old); /* version 0, when it was the greatest */
  assert_int_equal(old.version, 0);
  assert_int_equal(check(&bob, &old), KT_OK); /* a standard credential says no more than what was true at its entry */
  old.position = 7;
  struct kt_prefix_proof proof;
  struct kt_hash keys[2];
  toy_vrf_output(REJECT_LABEL, 0, &keys[0]);
  toy_vrf_output(REJECT_LABEL, 1, &keys[1]);
  assert_int_equal(kt_prefix_prove(&bob.log.source.prefix_nodes, bob.log.prefix_roots[7], keys, 2, &bob.arena, &proof),
                   KT_OK);
  old.distinguished = proof;
  refuse(&bob, &old, KT_ERR_PROOF, "greater-version");
  struct kt_credential early = bob.credential; /* version 1 on entry 5, which has version 0 only */
  assert_int_equal(early.version, 1);
  early.position = 5;
  uint32_t versions[KT_LADDER_MAX];
  struct kt_hash ladder[KT_LADDER_MAX];
  size_t n = kt_ladder_base(1, versions);
  for (size_t i = 0; i < n; i++) {
    toy_vrf_output(REJECT_LABEL, versions[i], &ladder[i]);
  }
  assert_int_equal(
      kt_prefix_prove(&bob.log.source.prefix_nodes, bob.log.prefix_roots[5], ladder, 2, &bob.arena, &proof), KT_OK);
  early.distinguished = proof;
  refuse(&bob, &early, KT_ERR_PROOF, "greatest-missing");
  bob_release(&bob);
}

static void test_R64_tree_that_does_not_reach_beyond(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, PROVISIONAL_ADDS, 0, 7);
  struct kt_credential lie = bob.credential;
  assert_int_equal(lie.type, KT_CREDENTIAL_PROVISIONAL);
  static const uint64_t sizes[] = { 0, 7, UINT64_MAX };
  for (size_t i = 0; i < 3; i++) {
    lie.tree_head.tree_size = sizes[i];
    refuse(&bob, &lie, KT_ERR_PROOF, "credential-size");
  }
  bob_release(&bob);
}

/* "explicitly rejects a provisional credential if a standard credential could have been produced from the same log
 * entry" */
static void test_R64_terminal_entry_not_beyond(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 7);
  struct kt_credential lie = bob.credential;
  assert_int_equal(lie.type, KT_CREDENTIAL_STANDARD);
  lie.type = KT_CREDENTIAL_PROVISIONAL; /* whose proof is as good as any */
  refuse(&bob, &lie, KT_ERR_PROOF, "credential-terminal");
  bob_release(&bob);
}

static void test_R64_signature(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, PROVISIONAL_ADDS, 0, 7);
  bob.log.config.suite = toy_suite(); /* the real one: only what was signed verifies */
  memset(bob.log.signed_heads, 0, sizeof bob.log.signed_heads);
  toy_credential_make(&bob.log, SIZE, REJECT_LABEL, 7, &bob.arena, &bob.credential);
  struct kt_credential lie = bob.credential;
  uint8_t *signature = edit_array(&bob.arena, lie.tree_head.signature.data, lie.tree_head.signature.len, 1);
  signature[10] ^= 1;
  lie.tree_head.signature.data = signature;
  refuse(&bob, &lie, KT_ERR_PROOF, "head-signature");
  uint8_t other[KT_SIGNATURE_MAX]; /* genuine, for another size */
  toy_sign_head(&bob.log, SIZE - 1, other);
  memcpy(signature, other, lie.tree_head.signature.len);
  refuse(&bob, &lie, KT_ERR_PROOF, "head-signature");
  bob_release(&bob);
}

/* Fields in common with a search are checked as those of a search. */
static void test_R42_another_value(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 7);
  struct kt_credential lie = bob.credential;
  lie.value.value = toy_label("mallory");
  refuse(&bob, &lie, KT_ERR_PROOF, "prefix-root-retained");
  lie = bob.credential;
  lie.label = toy_label("mallory");
  refuse(&bob, &lie, KT_ERR_PROOF, "vrf");
  lie = bob.credential;
  lie.n_ladder--;
  refuse(&bob, &lie, KT_ERR_PROOF, "ladder-count");
  bob_release(&bob);
}

static void test_R9_from_the_future(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, PROVISIONAL_ADDS, 0, 7);
  bob.client.now_ms = LAST_MS - 10;
  assert_int_equal(check(&bob, &bob.credential), KT_OK);
  bob.client.now_ms = LAST_MS - 11; /* max_ahead is 10 */
  expect(&bob, check(&bob, &bob.credential), KT_ERR_STALE, "stale-or-clock");
  bob.client.now_ms = UINT64_MAX; /* old is not wrong: expiry decides */
  assert_int_equal(check(&bob, &bob.credential), KT_OK);
  bob_release(&bob);
}

/* --- final verification ------------------------------------------------------------------------------------------------ */

/* Received before its heads: kept for later, and good then. */
static void test_R62_update_before_its_head(void **state)
{
  static struct bob bob;
  struct kt_combined_proof monitor;
  (void)state;
  bob_wants_update(&bob, &monitor);
  bob_learns(&bob, SIZE);
  assert_int_equal(kt_credential_stage(&bob.result.pending, &bob.recent, NULL), KT_CREDENTIAL_WAITING);
  expect(&bob, check_update(&bob, &monitor), KT_ERR_UNDETERMINED, "credential-waiting");
  bob_learns(&bob, bob.log.size);
  assert_int_equal(check_update(&bob, &monitor), KT_OK);
  bob_release(&bob);
}

/* The log that bob walks is another one right of entry 7. */
static void test_R65_fork_seen_by_update(void **state)
{
  static struct bob bob;
  static struct toy_log fork;
  struct kt_combined_proof monitor;
  (void)state;
  bob_wants_update(&bob, &monitor);
  reject_log(&fork, "01000000", WIDE_WINDOW, 0);
  fork.salt = 1;
  for (uint64_t pos = 8; pos < bob.log.size; pos++) {
    toy_log_append(&fork, 1000 + 10 * pos, NULL, 0);
  }
  toy_recent_heads(&fork, fork.size, &bob.arena, &bob.recent);
  assert_int_equal(kt_credential_stage(&bob.result.pending, &bob.recent, NULL), KT_CREDENTIAL_BY_UPDATE);
  expect(&bob, check_update(&bob, &monitor), KT_ERR_PROOF, "credential-head");
  toy_log_release(&fork);
  bob_release(&bob);
}

static void test_R65_fork_seen_by_head(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, PROVISIONAL_ADDS "000000", 0, 5);
  struct kt_credential on_5 = bob.credential; /* its search begins at 7, and ends at 8 */
  assert_int_equal(check(&bob, &on_5), KT_OK);
  bob.result.pending.terminal = 7; /* as if the version had been there */
  toy_naive_root(&bob.log, 8, &bob.result.pending.terminal_root);
  assert_int_equal(kt_verify_credential_head(&bob.client, &bob.result.pending, &bob.recent), KT_OK);
  bob.result.pending.terminal_root.b[5] ^= 1;
  expect(&bob, kt_verify_credential_head(&bob.client, &bob.result.pending, &bob.recent), KT_ERR_PROOF,
         "credential-head");
  bob_release(&bob);
}

/* In contact monitoring mode the monitoring path is part of it (R27); in every mode nothing is left over (R56). */
static void test_R65_path_left_out(void **state)
{
  static struct bob bob;
  struct kt_combined_proof monitor;
  (void)state;
  bob_wants_update(&bob, &monitor);
  struct kt_combined_proof lie = monitor;
  bool has_path = bob.log.config.mode == KT_MODE_CONTACT_MONITORING;
  assert_int_equal(monitor.n_prefix_proofs > 0, has_path);
  if (has_path) {
    lie.n_prefix_proofs--;
    expect(&bob, check_update(&bob, &lie), KT_ERR_PROOF, "prefix-proofs");
  }
  lie = monitor;
  edit_prefix_proofs(&bob.arena, &lie)[lie.n_prefix_proofs++] = bob.credential.search.prefix_proofs[0];
  expect(&bob, check_update(&bob, &lie), KT_ERR_PROOF, "prefix-proofs");
  lie = monitor;
  lie.inclusion.n_elements--;
  expect(&bob, check_update(&bob, &lie), KT_ERR_PROOF, "log-elements");
  bob_release(&bob);
}

/* Two credentials of one label, verified in either order, say what each says alone. */
static void test_R66_credentials_do_not_know_each_other(void **state)
{
  static struct bob bob;
  static struct bob alone;
  struct kt_credential early;
  (void)state;
  bob_init(&bob, PROVISIONAL_ADDS, 0, 7);
  bob_init(&alone, PROVISIONAL_ADDS, 0, 7);
  toy_credential_make(&bob.log, 8, REJECT_LABEL, 7, &bob.arena, &early); /* version 0, standard */
  toy_naive_state(&bob.log, 5, &bob.own.tree); /* bob himself saw less than any credential shows */
  toy_naive_root(&bob.log, 5, &bob.own.root);
  assert_int_equal(check(&bob, &bob.credential), KT_OK);
  assert_int_equal(check(&bob, &early), KT_OK);
  assert_int_equal(bob.result.version, 0);
  assert_int_equal(check(&bob, &bob.credential), KT_OK);
  assert_int_equal(check(&alone, &alone.credential), KT_OK);
  assert_int_equal(bob.result.version, 1);
  assert_memory_equal(&bob.result.pending.terminal_root, &alone.result.pending.terminal_root, KT_HASH_LEN);
  assert_memory_equal(bob.result.pending.tree, alone.result.pending.tree, sizeof *bob.result.pending.tree);
  bob_release(&alone);
  bob_release(&bob);
}

static void test_R67_expiry_asks_for_an_update(void **state)
{
  static struct bob bob;
  struct kt_combined_proof monitor;
  uint64_t distinguished = 0;
  struct kt_writer w;
  struct kt_credential_update_request request;
  (void)state;
  bob_wants_update(&bob, &monitor);
  assert_false(kt_credential_is_expired(&bob.result.pending, &bob.recent, &bob.log.config));
  /* Entry 7 is not recent any more; it is kept, as are the heads right of it. */
  for (size_t i = 0; i < bob.recent.n; i++) {
    bob.recent.n_recent = bob.recent.heads[i].size == 8 ? i : bob.recent.n_recent;
  }
  assert_true(kt_credential_is_expired(&bob.result.pending, &bob.recent, &bob.log.config));
  assert_int_equal(kt_credential_stage(&bob.result.pending, &bob.recent, &distinguished), KT_CREDENTIAL_BY_UPDATE);
  kt_writer_init(&w, 1024);
  kt_request_credential_update(&w, &bob.result.pending, distinguished);
  assert_int_equal(kt_credential_update_request_decode((struct kt_bytes){ w.buf, w.len }, &request), KT_OK);
  assert_int_equal(request.terminal, 9);
  assert_int_equal(request.tree_size, SIZE);
  assert_int_equal(request.version, 1);
  assert_int_equal(request.distinguished, distinguished);
  toy_assert_bytes_equal(request.label, toy_label(REJECT_LABEL));
  kt_writer_release(&w);
  assert_int_equal(check_update(&bob, &monitor), KT_OK);
  bob_release(&bob);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R60_an_expired_entry_is_not_recent),
    cmocka_unit_test(test_R61_changed_head_is_not_learned),
    cmocka_unit_test(test_R62_unknown_position),
    cmocka_unit_test(test_R62_not_recent_any_more),
    cmocka_unit_test(test_R63_another_prefix_tree),
    cmocka_unit_test(test_R63_not_the_greatest_there),
    cmocka_unit_test(test_R64_tree_that_does_not_reach_beyond),
    cmocka_unit_test(test_R64_terminal_entry_not_beyond),
    cmocka_unit_test(test_R64_signature),
    cmocka_unit_test(test_R42_another_value),
    cmocka_unit_test(test_R9_from_the_future),
    cmocka_unit_test(test_R62_update_before_its_head),
    cmocka_unit_test(test_R65_fork_seen_by_update),
    cmocka_unit_test(test_R65_fork_seen_by_head),
    cmocka_unit_test(test_R65_path_left_out),
    cmocka_unit_test(test_R66_credentials_do_not_know_each_other),
    cmocka_unit_test(test_R67_expiry_asks_for_an_update),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
