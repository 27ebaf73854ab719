/* SPDX-License-Identifier: Apache-2.0 */
/* Users of one small log, each at the moment when a response arrives: every kind of query, asked by a newcomer, by somebody
 * who saw less, and by somebody who saw this very head. For fuzzing and for its seeds; numbers stay, new scenes go last. */
#ifndef KT_TESTS_TOY_SCENE_H
#define KT_TESTS_TOY_SCENE_H

#include "toy_user.h"

struct toy_scene {
  const char *name;
  struct toy_query query;
  struct toy_user user;     /* before the response */
  struct kt_bytes request;  /* both in the user's arena */
  struct kt_bytes response; /* as the honest log answers */
  enum kt_err verdict;      /* on that response */
};

/* A label with several versions, in a log whose newest entries are not distinguished. */
void toy_scene_log(struct toy_log *log);
/* The same under the same keys, but with other content (a fork, for any salt but 0) or of another size (at least 7). */
void toy_scene_log_other(struct toy_log *log, uint8_t salt, uint64_t size);

size_t toy_scene_count(void);
/* Scene `index` over that log; release scene->user. */
void toy_scene_set(struct toy_log *log, size_t index, struct toy_scene *ret_scene);

#endif
