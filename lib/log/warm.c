/* SPDX-License-Identifier: Apache-2.0 */
/* A log that has just been opened has nothing in its caches, and a path through a tree then costs dozens of reads. So a thread
 * reads the trees that searches look into, from their roots down, as far as the cache has room, whenever nobody else wants the
 * processor. */
#define _GNU_SOURCE /* gettid */

#include <sys/resource.h>
#include <unistd.h>

#include "log/engine.h"
#include "tree/ibst.h"

#define NICE_LAST 19
#define NODES_PER_SNAPSHOT 256 /* an old snapshot would keep the write-ahead log from beginning again */

#define DEPTH_STEP 4U

struct warmer {
  struct kt_log *log;
  struct kt_store_conn *conn;
  struct kt_log_nodes nodes;
  struct kt_log_nodes nodes_before; /* of the tree that was read before */
  size_t n_quads_max;
  unsigned depth_max;
  bool is_deeper; /* something lies below that depth */
  size_t n_seen;
};

static bool may_go_on(struct warmer *warmer)
{
  if (atomic_load(&warmer->log->is_warming_ended) || warmer->nodes.n_stored >= warmer->n_quads_max) {
    return false;
  }
  if (warmer->n_seen++ % NODES_PER_SNAPSHOT == 0) {
    kt_store_read_end(warmer->conn);
    return kt_store_read_begin(warmer->conn) == KT_OK;
  }
  return true;
}

/* before: what the tree that was read before has at this place; it has the whole subtree when that is the same. False: end. What
 * cannot be read is found by whoever needs it. */
static bool read_below(struct warmer *warmer, uint64_t ref, uint64_t before, unsigned depth)
{
  struct kt_prefix_node node;
  struct kt_prefix_node other = { .is_leaf = true };
  if (ref == 0 || ref == before) {
    return true;
  }
  if (depth > warmer->depth_max) {
    warmer->is_deeper = true;
    return true;
  }
  if (!may_go_on(warmer) || kt_log_node_get(&warmer->nodes, ref, &node) != KT_OK ||
      (before != 0 && kt_log_node_get(&warmer->nodes_before, before, &other) != KT_OK)) {
    return false;
  }
  for (size_t i = 0; i < 2 && !node.is_leaf; i++) {
    if (!read_below(warmer, node.child[i].ref, other.is_leaf ? 0 : other.child[i].ref, depth + 1)) {
      return false;
    }
  }
  return true;
}

/* A search for a greatest version looks at the frontier from the rightmost distinguished entry on. An entry of the frontier is
 * distinguished when from the one before it to the rightmost a reasonable monitoring window has passed. */
static bool is_looked_at(const struct warmer *warmer, const struct kt_log_head *head, uint64_t pos,
                         struct kt_store_entry *ret_entry)
{
  return kt_log_cache_entry(&warmer->log->cache, warmer->conn, pos, ret_entry) == KT_OK &&
         ret_entry->prefix_root_ref != KT_STORE_REF_PRUNED &&
         (pos == head->size - 1 ||
          head->timestamp_ms - ret_entry->timestamp_ms < warmer->log->options.config->reasonable_monitoring_window);
}

/* Newest first. */
static bool read_trees(struct warmer *warmer, const struct kt_log_head *head)
{
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  struct kt_store_entry entry;
  uint64_t before = 0;
  size_t i = kt_ibst_frontier(head->size, frontier);
  while (i-- > 0 && is_looked_at(warmer, head, frontier[i], &entry)) {
    if (!read_below(warmer, entry.prefix_root_ref, before, 0)) {
      return false;
    }
    before = entry.prefix_root_ref;
  }
  return true;
}

/* Deeper and deeper, so that what there is room for is what most searches pass. */
static void read_all(struct warmer *warmer, const struct kt_log_head *head)
{
  do {
    warmer->is_deeper = false;
    warmer->depth_max += DEPTH_STEP;
  } while (read_trees(warmer, head) && warmer->is_deeper);
}

void kt_log_warm_trees(struct kt_log *log)
{
  struct warmer warmer = { .log = log, .n_quads_max = kt_log_cache_n_quads(&log->cache) };
  struct kt_store_error error;
  struct kt_log_head head;
  kt_log_head(log, &head);
  if (kt_store_open_reader(log->options.store, &warmer.conn, &error) != KT_OK) {
    return;
  }
  kt_log_nodes_init(&warmer.nodes, warmer.conn, &log->cache, NULL);
  kt_log_nodes_init(&warmer.nodes_before, warmer.conn, &log->cache, NULL);
  read_all(&warmer, &head);
  kt_store_read_end(warmer.conn);
  kt_store_close_conn(warmer.conn);
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
