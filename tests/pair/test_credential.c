/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of every kind over small logs: whoever knows the entry accepts them, and as the log grows each provisional one
 * is finally verified by the head or the update that the draft's words lead to. The entries are found the long way. */
#include "pair_test.h"
#include "support/toy_credential.h"

#define SIZE_MAX_HERE 21

/* So that a test which never gets there does not pass for one that did. */
static size_t n_standard;
static size_t n_by_head;
static size_t n_by_update;

struct receiver {
  struct toy_log *log;
  struct kt_client client;
  struct kt_log_state nothing;
  struct kt_arena arena;
  struct kt_reason reason;
};

static void receiver_init(struct receiver *receiver, struct toy_log *log, uint64_t now_ms)
{
  *receiver = (struct receiver){ .log = log };
  kt_arena_init(&receiver->arena, (size_t)64 << 20);
  receiver->client = (struct kt_client){ .config = &log->config,
                                         .log = &receiver->nothing,
                                         .now_ms = now_ms,
                                         .arena = &receiver->arena,
                                         .reason = &receiver->reason };
}

static void expect_ok(const struct receiver *receiver, enum kt_err err, const char *what, uint64_t size, uint64_t at)
{
  if (err != KT_OK) {
    fail_msg("%s, size %u, at %u: %s (%s)", what, (unsigned)size, (unsigned)at, kt_err_text(err),
             receiver->reason.code != NULL ? receiver->reason.code : "");
  }
}

/* "the first distinguished log entry issued to the right of the terminal log entry" */
static bool first_beyond(const struct toy_log *log, uint64_t size, uint64_t terminal, uint64_t *ret_pos)
{
  for (uint64_t pos = terminal + 1; pos < size; pos++) {
    if (toy_naive_distinguished(log, size, pos)) {
      *ret_pos = pos;
      return true;
    }
  }
  return false;
}

static bool knows(const struct kt_recent_heads *recent, uint64_t pos)
{
  for (size_t i = 0; i < recent->n; i++) {
    if (recent->heads[i].size == pos + 1) {
      return true;
    }
  }
  return false;
}

/* The log has grown to `size`, and the receiver has walked again. */
static void finish(struct receiver *receiver, const struct kt_credential_pending *pending, uint64_t size)
{
  struct toy_log *log = receiver->log;
  struct kt_recent_heads recent;
  struct kt_combined_proof monitor;
  uint64_t got = 0;
  uint64_t want = 0;
  toy_recent_heads(log, size, &receiver->arena, &recent);
  enum kt_credential_stage stage = kt_credential_stage(pending, &recent, &got);
  bool expired = !knows(&recent, pending->position);
  assert_int_equal(kt_credential_is_expired(pending, &recent, &log->config), expired);
  if (expired) {
    return; /* who looks so seldom may know other entries than the first one */
  }
  if (toy_naive_distinguished(log, size, pending->terminal)) {
    assert_int_equal(stage, KT_CREDENTIAL_BY_HEAD);
    assert_int_equal(got, pending->terminal);
    expect_ok(receiver, kt_verify_credential_head(&receiver->client, pending, &recent), "by head", size, got);
    n_by_head++;
  } else if (first_beyond(log, size, pending->terminal, &want)) {
    assert_int_equal(stage, KT_CREDENTIAL_BY_UPDATE);
    assert_int_equal(got, want);
    toy_credential_update(log, pending, want, &receiver->arena, &monitor);
    const struct kt_bytes update = toy_credential_update_encode(&monitor, &receiver->arena);
    expect_ok(receiver, kt_verify_credential_update(&receiver->client, pending, &recent, update), "by update", size,
              want);
    n_by_update++;
  } else {
    assert_int_equal(stage, KT_CREDENTIAL_WAITING);
    assert_int_equal(kt_verify_credential_head(&receiver->client, pending, &recent), KT_ERR_UNDETERMINED);
  }
}

static void check_result(const struct toy_log *log, uint64_t size, uint64_t position,
                         const struct kt_credential_result *result)
{
  uint32_t there = 0;
  uint32_t greatest = 0;
  assert_true(toy_greatest_at(log, PAIR_LABEL, size - 1, &greatest));
  bool standard = toy_greatest_at(log, PAIR_LABEL, position, &there) && there == greatest;
  assert_int_equal(result->is_provisional, !standard);
  assert_int_equal(result->version, greatest);
  assert_int_equal(result->position, position);
  assert_int_equal(result->position_ms, log->timestamps[position]);
  toy_assert_bytes_equal(result->label, toy_label(PAIR_LABEL));
  toy_assert_bytes_equal(result->value, toy_label(toy_version_find(log, PAIR_LABEL, greatest)->value));
  if (!standard) {
    const struct kt_credential_pending *pending = &result->pending;
    struct kt_tree_state *tree = test_malloc(sizeof *tree);
    struct kt_hash root;
    toy_naive_state(log, size, tree);
    assert_memory_equal(pending->tree, tree, sizeof *tree);
    test_free(tree);
    assert_int_equal(pending->terminal, toy_naive_greatest_terminal(log, size, PAIR_LABEL));
    toy_naive_root(log, pending->terminal + 1, &root);
    assert_memory_equal(&pending->terminal_root, &root, sizeof root);
    assert_int_equal(result->shown_ms, log->timestamps[size - 1]);
  }
}

/* What is kept between two runs is enough. */
static void store_and_load(struct receiver *receiver, struct kt_credential_pending *pending)
{
  struct kt_writer w;
  struct kt_credential_pending loaded;
  kt_writer_init(&w, (size_t)1 << 20);
  kt_credential_pending_write(&w, pending);
  const struct kt_bytes bytes = { kt_arena_copy(&receiver->arena, w.buf, w.len), w.len };
  assert_int_equal(w.err, KT_OK);
  kt_writer_release(&w);
  assert_int_equal(kt_credential_pending_decode(bytes, &receiver->arena, &loaded), KT_OK);
  *pending = loaded;
}

static void one_credential(struct toy_log *log, uint64_t size, uint64_t position)
{
  struct receiver receiver;
  struct kt_recent_heads recent;
  struct kt_credential credential;
  struct kt_credential_result result;
  receiver_init(&receiver, log, log->timestamps[size - 1]);
  toy_recent_heads(log, size, &receiver.arena, &recent);
  if (knows(&recent, position)) {
    toy_credential_make(log, size, PAIR_LABEL, position, &receiver.arena, &credential);
    const struct kt_bytes encoded = toy_credential_encode(log, &credential, &receiver.arena);
    expect_ok(&receiver, kt_verify_credential(&receiver.client, &recent, encoded, &result), "credential", size,
              position);
    check_result(log, size, position, &result);
    if (result.is_provisional) {
      store_and_load(&receiver, &result.pending);
      for (uint64_t later = size; later <= log->size; later++) {
        finish(&receiver, &result.pending, later);
      }
    } else {
      n_standard++;
    }
  }
  kt_arena_release(&receiver.arena);
}

static void every_credential(uint64_t lifetime)
{
  static struct toy_log log;
  n_standard = n_by_head = n_by_update = 0;
  for (size_t p = 1; p < PAIR_COUNT(pair_patterns); p++) {
    for (size_t w = 0; w < PAIR_COUNT(pair_windows); w++) {
      uint32_t version;
      pair_log(&log, SIZE_MAX_HERE, pair_patterns[p], pair_windows[w], lifetime > pair_windows[w] ? lifetime : 0);
      for (uint64_t size = 1; size <= log.size; size++) {
        for (uint64_t pos = 0; pos < size && toy_greatest_at(&log, PAIR_LABEL, size - 1, &version); pos++) {
          one_credential(&log, size, pos);
        }
      }
      toy_log_release(&log);
    }
  }
  assert_true(n_standard > 100 && n_by_head > 100 && n_by_update > 100);
}

static void test_every_credential_is_verified(void **state)
{
  (void)state;
  every_credential(0);
}

static void test_every_credential_of_a_log_with_a_lifetime(void **state)
{
  (void)state;
  every_credential(90);
}

/* What a walk leads to is what is retained, whatever was seen before. */
static void test_walks_are_retained(void **state)
{
  (void)state;
  for (size_t w = 0; w < PAIR_COUNT(pair_windows); w++) {
    static struct toy_log log;
    pair_log(&log, SIZE_MAX_HERE, "1", pair_windows[w], 0);
    for (uint64_t before = 0; before < log.size; before++) {
      for (uint64_t size = before + 1; size <= log.size; size++) {
        static struct toy_user user;
        struct kt_recent_heads want;
        struct kt_recent_heads got;
        const struct kt_recent_heads nothing = { 0 };
        toy_user_init(&user, &log);
        if (before > 0) {
          toy_user_observe(&user, before);
        }
        toy_user_observe(&user, size);
        toy_recent_heads(&log, size, &user.arena, &want);
        assert_int_equal(kt_recent_learn(&nothing, &user.distinguished, NULL, want.learned_ms, &user.arena, NULL, &got),
                         KT_OK);
        assert_int_equal(got.n, want.n);
        assert_int_equal(got.n_recent, want.n);
        assert_int_equal(got.rightmost_ms, want.rightmost_ms);
        assert_memory_equal(got.heads, want.heads, want.n * sizeof *want.heads);
        toy_user_release(&user);
      }
    }
    toy_log_release(&log);
  }
}

/* Somebody who missed the entry that decides, and all before it, takes the next one that they know. */
static void test_a_gap_is_bridged(void **state)
{
  static struct toy_log log;
  size_t n_bridged = 0;
  (void)state;
  pair_log(&log, 40, "00000100", 25, 0);
  for (uint64_t size = 1; size <= 20; size++) {
    struct receiver receiver;
    struct kt_recent_heads recent;
    struct kt_credential credential;
    struct kt_credential_result result;
    uint32_t version;
    uint64_t got = 0;
    receiver_init(&receiver, &log, log.timestamps[size - 1]);
    toy_recent_heads(&log, size, &receiver.arena, &recent);
    if (recent.n > 0 && toy_greatest_at(&log, PAIR_LABEL, size - 1, &version)) {
      toy_credential_make(&log, size, PAIR_LABEL, recent.heads[0].size - 1, &receiver.arena, &credential);
      const struct kt_bytes encoded = toy_credential_encode(&log, &credential, &receiver.arena);
      expect_ok(&receiver, kt_verify_credential(&receiver.client, &recent, encoded, &result), "credential", size, 0);
      toy_recent_heads(&log, log.size, &receiver.arena, &recent);
      if (result.is_provisional && kt_credential_stage(&result.pending, &recent, &got) == KT_CREDENTIAL_BY_UPDATE) {
        struct kt_combined_proof monitor;
        toy_credential_update(&log, &result.pending, got, &receiver.arena, &monitor);
        const struct kt_bytes update = toy_credential_update_encode(&monitor, &receiver.arena);
        expect_ok(&receiver, kt_verify_credential_update(&receiver.client, &result.pending, &recent, update), "gap",
                  size, got);
        n_bridged++;
      }
    }
    kt_arena_release(&receiver.arena);
  }
  toy_log_release(&log);
  assert_true(n_bridged > 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_credential_is_verified),
    cmocka_unit_test(test_every_credential_of_a_log_with_a_lifetime),
    cmocka_unit_test(test_walks_are_retained),
    cmocka_unit_test(test_a_gap_is_bridged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
