/* SPDX-License-Identifier: Apache-2.0 */
/* The monitoring map of a contact's or an owner's request (S4): "each MonitorMapEntry in entries is sorted in ascending
 * order by position, … no position or version is duplicate, and … position always lies on the direct path of the first
 * log entry to contain the associated version of the label". */
#include "log/query.h"

static enum kt_err refuse(struct kt_log_query *query, size_t i, const char *what)
{
  return kt_log_query_refuse(query, KT_ERR_USAGE, "monitor-map", "monitoring map entry %zu: %s", i, what);
}

static enum kt_err check_order(struct kt_log_query *query, const struct kt_monitor_map_entry *entries, size_t n)
{
  uint32_t versions[UINT8_MAX];
  for (size_t i = 0; i < n; i++) {
    if (i > 0 && entries[i].position <= entries[i - 1].position) {
      return refuse(query, i, "positions do not ascend");
    }
    versions[i] = entries[i].version;
  }
  if (kt_versions_sort_unique(versions, n) < n) {
    return kt_log_query_refuse(query, KT_ERR_USAGE, "monitor-map", "the monitoring map has a version twice");
  }
  return KT_OK;
}

/* On the direct path of the entry that inserted the version, or that entry; never left of it, where the version is not
 * yet there to be monitored. */
static enum kt_err check_place(struct kt_log_query *query, size_t i, const struct kt_monitor_map_entry *entry)
{
  struct kt_store_version row;
  uint64_t path[KT_IBST_DEPTH_MAX];
  if (!query->exists || entry->version > query->greatest) {
    return refuse(query, i, "the label has no such version");
  }
  enum kt_err err = kt_store_get_version(query->reader->conn, query->label_id, entry->version, &row);
  if (err != KT_OK) {
    return KT_ERR_STORE;
  }
  bool on_path = entry->position == row.pos;
  size_t n = kt_ibst_path(row.pos, query->head.size, path);
  for (size_t k = 0; k < n; k++) {
    on_path = on_path || (path[k] == entry->position && entry->position > row.pos);
  }
  return on_path ? KT_OK : refuse(query, i, "the position is not on the direct path of the version's first entry");
}

/* The keys of all monitoring ladders, in one go: there can be thousands. */
static enum kt_err add_ladders(struct kt_log_query *query, const struct kt_monitor_map *map)
{
  uint32_t *versions = kt_arena_alloc(query->arena, map->n, KT_LADDER_MAX * sizeof *versions);
  size_t n = 0;
  if (versions == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < map->n; i++) {
    n += kt_ladder_monitoring(map->entries[i].version, &versions[n]);
  }
  return kt_log_query_keys(query, versions, kt_versions_sort_unique(versions, n));
}

static enum kt_err check_map(struct kt_log_query *query, const struct kt_monitor_map_entry *entries, size_t n,
                             struct kt_monitor_map *ret_map)
{
  enum kt_err err = n <= UINT8_MAX ? check_order(query, entries, n) : KT_ERR_LIMIT;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = check_place(query, i, &entries[i]);
    ret_map->entries[i] = entries[i];
  }
  ret_map->n = n;
  return err;
}

static bool versions_ascend(const struct kt_monitor_map *map)
{
  for (size_t i = 1; i < map->n; i++) {
    if (map->entries[i].version < map->entries[i - 1].version) {
      return false;
    }
  }
  return true;
}

enum kt_err kt_log_query_monitor(struct kt_log_query *query, const struct kt_monitor_map_entry *entries, size_t n,
                                 const uint64_t *owner_start)
{
  struct kt_monitor_map *map = kt_arena_alloc(query->arena, 2, sizeof *map);
  if (map == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = check_map(query, entries, n, &map[0]);
  if (err == KT_OK) {
    err = add_ladders(query, &map[0]);
  }
  if (err == KT_OK) {
    err = kt_contact_monitor(&query->record->view, &query->keys, &map[0], owner_start, &map[1]);
  }
  if (err == KT_ERR_PROOF && !versions_ascend(&map[0])) {
    /* S4 leaves this to the requester: a later entry advertised with an earlier version is R28 of their own making.
     * With versions that ascend, what is stored is at fault. */
    return kt_log_query_refuse(query, KT_ERR_USAGE, "monitor-map", "the monitoring map contradicts itself");
  }
  return err;
}
