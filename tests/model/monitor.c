/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Monitoring the Tree / Contact Algorithm, / Owner Algorithm. */
#include <stdlib.h>

#include "model.h"

/* --- Contact Algorithm ---------------------------------------------------------------------------------------------- */

/* Step 2. */
static size_t entries_to_inspect(const struct model_run *run, uint64_t pos, uint64_t owner_start, uint64_t *list)
{
  uint64_t path[MODEL_ENTRIES_MAX];
  size_t n_path = model_direct_path(&run->bst, pos, path);
  size_t n = 0;
  bool ended = false;
  for (size_t i = 0; i < n_path && !ended; i++) {
    if (path[i] > pos) { /* 2.2 */
      list[n++] = path[i];
      ended = run->distinguished[path[i]]; /* 2.3 */
    }
  }
  if (ended && owner_start != MODEL_NONE && pos >= owner_start) { /* 2.4 */
    n--;
  }
  return n;
}

struct ladders {
  struct model_map_entry given[MODEL_SERIES_MAX];
  size_t n;
};

static const struct model_map_entry *find_ladder(const struct ladders *ladders, uint64_t pos)
{
  for (size_t i = 0; i < ladders->n; i++) {
    if (ladders->given[i].pos == pos) {
      return &ladders->given[i];
    }
  }
  return NULL;
}

/* Steps 1 to 3 for one entry of the map, which moves. */
static enum model_outcome monitor_entry(struct model_run *run, uint64_t owner_start, struct ladders *ladders,
                                        struct model_map_entry *entry, bool *ret_removed)
{
  uint64_t list[MODEL_ENTRIES_MAX];
  uint32_t ladder[MODEL_LADDER_MAX];
  size_t n_ladder = model_monitoring_ladder(entry->version, ladder);
  *ret_removed = false;
  model_path_timestamps(run, entry->pos);
  if (run->distinguished[entry->pos]) { /* 1 */
    return MODEL_OK;
  }
  size_t n = entries_to_inspect(run, entry->pos, owner_start, list);
  for (size_t i = 0; i < n; i++) {
    const struct model_map_entry *before = find_ladder(ladders, list[i]);
    if (before != NULL) { /* 3.1 */
      *ret_removed = before->version > entry->version;
      return *ret_removed ? MODEL_OK : MODEL_REFUSED;
    }
    model_lookups(run, list[i], ladder, n_ladder); /* 3.2 */
    if (model_greatest_at(run->log, list[i]) < entry->version) {
      return MODEL_REFUSED;
    }
    entry->pos = list[i]; /* 3.3 */
    ladders->given[ladders->n++] = *entry;
  }
  return MODEL_OK;
}

enum model_outcome model_contact(struct model_run *run, const struct model_map *map, uint64_t owner_start,
                                 struct model_map *ret_map)
{
  struct ladders ladders = { .n = 0 };
  bool removed[MODEL_ENTRIES_MAX] = { false };
  struct model_map moved = *map;
  for (size_t i = map->n; i-- > 0;) { /* "from rightmost to leftmost" */
    enum model_outcome outcome = monitor_entry(run, owner_start, &ladders, &moved.entries[i], &removed[i]);
    if (outcome != MODEL_OK) {
      return outcome;
    }
    /* "the final step of monitoring is to remove all mappings where the position corresponds to a distinguished log
     * entry". It is "a map from a position to a version counter": where two meet, the greater version stays. */
    removed[i] = removed[i] || run->distinguished[moved.entries[i].pos];
    for (size_t k = i + 1; k < map->n; k++) {
      removed[i] = removed[i] || (!removed[k] && moved.entries[k].pos == moved.entries[i].pos);
    }
  }
  ret_map->n = 0;
  for (size_t i = 0; i < map->n; i++) {
    if (!removed[i]) {
      ret_map->entries[ret_map->n++] = moved.entries[i];
    }
  }
  return MODEL_OK;
}

/* --- Owner Algorithm, initialization ------------------------------------------------------------------------------------ */

/* Steps 3 and 4. */
static void init_ladder(struct model_owner_init *init)
{
  bool wanted[MODEL_KEYS_MAX] = { true }; /* "version zero of the label" */
  for (size_t i = 0; i < init->n_greatest_versions; i++) {
    uint32_t ladder[MODEL_LADDER_MAX];
    size_t n = model_ladder(init->greatest_versions[i], ladder);
    for (size_t k = 0; k < n; k++) {
      if (ladder[k] >= MODEL_KEYS_MAX) {
        abort();
      }
      wanted[ladder[k]] = true;
    }
  }
  init->n_ladder = 0;
  for (uint32_t version = 0; version < MODEL_KEYS_MAX; version++) {
    if (wanted[version]) {
      init->committed[init->n_ladder] = false;
      for (size_t i = 0; i < init->n_greatest_versions; i++) {
        init->committed[init->n_ladder] |= version <= init->greatest_versions[i];
      }
      init->ladder[init->n_ladder++] = version;
    }
  }
}

enum model_outcome model_owner_init(struct model_run *run, uint64_t start, struct model_owner_init *ret_init)
{
  uint64_t path[MODEL_ENTRIES_MAX];
  uint64_t list[MODEL_ENTRIES_MAX];
  size_t n = 0;
  bool ended = false;
  model_path_timestamps(run, start);
  if (!run->distinguished
           [start]) { /* "This starting position MUST correspond to an unexpired distinguished log entry" */
    return MODEL_REFUSED;
  }
  (void)model_timestamp(run, start);
  if (run->expired[start]) {
    return MODEL_EXPIRED;
  }
  list[n++] = start; /* 1 */
  size_t n_path = model_direct_path(&run->bst, start, path);
  for (size_t i = 0; i < n_path && !ended; i++) {
    ended = path[i] < start && run->expired[path[i]];
    if (path[i] < start && !ended) {
      list[n++] = path[i];
    }
  }
  ret_init->n_greatest_versions = 0;
  for (size_t i = 0; i < n; i++) { /* 2 and 5 */
    int64_t greatest = model_greatest_at(run->log, list[i]);
    if (greatest >= 0) {
      ret_init->greatest_versions[ret_init->n_greatest_versions++] = (uint32_t)greatest;
    }
    model_look_search(run, list[i], greatest >= 0 ? (uint32_t)greatest : 0, false, true);
  }
  init_ladder(ret_init);
  return MODEL_OK;
}

/* --- Owner Algorithm, monitoring ------------------------------------------------------------------------------------------ */

struct owner {
  struct model_run *run;
  uint64_t start;
  int64_t known;
  uint64_t limit;
  uint64_t verified;
};

/* Steps 1 to 6; whether a stop condition was reached. */
static bool monitor_owner(struct owner *owner, uint64_t pos)
{
  struct model_run *run = owner->run;
  uint64_t left = run->bst.left[pos];
  uint64_t right = run->bst.right[pos];
  if (!run->distinguished[pos]) { /* 1 */
    return false;
  }
  if (pos <= owner->start) { /* 2 */
    if (right == MODEL_NONE) {
      return false;
    }
    (void)model_timestamp(run, pos);
    return monitor_owner(owner, right);
  }
  if (left != MODEL_NONE) { /* 3 */
    (void)model_timestamp(run, pos);
    if (monitor_owner(owner, left)) {
      return true;
    }
  }
  int64_t greatest = model_greatest_at(run->log, pos);
  if (greatest > owner->known || pos >= owner->limit) { /* 4 */
    return true;
  }
  model_look_search(run, pos, greatest >= 0 ? (uint32_t)greatest : 0, false, true); /* 5 */
  owner->verified = pos;
  if (right == MODEL_NONE) {
    return false;
  }
  (void)model_timestamp(run, pos);
  return monitor_owner(owner, right); /* 6 */
}

void model_owner_monitor(struct model_run *run, uint64_t start, int64_t known, uint64_t limit,
                         struct model_progress *ret_progress)
{
  struct owner owner = { .run = run, .start = start, .known = known, .limit = limit, .verified = start };
  ret_progress->complete = !monitor_owner(&owner, run->bst.root);
  ret_progress->verified = owner.verified;
}
