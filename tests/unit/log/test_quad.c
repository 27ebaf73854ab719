/* SPDX-License-Identifier: Apache-2.0 */
/* The prefix tree in quads against the same tree in binary nodes (tests/unit/tree/prefix_model.h): equal roots and
 * equal proofs, for every version of the tree, with every size of cache. */
#include "world_test.h"

#include "unit/tree/prefix_model.h"
#include "log/engine.h"

#define N_ENTRIES 24
#define N_PROBES 60
#define N_PATH_KEYS 7

/* Ways of making keys that are hard on a tree in levels of two. */
enum shape { SHAPE_RANDOM, SHAPE_CHAINS, SHAPE_ONE_SIDE, SHAPE_PAIRS, N_SHAPES };

/* The i-th key; all differ. */
static struct kt_hash make_key(enum shape shape, uint64_t i)
{
  struct kt_hash random;
  uint8_t seed[9] = { 0 };
  memcpy(seed, &i, sizeof i);
  crypto_hash_sha256(random.b, seed, sizeof seed);
  struct kt_hash key = random;
  unsigned n_shared = 0; /* leading bits that are zero, before the random ones */
  switch (shape) {
  case SHAPE_RANDOM: break;
  case SHAPE_CHAINS: n_shared = (unsigned)(i * 7 % 90); break; /* long paths without a branch, of all parities */
  case SHAPE_ONE_SIDE: n_shared = 1; break;                    /* the root has no right child */
  case SHAPE_PAIRS:                                            /* neighbours differ in bit 100 + i only */
  case N_SHAPES: {
    uint64_t pair = i / 2;
    memcpy(seed, &pair, sizeof pair);
    crypto_hash_sha256(key.b, seed, sizeof seed);
    unsigned bit = 100 + (unsigned)(pair % 50);
    key.b[bit / 8] ^= (uint8_t)(i % 2 == 0 ? 0 : 0x80U >> bit % 8);
    break;
  }
  }
  for (unsigned bit = 0; bit < n_shared; bit++) {
    key.b[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
  }
  return key;
}

static int compare_leaves(const void *a, const void *b)
{
  return memcmp(a, b, KT_HASH_LEN);
}

struct trees {
  struct test_store binary;
  struct kt_prefix_child roots[N_ENTRIES]; /* binary, by entry since the log was created */
  struct kt_prefix_leaf all[N_ENTRIES * 40];
  size_t n_leaves;
};

/* The leaves of one entry into both trees; the log's in a transaction of its own when commit is set. */
static void add_entry(struct world *world, struct trees *trees, enum shape shape, size_t e)
{
  struct kt_log_entry_draft *draft = calloc(1, sizeof *draft);
  struct kt_prefix_leaf sorted[40];
  size_t n = e == 0 ? 1 : e * 11 % 40 + 1;
  n = n > 40 ? 40 : n;
  for (size_t i = 0; i < n; i++) {
    struct kt_prefix_leaf leaf = { .vrf_output = make_key(shape, trees->n_leaves) };
    leaf.commitment = leaf.vrf_output;
    leaf.commitment.b[31] ^= 0xff;
    trees->all[trees->n_leaves++] = leaf;
    sorted[i] = leaf;
    draft->items[draft->n++].leaf = leaf;
  }
  qsort(sorted, n, sizeof sorted[0], compare_leaves);
  trees->roots[e] = e == 0 ? (struct kt_prefix_child){ 0 } : trees->roots[e - 1];
  assert_int_equal(test_store_insert(&trees->binary, trees->roots[e], sorted, n, &trees->roots[e]), KT_OK);
  world_ok(world, kt_log_entry_put(world->log, draft, world->now_ms, &world->log->tip));
  assert_memory_equal(world->log->tip.prefix_root.hash.b, trees->roots[e].hash.b, KT_HASH_LEN);
  free(draft);
}

/* Proofs for keys that are in the tree and keys that are not, from both. */
static void compare_proofs(struct kt_log_nodes *source, struct kt_prefix_child root, const struct trees *trees,
                           size_t e, enum shape shape)
{
  struct test_store binary = trees->binary;
  const struct kt_prefix_nodes ours[] = { { .ctx = source, .get = kt_log_node_get },
                                          { .ctx = source, .get = kt_log_node_get, .paths = kt_log_paths } };
  const struct kt_prefix_nodes theirs = test_store_nodes(&binary);
  struct kt_hash keys[N_PROBES];
  struct kt_prefix_proof got;
  struct kt_prefix_proof want;
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (size_t i = 0; i < N_PROBES; i++) {
    uint64_t other = (i * 37 + e) % (trees->n_leaves + 40);
    keys[i] = make_key(shape, other);
    for (size_t k = 0; k < i; k++) { /* not twice */
      if (memcmp(keys[k].b, keys[i].b, KT_HASH_LEN) == 0) {
        keys[i] = make_key(SHAPE_RANDOM, (1U << 20) + i);
      }
    }
  }
  assert_memory_equal(root.hash.b, trees->roots[e].hash.b, KT_HASH_LEN);
  assert_int_equal(kt_prefix_prove(&theirs, trees->roots[e], keys, N_PROBES, &arena, &want), KT_OK);
  for (size_t way = 0; way < sizeof ours / sizeof ours[0]; way++) {
    assert_int_equal(kt_prefix_prove(&ours[way], root, keys, N_PROBES, &arena, &got), KT_OK);
    assert_int_equal(got.n_elements, want.n_elements);
    assert_memory_equal(got.elements, want.elements, want.n_elements * sizeof *want.elements);
    for (size_t i = 0; i < N_PROBES; i++) {
      assert_int_equal(got.results[i].type, want.results[i].type);
      assert_int_equal(got.results[i].depth, want.results[i].depth);
    }
  }
  kt_arena_release(&arena);
}

static bool same_path(const struct kt_prefix_step *a, const struct kt_prefix_step *b)
{
  while (a->n_levels > 0 && a->n_levels == b->n_levels &&
         memcmp(a->sibling, b->sibling, a->n_levels * sizeof a->sibling[0]) == 0) {
    a = a->next;
    b = b->next;
  }
  return a->n_levels == 0 && b->n_levels == 0 && a->is_leaf == b->is_leaf &&
         (!a->is_leaf || memcmp(&a->leaf, &b->leaf, sizeof a->leaf) == 0);
}

/* Does one path go on with steps of the other? */
static bool is_joined(const struct kt_prefix_step *a, const struct kt_prefix_step *b)
{
  for (; a != NULL; a = a->next) {
    for (const struct kt_prefix_step *at = b; at != NULL; at = at->next) {
      if (a == at) {
        return true;
      }
    }
  }
  return false;
}

/* Keys in all trees at once, and then each by itself. What was read ahead is not read again. */
static void compare_paths(struct kt_store_conn *conn, const struct kt_log_cache *cache, const struct trees *trees,
                          enum shape shape)
{
  static struct kt_prefix_lookup lookups[N_PATH_KEYS * N_ENTRIES];
  struct kt_hash keys[N_PATH_KEYS];
  struct kt_log_nodes nodes;
  struct kt_log_nodes alone;
  struct kt_arena arena;
  size_t n = 0;
  size_t n_joined = 0;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_log_nodes_init(&nodes, conn, cache, NULL);
  kt_log_nodes_init(&alone, conn, cache, NULL);
  for (size_t k = 0; k < N_PATH_KEYS; k++) {
    keys[k] = make_key(shape, k * 31 % (trees->n_leaves + 20));
    for (size_t e = 0; e < N_ENTRIES; e++) {
      struct kt_prefix_child root;
      assert_int_equal(kt_log_prefix_root(conn, e + 1, &root), KT_OK);
      lookups[n++] = (struct kt_prefix_lookup){ .root_ref = root.ref, .key = keys[k] };
    }
  }
  kt_log_read_ahead(&nodes, lookups, n, &arena);
  assert_int_equal(nodes.n_ahead, n);
  size_t n_stored = nodes.n_stored;
  for (size_t i = 0; i < n; i++) {
    struct kt_prefix_lookup again = lookups[i];
    struct kt_prefix_lookup fresh = lookups[i];
    assert_int_equal(kt_log_paths(&nodes, &again, 1, &arena), KT_OK);
    assert_ptr_equal(again.path, lookups[i].path);
    assert_int_equal(kt_log_paths(&alone, &fresh, 1, &arena), KT_OK);
    assert_true(same_path(lookups[i].path, fresh.path));
    n_joined += i % N_ENTRIES > 0 && is_joined(lookups[i].path, lookups[i - 1].path);
  }
  for (size_t i = n; i-- > 0;) { /* in another order, too */
    struct kt_prefix_lookup again = lookups[i];
    assert_int_equal(kt_log_paths(&nodes, &again, 1, &arena), KT_OK);
    assert_ptr_equal(again.path, lookups[i].path);
  }
  assert_int_equal(nodes.n_stored, n_stored);
  assert_true(n_joined > 0);
  if (cache == NULL) { /* alone, a path reads what the one before it has read */
    assert_true(n_stored < alone.n_stored);
  }
  kt_arena_release(&arena);
}

static void compare_all(struct world *world, const struct trees *trees, enum shape shape)
{
  struct kt_store_conn *conn;
  struct kt_store_error error;
  assert_int_equal(kt_store_open_reader(world->store, &conn, &error), KT_OK);
  compare_paths(conn, NULL, trees, shape);
  for (size_t e = 0; e < N_ENTRIES; e++) {
    struct kt_prefix_child root;
    struct kt_log_nodes stored;
    struct kt_log_nodes cached;
    kt_log_nodes_init(&stored, conn, NULL, NULL);
    kt_log_nodes_init(&cached, conn, &world->log->cache, NULL);
    assert_int_equal(kt_log_prefix_root(conn, e + 1, &root), KT_OK);
    compare_proofs(&stored, root, trees, e, shape);
    for (int round = 0; round < 2; round++) { /* cold, warm */
      compare_proofs(&cached, root, trees, e, shape);
    }
  }
  compare_paths(conn, &world->log->cache, trees, shape);
  kt_store_close_conn(conn);
}

/* A log without a first entry: all entries hold the leaves we choose. */
static struct world *bare_begin(size_t cache_bytes)
{
  struct kt_store_error error;
  struct world *world = world_new();
  world->options.cache_bytes = cache_bytes;
  world->log = calloc(1, sizeof *world->log);
  assert_non_null(world->log);
  world->log->options = world->options;
  assert_int_equal(kt_log_cache_init(&world->log->cache, cache_bytes), KT_OK);
  assert_int_equal(kt_store_open_writer(world->store, &world->log->writer, &error), KT_OK);
  return world;
}

static void bare_end(struct world *world)
{
  kt_log_fresh_free(world->log);
  kt_store_close_conn(world->log->writer);
  kt_log_cache_release(&world->log->cache);
  free(world->log);
  kt_store_close(world->store);
  kt_arena_release(&world->arena);
  free(world);
}

/* Two entries in each transaction. */
static void run(enum shape shape, size_t cache_bytes)
{
  struct trees *trees = calloc(1, sizeof *trees);
  struct world *world = bare_begin(cache_bytes);
  assert_non_null(trees);
  for (size_t e = 0; e < N_ENTRIES; e += 2) {
    assert_int_equal(kt_store_begin(world->log->writer), KT_OK);
    add_entry(world, trees, shape, e);
    add_entry(world, trees, shape, e + 1); /* reads what the first has made */
    assert_int_equal(kt_store_commit(world->log->writer), KT_OK);
    kt_log_fresh_publish(world->log);
  }
  compare_all(world, trees, shape);
  bare_end(world);
  free(trees->binary.nodes);
  free(trees);
}

static void quads_are_the_binary_tree(void **state)
{
  static const size_t caches[] = { 0, 64 << 10, 8 << 20 };
  (void)state;
  for (unsigned shape = 0; shape < N_SHAPES; shape++) {
    for (size_t i = 0; i < sizeof caches / sizeof caches[0]; i++) {
      run((enum shape)shape, caches[i]);
    }
  }
}

/* The cache after transactions of so many entries: is the root of each entry's tree in it? */
static void look_for_roots(size_t n_together, bool wants_old)
{
  struct trees *trees = calloc(1, sizeof *trees);
  struct world *world = bare_begin(8 << 20);
  assert_non_null(trees);
  for (size_t e = 0; e < N_ENTRIES; e++) {
    if (e % n_together == 0) {
      assert_int_equal(kt_store_begin(world->log->writer), KT_OK);
    }
    add_entry(world, trees, SHAPE_RANDOM, e);
    if (e % n_together == n_together - 1) {
      assert_int_equal(kt_store_commit(world->log->writer), KT_OK);
      kt_log_fresh_publish(world->log);
    }
  }
  for (size_t e = 1; e < N_ENTRIES; e++) { /* the first tree is one leaf */
    union kt_log_quad_words quad;
    struct kt_prefix_child root;
    assert_int_equal(kt_log_prefix_root(world->log->writer, e + 1, &root), KT_OK);
    bool is_there = wants_old || e == N_ENTRIES - 1;
    assert_int_equal(kt_log_cache_get_quad(&world->log->cache, root.ref, &quad), is_there);
    assert_int_equal(kt_log_cache_get_quad_path(&world->log->cache, root.ref, &root.hash, 0, &quad), is_there);
  }
  bare_end(world);
  free(trees->binary.nodes);
  free(trees);
}

/* Only commits of several entries, which are those of an import, give up what they replace. */
static void an_import_keeps_only_the_newest_tree_in_memory(void **state)
{
  (void)state;
  look_for_roots(1, true);
  look_for_roots(2, false);
  look_for_roots(4, false);
}

/* An entry of two leaves whose keys differ in this bit only, or not at all. */
static enum kt_err put_pair(struct world *world, unsigned bit, struct kt_log_tip *tip)
{
  struct kt_log_entry_draft *draft = calloc(1, sizeof *draft);
  assert_non_null(draft);
  for (size_t i = 0; i < 2; i++) {
    draft->items[draft->n++].leaf.vrf_output = make_key(SHAPE_RANDOM, 1);
  }
  if (bit < 256) {
    draft->items[0].leaf.vrf_output.b[bit / 8] ^= (uint8_t)(0x80U >> bit % 8);
  }
  assert_int_equal(kt_store_begin(world->log->writer), KT_OK);
  enum kt_err err = kt_log_entry_put(world->log, draft, world->now_ms, tip);
  kt_store_rollback(world->log->writer);
  kt_log_fresh_drop(world->log);
  free(draft);
  return err;
}

/* "Depths stay below 256": leaves at depth 255 are the deepest. And a key is there once. */
static void keys_have_to_differ_early_enough(void **state)
{
  struct world *world = bare_begin(1 << 20);
  struct kt_log_tip tip = { .size = 0 };
  (void)state;
  assert_int_equal(put_pair(world, 254, &tip), KT_OK);
  assert_int_equal(tip.size, 1);
  tip = (struct kt_log_tip){ .size = 0 };
  assert_int_equal(put_pair(world, 255, &tip), KT_ERR_LIMIT);
  assert_int_equal(put_pair(world, 256, &tip), KT_ERR_USAGE);
  assert_int_equal(tip.size, 0);
  bare_end(world);
}

static void a_key_that_is_there_is_refused(void **state)
{
  struct kt_log_entry_draft *draft = calloc(1, sizeof *draft);
  struct world *world = bare_begin(1 << 20);
  struct kt_log_tip tip = { .size = 0 };
  (void)state;
  assert_non_null(draft);
  for (size_t round = 0; round < 2; round++) { /* a tree of one leaf, then one of three */
    for (size_t i = 0; i <= round; i++) {
      draft->items[draft->n++].leaf.vrf_output = make_key(SHAPE_RANDOM, round + i);
    }
    assert_int_equal(kt_store_begin(world->log->writer), KT_OK);
    assert_int_equal(kt_log_entry_put(world->log, draft, world->now_ms, &tip), KT_OK);
    assert_int_equal(kt_store_commit(world->log->writer), KT_OK);
    draft->items[draft->n++].leaf.vrf_output = make_key(SHAPE_RANDOM, 0);
    assert_int_equal(kt_store_begin(world->log->writer), KT_OK);
    assert_int_equal(kt_log_entry_put(world->log, draft, world->now_ms, &tip), KT_ERR_CONFLICT);
    kt_store_rollback(world->log->writer);
    draft->n = 0;
  }
  assert_int_equal(tip.size, 2);
  free(draft);
  bare_end(world);
}

/* What was rolled back is nowhere: the same references mean something else afterwards. */
static void rolled_back_quads_are_forgotten(void **state)
{
  struct world *world = world_new();
  struct kt_log_entry_draft *draft = calloc(1, sizeof *draft);
  struct kt_log_nodes nodes;
  struct kt_prefix_leaf leaf;
  (void)state;
  world->options.cache_bytes = 1 << 20;
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  for (uint64_t round = 0; round < 2; round++) {
    struct kt_log_tip tip = world->log->tip;
    world_ok(world, kt_store_begin(world->log->writer));
    draft->items[draft->n++].leaf.vrf_output = make_key(SHAPE_RANDOM, round);
    world_ok(world, kt_log_entry_put(world->log, draft, world->now_ms, &tip));
    kt_log_nodes_init(&nodes, world->log->writer, &world->log->cache, world->log->fresh);
    world_ok(world, kt_log_leaf_get(&nodes, kt_store_leaf_ref(1, 0), &leaf)); /* the writer sees it */
    struct kt_hash want = make_key(SHAPE_RANDOM, round);
    assert_memory_equal(leaf.vrf_output.b, want.b, KT_HASH_LEN);
    if (round == 0) {
      kt_store_rollback(world->log->writer);
      kt_log_fresh_drop(world->log);
      kt_log_nodes_init(&nodes, world->log->writer, &world->log->cache, world->log->fresh);
      assert_int_equal(kt_log_leaf_get(&nodes, kt_store_leaf_ref(1, 0), &leaf), KT_ERR_STORE);
      free(draft);
      draft = calloc(1, sizeof *draft);
    } else {
      world_ok(world, kt_store_commit(world->log->writer));
      kt_log_fresh_publish(world->log);
    }
  }
  free(draft);
  world_end(world);
}

#define CHAIN 128 /* quads from the root to depth 254 */

/* Quads, each below the one before on the path of the all-zero key, in a cache; the last with these slots. */
static void put_chain(const struct kt_log_cache *cache, uint64_t slot0, uint64_t slot1)
{
  for (size_t i = 0; i < CHAIN; i++) {
    struct kt_log_quad quad = { .half = { { .slot = { kt_store_node_ref(i + 2, 0), 0 } } } };
    if (i == CHAIN - 1) {
      quad.half[0].slot[0] = slot0;
      quad.half[0].slot[1] = slot1;
    }
    kt_log_cache_drop_quad(cache, kt_store_node_ref(i + 1, 0));
    kt_log_cache_put_quad(cache, kt_store_node_ref(i + 1, 0), &quad);
  }
}

static size_t levels_of(const struct kt_prefix_lookup *lookup)
{
  size_t n = 0;
  for (const struct kt_prefix_step *step = lookup->path; step != NULL; step = step->next) {
    n += step->n_levels;
  }
  return n;
}

/* The draft's depths end at 255, whatever is stored. */
static void no_path_is_deeper_than_255(void **state)
{
  struct world *world = bare_begin(8 << 20);
  const struct kt_log_cache *cache = &world->log->cache;
  const struct kt_prefix_leaf leaf = { .vrf_output = { { 0 } } };
  const uint64_t leaf_ref = kt_store_leaf_ref(1, 0);
  const uint64_t root_ref = kt_store_node_ref(1, 0);
  struct kt_log_nodes nodes;
  struct kt_arena arena;
  (void)state;
  kt_log_cache_put_leaf(cache, leaf_ref, &leaf);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  const struct {
    uint64_t slot[2];
    enum kt_err err;
  } ends[] = {
    { { leaf_ref, KT_LOG_SLOT_LEAF }, KT_OK },
    { { 0, 0 }, KT_OK },
    { { root_ref, KT_LOG_SLOT_LEAF }, KT_ERR_STORE },
    { { leaf_ref, leaf_ref }, KT_ERR_STORE },
    { { 0, leaf_ref }, KT_ERR_STORE },
    { { root_ref, root_ref }, KT_ERR_STORE },
  };
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    struct kt_prefix_lookup lookup = { .root_ref = root_ref };
    put_chain(cache, ends[i].slot[0], ends[i].slot[1]);
    kt_log_nodes_init(&nodes, world->log->writer, cache, NULL);
    assert_int_equal(kt_log_paths(&nodes, &lookup, 1, &arena), ends[i].err);
    if (ends[i].err == KT_OK) {
      assert_int_equal(levels_of(&lookup), 255);
      assert_int_equal(kt_prefix_is_included(&lookup), i == 0);
    }
  }
  kt_arena_release(&arena);
  bare_end(world);
}

/* One of many lookups that cannot be read is an error of all, wherever it is; and nothing is known ahead then. */
static void one_missing_quad_fails_them_all(void **state)
{
  enum { N = 150 };
  static struct kt_prefix_lookup lookups[N];
  struct world *world = bare_begin(8 << 20);
  struct kt_log_nodes nodes;
  struct kt_arena arena;
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (size_t bad = 0; bad < N; bad += 49) {
    kt_log_nodes_init(&nodes, world->log->writer, &world->log->cache, NULL);
    memset(lookups, 0, sizeof lookups);
    lookups[bad].root_ref = kt_store_node_ref(1000, 0);
    assert_int_equal(kt_log_paths(&nodes, lookups, N, &arena), KT_ERR_STORE);
    lookups[bad].root_ref = KT_STORE_REF_PRUNED;
    assert_int_equal(kt_log_paths(&nodes, lookups, N, &arena), KT_ERR_EXPIRED);
    kt_log_read_ahead(&nodes, lookups, N, &arena);
    assert_int_equal(nodes.n_ahead, 0);
    lookups[bad].root_ref = 0;
    assert_int_equal(kt_log_paths(&nodes, lookups, N, &arena), KT_OK);
  }
  kt_arena_release(&arena);
  bare_end(world);
}

/* The mark of a leaf on a quad would be read one way bit by bit and another way in steps. */
static void a_leafs_mark_on_a_quad_is_damage(void **state)
{
  struct trees *trees = calloc(1, sizeof *trees);
  struct world *world = bare_begin(8 << 20);
  struct kt_prefix_child root;
  struct kt_log_quad quad;
  (void)state;
  assert_non_null(trees);
  assert_int_equal(kt_store_begin(world->log->writer), KT_OK);
  for (size_t e = 0; e < 2; e++) {
    add_entry(world, trees, SHAPE_RANDOM, e);
  }
  assert_int_equal(kt_store_commit(world->log->writer), KT_OK);
  kt_log_fresh_publish(world->log);
  assert_int_equal(kt_log_prefix_root(world->log->writer, 2, &root), KT_OK);
  const struct kt_log_below below = { .conn = world->log->writer };
  const uint64_t marked[KT_LOG_QUAD_SLOTS] = { root.ref, KT_LOG_SLOT_LEAF, 0, 0 };
  const uint64_t plain[KT_LOG_QUAD_SLOTS] = { root.ref, 0, 0, 0 };
  assert_int_equal(kt_log_quad_expand(&below, marked, &quad), KT_ERR_STORE);
  assert_int_equal(kt_log_quad_expand(&below, plain, &quad), KT_OK);
  assert_memory_equal(quad.half[0].slot_hash0.b, root.hash.b, KT_HASH_LEN);
  bare_end(world);
  free(trees->binary.nodes);
  free(trees);
}

#define N_HEARTBEATS 13

/* A log that was given some entries, all of it in its cache. The same each time. */
static struct world *cached_world(void)
{
  struct world *world = world_new();
  world->options.cache_bytes = 1 << 20;
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  for (size_t i = 0; i < N_HEARTBEATS; i++) {
    world->now_ms += WINDOW_MS;
    kt_log_step(world->log);
  }
  assert_int_equal(world->log->tip.size, N_HEARTBEATS + 1);
  return world;
}

/* One more entry: the root that was signed for it is the one of undamaged memory, or none was signed. */
static void expect_right_or_nothing(struct world *world, const struct kt_hash *right, size_t *n_refused)
{
  struct kt_log_head head;
  const uint64_t size = world_size(world);
  world->now_ms += WINDOW_MS;
  kt_log_step(world->log);
  kt_log_head(world->log, &head);
  assert_int_equal(world->guard.size, head.size);
  if (head.size == size) {
    (*n_refused)++;
    if (world->fatal[0] != '\0') { /* otherwise something was not found, which may be the store's fault */
      assert_non_null(strstr(world->fatal, "the data is damaged"));
      kt_log_step(world->log);
      assert_int_equal(world_size(world), size);
    }
  } else {
    assert_memory_equal(head.root.b, right->b, KT_HASH_LEN);
  }
}

static struct kt_hash honest_root(void)
{
  struct kt_log_head head;
  struct world *world = cached_world();
  world->now_ms += WINDOW_MS;
  kt_log_step(world->log);
  kt_log_head(world->log, &head);
  world_end(world);
  return head.root;
}

/* The newest tree's root, as the cache has it, with one other bit: wherever that is, nothing is lost from what is signed. */
static void s12_a_tree_that_memory_damaged_is_not_signed(void **state)
{
  const struct kt_hash right = honest_root();
  union kt_log_quad_words words;
  size_t n_refused = 0;
  (void)state;
  for (size_t i = 0; i < 2 * sizeof words.words / sizeof words.words[0]; i++) {
    struct world *world = cached_world();
    const uint64_t ref = world->log->tip.prefix_root.ref;
    assert_true(kt_log_cache_get_quad(&world->log->cache, ref, &words));
    words.words[i / 2] ^= (uint64_t)1 << (i % 2 == 0 ? 0 : 20);
    kt_log_cache_drop_quad(&world->log->cache, ref);
    kt_log_cache_put_quad(&world->log->cache, ref, &words.quad);
    expect_right_or_nothing(world, &right, &n_refused);
    world_end(world);
  }
  assert_true(n_refused >= 2 * 6 * sizeof(struct kt_hash) / sizeof words.words[0]); /* at least in all hashes */
}

/* The root itself: an older one, or none. */
static void s12_a_root_that_memory_damaged_is_not_signed(void **state)
{
  const struct kt_hash right = honest_root();
  const uint64_t refs[] = { kt_store_node_ref(N_HEARTBEATS - 1, 0), 0 };
  size_t n_refused = 0;
  (void)state;
  for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
    struct world *world = cached_world();
    world->log->tip.prefix_root.ref = refs[i];
    expect_right_or_nothing(world, &right, &n_refused);
    world_end(world);
  }
  assert_int_equal(n_refused, 2);
}

/* A leaf that makes room for others goes where its key says. */
static void s12_a_leaf_that_memory_damaged_is_not_moved(void **state)
{
  const struct kt_hash right = honest_root();
  size_t n_refused = 0;
  (void)state;
  for (uint64_t i = 0; i < 2 * N_HEARTBEATS; i++) {
    struct world *world = cached_world();
    struct kt_prefix_leaf leaf;
    const uint64_t ref = kt_store_leaf_ref(1 + i / 2, 0);
    assert_true(kt_log_cache_get_leaf(&world->log->cache, ref, &leaf));
    memset(leaf.vrf_output.b, i % 2 == 0 ? 0 : 0xff, KT_HASH_LEN);
    kt_word_cache_drop(&world->log->cache.leaves, ref);
    kt_log_cache_put_leaf(&world->log->cache, ref, &leaf);
    expect_right_or_nothing(world, &right, &n_refused);
    world_end(world);
  }
  assert_int_equal(n_refused, 2);
}

static void a_record_survives_its_encoding(void **state)
{
  const uint64_t slots[KT_LOG_QUAD_SLOTS] = { kt_store_leaf_ref(KT_STORE_POS_MAX, KT_STORE_LEAVES_MAX - 1),
                                              KT_LOG_SLOT_LEAF, 0,
                                              kt_store_node_ref(KT_STORE_POS_MAX, KT_STORE_NODES_MAX - 1) };
  const struct kt_hash hash = make_key(SHAPE_RANDOM, 7);
  uint8_t record[KT_LOG_NODE_LEN];
  uint64_t got_slots[KT_LOG_QUAD_SLOTS];
  struct kt_hash got_hash;
  (void)state;
  kt_log_quad_encode(&hash, slots, record);
  kt_log_quad_decode(record, &got_hash, got_slots);
  assert_memory_equal(got_slots, slots, sizeof slots);
  assert_memory_equal(got_hash.b, hash.b, KT_HASH_LEN);
  assert_memory_equal(record, hash.b, KT_HASH_LEN);
  for (size_t i = 38; i < 44; i++) { /* the marker is all ones, and no reference is */
    assert_int_equal(record[i], 0xff);
  }
  assert_true(slots[0] < KT_LOG_SLOT_LEAF);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_import_keeps_only_the_newest_tree_in_memory),
    cmocka_unit_test(keys_have_to_differ_early_enough),
    cmocka_unit_test(a_key_that_is_there_is_refused),
    cmocka_unit_test(a_record_survives_its_encoding),
    cmocka_unit_test(no_path_is_deeper_than_255),
    cmocka_unit_test(one_missing_quad_fails_them_all),
    cmocka_unit_test(a_leafs_mark_on_a_quad_is_damage),
    cmocka_unit_test(quads_are_the_binary_tree),
    cmocka_unit_test(rolled_back_quads_are_forgotten),
    cmocka_unit_test(s12_a_tree_that_memory_damaged_is_not_signed),
    cmocka_unit_test(s12_a_root_that_memory_damaged_is_not_signed),
    cmocka_unit_test(s12_a_leaf_that_memory_damaged_is_not_moved),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
