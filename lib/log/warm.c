/* SPDX-License-Identifier: Apache-2.0 */
/* A log that has just been opened has nothing in its caches, and a path through a tree then costs dozens of reads. So a
 * thread reads the trees that searches look into, from their roots down, as far as the cache has room, whenever nobody
 * else wants the processor.
 *
 * The quads of a tree of ten million labels are scattered over gigabytes, and a quad in memory has the hashes of what
 * is below it. So they are listed first, level by level, and then read in the order of the file, what is below a quad
 * before the quad: each page of the file is read once for a level and once at the end, and no record is read for its
 * hash alone. Leaves are hashed before, entry by entry. */
#define _GNU_SOURCE /* gettid */

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto/hkdf.h"
#include "log/engine.h"
#include "log/leaf_hashes.h"
#include "tree/ibst.h"

#define NICE_LAST 19
#define NODES_PER_SNAPSHOT 256 /* an old snapshot would keep the write-ahead log from beginning again */
#define SHARE_OF_LEAF_HASHES 8 /* of the cache's size, while the trees are read */
#define PAGE_IN_TIMES 8        /* the cache's size: a larger file is not read as a whole */
#define PIECE_LEN ((size_t)256 << 10)

struct warmer {
  struct kt_log *log;
  struct kt_log_nodes nodes;
  struct kt_log_leaf_hashes leaf_hashes;
  size_t n_seen;
};

static bool is_ended(const struct warmer *warmer)
{
  return atomic_load(&warmer->log->is_warming_ended);
}

static bool may_go_on(struct warmer *warmer)
{
  if (is_ended(warmer)) {
    return false;
  }
  if (warmer->n_seen++ % NODES_PER_SNAPSHOT == 0) {
    kt_store_read_end(warmer->nodes.conn);
    return kt_store_read_begin(warmer->nodes.conn) == KT_OK;
  }
  return true;
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

/* References of quads. */
struct list {
  uint64_t *refs;
  size_t n;
  size_t n_max;
  bool is_full; /* and something was left out */
};

static void push(struct list *list, uint64_t ref)
{
  if (list->n < list->n_max) {
    list->refs[list->n++] = ref;
  } else {
    list->is_full = true;
  }
}

/* Entry by entry, and in each from its end: a quad's number is smaller than those of the quads below it. */
static int compare_refs(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a ^ (KT_STORE_NODES_MAX - 1);
  uint64_t y = *(const uint64_t *)b ^ (KT_STORE_NODES_MAX - 1);
  return (x > y) - (x < y);
}

static void sort(struct list *list, size_t first)
{
  if (list->n > first) {
    qsort(&list->refs[first], list->n - first, sizeof list->refs[0], compare_refs);
  }
}

static bool contains(const struct list *list, uint64_t ref)
{
  return list->n > 0 && bsearch(&ref, list->refs, list->n, sizeof ref, compare_refs) != NULL;
}

/* Sort what is behind the first ones, each only once. */
static void tidy(struct list *list, size_t first)
{
  size_t n = first;
  sort(list, first);
  for (size_t i = first; i < list->n; i++) {
    if (n == first || list->refs[n - 1] != list->refs[i]) {
      list->refs[n++] = list->refs[i];
    }
  }
  list->n = n;
}

/* False: end. What cannot be read is found by whoever needs it. */
static bool push_children(struct warmer *warmer, uint64_t ref, const struct list *known, struct list *list)
{
  uint8_t record[KT_LOG_NODE_LEN];
  struct kt_hash hash;
  uint64_t slots[KT_LOG_QUAD_SLOTS];
  if (!may_go_on(warmer)) {
    return false;
  }
  enum kt_err err = kt_store_get_node(warmer->nodes.conn, ref, record);
  if (err != KT_OK) {
    return err == KT_ERR_ABSENT; /* it was pruned */
  }
  kt_log_quad_decode(record, &hash, slots);
  for (size_t i = 0; i < KT_LOG_QUAD_SLOTS; i++) {
    if (slots[i] != 0 && !kt_store_ref_is_leaf(slots[i]) && !contains(known, slots[i])) {
      push(list, slots[i]);
    }
  }
  return true;
}

/* What is below one level of the list; nothing when there is not room for all of it, because a quad costs a read for
 * everything below it that is not in the cache. */
static bool list_level(struct warmer *warmer, size_t first, const struct list *known, struct list *list)
{
  const size_t end = list->n;
  for (size_t i = first; i < end && !list->is_full; i++) {
    if (!push_children(warmer, list->refs[i], known, list)) {
      return false;
    }
  }
  if (list->is_full) {
    list->n = end;
  }
  kt_store_read_end(warmer->nodes.conn); /* to sort takes a while */
  tidy(list, end);
  return !is_ended(warmer);
}

/* The trees' quads, level by level, but for the known ones and what is below them. The list begins with the roots. */
static bool list_below(struct warmer *warmer, const struct list *known, struct list *list)
{
  size_t first = 0;
  tidy(list, first);
  for (unsigned depth = 0; first < list->n && depth < KT_PREFIX_DEPTH_MAX; depth += 2) {
    const size_t end = list->n;
    if (!list_level(warmer, first, known, list)) {
      return false;
    }
    first = end;
  }
  sort(list, 0);
  return true;
}

static bool read_listed(struct warmer *warmer, const struct list *list)
{
  struct kt_log_quad quad;
  for (size_t i = 0; i < list->n; i++) {
    if (!may_go_on(warmer) || kt_log_quad_get(&warmer->nodes, list->refs[i], &quad) != KT_OK) {
      return false;
    }
  }
  return true;
}

/* --- trees -------------------------------------------------------------------------------------------------------- */

/* A search for a greatest version looks at the frontier from the rightmost distinguished entry on. An entry of the
 * frontier is distinguished when from the one before it to the rightmost a reasonable monitoring window has passed. */
static bool is_looked_at(const struct warmer *warmer, const struct kt_log_head *head, uint64_t pos,
                         struct kt_store_entry *ret_entry)
{
  return kt_log_cache_entry(&warmer->log->cache, warmer->nodes.conn, pos, ret_entry) == KT_OK &&
         ret_entry->prefix_root_ref != KT_STORE_REF_PRUNED &&
         (pos == head->size - 1 ||
          head->timestamp_ms - ret_entry->timestamp_ms < warmer->log->options.config->reasonable_monitoring_window);
}

/* The roots of those trees, the newest first. */
static size_t find_roots(const struct warmer *warmer, uint64_t ret_refs[static KT_IBST_DEPTH_MAX])
{
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  struct kt_log_head head;
  struct kt_store_entry entry;
  kt_log_head(warmer->log, &head);
  size_t n = 0;
  size_t i = kt_ibst_frontier(head.size, frontier);
  while (i-- > 0 && is_looked_at(warmer, &head, frontier[i], &entry)) {
    ret_refs[n++] = entry.prefix_root_ref;
  }
  return n;
}

/* What these trees have and the known ones do not. The list is the caller's to free. */
static bool read_trees(struct warmer *warmer, const uint64_t *roots, size_t n_roots, const struct list *known,
                       size_t n_max, struct list *ret_list)
{
  *ret_list = (struct list){ .refs = malloc(n_max * sizeof *ret_list->refs), .n_max = n_max };
  if (ret_list->refs == NULL) {
    return false;
  }
  for (size_t i = 0; i < n_roots; i++) {
    if (roots[i] != 0 && !kt_store_ref_is_leaf(roots[i])) {
      push(ret_list, roots[i]);
    }
  }
  return list_below(warmer, known, ret_list) && read_listed(warmer, ret_list);
}

/* The newest tree is what every search ends in; the tops of the older ones have room beside it in any case. */
static void read_all(struct warmer *warmer)
{
  uint64_t roots[KT_IBST_DEPTH_MAX];
  const struct list none = { .n = 0 };
  struct list newest;
  struct list older;
  size_t n_max = kt_log_cache_n_quads(&warmer->log->cache);
  size_t n_roots = find_roots(warmer, roots);
  if (n_roots == 0) {
    return;
  }
  if (read_trees(warmer, roots, 1, &none, n_max - n_max / 8, &newest)) {
    (void)read_trees(warmer, roots + 1, n_roots - 1, &newest, n_max - newest.n, &older);
    free(older.refs);
  }
  free(newest.refs);
}

/* As far as there is room. */
static void read_leaves(struct warmer *warmer)
{
  struct kt_log *log = warmer->log;
  struct kt_log_head head;
  kt_log_head(log, &head);
  enum kt_err err =
      kt_log_leaf_hashes_init(&warmer->leaf_hashes, head.size, log->options.cache_bytes / SHARE_OF_LEAF_HASHES);
  while (err == KT_OK && may_go_on(warmer)) {
    err = kt_log_leaf_hashes_read(&warmer->leaf_hashes, warmer->nodes.conn, &log->cache);
  }
  warmer->nodes.leaf_hashes = &warmer->leaf_hashes;
}

/* Gigabytes in the order of the disk take less time than a tenth of them in another. Who gives the log a small cache
 * does not want it to fill the machine's memory with the file. */
static void page_in(struct warmer *warmer)
{
  struct kt_store_conn *conn = warmer->nodes.conn;
  const uint64_t max_bytes = (uint64_t)warmer->log->options.cache_bytes * PAGE_IN_TIMES;
  uint64_t at = 0;
  uint8_t *piece = malloc(PIECE_LEN);
  if (piece == NULL) {
    return;
  }
  while (!is_ended(warmer) && kt_store_page_in(conn, max_bytes, &at, piece, PIECE_LEN)) {
  }
  kt_wipe(piece, PIECE_LEN); /* values and openings are in it, and may be erased later */
  free(piece);
}

void kt_log_warm_trees(struct kt_log *log)
{
  struct warmer warmer = { .log = log };
  struct kt_store_conn *conn;
  struct kt_store_error error;
  if (kt_log_cache_n_quads(&log->cache) == 0 || kt_store_open_reader(log->options.store, &conn, &error) != KT_OK) {
    return;
  }
  kt_log_nodes_init(&warmer.nodes, conn, &log->cache, NULL);
  page_in(&warmer);
  read_leaves(&warmer);
  read_all(&warmer);
  kt_log_leaf_hashes_release(&warmer.leaf_hashes);
  kt_store_read_end(conn);
  kt_store_close_conn(conn);
}

static void *warm_main(void *ctx)
{
  (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_LAST);
  kt_log_warm_trees(ctx);
  return NULL;
}

enum kt_err kt_log_warm(struct kt_log *log)
{
  if (log->options.cache_bytes == 0 || log->is_warming) {
    return KT_OK;
  }
  atomic_store(&log->is_warming_ended, false);
  log->is_warming = pthread_create(&log->warm_thread, NULL, warm_main, log) == 0;
  return log->is_warming ? KT_OK : KT_ERR_MEMORY;
}

void kt_log_warm_end(struct kt_log *log)
{
  atomic_store(&log->is_warming_ended, true);
  if (log->is_warming) {
    (void)pthread_join(log->warm_thread, NULL);
    log->is_warming = false;
  }
}
