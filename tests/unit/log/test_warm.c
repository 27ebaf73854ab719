/* SPDX-License-Identifier: Apache-2.0 */
/* Reading prefix trees into the cache ahead of its use: counted are the reads that reach the store. */
#include "log_test.h"

#include "log/engine.h"
#include "store/backend.h"

#define N_PEOPLE 20
#define N_ENTRIES 32 /* a power of two: then a search looks at the rightmost entry's tree alone */
#define N_MORE 27    /* and now at those of the entries 15, 23, 25 and 26 */
#define CACHE_BYTES ((size_t)1 << 20)

static const struct kt_store_ops *real_ops;
static struct kt_store_ops counting_ops;
static size_t n_reads;         /* of nodes and leaves */
static uint64_t refs[1 << 12]; /* of the nodes that were read */
static size_t n_refs;
static size_t n_reads_max;   /* after so many, the warming is told to end; 0: never */
static struct kt_log *ended; /* the log of it */

static void count_read(void)
{
  if (++n_reads == n_reads_max) {
    kt_log_warm_end(ended);
  }
}

static enum kt_err get_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record)
{
  count_read();
  assert_true(n_refs < sizeof refs / sizeof refs[0]);
  refs[n_refs++] = ref;
  return real_ops->get_node(conn, ref, ret_record);
}

static size_t n_page_ins;

static bool page_in(struct kt_store_conn *conn, uint64_t max_bytes, uint64_t *at, uint8_t *room, size_t len)
{
  n_page_ins++;
  return real_ops->page_in(conn, max_bytes, at, room, len);
}

static enum kt_err get_leaf(struct kt_store_conn *conn, uint64_t pos, uint64_t index, uint8_t *ret_leaf)
{
  count_read();
  return real_ops->get_leaf(conn, pos, index, ret_leaf);
}

static void reopen(struct world *world)
{
  world_close(world);
  world_open(world);
  ended = world->log;
  n_reads = 0;
  n_refs = 0;
  n_page_ins = 0;
  n_reads_max = 0;
}

/* With nothing in its caches. */
static struct world *cold_world(size_t cache_bytes, uint64_t n_entries)
{
  struct world *world = world_new();
  char label[16];
  world->options.cache_bytes = cache_bytes;
  world->options.heartbeat_ms = 60000;
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  for (size_t i = 0; i < N_PEOPLE; i++) {
    (void)snprintf(label, sizeof label, "person %zu", i);
    person_register(world, person_new(world, label, (uint8_t)(10 + i)));
  }
  while (world_size(world) < n_entries) {
    world_pass(world, 60000);
  }
  assert_int_equal(world_size(world), n_entries);
  real_ops = world->store->ops;
  counting_ops = *real_ops;
  counting_ops.get_node = get_node;
  counting_ops.get_leaf = get_leaf;
  counting_ops.page_in = page_in;
  world->store->ops = &counting_ops;
  reopen(world);
  return world;
}

static void warm_world_end(struct world *world)
{
  world->store->ops = real_ops;
  world_end(world);
}

/* Everybody, by one person who saw the log never before. */
static size_t reads_of_searches(struct world *world)
{
  char label[16];
  size_t before = n_reads;
  for (size_t i = 0; i < N_PEOPLE; i++) {
    struct person *bob = person_new(world, "", 1);
    struct kt_contact_state contact = { 0 };
    (void)snprintf(label, sizeof label, "person %zu", i);
    assert_int_equal(person_search(world, bob, TEXT(label), NULL, &contact, search_result_new(world)), KT_OK);
  }
  return n_reads - before;
}

static void searches_of_a_warm_log_read_no_node(void **state)
{
  struct world *world = cold_world(CACHE_BYTES, N_ENTRIES);
  (void)state;
  assert_true(reads_of_searches(world) > N_PEOPLE / 2);
  reopen(world);
  kt_log_warm_trees(world->log);
  assert_true(n_reads >= N_PEOPLE);
  assert_int_equal(reads_of_searches(world), 0);
  warm_world_end(world);
}

/* Nothing is distinguished but the root of the log tree, 15: a search begins there. */
static void nor_does_one_that_looks_at_older_trees(void **state)
{
  struct world *world = cold_world(CACHE_BYTES, N_MORE);
  (void)state;
  kt_log_warm_trees(world->log);
  assert_int_equal(reads_of_searches(world), 0);
  warm_world_end(world);
}

/* Of the quads that are read to be kept: those of the newest tree, then what others have beside it, each in the order
 * of the file, and in an entry what is below a quad first. */
static void expect_order(uint64_t ref, uint64_t *last, size_t *n_falls)
{
  uint64_t place = ref ^ (KT_STORE_NODES_MAX - 1);
  *n_falls += place < *last;
  *last = place;
  assert_true(*n_falls <= 1);
}

/* Once to list it and once to keep it. Leaves are read entry by entry. */
static void no_record_is_read_more_than_twice(void **state)
{
  struct world *world = cold_world(CACHE_BYTES, N_MORE);
  (void)state;
  kt_log_warm_trees(world->log);
  assert_int_equal(n_page_ins, 1);
  assert_int_equal(n_reads, n_refs);
  assert_true(n_refs > 0);
  uint64_t last = 0;
  size_t n_falls = 0;
  size_t n_twice = 0;
  for (size_t i = 0; i < n_refs; i++) {
    size_t n_before = 0;
    for (size_t j = 0; j < i; j++) {
      n_before += refs[j] == refs[i];
    }
    assert_true(n_before < 2);
    if (n_before == 1) {
      expect_order(refs[i], &last, &n_falls);
      n_twice++;
    }
  }
  assert_int_equal(2 * n_twice, n_refs);
  warm_world_end(world);
}

static bool has_tree_of(struct world *world, uint64_t pos)
{
  struct kt_prefix_child root;
  union kt_log_quad_words quad;
  struct kt_store_conn *conn = world->reader->conn;
  assert_int_equal(kt_log_prefix_root(conn, pos + 1, &root), KT_OK);
  return kt_log_cache_get_quad(&world->log->cache, root.ref, &quad);
}

/* Levels that there is no room for as a whole are left out. The root stays, unless its set had more than its share. */
static void what_has_no_room_is_left_out(void **state)
{
  size_t n_rooms = 0;
  size_t n_roots = 0;
  (void)state;
  for (size_t bytes = 1024; bytes <= (size_t)64 << 10; bytes += 1024) {
    struct world *world = cold_world(bytes, N_MORE);
    const size_t room = kt_log_cache_n_quads(&world->log->cache);
    kt_log_warm_trees(world->log);
    assert_true(n_refs <= 2 * room + room * KT_LOG_QUAD_SLOTS);
    if (room > 0) {
      n_roots += has_tree_of(world, 26);
      n_rooms++;
    } else {
      assert_int_equal(n_reads + n_page_ins, 0);
    }
    (void)reads_of_searches(world);
    warm_world_end(world);
  }
  assert_true(n_rooms > 0 && n_rooms < 64 && n_roots > n_rooms / 2);
}

/* When a reasonable monitoring window has passed since 26, the first entry after it is distinguished, and searches
 * begin there. */
static void trees_before_the_distinguished_entry_are_not_read(void **state)
{
  struct world *world = cold_world(CACHE_BYTES, N_MORE);
  (void)state;
  kt_log_warm_trees(world->log);
  assert_true(has_tree_of(world, 15) && has_tree_of(world, 23) && has_tree_of(world, 26));
  world_pass(world, WINDOW_MS);
  while (world_size(world) < N_MORE + 2) {
    world_pass(world, 60000);
  }
  reopen(world);
  kt_log_warm_trees(world->log);
  assert_true(has_tree_of(world, 27) && has_tree_of(world, 28));
  assert_false(has_tree_of(world, 15) || has_tree_of(world, 23));
  assert_int_equal(reads_of_searches(world), 0);
  warm_world_end(world);
}

static void it_ends_when_told(void **state)
{
  struct world *world = cold_world(CACHE_BYTES, N_ENTRIES);
  (void)state;
  n_reads_max = 3;
  kt_log_warm_trees(world->log);
  size_t n = n_reads;
  assert_true(n >= 3 && n < 3 + 1 + KT_LOG_QUAD_SLOTS); /* what was begun is read: a node with what is below it */
  kt_log_warm_trees(world->log);
  assert_int_equal(n_reads, n);
  warm_world_end(world);
}

/* As its own thread: the log is closed at once, or soon; either way the thread ends and the log works. */
static void its_thread_ends_with_the_log(void **state)
{
  struct world *world = cold_world(CACHE_BYTES, N_ENTRIES);
  (void)state;
  assert_int_equal(kt_log_warm(world->log), KT_OK);
  assert_int_equal(kt_log_warm(world->log), KT_OK); /* it is at work already */
  reopen(world);
  assert_true(reads_of_searches(world) > 0);
  warm_world_end(world);
}

/* Without a cache there is nothing to warm. */
static void without_a_cache_nothing_is_read(void **state)
{
  struct world *world = cold_world(0, N_ENTRIES);
  (void)state;
  assert_int_equal(kt_log_warm(world->log), KT_OK);
  kt_log_warm_end(world->log);
  assert_int_equal(n_reads, 0);
  warm_world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(searches_of_a_warm_log_read_no_node),
    cmocka_unit_test(nor_does_one_that_looks_at_older_trees),
    cmocka_unit_test(no_record_is_read_more_than_twice),
    cmocka_unit_test(what_has_no_room_is_left_out),
    cmocka_unit_test(trees_before_the_distinguished_entry_are_not_read),
    cmocka_unit_test(it_ends_when_told),
    cmocka_unit_test(its_thread_ends_with_the_log),
    cmocka_unit_test(without_a_cache_nothing_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
