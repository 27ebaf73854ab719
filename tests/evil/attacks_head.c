/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on tree heads and auditors' heads. The rest of the answer is honest. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "attacks.h"
#include "support/suite.h"
#include "support/toy_naive.h"

/* --- the log's head ----------------------------------------------------------------------------------------------------------- */

static void sign(struct evil_world *world, struct kt_arena *arena, void *response, const struct kt_config *config,
                 const uint8_t *seed, uint64_t size)
{
  struct kt_tree_head *head = &evil_head(response)->tree_head;
  uint8_t *signature = kt_arena_alloc(arena, 1, KT_SIGNATURE_MAX);
  struct kt_hash root;
  assert_non_null(signature);
  toy_naive_root(&world->log, size, &root);
  const struct kt_sign_key key = test_sign_key(config->suite, seed);
  assert_int_equal(kt_tree_head_sign(config, &key, size, &root, signature), KT_OK);
  head->signature.data = signature;
}

static void other_key(struct evil_world *world, struct kt_arena *arena, void *response)
{
  sign(world, arena, response, &world->log.config, toy_auditor_seed(7), world->log.size);
}

static void other_config(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_config config = world->log.config;
  config.max_behind++;
  sign(world, arena, response, &config, toy_log_sign_seed(), world->log.size);
}

static void signature_of_older_head(struct evil_world *world, struct kt_arena *arena, void *response)
{
  sign(world, arena, response, &world->log.config, toy_log_sign_seed(), world->log.size - 1);
}

/* A genuine head, of a tree that is not larger. */
static void seen_head(struct evil_world *world, struct kt_arena *arena, void *response)
{
  uint64_t size = world->last.present ? world->last.value : 1;
  sign(world, arena, response, &world->log.config, toy_log_sign_seed(), size);
  evil_head(response)->tree_head.tree_size = size;
}

static void no_entries(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  (void)arena;
  evil_head(response)->tree_head.tree_size = 0;
}

static void too_many_entries(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  (void)arena;
  evil_head(response)->tree_head.tree_size = UINT64_MAX;
}

static void same_head(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  (void)arena;
  evil_head(response)->type = KT_HEAD_SAME;
}

/* --- the auditor's head --------------------------------------------------------------------------------------------------------- */

static struct kt_auditor_tree_head *auditor(void *response)
{
  return &evil_head(response)->auditor_head;
}

/* By that auditor, over that root. */
static void vouch(struct evil_world *world, struct kt_arena *arena, void *response, const uint8_t *seed,
                  const struct kt_hash *other_root)
{
  struct kt_auditor_tree_head *head = auditor(response);
  uint8_t *signature = kt_arena_alloc(arena, 1, KT_SIGNATURE_MAX);
  struct kt_hash root;
  assert_non_null(signature);
  toy_naive_root(&world->log, world->log.size, &root);
  assert_int_equal(kt_auditor_tree_head_sign(&world->log.config, seed, head->timestamp, head->tree_size,
                                             other_root != NULL ? other_root : &root, signature),
                   KT_OK);
  head->signature.data = signature;
}

static void other_auditor(struct evil_world *world, struct kt_arena *arena, void *response)
{
  vouch(world, arena, response, toy_auditor_seed(1), NULL);
}

static void log_as_auditor(struct evil_world *world, struct kt_arena *arena, void *response)
{
  vouch(world, arena, response, toy_log_sign_seed(), NULL);
}

static void auditor_of_other_root(struct evil_world *world, struct kt_arena *arena, void *response)
{
  const struct kt_hash root = { { 1 } };
  vouch(world, arena, response, toy_auditor_seed(0), &root);
}

static void auditor_ahead(struct evil_world *world, struct kt_arena *arena, void *response)
{
  auditor(response)->timestamp++;
  vouch(world, arena, response, toy_auditor_seed(0), NULL);
}

static void auditor_of_no_entries(struct evil_world *world, struct kt_arena *arena, void *response)
{
  auditor(response)->tree_size = 0;
  vouch(world, arena, response, toy_auditor_seed(0), NULL);
}

static void auditor_of_more_entries(struct evil_world *world, struct kt_arena *arena, void *response)
{
  auditor(response)->tree_size++;
  vouch(world, arena, response, toy_auditor_seed(0), NULL);
}

/* What it signed once, under the size and date of now. */
static void auditor_replayed(struct evil_world *world, struct kt_arena *arena, void *response)
{
  uint8_t *signature = kt_arena_alloc(arena, 1, KT_SIGNATURE_MAX);
  assert_non_null(signature);
  (void)toy_auditor_head(&world->log, world->log.size - 1, signature);
  auditor(response)->signature.data = signature;
}

/* An old head of the auditor's, dated anew. */
static void auditor_redated(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  auditor(response)->timestamp = evil_newest_ms(world);
}

static void auditor_one_behind(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append(world, 1, EVIL_STEP_MS);
  world->log.auditor_size = world->log.size - 1;
}

/* In the form of the other modes. */
static void without_auditor_head(struct evil_world *world)
{
  world->log.config.mode = KT_MODE_CONTACT_MONITORING;
}

static void with_auditor_head(struct evil_world *world)
{
  world->log.config.mode = KT_MODE_THIRD_PARTY_AUDITING;
  world->log.config.auditor_public_key = world->log.config.signature_public_key;
  world->log.auditor_size = UINT64_MAX;
}

/* The auditor does not go along any more. */
static void auditor_stays_behind(struct evil_world *world, unsigned number)
{
  if (number == 1) {
    world->log.auditor_size = world->log.size;
  }
  evil_append(world, 1, EVIL_LAG_MS + 1);
}

/* A fork that the auditor saw nothing of. */
static void fork_behind_auditor(struct evil_world *world, unsigned number)
{
  if (number == 1) {
    world->log.auditor_size = world->log.size - 1;
    evil_cut(world, 1);
    evil_append(world, 1, EVIL_STEP_MS);
  }
  evil_append(world, 1, EVIL_STEP_MS);
}

#define SEARCH .kinds = EVIL_ON(TOY_SEARCH)

static const struct evil_attack list[] = {
  { "head-other-key", "Signs the head with a key that is not the log's.", SEARCH, .lie = other_key,
    .is_unsigned = true },
  { "head-other-configuration", "Signs the head under another configuration than the pinned one.", SEARCH,
    .lie = other_config, .is_unsigned = true },
  { "head-older-signature", "Shows the newest head with the signature of the one before.", SEARCH,
    .lie = signature_of_older_head, .is_unsigned = true },
  { "head-replayed", "Shows the head again that the client advertised.", SEARCH, .lie = seen_head,
    .is_unsigned = true },
  { "head-of-no-entries", "Shows a head of size 0.", SEARCH, .lie = no_entries },
  { "head-of-too-many-entries", "Shows a head of size 2^64-1.", SEARCH, .lie = too_many_entries },
  { "head-same-to-newcomer", "Refers a newcomer to a head that was never shown.", .kinds = EVIL_ON(TOY_DISTINGUISHED),
    .lie = same_head },
  { "head-same-though-grown", "Says that nothing changed, and proves it in a larger log.", SEARCH, .lie = same_head },
  { "answer-replayed", "Answers with what it answered before.", SEARCH, .replays = true },
  { "heads-replayed", "Shows the heads that it showed before.", .kinds = EVIL_ON(TOY_DISTINGUISHED), .replays = true },
  { "auditor-other", "Has another auditor sign.", SEARCH, .lie = other_auditor },
  { "auditor-is-the-log", "Signs for the auditor with the log's key.", SEARCH, .lie = log_as_auditor },
  { "auditor-other-root", "Shows what the auditor signed of another log.", SEARCH, .lie = auditor_of_other_root },
  { "auditor-ahead", "Shows an auditor's head that is later than the log.", SEARCH, .lie = auditor_ahead },
  { "auditor-of-no-entries", "Shows an auditor's head of size 0.", SEARCH, .lie = auditor_of_no_entries },
  { "auditor-of-more-entries", "Shows an auditor's head of a larger tree.", SEARCH, .lie = auditor_of_more_entries },
  { "auditor-replayed", "Shows an old signature of the auditor's under the newest size.", SEARCH,
    .lie = auditor_replayed },
  { "auditor-redated", "Shows an old head of the auditor's under a new date.", SEARCH, .strike = auditor_one_behind,
    .lie = auditor_redated },
  { "auditor-head-left-out", "Answers without the auditor's head.", SEARCH, .before = without_auditor_head,
    .is_unsigned = true },
  { "auditor-head-put-in", "Answers with an auditor's head where there is no auditor.", SEARCH,
    .before = with_auditor_head, .is_unsigned = true },
  { "auditor-withheld", "Says that there is no head of the auditor's.", SEARCH, .refuse = 503 },
  { "auditor-behind", "Grows without its auditor.", .strike = auditor_stays_behind },
  { "fork-behind-auditor", "Forks where the auditor has not been yet.", .strike = fork_behind_auditor },
};

const struct evil_attacks evil_attacks_head = { list, sizeof list / sizeof list[0] };
