/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of credentials share: bob, who receives what alice's log makes, honest or with a lie in it. Nothing of his
 * may change by it, whatever it is (R66). */
#ifndef KT_TESTS_CREDENTIAL_TEST_H
#define KT_TESTS_CREDENTIAL_TEST_H

#include <stdio.h>

#include "reject_test.h"
#include "support/toy_credential.h"

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
static inline void bob_learns(struct bob *bob, uint64_t size)
{
  toy_recent_heads(&bob->log, size, &bob->arena, &bob->recent);
}

/* Alice made a credential when the log had SIZE entries, on entry `position`. */
static inline void bob_begin(struct bob *bob, const char *adds, uint64_t window, uint64_t lifetime, uint64_t position)
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

static inline void bob_init(struct bob *bob, const char *adds, uint64_t lifetime, uint64_t position)
{
  bob_begin(bob, adds, WINDOW, lifetime, position);
}

static inline void bob_release(struct bob *bob)
{
  kt_arena_release(&bob->arena);
  toy_log_release(&bob->log);
}

/* Everything of bob's that outlives a verification. */
static inline struct kt_bytes bob_encode(struct bob *bob)
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

static inline enum kt_err check(struct bob *bob, const struct kt_credential *credential)
{
  const struct kt_bytes before = bob_encode(bob);
  const struct kt_bytes encoded = toy_credential_encode(&bob->log, credential, &bob->arena);
  bob->reason = (struct kt_reason){ .code = NULL };
  enum kt_err err = kt_verify_credential(&bob->client, &bob->recent, encoded, &bob->result);
  toy_assert_bytes_equal(before, bob_encode(bob)); /* R66 */
  return err;
}

static inline void expect(const struct bob *bob, enum kt_err err, enum kt_err want, const char *code)
{
  if (err != want || bob->reason.code == NULL || strcmp(bob->reason.code, code) != 0) {
    fail_msg("error %d, reason %s instead of %d, %s", (int)err, bob->reason.code != NULL ? bob->reason.code : "none",
             (int)want, code);
  }
}

static inline void refuse(struct bob *bob, const struct kt_credential *lie, enum kt_err want, const char *code)
{
  assert_int_equal(check(bob, &bob->credential), KT_OK);
  static struct kt_credential_result old;
  old = bob->result;
  expect(bob, check(bob, lie), want, code);
  assert_memory_equal(&old, &bob->result, sizeof old);
}

#define STANDARD_ADDS "0100000000"
#define PROVISIONAL_ADDS "0100000010" /* version 1 appears in entry 8 */

/* The version's first entry is 8, and 9 the first one that a search looks at. */
static inline void bob_waits(struct bob *bob)
{
  bob_begin(bob, PROVISIONAL_ADDS "000000", WIDE_WINDOW, 0, 7);
  assert_int_equal(check(bob, &bob->credential), KT_OK);
  assert_int_equal(bob->result.pending.terminal, 9);
}

static inline enum kt_err check_update(struct bob *bob, const struct kt_combined_proof *monitor)
{
  const struct kt_bytes before = bob_encode(bob);
  const struct kt_bytes update = toy_credential_update_encode(monitor, &bob->arena);
  bob->reason = (struct kt_reason){ .code = NULL };
  enum kt_err err = kt_verify_credential_update(&bob->client, &bob->result.pending, &bob->recent, update);
  toy_assert_bytes_equal(before, bob_encode(bob)); /* R66 */
  return err;
}

/* The log has grown, and an update is wanted. */
static inline void bob_wants_update(struct bob *bob, struct kt_combined_proof *ret_monitor)
{
  uint64_t distinguished = 0;
  bob_waits(bob);
  bob_learns(bob, bob->log.size);
  assert_int_equal(kt_credential_stage(&bob->result.pending, &bob->recent, &distinguished), KT_CREDENTIAL_BY_UPDATE);
  assert_int_equal(distinguished, 11);
  toy_credential_update(&bob->log, &bob->result.pending, distinguished, &bob->arena, ret_monitor);
  assert_int_equal(check_update(bob, ret_monitor), KT_OK);
}

#endif
