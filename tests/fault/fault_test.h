/* SPDX-License-Identifier: Apache-2.0 */
/* An operation, run again and again with each of its allocations failing, once and from then on. */
#ifndef KT_TESTS_FAULT_TEST_H
#define KT_TESTS_FAULT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <kt/err.h>

#include "support/fail_alloc.h"

/* What a machine that has no memory says: never that somebody else is to blame. Libraries that give no reason make it
 * KT_ERR_CRYPTO. */
static inline bool fault_is_ours(enum kt_err err)
{
  return err == KT_ERR_MEMORY || err == KT_ERR_CRYPTO || err == KT_ERR_STORE;
}

struct fault_operation {
  const char *name;
  void *ctx;
  void (*before)(void *ctx); /* NULL: nothing. Not interfered with, as `after` */
  enum kt_err (*run)(void *ctx);
  /* err: what run returned; refused: whether an allocation was. Asserts that the result is right or that nothing changed. */
  void (*after)(void *ctx, enum kt_err err, bool refused);
};

/* What is being tried, for messages. */
struct fault_moment {
  const char *name;
  uint64_t nth;
  bool for_good;
};

static struct fault_moment fault_now;

static inline void fault_check(bool holds, const char *what, const char *why)
{
  if (!holds) {
    fail_msg("%s, allocation %u failing%s: %s (%s)", fault_now.name, (unsigned)fault_now.nth,
             fault_now.for_good ? " with all that follow" : "", what, why != NULL ? why : "no reason");
  }
}

/* How many allocations from one that fails to the next: as usual in a test of seconds, or what KT_FAULT_STRIDE says. */
static inline uint64_t fault_stride(uint64_t usual)
{
  const char *given = getenv("KT_FAULT_STRIDE");
  const uint64_t stride = given != NULL ? strtoull(given, NULL, 10) : usual;
  return stride > 0 ? stride : 1;
}

/* Every stride-th allocation, beginning with the first. Returns how often one was refused. */
static inline uint64_t fault_each_allocation(const struct fault_operation *op, uint64_t stride, bool for_good)
{
  uint64_t n_refused = 0;
  bool refused = true;
  for (uint64_t nth = 1; refused; nth += stride) {
    if (op->before != NULL) {
      op->before(op->ctx);
    }
    fail_alloc_arm(nth, for_good);
    const enum kt_err err = op->run(op->ctx);
    refused = fail_alloc_disarm();
    fault_now = (struct fault_moment){ op->name, nth, for_good };
    op->after(op->ctx, err, refused);
    n_refused += refused ? 1 : 0;
  }
  return n_refused;
}

#endif
