/* SPDX-License-Identifier: Apache-2.0 */
/* A log that keeps entries for hours, over either store, and counting what it stores. */
#ifndef KT_TESTS_PRUNE_TEST_H
#define KT_TESTS_PRUNE_TEST_H

#include "log_test.h"

#include <dirent.h>
#include <unistd.h>

#include "log/engine.h"

#define STEP_MS (HOUR_MS / 12) /* a heartbeat */
#define RMW_MS HOUR_MS
#define LIFETIME_MS (5 * HOUR_MS)
#define WINDOW_ENTRIES ((LIFETIME_MS + RMW_MS) / STEP_MS)

struct files {
  char dir[64];
  char path[96];
};

static inline void files_init(struct files *files)
{
  const char *base = getenv("TMPDIR");
  (void)snprintf(files->dir, sizeof files->dir, "%s/kt-prune-XXXXXX",
                 base != NULL && strlen(base) < 40 ? base : "/tmp");
  assert_non_null(mkdtemp(files->dir));
  (void)snprintf(files->path, sizeof files->path, "%s/log.db", files->dir);
}

static inline void files_remove(const struct files *files)
{
  DIR *dir = opendir(files->dir);
  assert_non_null(dir);
  for (const struct dirent *item = readdir(dir); item != NULL; item = readdir(dir)) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", files->dir, item->d_name);
    (void)unlink(path);
  }
  (void)closedir(dir);
  assert_int_equal(rmdir(files->dir), 0);
}

/* Exchange the world's store for a file. */
static inline void use_file(struct world *world, const char *path, bool create)
{
  const struct kt_store_options options = { .create = create, .node_len = KT_LOG_NODE_LEN, .cache_bytes = 1 << 20 };
  struct kt_store_error error;
  kt_store_close(world->store);
  if (kt_store_open_sqlite(path, &options, &world->store, &error) != KT_OK) {
    fail_msg("%s", error.text);
  }
  world->options.store = world->store;
}

/* A log in a file, created and open. */
static inline struct world *file_world(struct files *ret_files)
{
  struct world *world = world_new();
  files_init(ret_files);
  use_file(world, ret_files->path, true);
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  return world;
}

static inline void file_world_end(struct world *world, const struct files *files)
{
  world_end(world);
  files_remove(files);
}

static inline void file_world_reopen(struct world *world, const struct files *files)
{
  world_close(world);
  use_file(world, files->path, false);
  world_open(world);
}

static inline struct world *short_lived_world(const struct files *files)
{
  struct world *world = world_new();
  world->config.reasonable_monitoring_window = RMW_MS;
  world->config.has_maximum_lifetime = true;
  world->config.maximum_lifetime = LIFETIME_MS;
  if (files != NULL) {
    use_file(world, files->path, true);
  }
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  return world;
}

static inline void count_finding(void *ctx, const char *where, const char *what)
{
  size_t *n = ctx;
  (*n)++;
  print_error("%s: %s\n", where, what);
}

static inline void expect_sound(struct world *world)
{
  size_t n = 0;
  const struct kt_log_fsck fsck = { .vrf_every = 0, .ctx = &n, .report = count_finding };
  world_ok(world, kt_log_fsck(world->reader, &fsck, &world->problem));
  assert_int_equal(n, 0);
}

static inline void pass_hours(struct world *world, unsigned hours)
{
  for (unsigned i = 0; i < 12 * hours; i++) {
    world_pass(world, STEP_MS);
  }
}

/* What is stored, counted row by row. */
struct volume {
  uint64_t n_entries;
  uint64_t n_whole; /* entries that still have their prefix tree */
  uint64_t n_nodes;
  uint64_t n_values;
};

static inline void count_entries(struct kt_store_conn *conn, uint64_t size, struct volume *volume)
{
  for (uint64_t pos = 0; pos < size; pos++) {
    struct kt_arena arena;
    struct kt_store_entry entry;
    struct kt_store_nodes nodes;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    assert_int_equal(kt_store_get_nodes(conn, pos, &arena, &nodes), KT_OK);
    volume->n_nodes += nodes.n;
    if (kt_store_get_entry(conn, pos, &entry) == KT_OK) {
      volume->n_entries++;
      volume->n_whole += entry.prefix_root_ref != KT_STORE_REF_PRUNED ? 1 : 0;
    }
    kt_arena_release(&arena);
  }
}

static inline void count_values(struct kt_store_conn *conn, struct volume *volume)
{
  struct kt_arena arena;
  struct kt_store_label label = { 0 };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  while (kt_store_next_label(conn, label.label_id, &arena, &label) == KT_OK) {
    for (uint32_t version = 0; version < label.n_versions; version++) {
      struct kt_store_payload payload;
      enum kt_err err = kt_store_get_payload(conn, label.label_id, version, &arena, &payload);
      assert_true(err == KT_OK || err == KT_ERR_EXPIRED);
      volume->n_values += err == KT_OK ? 1 : 0;
    }
  }
  kt_arena_release(&arena);
}

static inline struct volume measure(struct world *world)
{
  struct volume volume = { 0 };
  struct kt_store_conn *conn;
  struct kt_store_error error;
  assert_int_equal(kt_store_open_reader(world->store, &conn, &error), KT_OK);
  count_entries(conn, world_size(world), &volume);
  count_values(conn, &volume);
  kt_store_close_conn(conn);
  return volume;
}

#endif
