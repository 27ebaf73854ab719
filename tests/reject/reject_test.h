/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what has to be refused: an honest response is accepted, the same response with one lie in it is refused with a
 * stated error and reason, and nothing changes. The log signs whatever its lies lead to, so that only the check in
 * question can refuse them. Test names carry the number of the rule (list.txt). */
#ifndef KT_TESTS_REJECT_TEST_H
#define KT_TESTS_REJECT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "support/toy_naive.h"
#include "support/toy_user.h"
#include "wire/distinguished.h"
#include "wire/monitor.h"
#include "wire/search.h"
#include "wire/update.h"

#define REJECT_LABEL "alice"

/* A log of one entry per digit, 10 ms apart from 1000 ms on, each adding that many versions. */
static inline void reject_log(struct toy_log *log, const char *adds, uint64_t window, uint64_t lifetime)
{
  const struct toy_params params = { .window = window, .lifetime = lifetime, .max_ahead = 10, .max_behind = 10 };
  toy_log_init(log, &params);
  toy_log_sign_anything(log);
  for (size_t pos = 0; adds[pos] != 0; pos++) {
    const struct toy_add add = { .label = REJECT_LABEL, .count = (uint32_t)(adds[pos] - '0') };
    toy_log_append(log, 1000 + 10 * pos, &add, 1);
  }
}

/* The last response is refused, and user is as it was, results included (R46, R59). */
static inline void reject_response(struct toy_user *user, const struct toy_query *query, uint64_t now_ms,
                                   enum kt_err want, const char *code)
{
  const struct kt_bytes before = toy_user_encode(user);
  static struct toy_user old;
  old = *user;
  enum kt_err err = toy_verify(user, query, user->response, now_ms);
  if (err != want || user->reason.code == NULL || strcmp(user->reason.code, code) != 0) {
    fail_msg("error %d, reason %s instead of %d, %s", (int)err, user->reason.code != NULL ? user->reason.code : "none",
             (int)want, code);
  }
  const struct kt_bytes after = toy_user_encode(user);
  toy_assert_bytes_equal(before, after);
  assert_memory_equal(&old.search, &user->search, sizeof old.search);
  assert_memory_equal(&old.owner_result, &user->owner_result, sizeof old.owner_result);
  assert_memory_equal(&old.update, &user->update, sizeof old.update);
  assert_memory_equal(&old.distinguished, &user->distinguished, sizeof old.distinguished);
}

/* Ask at the log's full size, with the lie, and refuse. */
static inline void reject_lie(struct toy_user *user, const struct toy_query *query, toy_mutate lie, enum kt_err want,
                              const char *code)
{
  struct toy_log *log = user->log;
  log->mutate = lie;
  assert_int_equal(toy_ask(user, log->size, query), KT_OK);
  log->mutate = NULL;
  reject_response(user, query, log->timestamps[log->size - 1], want, code);
}

/* The same query without the lie succeeds, by a user in the same state. */
static inline void accept_honest(const struct toy_user *user, const struct toy_query *query, enum kt_err want)
{
  static struct toy_user twin;
  twin = *user;
  kt_arena_init(&twin.arena, (size_t)64 << 20);
  assert_int_equal(toy_run(&twin, twin.log->size, query), want);
  kt_arena_release(&twin.arena);
}

/* --- changing proofs: a fresh array in the arena, one longer than before ---------------------------------------------------- */

static inline void *edit_array(struct kt_arena *arena, const void *array, size_t n, size_t size)
{
  uint8_t *copy = kt_arena_alloc(arena, n + 1, size);
  assert_non_null(copy);
  if (n > 0) {
    memcpy(copy, array, n * size);
  }
  return copy;
}

static inline struct kt_prefix_proof *edit_prefix_proofs(struct kt_arena *arena, struct kt_combined_proof *proof)
{
  struct kt_prefix_proof *copy =
      edit_array(arena, proof->prefix_proofs, proof->n_prefix_proofs, sizeof *proof->prefix_proofs);
  proof->prefix_proofs = copy;
  return copy;
}

static inline struct kt_prefix_result *edit_results(struct kt_arena *arena, struct kt_prefix_proof *proof)
{
  struct kt_prefix_result *copy = edit_array(arena, proof->results, proof->n_results, sizeof *proof->results);
  proof->results = copy;
  return copy;
}

static inline struct kt_hash *edit_hashes(struct kt_arena *arena, const struct kt_hash **hashes, size_t n)
{
  struct kt_hash *copy = edit_array(arena, *hashes, n, sizeof **hashes);
  *hashes = copy;
  return copy;
}

static inline struct kt_ladder_step *edit_steps(struct kt_arena *arena, const struct kt_ladder_step **steps, size_t n)
{
  struct kt_ladder_step *copy = edit_array(arena, *steps, n, sizeof **steps);
  *steps = copy;
  return copy;
}

/* Every kind's tree head and proof. */
static inline struct kt_combined_proof *proof_of_search(void *response)
{
  return &((struct kt_search_response *)response)->search;
}

#endif
