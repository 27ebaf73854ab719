/* SPDX-License-Identifier: Apache-2.0 */
/* A log that has just been opened has nothing in its caches, and a path through the newest tree then costs dozens of reads. So a
 * thread reads that tree from its root down, as far as the cache has room, whenever nobody else wants the processor. */
#define _GNU_SOURCE /* gettid */

#include <sys/resource.h>
#include <unistd.h>

#include "log/engine.h"

#define NICE_LAST 19
#define NODES_PER_SNAPSHOT 256 /* an old snapshot would keep the write-ahead log from beginning again */

struct warmer {
  struct kt_log *log;
  struct kt_store_conn *conn;
  struct kt_log_nodes nodes;
  unsigned depth_max; /* below it there are more nodes than the cache has room for */
  size_t n_read;
};

static bool may_go_on(struct warmer *warmer)
{
  if (atomic_load(&warmer->log->is_warming_ended)) {
    return false;
  }
  if (warmer->n_read++ % NODES_PER_SNAPSHOT == 0) {
    kt_store_read_end(warmer->conn);
    return kt_store_read_begin(warmer->conn) == KT_OK;
  }
  return true;
}

/* False: end. What cannot be read is found by whoever needs it. */
static bool read_below(struct warmer *warmer, uint64_t ref, unsigned depth)
{
  struct kt_prefix_node node;
  if (ref == 0 || depth > warmer->depth_max) {
    return true;
  }
  if (!may_go_on(warmer) || kt_log_node_get(&warmer->nodes, ref, &node) != KT_OK) {
    return false;
  }
  return node.is_leaf ||
         (read_below(warmer, node.child[0].ref, depth + 1) && read_below(warmer, node.child[1].ref, depth + 1));
}

void kt_log_warm_tree(struct kt_log *log)
{
  struct warmer warmer = { .log = log };
  struct kt_store_error error;
  struct kt_prefix_child root;
  struct kt_log_head head;
  kt_log_head(log, &head);
  if (kt_store_open_reader(log->options.store, &warmer.conn, &error) != KT_OK) {
    return;
  }
  for (size_t room = kt_log_cache_n_quads(&log->cache); room > 1; room /= 2) {
    warmer.depth_max++;
  }
  kt_log_nodes_init(&warmer.nodes, warmer.conn, &log->cache, NULL);
  if (kt_log_prefix_root(warmer.conn, head.size, &root) == KT_OK) {
    (void)read_below(&warmer, root.ref, 0);
  }
  kt_store_read_end(warmer.conn);
  kt_store_close_conn(warmer.conn);
}

static void *warm_main(void *ctx)
{
  (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_LAST);
  kt_log_warm_tree(ctx);
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
