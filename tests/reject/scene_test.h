/* SPDX-License-Identifier: Apache-2.0 */
/* A log and somebody who follows it: what tests of monitoring and of updates begin with. */
#ifndef KT_TESTS_REJECT_SCENE_TEST_H
#define KT_TESTS_REJECT_SCENE_TEST_H

#include "reject_test.h"

struct scene {
  struct toy_log log;
  struct toy_user user;
};

static inline void begin(struct scene *scene, const char *adds, uint64_t window, uint64_t lifetime)
{
  reject_log(&scene->log, adds, window, lifetime);
  toy_user_init(&scene->user, &scene->log);
}

static inline void end(struct scene *scene)
{
  toy_user_release(&scene->user);
  toy_log_release(&scene->log);
}

static inline struct kt_prefix_proof *last_proof(struct kt_arena *arena, struct kt_combined_proof *proof)
{
  return &edit_prefix_proofs(arena, proof)[proof->n_prefix_proofs - 1];
}

/* An owner since entry 3 of a log in which nothing is added later. */
static inline void own(struct scene *scene, const char *adds)
{
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = REJECT_LABEL, .start = 3 };
  begin(scene, adds, 25, 0);
  toy_run_ok(&scene->user, 4, &query);
}

#endif
