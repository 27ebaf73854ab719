/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be refused in credentials and their updates: an honest one is accepted, the same with one lie in it is
 * refused for the stated reason. The log signs whatever its lies lead to, but for R64's signature. */
#include "reject_test.h"
#include <stdio.h>

#include "support/toy_credential.h"
#include "support/toy_suite.h"
#include "tree/ladder.h"

/* Entries 10 ms apart. Of ten, 5 and 7 are distinguished with a window of 25 ms, and 8 and 9 are not. With 45 ms, 7 is, and
 * 9 never will be: 11 is the next. */
#define WINDOW 25
#define WIDE_WINDOW 45
#define SIZE 10
#define LAST_MS (1000 + 10 * (SIZE - 1))

struct bob {
  struct toy_log log;
  struct kt_log_state own; /* of his own conversation with the log */
  struct kt_recent_heads recent;
  struct kt_arena arena;
  struct kt_reason reason;
  struct kt_client client;
  struct kt_credential credential; /* what alice has to send, before any lie */
  struct kt_credential_result result;
};

/* size: what bob's heads are from. */
static void bob_learns(struct bob *bob, uint64_t size)
{
  toy_recent_heads(&bob->log, size, &bob->arena, &bob->recent);
}

/* Alice made a credential when the log had SIZE entries, on entry `position`. */
static void bob_begin(struct bob *bob, const char *adds, uint64_t window, uint64_t lifetime, uint64_t position)
{
  memset(bob, 0, sizeof *bob);
  reject_log(&bob->log, adds, window, lifetime);
  kt_arena_init(&bob->arena, (size_t)64 << 20);
  toy_naive_state(&bob->log, SIZE, &bob->own.tree);
  toy_naive_root(&bob->log, SIZE, &bob->own.root);
  bob->client = (struct kt_client){
    .config = &bob->log.config, .log = &bob->own, .now_ms = LAST_MS, .arena = &bob->arena, .reason = &bob->reason
  };
  bob_learns(bob, SIZE);
  toy_credential_make(&bob->log, SIZE, REJECT_LABEL, position, &bob->arena, &bob->credential);
}

static void bob_init(struct bob *bob, const char *adds, uint64_t lifetime, uint64_t position)
{
  bob_begin(bob, adds, WINDOW, lifetime, position);
}

static void bob_release(struct bob *bob)
{
  kt_arena_release(&bob->arena);
  toy_log_release(&bob->log);
}

/* Everything of bob's that outlives a verification. */
static struct kt_bytes bob_encode(struct bob *bob)
{
  struct kt_writer w;
  kt_writer_init(&w, (size_t)1 << 20);
  kt_log_state_write(&w, &bob->own);
  kt_recent_heads_write(&w, &bob->recent);
  assert_int_equal(w.err, KT_OK);
  const struct kt_bytes bytes = { kt_arena_copy(&bob->arena, w.buf, w.len), w.len };
  kt_writer_release(&w);
  return bytes;
}

static enum kt_err check(struct bob *bob, const struct kt_credential *credential)
{
  const struct kt_bytes before = bob_encode(bob);
  const struct kt_bytes encoded = toy_credential_encode(&bob->log, credential, &bob->arena);
  bob->reason = (struct kt_reason){ .code = NULL };
  enum kt_err err = kt_verify_credential(&bob->client, &bob->recent, encoded, &bob->result);
  toy_assert_bytes_equal(before, bob_encode(bob)); /* R66 */
  return err;
}

static void expect(const struct bob *bob, enum kt_err err, enum kt_err want, const char *code)
{
  if (err != want || bob->reason.code == NULL || strcmp(bob->reason.code, code) != 0) {
    fail_msg("error %d, reason %s instead of %d, %s", (int)err, bob->reason.code != NULL ? bob->reason.code : "none",
             (int)want, code);
  }
}

static void refuse(struct bob *bob, const struct kt_credential *lie, enum kt_err want, const char *code)
{
  assert_int_equal(check(bob, &bob->credential), KT_OK);
  static struct kt_credential_result old;
  old = bob->result;
  expect(bob, check(bob, lie), want, code);
  assert_memory_equal(&old, &bob->result, sizeof old);
}

#define STANDARD_ADDS "0100000000"
#define PROVISIONAL_ADDS "0100000010" /* version 1 appears in entry 8 */

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

/* The version's first entry is 8, and 9 the first one that a search looks at. */
static void bob_waits(struct bob *bob)
{
  bob_begin(bob, PROVISIONAL_ADDS "000000", WIDE_WINDOW, 0, 7);
  assert_int_equal(check(bob, &bob->credential), KT_OK);
  assert_int_equal(bob->result.pending.terminal, 9);
}

static enum kt_err check_update(struct bob *bob, const struct kt_combined_proof *monitor)
{
  const struct kt_bytes before = bob_encode(bob);
  const struct kt_bytes update = toy_credential_update_encode(monitor, &bob->arena);
  bob->reason = (struct kt_reason){ .code = NULL };
  enum kt_err err = kt_verify_credential_update(&bob->client, &bob->result.pending, &bob->recent, update);
  toy_assert_bytes_equal(before, bob_encode(bob)); /* R66 */
  return err;
}

/* The log has grown, and an update is wanted. */
static void bob_wants_update(struct bob *bob, struct kt_combined_proof *ret_monitor)
{
  uint64_t distinguished = 0;
  bob_waits(bob);
  bob_learns(bob, bob->log.size);
  assert_int_equal(kt_credential_stage(&bob->result.pending, &bob->recent, &distinguished), KT_CREDENTIAL_BY_UPDATE);
  assert_int_equal(distinguished, 11);
  toy_credential_update(&bob->log, &bob->result.pending, distinguished, &bob->arena, ret_monitor);
  assert_int_equal(check_update(bob, ret_monitor), KT_OK);
}

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

/* The monitoring path is part of it (R27), and nothing is left over (R56). */
static void test_R65_path_left_out(void **state)
{
  static struct bob bob;
  struct kt_combined_proof monitor;
  (void)state;
  bob_wants_update(&bob, &monitor);
  struct kt_combined_proof lie = monitor;
  assert_true(monitor.n_prefix_proofs > 0);
  lie.n_prefix_proofs--;
  expect(&bob, check_update(&bob, &lie), KT_ERR_PROOF, "prefix-proofs");
  lie = monitor;
  edit_prefix_proofs(&bob.arena, &lie)[lie.n_prefix_proofs++] = monitor.prefix_proofs[0];
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

/* --- damage on the wire -------------------------------------------------------------------------------------------------- */

static void check_damaged(struct bob *bob, struct kt_bytes damaged, size_t at, const struct kt_credential_result *want)
{
  struct kt_credential_result result;
  struct kt_client client = bob->client;
  struct kt_arena arena;
  kt_arena_init(&arena, (size_t)4 << 20);
  bob->reason = (struct kt_reason){ .code = NULL };
  client.arena = &arena;
  enum kt_err err = kt_verify_credential(&client, &bob->recent, damaged, &result);
  if (err != KT_OK) {
    assert_non_null(bob->reason.code);
  } else if (result.version != want->version || result.position != want->position ||
             result.is_provisional != want->is_provisional || result.value.len != want->value.len ||
             memcmp(result.value.data, want->value.data, want->value.len) != 0) {
    fail_msg("damage at %u was accepted, and means something else", (unsigned)at);
  }
  kt_arena_release(&arena);
}

static void damage_everything(struct bob *bob)
{
  static uint8_t copy[8192];
  assert_int_equal(check(bob, &bob->credential), KT_OK);
  const struct kt_credential_result want = bob->result;
  const struct kt_bytes encoded = toy_credential_encode(&bob->log, &bob->credential, &bob->arena);
  assert_true(encoded.len < sizeof copy);
  memcpy(copy, encoded.data, encoded.len);
  for (size_t bit = 0; bit < 8 * encoded.len; bit++) {
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    check_damaged(bob, (struct kt_bytes){ copy, encoded.len }, bit / 8, &want);
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  struct kt_credential_result result;
  for (size_t cut = 0; cut <= encoded.len; cut++) {
    const struct kt_bytes bytes = { copy, cut < encoded.len ? cut : encoded.len + 1 };
    copy[encoded.len] = 0;
    assert_int_not_equal(kt_verify_credential(&bob->client, &bob->recent, bytes, &result), KT_OK);
  }
}

static void real_signatures(struct bob *bob)
{
  bob->log.config.suite = toy_suite();
  memset(bob->log.signed_heads, 0, sizeof bob->log.signed_heads);
  toy_credential_make(&bob->log, SIZE, REJECT_LABEL, bob->credential.position, &bob->arena, &bob->credential);
}

static void test_R3_damaged_credentials(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 7);
  real_signatures(&bob);
  damage_everything(&bob);
  bob_release(&bob);
  bob_init(&bob, PROVISIONAL_ADDS, 0, 7);
  real_signatures(&bob);
  damage_everything(&bob);
  bob_release(&bob);
}

static void test_R2_unknown_type(void **state)
{
  static struct bob bob;
  static uint8_t copy[8192];
  struct kt_credential_result result;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 7);
  const struct kt_bytes encoded = toy_credential_encode(&bob.log, &bob.credential, &bob.arena);
  struct kt_writer w; /* how much the standard part takes, to find the type before it */
  kt_writer_init(&w, sizeof copy);
  kt_prefix_proof_write(&w, &bob.credential.distinguished);
  memcpy(copy, encoded.data, encoded.len);
  uint8_t *type = &copy[encoded.len - w.len - 1];
  assert_int_equal(*type, KT_CREDENTIAL_STANDARD);
  for (unsigned value = 0; value <= UINT8_MAX; value++) {
    *type = (uint8_t)value;
    enum kt_err err = kt_verify_credential(&bob.client, &bob.recent, (struct kt_bytes){ copy, encoded.len }, &result);
    assert_int_equal(err == KT_OK, value == KT_CREDENTIAL_STANDARD);
  }
  kt_writer_release(&w);
  bob_release(&bob);
}

static void test_R3_damaged_updates(void **state)
{
  static struct bob bob;
  static uint8_t copy[8192];
  struct kt_combined_proof monitor;
  (void)state;
  bob_wants_update(&bob, &monitor);
  const struct kt_bytes encoded = toy_credential_update_encode(&monitor, &bob.arena);
  memcpy(copy, encoded.data, encoded.len);
  for (size_t bit = 0; bit < 8 * encoded.len; bit++) {
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    const struct kt_bytes bytes = { copy, encoded.len };
    if (kt_verify_credential_update(&bob.client, &bob.result.pending, &bob.recent, bytes) == KT_OK) {
      fail_msg("damage at %u was accepted", (unsigned)(bit / 8));
    }
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t cut = 0; cut <= encoded.len; cut++) {
    const struct kt_bytes bytes = { copy, cut < encoded.len ? cut : encoded.len + 1 };
    copy[encoded.len] = 0;
    assert_int_not_equal(kt_verify_credential_update(&bob.client, &bob.result.pending, &bob.recent, bytes), KT_OK);
  }
  bob_release(&bob);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R60_an_expired_entry_is_not_recent),
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
    cmocka_unit_test(test_R2_unknown_type),
    cmocka_unit_test(test_R3_damaged_credentials),
    cmocka_unit_test(test_R3_damaged_updates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
