/* SPDX-License-Identifier: Apache-2.0 */
/* A store of either backend with a writer and a reader, in a fresh folder, and data whose every byte follows from a
 * number. Functions fail the test when anything does not succeed. */
#ifndef KT_TESTS_STORE_TEST_H
#define KT_TESTS_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"

#define TEST_NODE_LEN 80

struct store_test {
  bool is_memory;
  char dir[64];
  char path[96];
  struct kt_store *store;
  struct kt_store_conn *writer;
  struct kt_store_conn *reader;
  struct kt_store_error error;
  struct kt_arena arena;
};

static inline struct kt_store_options store_test_options(bool create)
{
  return (struct kt_store_options){ .create = create, .node_len = TEST_NODE_LEN, .cache_bytes = 1 << 20 };
}

static inline void store_test_ok(const struct store_test *t, const struct kt_store_conn *conn, enum kt_err err)
{
  if (err != KT_OK) {
    fail_msg("%s: %s", kt_err_text(err), conn != NULL ? kt_store_message(conn) : t->error.text);
  }
}

static inline void store_test_open(struct store_test *t, bool create)
{
  struct kt_store_options options = store_test_options(create);
  store_test_ok(t, NULL,
                t->is_memory ? kt_store_open_memory(&options, &t->store)
                             : kt_store_open_sqlite(t->path, &options, &t->store, &t->error));
  store_test_ok(t, NULL, kt_store_open_writer(t->store, &t->writer, &t->error));
  store_test_ok(t, NULL, kt_store_open_reader(t->store, &t->reader, &t->error));
}

static inline void store_test_close(struct store_test *t)
{
  kt_store_close_conn(t->reader);
  kt_store_close_conn(t->writer);
  kt_store_close(t->store);
  t->reader = t->writer = NULL;
  t->store = NULL;
}

static inline void store_test_make_dir(struct store_test *t)
{
  const char *base = getenv("TMPDIR");
  (void)snprintf(t->dir, sizeof t->dir, "%s/kt-store-XXXXXX", base != NULL && strlen(base) < 40 ? base : "/tmp");
  assert_non_null(mkdtemp(t->dir));
  (void)snprintf(t->path, sizeof t->path, "%s/log.db", t->dir);
}

static inline void store_test_remove_dir(const struct store_test *t)
{
  DIR *dir = opendir(t->dir);
  assert_non_null(dir);
  for (const struct dirent *item = readdir(dir); item != NULL; item = readdir(dir)) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", t->dir, item->d_name);
    (void)unlink(path);
  }
  (void)closedir(dir);
  assert_int_equal(rmdir(t->dir), 0);
}

/* A fresh store as a test's state; setup and teardown of cmocka. */
static inline struct store_test *store_test_new(bool is_memory)
{
  struct store_test *t = calloc(1, sizeof *t);
  assert_non_null(t);
  t->is_memory = is_memory;
  store_test_make_dir(t);
  kt_arena_init(&t->arena, KT_ARENA_CAP_DEFAULT);
  store_test_open(t, true);
  return t;
}

static inline int store_test_teardown(void **state)
{
  struct store_test *t = *state;
  store_test_close(t);
  store_test_remove_dir(t);
  kt_arena_release(&t->arena);
  free(t);
  return 0;
}

/* SQLite: what was committed must survive; the calls that follow read from the file, not from the node cache. */
static inline void store_test_reopen(struct store_test *t)
{
  if (!t->is_memory) {
    store_test_close(t);
    store_test_open(t, false);
  }
}

static inline void store_test_begin(struct store_test *t)
{
  store_test_ok(t, t->writer, kt_store_begin(t->writer));
}

static inline void store_test_commit(struct store_test *t)
{
  store_test_ok(t, t->writer, kt_store_commit(t->writer));
}

/* len bytes that differ with the seed. */
static inline void store_test_fill(uint64_t seed, uint8_t *ret_data, size_t len)
{
  uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  for (size_t i = 0; i < len; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    ret_data[i] = (uint8_t)x;
  }
}

static inline struct kt_hash store_test_hash(uint64_t seed)
{
  struct kt_hash hash;
  store_test_fill(seed, hash.b, sizeof hash.b);
  return hash;
}

static inline struct kt_bytes store_test_text(const char *text)
{
  return (struct kt_bytes){ .data = (const uint8_t *)text, .len = strlen(text) };
}

static inline struct kt_store_entry store_test_entry(uint64_t pos)
{
  return (struct kt_store_entry){ .timestamp_ms = 1000 + pos,
                                  .prefix_root = store_test_hash(pos),
                                  .prefix_root_ref = kt_store_node_ref(pos, 2) };
}

/* Hash of the balanced subtree of 2^level entries that ends with pos. */
static inline struct kt_hash store_test_log_node(uint64_t pos, unsigned level)
{
  return store_test_hash(pos << 8 | level);
}

/* None, some, exactly one row full, more. */
#define TEST_LEAVES_MAX 47
static inline size_t store_test_n_leaves(uint64_t pos)
{
  return (size_t)(pos * 5 % TEST_LEAVES_MAX);
}

/* One entry in the writer's transaction: its leaf changes and pos + 3 nodes. */
static inline void store_test_put_entry(struct store_test *t, uint64_t pos)
{
  struct kt_store_entry entry = store_test_entry(pos);
  struct kt_hash log_nodes[64];
  size_t n_log_nodes = 0;
  do {
    log_nodes[n_log_nodes] = store_test_log_node(pos, (unsigned)n_log_nodes);
    n_log_nodes++;
  } while ((pos >> (n_log_nodes - 1) & 1) != 0);
  uint8_t leaves[TEST_LEAVES_MAX * KT_STORE_LEAF_LEN];
  store_test_fill(~pos, leaves, sizeof leaves);
  store_test_ok(
      t, t->writer,
      kt_store_put_entry(t->writer, pos, &entry,
                         (struct kt_bytes){ .data = leaves, .len = store_test_n_leaves(pos) * KT_STORE_LEAF_LEN },
                         (struct kt_bytes){ .data = log_nodes[0].b, .len = n_log_nodes * KT_HASH_LEN }));
  uint64_t n_nodes = pos + 3;
  uint8_t *records = malloc((size_t)n_nodes * TEST_NODE_LEN);
  assert_non_null(records);
  for (uint64_t i = 0; i < n_nodes; i++) {
    store_test_fill(kt_store_node_ref(pos, i), records + (size_t)i * TEST_NODE_LEN, TEST_NODE_LEN);
  }
  store_test_ok(t, t->writer, kt_store_put_nodes(t->writer, pos, records, n_nodes));
  free(records);
}

static inline void store_test_append(struct store_test *t, uint64_t pos)
{
  store_test_begin(t);
  store_test_put_entry(t, pos);
  store_test_commit(t);
}

static inline enum kt_err store_test_put_proof(struct store_test *t, uint64_t label_id, uint32_t version,
                                               const struct kt_store_proof *proof)
{
  struct kt_store_new_proof new_proof = { .label_id = label_id, .version = version, .proof = *proof };
  return kt_store_put_proofs(t->writer, &new_proof, 1);
}

/* Everything store_test_put_entry wrote is there, on this handle. */
static inline bool store_test_entry_is_there(struct kt_store_conn *conn, uint64_t pos)
{
  struct kt_store_entry want = store_test_entry(pos);
  struct kt_store_entry got;
  struct kt_hash node;
  struct kt_hash want_node = store_test_log_node(pos, 0);
  bool ok = kt_store_get_entry(conn, pos, &got) == KT_OK && got.timestamp_ms == want.timestamp_ms &&
            got.prefix_root_ref == want.prefix_root_ref &&
            memcmp(got.prefix_root.b, want.prefix_root.b, KT_HASH_LEN) == 0 &&
            kt_store_get_log_node(conn, pos, 0, &node) == KT_OK && memcmp(node.b, want_node.b, KT_HASH_LEN) == 0;
  for (uint64_t i = 0; ok && i < pos + 3; i++) {
    uint8_t record[TEST_NODE_LEN];
    uint8_t expected[TEST_NODE_LEN];
    store_test_fill(kt_store_node_ref(pos, i), expected, sizeof expected);
    ok = kt_store_get_node(conn, kt_store_node_ref(pos, i), record) == KT_OK &&
         memcmp(record, expected, sizeof record) == 0;
  }
  uint8_t leaves[TEST_LEAVES_MAX * KT_STORE_LEAF_LEN];
  store_test_fill(~pos, leaves, sizeof leaves);
  for (size_t i = 0; ok && i < store_test_n_leaves(pos); i++) {
    uint8_t leaf[KT_STORE_LEAF_LEN];
    ok = kt_store_get_leaf(conn, kt_store_leaf_ref(pos, i), leaf) == KT_OK &&
         memcmp(leaf, leaves + i * KT_STORE_LEAF_LEN, sizeof leaf) == 0;
  }
  return ok;
}

#endif
