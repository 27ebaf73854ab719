/* SPDX-License-Identifier: Apache-2.0 */
#include "count_hashes.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define LOG_HASHES 2 /* the entry's leaf, and one node of the log tree on average */

struct item {
  const struct kt_hash *key;
  unsigned depth;                     /* where its search ended */
  const struct kt_prefix_leaf *there; /* the leaf found there; NULL: none */
};

static int compare_items(const void *a, const void *b)
{
  return memcmp(((const struct item *)a)->key->b, ((const struct item *)b)->key->b, KT_HASH_LEN);
}

static int compare_keys(const void *a, const void *b)
{
  return memcmp(((const struct kt_hash *)a)->b, ((const struct kt_hash *)b)->b, KT_HASH_LEN);
}

/* Length of the common prefix, in bits. */
static unsigned shared(const struct kt_hash *a, const struct kt_hash *b)
{
  unsigned n = 0;
  while (n < 8 * KT_HASH_LEN && ((a->b[n / 8] ^ b->b[n / 8]) >> (7 - n % 8) & 1) == 0) {
    n++;
  }
  return n;
}

/* Parents below `depth` that the keys of one place make necessary: of sorted keys, each prefix that two neighbours share
 * is a parent, the shortest of them at `depth`. */
static size_t new_parents(struct kt_hash *keys, size_t n, unsigned depth)
{
  size_t parents = 0;
  unsigned before = depth; /* shared with the neighbour on the left, and so counted already */
  qsort(keys, n, sizeof *keys, compare_keys);
  for (size_t i = 1; i < n; i++) {
    unsigned now = shared(&keys[i - 1], &keys[i]) + 1;
    parents += now > before ? now - before : 0;
    before = now;
  }
  return parents;
}

/* Hashes for the places of the tree where searches ended, in both trees: the leaf that was there, the new leaves, and
 * parents between them. n items end at the same place. */
static size_t place_hashes(const struct item *items, size_t n)
{
  struct kt_hash *keys = bench_alloc(n + 1, sizeof *keys);
  size_t n_keys = n;
  for (size_t i = 0; i < n; i++) {
    keys[i] = *items[i].key;
  }
  if (items[0].there != NULL) {
    keys[n_keys++] = items[0].there->vrf_output;
  }
  size_t hashes = n_keys + new_parents(keys, n_keys, items[0].depth);
  free(keys);
  return hashes;
}

size_t bench_count_hashes(const struct kt_auditor_update *update)
{
  size_t n = update->n_added;
  size_t hashes = LOG_HASHES;
  struct item *items = bench_alloc(n, sizeof *items);
  if (update->n_removed > 0 || update->proof.n_results != n) {
    bench_die("this log was not made by kt-bench");
  }
  for (size_t i = 0; i < n; i++) {
    const struct kt_prefix_result *result = &update->proof.results[i];
    items[i] = (struct item){ .key = &update->added[i].vrf_output,
                              .depth = result->depth,
                              .there = result->type == KT_PREFIX_NON_INCLUSION_LEAF ? &result->leaf : NULL };
  }
  qsort(items, n, sizeof *items, compare_items);
  for (size_t i = 0; i < n;) {
    size_t end = i + 1;
    while (end < n && shared(items[i].key, items[end].key) >= items[i].depth) {
      end++;
    }
    /* Parents on the way that no place on the left has: they are hashed in the tree before and in the tree after. */
    unsigned known = i == 0 ? 0 : shared(items[i - 1].key, items[i].key) + 1;
    hashes += 2 * (size_t)(items[i].depth - known) + place_hashes(items + i, end - i);
    i = end;
  }
  free(items);
  return hashes;
}
