/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Updating a Label / Algorithm. */
#include <stdlib.h>

#include "model.h"

static bool is_in_ladder(int64_t greatest, uint32_t version)
{
  uint32_t ladder[MODEL_LADDER_MAX];
  size_t n = model_ladder(greatest, ladder);
  for (size_t i = 0; i < n; i++) {
    if (ladder[i] == version) {
      return true;
    }
  }
  return false;
}

/* The versions whose VRF proofs are given. "If a version of a label exists and is less than the user's advertised
 * greatest_version, the commitment … is provided". */
static void update_ladder(struct model_update *update, int64_t greatest)
{
  update->n_ladder = 0;
  for (uint32_t version = 0; version < 2 * MODEL_KEYS_MAX; version++) {
    bool wanted = is_in_ladder(greatest, version);
    wanted = wanted || (update->n_new > 1 && version > update->previous && version <= greatest);
    bool known = update->previous >= 0 ? is_in_ladder(update->previous, version) : version == 0;
    if (wanted && !known) {
      if (version >= MODEL_KEYS_MAX) {
        abort();
      }
      update->committed[update->n_ladder] = version < update->previous;
      update->ladder[update->n_ladder++] = version;
    }
  }
}

/* "Lookups that would be omitted in a greatest-version search for the label are also omitted here": that search, in the
 * previous tree, begins at the rightmost entry that is distinguished there, and comes down to `end`. */
static void assume_searched(struct model_run *run, uint64_t previous_size, uint32_t target, uint64_t end)
{
  bool distinguished[MODEL_ENTRIES_MAX];
  uint64_t frontier[MODEL_ENTRIES_MAX];
  size_t n = model_frontier(previous_size, frontier);
  size_t first = 0;
  model_distinguished(run->log, previous_size, distinguished);
  for (size_t i = 0; i < n; i++) {
    if (distinguished[frontier[i]]) {
      first = i;
    }
  }
  for (size_t i = first; i < n && frontier[i] < end; i++) {
    model_look_search(run, frontier[i], target, true, false);
  }
}

/* Steps 1 and 2. */
static void check_previous_tree(struct model_run *run, uint64_t position, uint64_t owner_start, int64_t previous)
{
  uint64_t frontier[MODEL_ENTRIES_MAX];
  size_t n = model_frontier(position, frontier);
  uint32_t target = previous >= 0 ? (uint32_t)previous : 0;
  size_t first = 0;
  model_path_timestamps(run, position - 1);
  while (first < n && run->distinguished[frontier[first]]) { /* 1 */
    first++;
  }
  if (first == n) {
    return;
  }
  assume_searched(run, position, target, frontier[first]);
  for (size_t i = first; i < n; i++) { /* 2 */
    bool skipped = previous >= 0 && ((owner_start != MODEL_NONE && frontier[i] <= owner_start) ||
                                     frontier[i] <= run->log->added[previous]); /* 2.1 */
    model_look_search(run, frontier[i], target, true, !skipped);                /* 2.2 */
  }
}

void model_update_label(struct model_run *run, uint64_t position, uint64_t owner_start, struct model_update *ret_update)
{
  struct model_update *update = ret_update;
  int64_t greatest = model_greatest_at(run->log, position);
  uint32_t additional[MODEL_VERSIONS_MAX];
  size_t n_additional = 0;
  update->previous = model_greatest_at(run->log, position - 1);
  update->n_new = (size_t)(greatest - update->previous);
  update->distinguished = run->distinguished[position];
  update_ladder(update, greatest);
  check_previous_tree(run, position, owner_start, update->previous);
  model_path_timestamps(run, position);
  update->n_skipped = 0;
  for (int64_t version = update->previous + 1; version <= greatest; version++) {
    update->n_skipped += run->log->skipped[version];
    if (!is_in_ladder(greatest, (uint32_t)version)) {
      additional[n_additional++] = (uint32_t)version;
    }
  }
  if (!update->distinguished) { /* 4 */
    model_look_search(run, position, (uint32_t)greatest, true, true);
  }
  if (n_additional > 0) { /* 3, and the second proof of 4 */
    model_lookups(run, position, additional, n_additional);
  }
}
