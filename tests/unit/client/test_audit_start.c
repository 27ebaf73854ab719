/* SPDX-License-Identifier: Apache-2.0 */
/* An auditor who begins in the middle of a log, or goes on from what was kept. */
#include "audit_test.h"

#include <kt/writer.h>
#include "tree/log_tree.h"

/* --- starting late ---------------------------------------------------------------------------------------------------- */

/* What the log answers for `size`, made from the model: subtrees, frontier, and the values at kt_log_copath's places. */
static struct kt_bytes make_late_start(const struct naive_log *log, const struct kt_hash *prefix_roots,
                                       struct kt_arena *arena)
{
  struct kt_writer w;
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  struct kt_log_node *elements;
  uint64_t frontier[64];
  size_t n_frontier = 0;
  size_t n;
  for (size_t lo = 0; lo < log->size; lo = (size_t)frontier[n_frontier++] + 1) {
    frontier[n_frontier] = naive_ibst_root(lo, log->size - lo);
  }
  kt_writer_init(&w, 1 << 16);
  kt_write_u64(&w, log->size);
  n = kt_log_full_subtrees(log->size, nodes);
  kt_write_count8(&w, n);
  for (size_t i = 0; i < n; i++) {
    struct kt_hash value = naive_tree(log->entries + nodes[i].start, (size_t)1 << nodes[i].level);
    kt_write_bytes(&w, value.b, 32);
  }
  kt_write_count8(&w, n_frontier);
  for (size_t i = 0; i < n_frontier; i++) {
    kt_write_u64(&w, log->timestamps[frontier[i]]);
    kt_write_bytes(&w, prefix_roots[frontier[i]].b, 32);
  }
  const struct kt_log_request request = {
    .size = log->size, .leaves = frontier, .n_leaves = n_frontier, .retained_size = log->size
  };
  assert_int_equal(kt_log_copath(&request, arena, &elements, &n), KT_OK);
  kt_write_count16(&w, n);
  for (size_t i = 0; i < n; i++) {
    struct kt_hash value = naive_tree(log->entries + elements[i].start, (size_t)1 << elements[i].level);
    kt_write_bytes(&w, value.b, 32);
  }
  struct kt_bytes bytes = { kt_arena_copy(arena, w.buf, w.len), w.len };
  kt_writer_release(&w);
  return bytes;
}

/* Every size; then every bit of the answer flipped, every cut, and a wrong root. */
static void a_late_start_is_tied_to_the_signed_root(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  struct kt_audit_state late;
  struct kt_hash prefix_roots[24];
  struct kt_arena arena;
  (void)cmocka;
  for (size_t size = 1; size <= 23; size++) {
    struct kt_reason reason = { .code = NULL };
    grow(&log, &state, size);
    prefix_roots[size - 1] = state.prefix_root; /* the log's entries are the same whatever its size */
    struct kt_hash root = naive_tree(log.entries, size);
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    struct kt_bytes answer = make_late_start(&log, prefix_roots, &arena);
    assert_int_equal(kt_audit_state_verify(size, &root, answer, &arena, &late, &reason), KT_OK);
    assert_state_fits(&late, &log);
    uint8_t *copy = kt_arena_copy(&arena, answer.data, answer.len);
    for (size_t i = 0; i < 8 * answer.len && size % 4 == 3; i++) {
      copy[i / 8] ^= (uint8_t)(1u << i % 8);
      assert_int_not_equal(
          kt_audit_state_verify(size, &root, (struct kt_bytes){ copy, answer.len }, &arena, &late, &reason), KT_OK);
      copy[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t len = 0; len < answer.len; len++) {
      assert_int_not_equal(kt_audit_state_verify(size, &root, (struct kt_bytes){ copy, len }, &arena, &late, &reason),
                           KT_OK);
    }
    root.b[5] ^= 4;
    reason.code = NULL;
    assert_int_equal(kt_audit_state_verify(size, &root, answer, &arena, &late, &reason), KT_ERR_PROOF);
    assert_string_equal(reason.code, "audit-state-root");
    assert_int_not_equal(kt_audit_state_verify(size + 1, &root, answer, &arena, &late, &reason), KT_OK);
    kt_arena_release(&arena);
  }
}

/* --- the state as bytes ------------------------------------------------------------------------------------------------ */

static void states_survive_storage(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  (void)cmocka;
  for (size_t size = 0; size <= 20; size++) {
    struct kt_audit_state decoded;
    struct kt_audit_state untouched;
    struct kt_writer w;
    grow(&log, &state, size);
    kt_writer_init(&w, 1 << 16);
    kt_audit_state_write(&w, &state);
    assert_int_equal(w.err, KT_OK);
    assert_int_equal(w.len, 1 + 8 + 32 * state.n_heads + 8 * state.n_frontier + 32);
    assert_int_equal(kt_audit_state_decode((struct kt_bytes){ w.buf, w.len }, &decoded), KT_OK);
    assert_int_equal(decoded.size, size);
    if (size > 0) {
      assert_state_fits(&decoded, &log);
    }
    memset(&decoded, 0x5c, sizeof decoded);
    memcpy(&untouched, &decoded, sizeof decoded);
    for (size_t len = 0; len < w.len; len++) {
      assert_int_not_equal(kt_audit_state_decode((struct kt_bytes){ w.buf, len }, &decoded), KT_OK);
    }
    kt_write_u8(&w, 0);
    assert_int_equal(kt_audit_state_decode((struct kt_bytes){ w.buf, w.len }, &decoded), KT_ERR_FORMAT);
    w.buf[0]++;
    assert_int_equal(kt_audit_state_decode((struct kt_bytes){ w.buf, w.len - 1 }, &decoded), KT_ERR_UNSUPPORTED);
    assert_memory_equal(&decoded, &untouched, sizeof decoded);
    kt_writer_release(&w);
  }
}

/* A log that signed timestamps out of order: whoever starts behind them sees it in the frontier. */
static void a1_late_start_behind_a_decrease(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state late;
  struct kt_hash prefix_roots[3];
  struct kt_arena arena;
  struct kt_reason reason = { .code = NULL };
  (void)cmocka;
  log = (struct naive_log){ .size = 0 };
  naive_append(&log, 5000);
  naive_append(&log, 9000);
  naive_append(&log, 8999);
  for (size_t i = 0; i < 3; i++) {
    prefix_roots[i] = naive_prefix_root(&log);
  }
  struct kt_hash root = naive_tree(log.entries, 3);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  struct kt_bytes answer = make_late_start(&log, prefix_roots, &arena);
  assert_int_equal(kt_audit_state_verify(3, &root, answer, &arena, &late, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, "audit-timestamp");
  kt_arena_release(&arena);
}

/* Sizes 3 and 5 have as many full subtrees, which fold to the same root. */
static void a_late_start_must_be_of_the_size_asked_for(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  struct kt_hash prefix_roots[3];
  struct kt_reason reason = { .code = NULL };
  struct kt_arena arena;
  (void)cmocka;
  for (size_t size = 1; size <= 3; size++) {
    grow(&log, &state, size);
    prefix_roots[size - 1] = state.prefix_root;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  struct kt_hash root = naive_tree(log.entries, 3);
  struct kt_bytes answer = make_late_start(&log, prefix_roots, &arena);
  uint8_t *copy = kt_arena_copy(&arena, answer.data, answer.len);
  assert_int_equal(copy[7], 3);
  copy[7] = 5;
  assert_int_equal(kt_audit_state_verify(3, &root, (struct kt_bytes){ copy, answer.len }, &arena, &state, &reason),
                   KT_ERR_FORMAT);
  kt_arena_release(&arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_late_start_is_tied_to_the_signed_root),
    cmocka_unit_test(a_late_start_must_be_of_the_size_asked_for),
    cmocka_unit_test(a1_late_start_behind_a_decrease),
    cmocka_unit_test(states_survive_storage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
