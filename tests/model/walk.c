/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Walking Distinguished Heads / Algorithm. */
#include "model.h"

struct walk {
  struct model_run *run;
  uint64_t stop;
  bool recent[MODEL_ENTRIES_MAX];
  uint64_t *positions;
  size_t n;
};

/* The numbered steps. */
static void walk_from(struct walk *walk, uint64_t pos)
{
  struct model_run *run = walk->run;
  if (!run->distinguished[pos]) { /* 1 */
    return;
  }
  (void)model_timestamp(run, pos);
  if (run->bst.right[pos] != MODEL_NONE) { /* 2 */
    walk_from(walk, run->bst.right[pos]);
  }
  if (walk->stop != MODEL_NONE && pos <= walk->stop) { /* 3 */
    return;
  }
  if (!walk->recent[pos]) { /* 4 */
    return;
  }
  walk->positions[walk->n++] = pos;
  if (run->bst.left[pos] != MODEL_NONE) { /* 5 */
    walk_from(walk, run->bst.left[pos]);
  }
}

size_t model_walk(struct model_run *run, uint64_t stop, size_t recent_max,
                  uint64_t ret_positions[static MODEL_ENTRIES_MAX])
{
  struct walk walk = { .run = run, .stop = stop, .positions = ret_positions };
  size_t n_recent = 0;
  for (uint64_t pos = run->size; pos-- > 0;) {
    walk.recent[pos] = run->distinguished[pos] && !run->expired[pos] && n_recent < recent_max;
    n_recent += walk.recent[pos];
  }
  walk_from(&walk, run->bst.root);
  return walk.n;
}
