/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's feed replayed entry by entry, consistency, the state an audit starts from, and fsck. */
#include "log_test.h"

#include "crypto/hash.h"
#include "store/backend.h"
#include "tree/ibst.h"
#include "tree/log_tree.h"
#include "tree/prefix_tree.h"
#include "wire/auditor.h"
#include "wire/leaf.h"

/* 12 entries: 4 people, an update, heartbeats. */
static struct world *busy_world(void)
{
  struct world *world = world_start();
  static const char *const names[] = { "ann", "ben", "cyd", "dan" };
  for (size_t i = 0; i < 4; i++) {
    struct person *person = person_new(world, names[i], (uint8_t)(i + 10));
    person_register(world, person);
    (void)person_update(world, person, 2);
    if (i < 3) {
      world_pass(world, HOUR_MS);
    }
  }
  assert_int_equal(world_size(world), 12);
  return world;
}

struct audit {
  uint64_t size;
  uint64_t timestamp_ms;
  struct kt_hash prefix_root;
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
};

/* draft: Auditing, steps 1 to 7. */
static void audit_entry(struct audit *audit, const struct kt_auditor_update *update)
{
  struct kt_hash before;
  struct kt_hash after;
  struct kt_hash leaf;
  struct kt_reason reason = { 0 };
  assert_true(update->timestamp >= audit->timestamp_ms);
  assert_true(update->n_added > 0);
  assert_int_equal(update->n_removed, 0);
  assert_int_equal(kt_prefix_mutate(update->added, update->n_added, NULL, 0, &update->proof, &before, &after, &reason),
                   KT_OK);
  assert_true(kt_hash_equal(&before, &audit->prefix_root));
  kt_log_entry_hash(update->timestamp, &after, &leaf);
  (void)kt_log_append(audit->size, audit->heads, &leaf);
  audit->size++;
  audit->timestamp_ms = update->timestamp;
  audit->prefix_root = after;
}

/* One page; the number of updates in it. */
static uint32_t audit_page(struct world *world, struct audit *audit, uint64_t limit)
{
  struct kt_arena arena;
  struct kt_writer w;
  struct kt_reader r;
  uint32_t count = 0;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, (size_t)32 << 20);
  world_ok(world, kt_log_audit(world->reader, audit->size, limit, &arena, &w, &count, &world->problem));
  kt_reader_init(&r, w.buf, w.len);
  assert_int_equal(kt_read_u32(&r), count);
  for (uint32_t i = 0; i < count; i++) {
    struct kt_auditor_update update;
    kt_auditor_update_read(&r, &arena, &update);
    assert_int_equal(r.err, KT_OK);
    audit_entry(audit, &update);
  }
  assert_int_equal(kt_reader_end(&r), KT_OK);
  kt_writer_release(&w);
  kt_arena_release(&arena);
  return count;
}

static void expect_head(struct world *world, const struct audit *audit)
{
  struct kt_log_head head;
  struct kt_hash root;
  kt_log_head(world->log, &head);
  assert_int_equal(audit->size, head.size);
  kt_log_root(audit->size, audit->heads, &root);
  assert_true(kt_hash_equal(&root, &head.root));
}

static void the_feed_leads_to_the_signed_root(void **state)
{
  struct world *world = busy_world();
  struct audit audit = { 0 };
  (void)state;
  assert_int_equal(audit_page(world, &audit, 5), 5);
  assert_int_equal(audit_page(world, &audit, 1), 1);
  assert_int_equal(audit_page(world, &audit, 100), 6);
  assert_int_equal(audit_page(world, &audit, 100), 0);
  expect_head(world, &audit);
  audit.size++;
  struct kt_arena arena;
  struct kt_writer w;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, 1000);
  assert_int_equal(kt_log_audit(world->reader, audit.size, 1, &arena, &w, NULL, &world->problem), KT_ERR_USAGE);
  kt_writer_release(&w);
  kt_arena_release(&arena);
  world_end(world);
}

/* S10 for pages: fewer updates, each whole. */
static void a_page_ends_before_the_bound(void **state)
{
  struct world *world = busy_world();
  struct audit audit = { 0 };
  size_t pages = 0;
  (void)state;
  world_close(world);
  world->options.limits.response_max = 1000;
  world_open(world);
  while (audit.size < 12) {
    assert_true(audit_page(world, &audit, 100) > 0);
    pages++;
  }
  assert_true(pages > 2);
  expect_head(world, &audit);
  world_end(world);
}

/* Each leaf costs a prefix proof: a page holds few of them, but an entry that has more on its own is still handed
 * out. */
static void a_page_ends_before_the_leaf_limit(void **state)
{
  struct world *world = busy_world();
  struct person *eve = person_new(world, "eve", 20);
  struct kt_bytes values[3];
  struct kt_update_result *result = update_result_new(world);
  struct audit audit = { 0 };
  (void)state;
  person_own(world, eve, 0);
  struct person *later = person_copy(world, eve); /* counts on while the sets are made */
  for (size_t i = 0; i < 3; i++) {
    values[i] = person_set(world, later, 1, true);
    person_logged(world, later, values[i]);
  }
  world_ok(world, person_try_update(world, eve, values, 3, (struct kt_bytes){ 0 }, result)); /* entry 12: 3 leaves */
  world_pass(world, HOUR_MS);
  world_close(world);
  world->options.limits.audit_leaves_max = 2;
  world_open(world);
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(audit_page(world, &audit, 100), 2);
  }
  assert_int_equal(audit_page(world, &audit, 100), 1);
  assert_int_equal(audit_page(world, &audit, 100), 1);
  expect_head(world, &audit);
  world_end(world);
}

static struct kt_hash root_at(struct world *world, uint64_t size)
{
  struct audit audit = { 0 };
  struct kt_hash root;
  assert_int_equal(audit_page(world, &audit, size), size);
  kt_log_root(audit.size, audit.heads, &root);
  return root;
}

static void every_two_sizes_are_consistent(void **state)
{
  struct world *world = busy_world();
  (void)state;
  for (uint64_t size = 1; size <= 12; size++) {
    struct kt_hash new_root = root_at(world, size);
    for (uint64_t old = 1; old <= size; old++) {
      struct kt_arena arena;
      struct kt_writer w;
      struct kt_reason reason = { 0 };
      struct kt_hash old_root;
      kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
      kt_writer_init(&w, 10000);
      world_ok(world, kt_log_consistency(world->reader, old, size, &arena, &w, &world->problem));
      const struct kt_bytes response = { w.buf, w.len };
      assert_int_equal(kt_verify_consistency(old, size, &new_root, response, &arena, &old_root, &reason), KT_OK);
      struct kt_hash expected = root_at(world, old);
      assert_true(kt_hash_equal(&old_root, &expected));
      kt_writer_release(&w);
      kt_arena_release(&arena);
    }
  }
  world_end(world);
}

static void consistency_of_impossible_sizes_is_refused(void **state)
{
  struct world *world = busy_world();
  struct kt_writer w;
  (void)state;
  kt_writer_init(&w, 1000);
  assert_int_equal(kt_log_consistency(world->reader, 0, 3, &world->arena, &w, &world->problem), KT_ERR_USAGE);
  assert_int_equal(kt_log_consistency(world->reader, 4, 3, &world->arena, &w, &world->problem), KT_ERR_USAGE);
  assert_int_equal(kt_log_consistency(world->reader, 3, 13, &world->arena, &w, &world->problem), KT_ERR_USAGE);
  assert_int_equal(kt_log_audit_state(world->reader, 0, &world->arena, &w, &world->problem), KT_ERR_USAGE);
  assert_int_equal(kt_log_audit_state(world->reader, 13, &world->arena, &w, &world->problem), KT_ERR_USAGE);
  kt_writer_release(&w);
  world_end(world);
}

/* Read the state at a size as its header describes it, check it, against the root of that size if that is known, and
 * audit from there. */
static void audit_from(struct world *world, uint64_t size, const struct kt_hash *expected)
{
  struct kt_arena arena;
  struct kt_writer w;
  struct kt_reader r;
  struct audit audit = { .size = size };
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  struct kt_hash leaves[KT_IBST_DEPTH_MAX];
  struct kt_log_known known;
  struct kt_reason reason = { 0 };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, 10000);
  world_ok(world, kt_log_audit_state(world->reader, size, &arena, &w, &world->problem));
  kt_reader_init(&r, w.buf, w.len);
  assert_int_equal(kt_read_u64(&r), size);
  size_t n_heads = kt_read_count8(&r, KT_HASH_LEN);
  assert_int_equal(n_heads, __builtin_popcountll(size));
  memcpy(audit.heads, kt_read_bytes(&r, n_heads * KT_HASH_LEN), n_heads * KT_HASH_LEN);
  size_t n_frontier = kt_read_count8(&r, 8 + KT_HASH_LEN);
  assert_int_equal(n_frontier, kt_ibst_frontier(size, frontier));
  for (size_t i = 0; i < n_frontier; i++) {
    audit.timestamp_ms = kt_read_u64(&r);
    memcpy(audit.prefix_root.b, kt_read_bytes(&r, KT_HASH_LEN), KT_HASH_LEN);
    kt_log_entry_hash(audit.timestamp_ms, &audit.prefix_root, &leaves[i]);
  }
  size_t n_elements = kt_read_count16(&r, KT_HASH_LEN);
  const struct kt_hash *elements = (const struct kt_hash *)(const void *)kt_read_bytes(&r, n_elements * KT_HASH_LEN);
  assert_int_equal(kt_reader_end(&r), KT_OK);
  const struct kt_log_request request = {
    .size = size, .leaves = frontier, .n_leaves = n_frontier, .retained_size = size
  };
  assert_int_equal(kt_log_evaluate(&request, leaves, audit.heads, elements, n_elements, &arena, &known, &reason),
                   KT_OK);
  struct kt_hash root;
  kt_log_root(size, audit.heads, &root);
  assert_true(expected == NULL || kt_hash_equal(&root, expected));
  (void)audit_page(world, &audit, 100);
  expect_head(world, &audit);
  kt_writer_release(&w);
  kt_arena_release(&arena);
}

static void an_audit_can_start_anywhere(void **state)
{
  struct world *world = busy_world();
  (void)state;
  for (uint64_t size = 1; size <= 12; size++) {
    const struct kt_hash expected = root_at(world, size);
    audit_from(world, size, &expected);
  }
  world_end(world);
}

static void expect_pruned(struct world *world, enum kt_err err)
{
  assert_int_equal(err, KT_ERR_EXPIRED);
  assert_string_equal(world->problem.code, "pruned");
}

/* What is left of the boundary is gone for good and says so; to the right of it everything is as before. */
static void an_audit_can_start_after_pruning(void **state)
{
  struct world *world = world_new();
  struct kt_log_status status;
  struct kt_writer w;
  uint32_t count;
  (void)state;
  world->config.reasonable_monitoring_window = HOUR_MS;
  world->config.has_maximum_lifetime = true;
  world->config.maximum_lifetime = 3 * HOUR_MS;
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  person_register(world, person_new(world, "ann", 10));
  for (size_t i = 0; i < 80; i++) {
    world_pass(world, HOUR_MS / 10);
  }
  kt_log_status(world->log, &status);
  assert_true(status.has_lifetime && status.pruned.boundary > 30 && status.pruned.n_entries > 10);
  kt_writer_init(&w, 100000);
  for (uint64_t size = 1; size <= status.pruned.boundary; size++) {
    expect_pruned(world, kt_log_audit(world->reader, size, 5, &world->arena, &w, &count, &world->problem));
    expect_pruned(world, kt_log_audit_state(world->reader, size, &world->arena, &w, &world->problem));
    expect_pruned(world, kt_log_consistency(world->reader, size, status.head.size, &world->arena, &w, &world->problem));
    expect_pruned(world, kt_log_consistency(world->reader, size, size, &world->arena, &w, &world->problem));
  }
  kt_writer_release(&w);
  for (uint64_t size = status.pruned.boundary + 1; size <= status.head.size; size++) {
    audit_from(world, size, NULL);
  }
  world_end(world);
}

/* --- fsck --------------------------------------------------------------------------------------------------------- */

struct findings {
  size_t n;
  char where[64];
};

static void note(void *ctx, const char *where, const char *what)
{
  struct findings *findings = ctx;
  assert_true(strlen(what) > 0);
  if (findings->n++ == 0) {
    strncpy(findings->where, where, sizeof findings->where - 1);
  }
}

static struct findings run_fsck(struct world *world)
{
  struct findings findings = { 0 };
  const struct kt_log_fsck fsck = { .vrf_every = 1, .ctx = &findings, .report = note };
  enum kt_err err = kt_log_fsck(world->reader, &fsck, &world->problem);
  assert_int_equal(err, findings.n == 0 ? KT_OK : KT_ERR_PROOF);
  return findings;
}

/* The memory store's table with answers that were tampered with. */
static struct kt_store_ops lying_ops;
static const struct kt_store_ops *real_ops;
static uint64_t lie_at;

static enum kt_err lying_entry(struct kt_store_conn *conn, uint64_t pos, struct kt_store_entry *ret_entry)
{
  enum kt_err err = real_ops->get_entry(conn, pos, ret_entry);
  ret_entry->timestamp_ms += pos == lie_at;
  return err;
}

static enum kt_err lying_log_node(struct kt_store_conn *conn, uint64_t pos, unsigned level, struct kt_hash *ret_hash)
{
  enum kt_err err = real_ops->get_log_node(conn, pos, level, ret_hash);
  ret_hash->b[0] ^= pos == lie_at;
  return err;
}

static enum kt_err lying_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record)
{
  enum kt_err err = real_ops->get_node(conn, ref, ret_record);
  ret_record[40] ^= ref == lie_at;
  return err;
}

static enum kt_err lying_node_hash(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record)
{
  enum kt_err err = real_ops->get_node(conn, ref, ret_record);
  ret_record[3] ^= ref == lie_at;
  return err;
}

static enum kt_err lying_leaf(struct kt_store_conn *conn, uint64_t pos, uint64_t index, uint8_t *ret_leaf)
{
  enum kt_err err = real_ops->get_leaf(conn, pos, index, ret_leaf);
  ret_leaf[50] ^= pos == lie_at && index == 0; /* in the commitment */
  return err;
}

static enum kt_err lying_payload(struct kt_store_conn *conn, uint64_t key, struct kt_arena *arena,
                                 struct kt_store_payload *ret_payload)
{
  enum kt_err err = real_ops->get_payload(conn, key, arena, ret_payload);
  ret_payload->opening[3] ^= key == lie_at;
  return err;
}

static void expect_finding(struct world *world, uint64_t at, const char *where)
{
  lie_at = at;
  world->store->ops = &lying_ops;
  struct findings findings = run_fsck(world);
  world->store->ops = real_ops;
  lying_ops = *real_ops;
  assert_true(findings.n > 0);
  assert_string_equal(findings.where, where);
}

static void fsck_finds_what_was_changed(void **state)
{
  struct world *world = busy_world();
  (void)state;
  assert_int_equal(run_fsck(world).n, 0);
  real_ops = world->store->ops;
  lying_ops = *real_ops;
  lying_ops.get_entry = lying_entry;
  expect_finding(world, 5, "entry 5");
  lying_ops.get_log_node = lying_log_node;
  expect_finding(world, 7, "entry 7");
  lying_ops.get_node = lying_node;
  expect_finding(world, kt_store_node_ref(4, 0), "entry 4");
  lying_ops.get_node = lying_node_hash;
  expect_finding(world, kt_store_node_ref(4, 0), "entry 4");
  lying_ops.get_leaf = lying_leaf;
  expect_finding(world, 6, "entry 6");
  lying_ops.get_payload = lying_payload;
  expect_finding(world, kt_store_version_key(2, 1), "label 2 version 1");
  world->guard.root.b[0] ^= 1;
  struct findings findings = run_fsck(world);
  assert_int_equal(findings.n, 1);
  assert_string_equal(findings.where, "head guard");
  world->guard.root.b[0] ^= 1;
  world_end(world);
}

static enum kt_err missing_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record)
{
  (void)conn;
  (void)ref;
  (void)ret_record;
  return KT_ERR_ABSENT;
}

/* A damaged tree must not look like a tree without the label. */
static void a_missing_node_is_not_absence(void **state)
{
  struct world *world = busy_world();
  struct person *bob = person_new(world, "bob", 11);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(world);
  (void)state;
  real_ops = world->store->ops;
  lying_ops = *real_ops;
  lying_ops.get_node = missing_node;
  world->store->ops = &lying_ops;
  assert_int_equal(person_search(world, bob, TEXT("eve"), NULL, &contact, found), KT_ERR_STORE);
  assert_int_equal(person_search(world, bob, TEXT("ann"), NULL, &contact, found), KT_ERR_STORE);
  world->store->ops = real_ops;
  assert_int_equal(person_search(world, bob, TEXT("eve"), NULL, &contact, found), KT_ERR_ABSENT);
  world_end(world);
}

static enum kt_err foreign_leaf(struct kt_store_conn *conn, uint64_t pos, uint64_t index, uint8_t *ret_leaf)
{
  enum kt_err err = real_ops->get_leaf(conn, pos, index, ret_leaf);
  ret_leaf[0] ^= 1; /* the VRF output of every leaf */
  return err;
}

/* Monitoring that fails after the map was found good is the store's fault, not the requester's. */
static void a_damaged_tree_is_not_the_requesters_fault(void **state)
{
  struct world *world = busy_world();
  struct kt_arena arena;
  struct kt_writer w;
  const struct kt_monitor_map_entry entry = { 10, 0 }; /* dan's first version */
  const struct kt_contact_monitor_request contact = { .label = TEXT("dan"), .entries = &entry, .n_entries = 1 };
  const struct kt_owner_monitor_request owner = {
    .label = TEXT("dan"), .start = 0, .greatest_version = { true, 1 }, .entries = &entry, .n_entries = 1
  };
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, 100000);
  world_ok(world, kt_log_contact_monitor(world->reader, &contact, &arena, &w, &world->problem));
  world_ok(world, kt_log_owner_monitor(world->reader, &owner, &arena, &w, &world->problem));
  real_ops = world->store->ops;
  lying_ops = *real_ops;
  lying_ops.get_leaf = foreign_leaf;
  world->store->ops = &lying_ops;
  assert_int_not_equal(kt_log_contact_monitor(world->reader, &contact, &arena, &w, &world->problem), KT_OK);
  assert_string_equal(world->problem.code, "inconsistent");
  assert_int_not_equal(kt_log_owner_monitor(world->reader, &owner, &arena, &w, &world->problem), KT_OK);
  assert_string_equal(world->problem.code, "inconsistent");
  world->store->ops = real_ops;
  kt_writer_release(&w);
  kt_arena_release(&arena);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_feed_leads_to_the_signed_root), cmocka_unit_test(a_page_ends_before_the_bound),
    cmocka_unit_test(every_two_sizes_are_consistent),    cmocka_unit_test(consistency_of_impossible_sizes_is_refused),
    cmocka_unit_test(an_audit_can_start_anywhere),       cmocka_unit_test(an_audit_can_start_after_pruning),
    cmocka_unit_test(fsck_finds_what_was_changed),       cmocka_unit_test(a_missing_node_is_not_absence),
    cmocka_unit_test(a_page_ends_before_the_leaf_limit), cmocka_unit_test(a_damaged_tree_is_not_the_requesters_fault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
