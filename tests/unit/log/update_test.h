/* SPDX-License-Identifier: Apache-2.0 */
/* An update step by step, as the HTTP server takes it. */
#ifndef KT_TESTS_UPDATE_TEST_H
#define KT_TESTS_UPDATE_TEST_H

#include "log_test.h"

struct update {
  struct kt_bytes value;
  struct kt_update_request request;
  struct kt_log_pending *pending;
  struct kt_log_outcome outcome;
  struct kt_log_ahead ahead;
};

/* Of a label that is not in the log yet. *ret_update stays where it is until it is answered. */
static inline void update_prepare(struct world *world, struct person *owner, struct update *ret_update)
{
  *ret_update = (struct update){ .value = person_set(world, owner, 1, true) };
  ret_update->request =
      (struct kt_update_request){ .label = owner->label, .values = &ret_update->value, .n_values = 1 };
  world_ok(world, kt_log_update_prepare(world->reader, &ret_update->request, (struct kt_bytes){ 0 },
                                        &ret_update->pending, &world->problem));
  kt_log_update_keep(ret_update->pending, &world->arena, &ret_update->ahead);
}

/* ahead: of the update, or NULL. */
static inline void update_respond(struct world *world, const struct update *update, const struct kt_log_ahead *ahead,
                                  struct kt_writer *ret_w)
{
  kt_writer_init(ret_w, (size_t)1 << 20);
  world_ok(world, kt_log_update_respond(world->reader, &update->request, &update->outcome, ahead, &world->arena, ret_w,
                                        &world->problem));
}

/* Releases both. */
static inline void expect_same_bytes(struct kt_writer *a, struct kt_writer *b)
{
  assert_int_equal(a->len, b->len);
  assert_memory_equal(a->buf, b->buf, a->len);
  kt_writer_release(a);
  kt_writer_release(b);
}

#endif
