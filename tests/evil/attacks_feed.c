/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on what auditors are handed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "attacks.h"

/* The newest entry is the one that an auditor who was there before gets. */
static bool is_newest(const struct evil_world *world, uint64_t pos)
{
  return pos + 1 == world->log.size;
}

static struct kt_prefix_leaf *added(struct kt_arena *arena, struct kt_auditor_update *update)
{
  struct kt_prefix_leaf *leaves = evil_copy(arena, update->added, update->n_added, sizeof *leaves);
  assert_true(update->n_added > 0);
  update->added = leaves;
  return leaves;
}

static void other_timestamp(struct evil_world *world, struct kt_arena *arena, uint64_t pos,
                            struct kt_auditor_update *update)
{
  (void)arena;
  update->timestamp += is_newest(world, pos);
}

static void other_commitment(struct evil_world *world, struct kt_arena *arena, uint64_t pos,
                             struct kt_auditor_update *update)
{
  if (is_newest(world, pos)) {
    added(arena, update)[0].commitment.b[0] ^= 1;
  }
}

/* One leaf more, with a result like that of the first. */
static struct kt_prefix_leaf *one_leaf_more(struct kt_arena *arena, struct kt_auditor_update *update)
{
  struct kt_prefix_leaf *leaves = added(arena, update);
  struct kt_prefix_result *results = evil_copy(arena, update->proof.results, update->proof.n_results, sizeof *results);
  leaves[update->n_added++] = leaves[0];
  results[update->proof.n_results++] = results[0];
  update->proof.results = results;
  return leaves;
}

static void leaf_twice(struct evil_world *world, struct kt_arena *arena, uint64_t pos, struct kt_auditor_update *update)
{
  if (is_newest(world, pos)) {
    (void)one_leaf_more(arena, update);
  }
}

static void leaves_unsorted(struct evil_world *world, struct kt_arena *arena, uint64_t pos,
                            struct kt_auditor_update *update)
{
  if (is_newest(world, pos)) {
    struct kt_prefix_leaf *leaves = one_leaf_more(arena, update);
    leaves[0].vrf_output.b[KT_HASH_LEN - 1] |= 1;
    leaves[update->n_added - 1].vrf_output.b[KT_HASH_LEN - 1] &= 0xfe;
  }
}

/* A leaf of long ago, with the result that says so. */
static void leaf_again(struct evil_world *world, struct kt_arena *arena, uint64_t pos, struct kt_auditor_update *update)
{
  struct kt_prefix_leaf *leaves;
  if (!is_newest(world, pos)) {
    return;
  }
  leaves = added(arena, update);
  update->n_added = 1;
  leaves[0] = evil_leaf(world, EVIL_OTHER, 0);
  assert_int_equal(kt_prefix_prove(&world->log.source.prefix_nodes, world->log.prefix_roots[pos - 1],
                                   &leaves[0].vrf_output, 1, arena, &update->proof),
                   KT_OK);
}

/* One that was never there, with the result that says so. */
static void removed_absent(struct evil_world *world, struct kt_arena *arena, uint64_t pos,
                           struct kt_auditor_update *update)
{
  if (is_newest(world, pos)) {
    update->removed = added(arena, update);
    update->n_removed = update->n_added;
    update->n_added = 0;
  }
}

static void result_left_out(struct evil_world *world, struct kt_arena *arena, uint64_t pos,
                            struct kt_auditor_update *update)
{
  (void)arena;
  update->proof.n_results -= is_newest(world, pos);
}

static void element_left_out(struct evil_world *world, struct kt_arena *arena, uint64_t pos,
                             struct kt_auditor_update *update)
{
  (void)arena;
  if (is_newest(world, pos)) {
    assert_true(update->proof.n_elements > 0);
    update->proof.n_elements--;
  }
}

static void element_changed(struct evil_world *world, struct kt_arena *arena, uint64_t pos,
                            struct kt_auditor_update *update)
{
  if (is_newest(world, pos)) {
    struct kt_hash *elements = evil_copy(arena, update->proof.elements, update->proof.n_elements, sizeof *elements);
    assert_true(update->proof.n_elements > 0);
    elements[0].b[0] ^= 1;
    update->proof.elements = elements;
  }
}

/* The update of the entry before. */
static void update_replayed(struct evil_world *world, struct kt_arena *arena, uint64_t pos,
                            struct kt_auditor_update *update)
{
  static struct kt_auditor_update before;
  static struct kt_prefix_leaf leaf;
  static struct kt_prefix_result result;
  static struct kt_hash elements[256];
  (void)arena;
  if (is_newest(world, pos)) {
    *update = before;
  } else if (pos + 2 == world->log.size) {
    assert_true(update->n_added == 1 && update->proof.n_elements <= 256);
    before = *update;
    leaf = update->added[0];
    result = update->proof.results[0];
    memcpy(elements, update->proof.elements, update->proof.n_elements * sizeof elements[0]);
    before.added = &leaf;
    before.proof.results = &result;
    before.proof.elements = elements;
  }
}

/* Strikes twice, so that the entry before the newest is an ordinary one. */
static void two_entries(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append(world, 2, EVIL_STEP_MS);
}

static void remove_silently(struct evil_world *world, unsigned number)
{
  (void)number;
  uint32_t greatest = evil_greatest(world, EVIL_VICTIM);
  evil_append(world, 1, EVIL_STEP_MS);
  evil_take_out(world, EVIL_VICTIM, greatest, world->log.size - 1, world->log.size - 1);
}

static void conceal_removal(struct evil_world *world, struct kt_arena *arena, uint64_t pos,
                            struct kt_auditor_update *update)
{
  if (is_newest(world, pos)) {
    update->n_removed = 0;
    assert_int_equal(kt_prefix_prove(&world->log.source.prefix_nodes, world->log.prefix_roots[pos - 1],
                                     &update->added[0].vrf_output, 1, arena, &update->proof),
                     KT_OK);
  }
}

/* In one entry, so that no distinguished entry ever had it. */
static void replace_unpublished(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append_value(world, EVIL_VICTIM, evil_device_set(world, EVIL_VICTIM, true));
  struct kt_prefix_leaf leaf = evil_leaf(world, EVIL_VICTIM, evil_greatest(world, EVIL_VICTIM));
  leaf.commitment.b[0] ^= 1;
  evil_append(world, 1, EVIL_STEP_MS);
  toy_log_tamper(&world->log, world->log.size - 1, &leaf.vrf_output, &leaf);
}

static void back_date(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append(world, 3, EVIL_STEP_MS);
  world->log.timestamps[world->log.size - 2] = world->log.timestamps[world->log.size - 3] - 1;
  evil_forget_signatures(world);
}

static const struct evil_attack list[] = {
  { "audit-other-timestamp", "Hands auditors another timestamp than the entry's.", .feed = other_timestamp },
  { "audit-other-commitment", "Hands auditors another commitment than the tree's.", .feed = other_commitment },
  { "audit-leaf-twice", "Hands auditors one leaf twice.", .feed = leaf_twice },
  { "audit-leaves-unsorted", "Hands auditors leaves out of order.", .feed = leaves_unsorted },
  { "audit-leaf-again", "Hands auditors a leaf as new that was there.", .feed = leaf_again },
  { "audit-removes-absent-leaf", "Hands auditors a leaf as removed that was not there.", .feed = removed_absent },
  { "audit-result-left-out", "Leaves out a search result of the auditors' proof.", .feed = result_left_out },
  { "audit-element-left-out", "Leaves out a node of the auditors' proof.", .feed = element_left_out },
  { "audit-element-changed", "Changes a node of the auditors' proof.", .feed = element_changed },
  { "audit-replays-entry", "Hands auditors the entry before the newest again.", .strike = two_entries,
    .feed = update_replayed },
  { "audit-conceals-removal", "Takes a version out of the tree and hands auditors only what was added.",
    .strike = remove_silently, .feed = conceal_removal },
  { "audit-unpublished-replaced", "Replaces a version's value before it was ever published.",
    .strike = replace_unpublished },
  { "audit-back-dated-entry", "Dates an entry before the one to its left, where no search passes both.",
    .strike = back_date },
};

const struct evil_attacks evil_attacks_feed = { list, sizeof list / sizeof list[0] };
