/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mem_map.h"

#include <stdlib.h>
#include <string.h>

struct value {
  size_t len;
  uint8_t data[];
};

struct kt_mem_item {
  struct kt_mem_item *next;        /* in the bucket */
  struct kt_mem_item *next_staged; /* in the transaction */
  struct value *committed;         /* NULL: absent */
  struct value *staged;            /* NULL: removal */
  bool is_staged;
  int table;
  size_t key_len;
  uint8_t key[];
};

void kt_mem_map_init(struct kt_mem_map *map)
{
  *map = (struct kt_mem_map){ 0 };
}

void kt_mem_map_release(struct kt_mem_map *map)
{
  for (size_t i = 0; i < map->n_buckets; i++) {
    while (map->buckets[i] != NULL) {
      struct kt_mem_item *item = map->buckets[i];
      map->buckets[i] = item->next;
      free(item->committed);
      free(item->staged);
      free(item);
    }
  }
  free(map->buckets);
  kt_mem_map_init(map);
}

/* FNV-1a. */
static uint64_t hash_key(int table, const uint8_t *key, size_t len)
{
  uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)table;
  for (size_t i = 0; i < len; i++) {
    h = (h ^ key[i]) * UINT64_C(0x100000001b3);
  }
  return h ^ (h >> 32);
}

static struct kt_mem_item *find(const struct kt_mem_map *map, int table, struct kt_bytes key)
{
  if (map->n_buckets == 0) {
    return NULL;
  }
  struct kt_mem_item *item = map->buckets[hash_key(table, key.data, key.len) % map->n_buckets];
  while (item != NULL &&
         (item->table != table || item->key_len != key.len || memcmp(item->key, key.data, key.len) != 0)) {
    item = item->next;
  }
  return item;
}

enum kt_err kt_mem_map_get(const struct kt_mem_map *map, bool see_staged, int table, struct kt_bytes key,
                           struct kt_bytes *ret_value)
{
  const struct kt_mem_item *item = find(map, table, key);
  const struct value *value = NULL;
  if (item != NULL) {
    value = see_staged && item->is_staged ? item->staged : item->committed;
  }
  if (value == NULL) {
    return KT_ERR_ABSENT;
  }
  *ret_value = (struct kt_bytes){ .data = value->data, .len = value->len };
  return KT_OK;
}

static enum kt_err grow(struct kt_mem_map *map)
{
  size_t n = map->n_buckets == 0 ? 256 : map->n_buckets * 2;
  struct kt_mem_item **buckets = calloc(n, sizeof(struct kt_mem_item *));
  if (buckets == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < map->n_buckets; i++) {
    while (map->buckets[i] != NULL) {
      struct kt_mem_item *item = map->buckets[i];
      map->buckets[i] = item->next;
      struct kt_mem_item **head = &buckets[hash_key(item->table, item->key, item->key_len) % n];
      item->next = *head;
      *head = item;
    }
  }
  free(map->buckets);
  map->buckets = buckets;
  map->n_buckets = n;
  return KT_OK;
}

static enum kt_err add_item(struct kt_mem_map *map, int table, struct kt_bytes key, struct kt_mem_item **ret_item)
{
  if (map->n_items >= map->n_buckets) {
    enum kt_err err = grow(map);
    if (err != KT_OK) {
      return err;
    }
  }
  struct kt_mem_item *item = calloc(1, sizeof *item + key.len);
  if (item == NULL) {
    return KT_ERR_MEMORY;
  }
  item->table = table;
  item->key_len = key.len;
  if (key.len > 0) {
    memcpy(item->key, key.data, key.len);
  }
  struct kt_mem_item **head = &map->buckets[hash_key(table, key.data, key.len) % map->n_buckets];
  item->next = *head;
  *head = item;
  map->n_items++;
  *ret_item = item;
  return KT_OK;
}

enum kt_err kt_mem_map_put(struct kt_mem_map *map, int table, struct kt_bytes key, const struct kt_bytes *value)
{
  struct kt_mem_item *item = find(map, table, key);
  if (item == NULL) {
    enum kt_err err = add_item(map, table, key, &item);
    if (err != KT_OK) {
      return err;
    }
  }
  struct value *copy = NULL;
  if (value != NULL) {
    copy = malloc(sizeof *copy + value->len);
    if (copy == NULL) {
      return KT_ERR_MEMORY;
    }
    copy->len = value->len;
    if (value->len > 0) {
      memcpy(copy->data, value->data, value->len);
    }
  }
  if (!item->is_staged) {
    item->is_staged = true;
    item->next_staged = map->staged;
    map->staged = item;
  }
  free(item->staged);
  item->staged = copy;
  return KT_OK;
}

/* Forget an item without a value. */
static void remove_item(struct kt_mem_map *map, struct kt_mem_item *item)
{
  struct kt_mem_item **at = &map->buckets[hash_key(item->table, item->key, item->key_len) % map->n_buckets];
  while (*at != item) {
    at = &(*at)->next;
  }
  *at = item->next;
  map->n_items--;
  free(item);
}

static void end_transaction(struct kt_mem_map *map, bool keep)
{
  while (map->staged != NULL) {
    struct kt_mem_item *item = map->staged;
    map->staged = item->next_staged;
    struct value *dropped = keep ? item->committed : item->staged;
    if (keep) {
      item->committed = item->staged;
    }
    free(dropped);
    item->staged = NULL;
    item->is_staged = false;
    if (item->committed == NULL) {
      remove_item(map, item);
    }
  }
}

void kt_mem_map_commit(struct kt_mem_map *map)
{
  end_transaction(map, true);
}

void kt_mem_map_rollback(struct kt_mem_map *map)
{
  end_transaction(map, false);
}
