/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on the log's content and history. All of it is signed, and the auditor signs along. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "attacks.h"

#define HOUR_MS ((uint64_t)60 * 60 * 1000)

/* --- other histories ------------------------------------------------------------------------------------------------------ */

static void other_history(struct evil_world *world, unsigned number)
{
  if (number > 1) {
    evil_append(world, 1, EVIL_STEP_MS);
    return;
  }
  evil_cut(world, world->attack->back);
  evil_append(world, world->attack->then, EVIL_STEP_MS);
}

/* To a size that the client saw with another root. */
static void other_history_of_a_seen_size(struct evil_world *world, unsigned number)
{
  if (number > 1) {
    evil_cut(world, 2);
  }
  evil_append(world, 1, EVIL_STEP_MS);
}

/* One leaf more in an entry of long ago. */
static void rewrite_old_entry(struct evil_world *world, unsigned number)
{
  struct kt_prefix_leaf leaf = evil_leaf(world, EVIL_OTHER, 0);
  leaf.vrf_output.b[0] ^= 1;
  if (number == 1) {
    toy_log_tamper(&world->log, 2, NULL, &leaf);
  }
  evil_append(world, 1, EVIL_STEP_MS);
}

static void redate_old_entry(struct evil_world *world, unsigned number)
{
  if (number == 1) {
    world->log.timestamps[2] -= EVIL_STEP_MS;
    evil_forget_signatures(world);
  }
  evil_append(world, 1, EVIL_STEP_MS);
}

/* Another history in which the label has a version more, or less. */
static void other_history_with_a_version(struct evil_world *world, unsigned number)
{
  if (number == 1) {
    evil_cut(world, 1);
    evil_append(world, 1, EVIL_STEP_MS);
    evil_append_value(world, EVIL_VICTIM, evil_device_set(world, EVIL_VICTIM, true));
  }
}

/* --- dates -------------------------------------------------------------------------------------------------------------------- */

static void back_date(struct evil_world *world, unsigned number)
{
  (void)number;
  toy_log_append(&world->log, evil_newest_ms(world) - 1, NULL, 0);
  world->log.keep_going = true;
}

static void forward_date(struct evil_world *world, unsigned number)
{
  (void)number;
  toy_log_append(&world->log, world->now_ms + EVIL_SKEW_MS + HOUR_MS, NULL, 0);
}

static void date_at_end_of_time(struct evil_world *world, unsigned number)
{
  (void)number;
  toy_log_append(&world->log, UINT64_MAX, NULL, 0);
}

/* --- versions ------------------------------------------------------------------------------------------------------------------ */

static void insert_unsigned(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append_value(world, EVIL_VICTIM, evil_device_set(world, EVIL_VICTIM, false));
}

static void insert_other_key(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append_value(world, EVIL_VICTIM, evil_device_set(world, EVIL_VICTIM, true));
}

static void insert_old_value(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append_value(world, EVIL_VICTIM, toy_version_value(toy_version_find(&world->log, EVIL_VICTIM, 0)));
}

static void insert_value_of_another_label(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append_value(world, EVIL_VICTIM, toy_version_value(toy_version_find(&world->log, EVIL_OTHER, 0)));
}

static void insert_noise(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append_value(world, EVIL_VICTIM, toy_label("this is no list of devices"));
}

/* A version that is gone from the next entry on, before any distinguished entry has it. */
static void insert_then_remove(struct evil_world *world, unsigned number)
{
  if (number == 1) {
    insert_other_key(world, number);
    return;
  }
  uint32_t greatest = evil_greatest(world, EVIL_VICTIM);
  evil_append(world, 1, EVIL_STEP_MS);
  evil_take_out(world, EVIL_VICTIM, greatest, world->log.size - 1, world->log.size - 1);
  evil_append(world, world->attack->then, 2 * HOUR_MS);
  evil_deny(world, EVIL_VICTIM, greatest);
}

/* The version stays, with another value than it was shown with. */
static void insert_then_replace(struct evil_world *world, unsigned number)
{
  if (number == 1) {
    insert_other_key(world, number);
    return;
  }
  uint32_t greatest = evil_greatest(world, EVIL_VICTIM);
  struct kt_prefix_leaf leaf = evil_leaf(world, EVIL_VICTIM, greatest);
  leaf.commitment.b[0] ^= 1;
  evil_append(world, 1, EVIL_STEP_MS);
  toy_log_tamper(&world->log, world->log.size - 1, &leaf.vrf_output, &leaf);
  evil_append(world, world->attack->then, 2 * HOUR_MS);
  struct toy_version *version = &world->log.versions[world->log.n_versions - 1];
  assert_int_equal(version->version, greatest);
  version->commitment = leaf.commitment;
}

/* The newest version is not in the newest entry any more. */
static void remove_newest(struct evil_world *world, unsigned number)
{
  (void)number;
  uint32_t greatest = evil_greatest(world, EVIL_VICTIM);
  evil_append(world, 1, EVIL_STEP_MS);
  evil_take_out(world, EVIL_VICTIM, greatest, world->log.size - 1, world->log.size - 1);
  evil_deny(world, EVIL_VICTIM, greatest);
}

static void remove_label(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append(world, 1, EVIL_STEP_MS);
  for (uint32_t version = evil_greatest(world, EVIL_VICTIM) + 1; version-- > 0;) {
    evil_take_out(world, EVIL_VICTIM, version, world->log.size - 1, world->log.size - 1);
    evil_deny(world, EVIL_VICTIM, version);
  }
}

static void deny_newest(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append(world, 1, EVIL_STEP_MS);
  evil_deny(world, EVIL_VICTIM, evil_greatest(world, EVIL_VICTIM));
}

static void deny_label(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append(world, 1, EVIL_STEP_MS);
  for (uint32_t version = evil_greatest(world, EVIL_VICTIM) + 1; version-- > 0;) {
    evil_deny(world, EVIL_VICTIM, version);
  }
}

static void insert_and_deny(struct evil_world *world, unsigned number)
{
  insert_other_key(world, number);
  evil_deny(world, EVIL_VICTIM, evil_greatest(world, EVIL_VICTIM));
}

/* The leaf of the version after the next one. */
static void skip_version(struct evil_world *world, unsigned number)
{
  (void)number;
  uint32_t next = evil_greatest(world, EVIL_VICTIM) + 2;
  struct kt_prefix_leaf leaf = evil_leaf(world, EVIL_OTHER, 0);
  toy_vrf_output(EVIL_VICTIM, next, &leaf.vrf_output);
  evil_append(world, 1, EVIL_STEP_MS);
  toy_log_tamper(&world->log, world->log.size - 1, NULL, &leaf);
  world->log.keep_going = true;
}

static const struct evil_attack list[] = {
  { "fork-newest", "Replaces the newest entry by another one.", .strike = other_history, .back = 1, .then = 1 },
  { "fork-newest-grown", "Replaces the newest entry and adds one.", .strike = other_history, .back = 1, .then = 2 },
  { "fork-newest-far-grown", "Replaces the newest entry and adds six.", .strike = other_history, .back = 1, .then = 7 },
  { "fork-two", "Replaces the two newest entries.", .strike = other_history, .back = 2, .then = 2 },
  { "fork-two-grown", "Replaces the two newest entries and adds one.", .strike = other_history, .back = 2, .then = 3 },
  { "fork-four", "Replaces the four newest entries.", .strike = other_history, .back = 4, .then = 4 },
  { "fork-four-far-grown", "Replaces the four newest entries and adds eight.", .strike = other_history, .back = 4,
    .then = 12 },
  { "fork-all-but-first", "Replaces everything but the first entry.", .strike = other_history, .back = 8, .then = 8 },
  { "fork-all-but-first-grown", "Replaces everything but the first entry and adds three.", .strike = other_history,
    .back = 8, .then = 11 },
  { "fork-old-entry", "Puts a leaf into an entry of long ago.", .strike = rewrite_old_entry },
  { "fork-old-date", "Changes the date of an entry of long ago.", .strike = redate_old_entry },
  { "rollback-one", "Withdraws the newest entry.", .strike = other_history, .back = 1 },
  { "rollback-three", "Withdraws the three newest entries.", .strike = other_history, .back = 3 },
  { "rollback-other-content", "Withdraws three entries and shows two others.", .strike = other_history, .back = 3,
    .then = 2 },
  { "rollback-to-seen-size", "Goes back to a size that the client saw, with another root.",
    .strike = other_history_of_a_seen_size },
  { "split-view-older", "Shows newcomers a history without the newest version.", .strike = other_history, .back = 2,
    .then = 3 },
  { "split-view-own-version", "Shows newcomers a history with a version of the operator's.",
    .strike = other_history_with_a_version },
  { "back-dated-entry", "Dates an entry before the one to its left.", .strike = back_date },
  { "forward-dated-entry", "Dates an entry an hour beyond what clients accept.", .strike = forward_date },
  { "end-of-time", "Dates an entry at the greatest number there is.", .strike = date_at_end_of_time },
  { "insert-unsigned", "Lists a device for the label, unsigned.", .strike = insert_unsigned },
  { "insert-other-key", "Lists a device for the label, signed by another account key.", .strike = insert_other_key },
  { "insert-old-value", "Lists the label's first value again, with its owner's signature.",
    .strike = insert_old_value },
  { "insert-swapped-value", "Lists another label's value, signed as it is, under the label.",
    .strike = insert_value_of_another_label },
  { "insert-noise", "Lists something that is no device set under the label.", .strike = insert_noise },
  { "insert-then-remove", "Shows a version, and removes it in the next entry.", .strike = insert_then_remove,
    .then = 8 },
  { "insert-then-replace", "Shows a version, and gives it another value in the next entry.",
    .strike = insert_then_replace, .then = 8 },
  { "remove-newest", "Adds an entry without the label's newest version.", .strike = remove_newest },
  { "remove-label", "Adds an entry without any version of the label.", .strike = remove_label },
  { "hide-newest", "Says that the version before the newest is the greatest one.", .strike = deny_newest },
  { "hide-label", "Says that a label does not exist that does.", .strike = deny_label },
  { "insert-and-hide", "Adds a version of the operator's and tells nobody.", .strike = insert_and_deny },
  { "skip-a-version", "Adds a version's leaf ahead of its turn.", .strike = skip_version },
};

const struct evil_attacks evil_attacks_tree = { list, sizeof list / sizeof list[0] };
