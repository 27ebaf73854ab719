/* SPDX-License-Identifier: Apache-2.0 */
/* Walking distinguished heads, consistency of two heads, forks. */
#include <kt/client.h>

#include <kt/arena.h>
#include <kt/writer.h>
#include "pair_test.h"
#include "tree/log_tree.h"

#define SIZE_MAX_ 20

/* The 8 rightmost unexpired distinguished entries right of stop, right to left. */
static size_t naive_walk(const struct toy_log *log, uint64_t size, const uint64_t *stop, uint64_t *positions)
{
  size_t n = 0;
  for (uint64_t pos = size; pos-- > 0 && n < KT_HEADS_MAX;) {
    bool recent = toy_naive_distinguished(log, size, pos) && !toy_naive_expired(log, size, pos);
    if (recent && (stop == NULL || pos > *stop)) {
      positions[n++] = pos;
    }
  }
  return n;
}

static void check_walk(struct toy_log *log, uint64_t old_size, uint64_t size, const uint64_t *stop)
{
  static struct toy_user user;
  uint64_t positions[KT_HEADS_MAX];
  const struct toy_query query = { .kind = TOY_DISTINGUISHED, .stop = stop };
  toy_user_init(&user, log);
  if (old_size > 0) {
    toy_user_observe(&user, old_size);
  }
  toy_run_ok(&user, size, &query);
  size_t n = naive_walk(log, size, stop, positions);
  assert_int_equal(user.distinguished.n_heads, n);
  assert_int_equal(user.distinguished.rightmost_ms, log->timestamps[size - 1]);
  for (size_t i = 0; i < n; i++) {
    const struct kt_head_point *head = &user.distinguished.heads[i];
    struct kt_hash root;
    toy_naive_root(log, positions[i] + 1, &root);
    assert_int_equal(head->size, positions[i] + 1);
    assert_int_equal(head->timestamp_ms, log->timestamps[positions[i]]);
    assert_memory_equal(&head->root, &root, sizeof root);
  }
  pair_check_state(&user, size);
  toy_user_release(&user);
}

static void all_walks(struct toy_log *log)
{
  for (uint64_t size = 1; size <= log->size; size++) {
    for (uint64_t old_size = 0; old_size <= size; old_size++) {
      check_walk(log, old_size, size, NULL);
      for (uint64_t stop = 0; stop <= size; stop += 3) {
        check_walk(log, old_size, size, &stop);
      }
    }
  }
}

static void test_every_walk(void **state)
{
  static const uint64_t lifetimes[] = { 0, 70 };
  (void)state;
  for (size_t w = 0; w < PAIR_COUNT(pair_windows); w++) {
    for (size_t l = 0; l < PAIR_COUNT(lifetimes); l++) {
      static struct toy_log log;
      pair_log(&log, SIZE_MAX_, "0", pair_windows[w], lifetimes[l]);
      all_walks(&log);
      toy_log_release(&log);
    }
  }
}

/* Two logs that are the same up to `fork`. */
static void fork_logs(struct toy_log *a, struct toy_log *b, uint64_t size, uint64_t fork)
{
  const struct toy_params params = { .window = 25, .max_ahead = 1000, .max_behind = 1000 };
  toy_log_init(a, &params);
  toy_log_init(b, &params);
  for (uint64_t pos = 0; pos < size; pos++) {
    const struct toy_add add = { .label = PAIR_LABEL, .count = pos % 2 == 0 ? 1 : 0 };
    b->salt = pos >= fork ? 1 : 0;
    toy_log_append(a, PAIR_START_MS + PAIR_STEP_MS * pos, &add, 1);
    toy_log_append(b, PAIR_START_MS + PAIR_STEP_MS * pos, &add, 1);
  }
}

/* A user who saw `seen` entries of fork a refuses everything that fork b says, and stays as it was. */
static void check_fork(struct toy_log *a, struct toy_log *b, uint64_t seen, uint64_t size)
{
  static const uint32_t version;
  const struct toy_query queries[] = {
    { .kind = TOY_SEARCH, .label = PAIR_LABEL },
    { .kind = TOY_SEARCH, .label = PAIR_LABEL, .version = &version },
    { .kind = TOY_SEARCH, .label = "nobody" },
    { .kind = TOY_OWNER_INIT, .label = PAIR_LABEL },
    { .kind = TOY_DISTINGUISHED },
  };
  static struct toy_user user;
  toy_user_init(&user, a);
  toy_user_observe(&user, seen);
  const struct kt_bytes before = toy_user_encode(&user);
  user.log = b;
  for (size_t i = 0; i < PAIR_COUNT(queries); i++) {
    assert_int_equal(toy_run(&user, size, &queries[i]), KT_ERR_PROOF);
    assert_non_null(user.reason.code);
    toy_assert_bytes_equal(before, toy_user_encode(&user));
  }
  toy_user_release(&user);
}

static void test_forks_are_refused(void **state)
{
  (void)state;
  for (uint64_t fork = 0; fork < 10; fork++) {
    static struct toy_log a;
    static struct toy_log b;
    fork_logs(&a, &b, 12, fork);
    for (uint64_t seen = fork + 1; seen <= 11; seen++) {
      for (uint64_t size = seen + 1; size <= 12; size++) {
        check_fork(&a, &b, seen, size);
      }
    }
    toy_log_release(&a);
    toy_log_release(&b);
  }
}

/* What GET /v1/log/consistency answers, from the log tree's own definition. */
static struct kt_bytes consistency(const struct toy_log *log, uint64_t old_size, uint64_t new_size,
                                   struct kt_arena *arena)
{
  struct kt_writer w;
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  struct kt_log_node *copath;
  struct kt_hash value;
  size_t n = kt_log_full_subtrees(old_size, nodes);
  const struct kt_log_request request = { .size = new_size, .retained_size = old_size };
  kt_writer_init(&w, 1 << 16);
  kt_write_count8(&w, n);
  for (size_t i = 0; i < n; i++) {
    toy_naive_subtree(log, nodes[i].start, nodes[i].level, &value);
    kt_write_bytes(&w, value.b, KT_HASH_LEN);
  }
  assert_int_equal(kt_log_copath(&request, arena, &copath, &n), KT_OK);
  kt_write_count16(&w, n);
  for (size_t i = 0; i < n; i++) {
    toy_naive_subtree(log, copath[i].start, copath[i].level, &value);
    kt_write_bytes(&w, value.b, KT_HASH_LEN);
  }
  struct kt_bytes bytes = { kt_arena_copy(arena, w.buf, w.len), w.len };
  kt_writer_release(&w);
  return bytes;
}

static void test_consistency(void **state)
{
  static struct toy_log a;
  static struct toy_log b;
  (void)state;
  fork_logs(&a, &b, SIZE_MAX_, 6);
  for (uint64_t new_size = 1; new_size <= SIZE_MAX_; new_size++) {
    for (uint64_t old_size = 1; old_size <= new_size; old_size++) {
      struct kt_arena arena;
      struct kt_hash new_root;
      struct kt_hash other_root;
      struct kt_hash want;
      struct kt_hash got;
      kt_arena_init(&arena, 1 << 20);
      toy_naive_root(&a, new_size, &new_root);
      toy_naive_root(&b, new_size, &other_root);
      toy_naive_root(&a, old_size, &want);
      struct kt_bytes proof = consistency(&a, old_size, new_size, &arena);
      assert_int_equal(kt_verify_consistency(old_size, new_size, &new_root, proof, &arena, &got, NULL), KT_OK);
      assert_memory_equal(&got, &want, sizeof want);
      enum kt_err err = kt_verify_consistency(old_size, new_size, &other_root, proof, &arena, &got, NULL);
      assert_int_equal(err, new_size > 6 ? KT_ERR_PROOF : KT_OK);
      proof.len--;
      err = kt_verify_consistency(old_size, new_size, &new_root, proof, &arena, &got, NULL);
      assert_int_equal(err, KT_ERR_FORMAT);
      kt_arena_release(&arena);
    }
  }
  toy_log_release(&a);
  toy_log_release(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_walk),
    cmocka_unit_test(test_forks_are_refused),
    cmocka_unit_test(test_consistency),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
