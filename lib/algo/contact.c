/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Monitoring the Tree / Contact Algorithm. */
#include "algo/algo.h"

#define SECTION "Monitoring the Tree / Contact Algorithm"

/* Ladders provided in this response, to notice where the paths of map entries meet. */
struct provided {
  struct kt_monitor_map_entry *ladders; /* room for UINT8_MAX, as many as a proof has prefix proofs */
  size_t n;
};

/* The target of the ladder that pos already gave; NULL when it gave none. */
static const struct kt_monitor_map_entry *provided_find(const struct provided *provided, uint64_t pos)
{
  for (size_t i = provided->n; i-- > 0;) {
    if (provided->ladders[i].position == pos) {
      return &provided->ladders[i];
    }
  }
  return NULL;
}

/* Step 2: direct path, without what is left of the entry, up to the first distinguished entry; left to right. */
static size_t entries_to_inspect(const struct kt_path *path, uint64_t pos, const uint64_t *owner_start,
                                 uint64_t ret_list[static KT_IBST_DEPTH_MAX])
{
  size_t n = 0;
  for (size_t i = path->n; i-- > 0;) {
    if (path->nodes[i] < pos) {
      continue;
    }
    bool distinguished = i < path->n_distinguished;
    if (distinguished && owner_start != NULL && pos >= *owner_start) {
      return n; /* 2.4: "skip inspecting the final distinguished log entry" */
    }
    ret_list[n++] = path->nodes[i];
    if (distinguished) {
      return n;
    }
  }
  return n;
}

struct monitor {
  struct kt_view *view;
  struct kt_label_keys *keys;
  const uint64_t *owner_start;
  struct provided provided;
};

/* Steps 1 to 3 for one map entry, moved in place; ret_drop: it merged into a greater version's ladder, or reached a
 * distinguished entry. */
static enum kt_err move_entry(struct monitor *monitor, struct kt_monitor_map_entry *entry, bool *ret_drop)
{
  struct kt_path path;
  enum kt_err err = kt_path_walk(monitor->view, entry->position, &path);
  if (err != KT_OK) {
    return err;
  }
  bool drop = path.distinguished; /* step 1, and the removal at the end */
  uint64_t list[KT_IBST_DEPTH_MAX];
  size_t n = drop ? 0 : entries_to_inspect(&path, entry->position, monitor->owner_start, list);
  for (size_t i = 0; i < n; i++) {
    const struct kt_monitor_map_entry *before = provided_find(&monitor->provided, list[i]);
    if (before != NULL && before->version > entry->version) { /* 3.1.1 */
      *ret_drop = true;
      return KT_OK;
    }
    if (before != NULL) { /* 3.1.2 (R28) */
      return kt_fail_at(monitor->view->reason, KT_ERR_PROOF, "monitor-order",
                        "a later log entry was shown with an earlier version of the label", SECTION, list[i]);
    }
    err = monitor->provided.n < UINT8_MAX
              ? kt_monitoring_ladder(monitor->view, monitor->keys, list[i], entry->version) /* 3.2, 3.3 (R27) */
              : KT_ERR_LIMIT;
    if (err != KT_OK) {
      return err;
    }
    entry->position = list[i];
    monitor->provided.ladders[monitor->provided.n++] = *entry;
    for (size_t k = 0; k < path.n_distinguished; k++) {
      drop = drop || path.nodes[k] == list[i];
    }
  }
  *ret_drop = drop;
  return KT_OK;
}

enum kt_err kt_contact_monitor(struct kt_view *view, struct kt_label_keys *keys, const struct kt_monitor_map *map,
                               const uint64_t *owner_start, struct kt_monitor_map *ret_map)
{
  struct monitor monitor = { .view = view, .keys = keys, .owner_start = owner_start };
  struct kt_monitor_map_entry *moved = kt_arena_alloc(view->arena, UINT8_MAX, sizeof *moved);
  monitor.provided.ladders = kt_arena_alloc(view->arena, UINT8_MAX, sizeof *monitor.provided.ladders);
  if (moved == NULL || monitor.provided.ladders == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t first = map->n; /* moved[first .. map->n) are kept; filled from the right */
  for (size_t i = map->n; i-- > 0;) {
    struct kt_monitor_map_entry entry = map->entries[i];
    bool drop = false;
    enum kt_err err = move_entry(&monitor, &entry, &drop);
    if (err != KT_OK) {
      return err;
    }
    /* Where the paths of two entries meet, the greater version's goes on: the map has one version per position. */
    bool merged = first < map->n && moved[first].position == entry.position;
    if (!drop && !merged) {
      moved[--first] = entry;
    }
  }
  ret_map->n = map->n - first;
  for (size_t i = 0; i < ret_map->n; i++) {
    ret_map->entries[i] = moved[first + i];
  }
  return KT_OK;
}
