/* SPDX-License-Identifier: Apache-2.0 */
/* The monitoring map of a contact's or an owner's request (S4): "each MonitorMapEntry in entries is sorted in ascending
 * order by position, … no position or version is duplicate, and … position always lies on the direct path of the first
 * log entry to contain the associated version of the label". */
#include <stdlib.h>

#include "log/query.h"

static enum kt_err refuse(struct kt_log_query *query, size_t i, const char *what)
{
  return kt_log_query_refuse(query, KT_ERR_USAGE, "monitor-map", "monitoring map entry %zu: %s", i, what);
}

static int compare_versions(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a;
  uint32_t y = *(const uint32_t *)b;
  return (x > y) - (x < y);
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
  qsort(versions, n, sizeof versions[0], compare_versions);
  for (size_t i = 1; i < n; i++) {
    if (versions[i] == versions[i - 1]) {
      return refuse(query, i, "a version is there twice");
    }
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

enum kt_err kt_log_query_check_map(struct kt_log_query *query, const struct kt_monitor_map_entry *entries, size_t n,
                                   struct kt_monitor_map *ret_map)
{
  enum kt_err err = n <= UINT8_MAX ? check_order(query, entries, n) : KT_ERR_LIMIT;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = check_place(query, i, &entries[i]);
  }
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    uint32_t versions[KT_LADDER_MAX];
    ret_map->entries[i] = entries[i];
    err = kt_log_query_keys(query, versions, kt_ladder_monitoring(entries[i].version, versions));
  }
  ret_map->n = n;
  return err;
}
