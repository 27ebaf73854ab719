/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on owners, and on monitoring. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "algo/algo.h"
#include "attacks.h"
#include "support/toy_suite.h"
#include "wire/monitor.h"
#include "wire/update.h"

#define HOUR_MS ((uint64_t)60 * 60 * 1000)

/* --- monitoring -------------------------------------------------------------------------------------------------------------------- */

/* The newest entry of before is not distinguished, one that is added is. */
static void hours_pass(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append(world, 2, EVIL_STEP_MS);
  evil_append(world, 6, 2 * HOUR_MS);
}

static void stop_early(struct evil_world *world)
{
  world->log.owner_limit = 0;
}

static struct kt_prefix_proof *first_proof(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = evil_proof(world, response);
  struct kt_prefix_proof *proofs = evil_copy(arena, proof->prefix_proofs, proof->n_prefix_proofs, sizeof *proofs);
  assert_true(proof->n_prefix_proofs > 0);
  proof->prefix_proofs = proofs;
  return proofs;
}

static void monitor_lookup_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  first_proof(world, arena, response)->n_results--;
}

static void monitor_proof_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  evil_proof(world, response)->n_prefix_proofs--;
}

/* As if the version were not there. */
static void monitor_shows_absence(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *first = first_proof(world, arena, response);
  struct kt_prefix_result *results = evil_copy(arena, first->results, first->n_results, sizeof *results);
  results[0].type = KT_PREFIX_NON_INCLUSION_PARENT;
  first->results = results;
}

/* --- owner initialization ------------------------------------------------------------------------------------------------------------ */

static struct kt_owner_init_response *init(void *response)
{
  return response;
}

static const uint8_t *vrf_proof(struct kt_arena *arena, const char *label, uint32_t version)
{
  uint8_t *proof = kt_arena_alloc(arena, 1, KT_VRF_PROOF_MAX);
  struct kt_hash output;
  assert_non_null(proof);
  toy_suite_prove(toy_log_vrf_seed(), toy_label(label), version, proof, &output);
  return proof;
}

static void greatest_versions_increase(struct evil_world *world, struct kt_arena *arena, void *response)
{
  static const uint32_t greatest[] = { 0, 1 };
  struct kt_owner_init_response *answer = init(response);
  static uint32_t versions[KT_OWNER_INIT_VERSIONS_MAX];
  answer->greatest_versions = greatest;
  answer->n_greatest_versions = 2;
  answer->n_ladder = kt_owner_init_versions(greatest, 2, versions);
  struct kt_ladder_step *steps = evil_copy(arena, NULL, answer->n_ladder, sizeof *steps);
  for (size_t i = 0; i < answer->n_ladder; i++) {
    steps[i].proof = vrf_proof(arena, EVIL_OTHER, versions[i]);
    steps[i].has_commitment = versions[i] == 0;
  }
  steps[0].commitment = evil_leaf(world, EVIL_OTHER, 0).commitment;
  answer->binary_ladder = steps;
}

static void greatest_versions_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  (void)arena;
  init(response)->n_greatest_versions = 0;
}

static void init_commitment_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_owner_init_response *answer = init(response);
  struct kt_ladder_step *steps = evil_copy(arena, answer->binary_ladder, answer->n_ladder, sizeof *steps);
  (void)world;
  assert_true(answer->n_ladder > 0);
  steps[0].has_commitment = false;
  answer->binary_ladder = steps;
}

static void deny_other(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append(world, 1, EVIL_STEP_MS);
  evil_deny(world, EVIL_OTHER, 0);
}

/* --- updates ------------------------------------------------------------------------------------------------------------------------- */

static struct kt_update_response *update(void *response)
{
  return response;
}

/* The entry is there, the version is not. */
static void take_out_update(struct evil_world *world)
{
  uint32_t greatest = evil_greatest(world, EVIL_VICTIM);
  uint64_t pos = toy_version_find(&world->log, EVIL_VICTIM, greatest)->pos;
  if (greatest > 1) {
    evil_take_out(world, EVIL_VICTIM, greatest, pos, world->log.size - 1);
    world->log.keep_going = true;
  }
}

/* The operator's value is there first. */
static void insert_before_update(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append_value(world, EVIL_VICTIM, evil_device_set(world, EVIL_VICTIM, false));
}

static void update_left_of_last(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  update(response)->position = toy_version_find(&world->log, EVIL_VICTIM, 0)->pos;
}

static void update_beyond_log(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  update(response)->position = world->log.size;
}

static void update_without_info(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  (void)arena;
  update(response)->n_info = 0;
}

static void update_with_more_info(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_update_info *info = evil_copy(arena, update(response)->info, update(response)->n_info, sizeof *info);
  (void)world;
  info[update(response)->n_info++] = info[0];
  update(response)->info = info;
}

static void update_other_opening(struct evil_world *world, struct kt_arena *arena, void *response)
{
  static const uint8_t opening[KT_OPENING_LEN] = "another opening";
  struct kt_update_info *info = evil_copy(arena, update(response)->info, update(response)->n_info, sizeof *info);
  (void)world;
  info[0].opening = opening;
  update(response)->info = info;
}

/* The ladder of version 1, which the owner knows, has all that version 2 needs. */
static void update_with_vrf_proof(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_update_response *answer = update(response);
  struct kt_ladder_step *steps = evil_copy(arena, answer->binary_ladder, answer->n_ladder, sizeof *steps);
  (void)world;
  steps[answer->n_ladder++].proof = vrf_proof(arena, EVIL_VICTIM, 0);
  answer->binary_ladder = steps;
}

#define OWNER_INIT .kinds = EVIL_ON(TOY_OWNER_INIT)
#define OWNER_MONITOR .kinds = EVIL_ON(TOY_OWNER_MONITOR)
#define CONTACT .kinds = EVIL_ON(TOY_CONTACT)
#define UPDATE .kinds = EVIL_ON(TOY_UPDATE)

static const struct evil_attack list[] = {
  { "owner-monitoring-refused", "Answers no owner's monitoring.", .strike = hours_pass, OWNER_MONITOR, .refuse = 403 },
  { "owner-monitoring-ends-early", "Ends an owner's monitoring where nothing new can be seen.", .strike = hours_pass,
    OWNER_MONITOR, .before = stop_early },
  { "owner-monitoring-lookup-left-out", "Leaves out a lookup in an owner's monitoring.", .strike = hours_pass,
    OWNER_MONITOR, .lie = monitor_lookup_left_out },
  { "contact-monitoring-refused", "Answers no contact's monitoring.", .strike = hours_pass, CONTACT, .refuse = 403 },
  { "contact-monitoring-lookup-left-out", "Leaves out a lookup in a contact's monitoring.", .strike = hours_pass,
    CONTACT, .lie = monitor_lookup_left_out },
  { "contact-monitoring-proof-left-out", "Leaves out an entry that a contact has to monitor.", .strike = hours_pass,
    CONTACT, .lie = monitor_proof_left_out },
  { "contact-monitoring-shows-absence", "Shows a contact that a version is not there.", .strike = hours_pass, CONTACT,
    .lie = monitor_shows_absence },
  { "owner-start-versions-increase", "Shows a new owner more versions to the left than to the right.", OWNER_INIT,
    .lie = greatest_versions_increase },
  { "owner-start-versions-left-out", "Tells a new owner of no versions, and proves some.", OWNER_INIT,
    .lie = greatest_versions_left_out },
  { "owner-start-label-denied", "Tells a new owner that the label is free.", .strike = deny_other },
  { "owner-start-commitment-left-out", "Hands a new owner no commitment.", OWNER_INIT,
    .lie = init_commitment_left_out },
  { "update-not-made", "Confirms an update whose version the tree does not have.", UPDATE, .before = take_out_update },
  { "update-anticipated", "Inserts a version of the operator's before the owner's.", .strike = insert_before_update },
  { "update-left-of-last", "Places an update before the version it follows.", UPDATE, .lie = update_left_of_last },
  { "update-beyond-log", "Places an update outside the log.", UPDATE, .lie = update_beyond_log },
  { "update-info-left-out", "Does not say how an update was made.", UPDATE, .lie = update_without_info },
  { "update-info-too-many", "Says of more versions than were sent how they were made.", UPDATE,
    .lie = update_with_more_info },
  { "update-other-opening", "Says another opening of an update than the tree has.", UPDATE,
    .lie = update_other_opening },
  { "update-vrf-proof-given", "Hands over a VRF proof that the owner has.", UPDATE, .lie = update_with_vrf_proof },
};

const struct evil_attacks evil_attacks_owner = { list, sizeof list / sizeof list[0] };
