/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks of a Third-Party Manager, which has every key of the log but the Service Operator's. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "attacks.h"
#include "wire/update.h"

/* What the Service Operator signed, or another. */
static struct kt_bytes sign(const struct evil_world *world, struct kt_arena *arena, const uint8_t *seed,
                            const char *label, uint32_t version, struct kt_bytes value)
{
  uint8_t *signature = kt_arena_alloc(arena, 1, KT_SIGNATURE_MAX);
  assert_non_null(signature);
  assert_int_equal(kt_update_value_sign(&world->log.config, seed, toy_label(label), version, value, signature), KT_OK);
  return (struct kt_bytes){ signature, world->log.config.suite->signature_len };
}

static struct kt_search_response *search(void *response)
{
  return response;
}

static void for_other_version(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_update_value *value = &search(response)->value;
  value->signature = sign(world, arena, toy_leaf_seed(), EVIL_VICTIM, 0, value->value);
}

static void for_other_label(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_update_value *value = &search(response)->value;
  value->signature = sign(world, arena, toy_leaf_seed(), EVIL_OTHER, 1, value->value);
}

static void for_other_value(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_update_value *value = &search(response)->value;
  value->signature = sign(world, arena, toy_leaf_seed(), EVIL_VICTIM, 1, toy_label("another value"));
}

static void by_the_manager(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_update_value *value = &search(response)->value;
  value->signature = sign(world, arena, toy_log_sign_seed(), EVIL_VICTIM, 1, value->value);
}

static void left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  (void)arena;
  search(response)->value.signature.len = 0;
}

/* The form of a version that was skipped. */
static void as_skipped(struct evil_world *world, struct kt_arena *arena, void *response)
{
  static const uint8_t zero[KT_OPENING_LEN];
  (void)world;
  (void)arena;
  search(response)->opening = zero;
  search(response)->value = (struct kt_update_value){ .value = { NULL, 0 } };
}

/* In the tree, with everything that goes with it but the operator's signature. */
static void insert_without_operator(struct evil_world *world, unsigned number)
{
  (void)number;
  evil_append_value(world, EVIL_VICTIM, evil_device_set(world, EVIL_VICTIM, true));
  struct toy_version *version = &world->log.versions[world->log.n_versions - 1];
  struct kt_prefix_leaf leaf = evil_leaf(world, EVIL_VICTIM, version->version);
  struct kt_update_value value = { .value = version->content };
  value.signature = sign(world, &world->arena, toy_log_sign_seed(), EVIL_VICTIM, version->version, version->content);
  memcpy(version->signature, value.signature.data, value.signature.len);
  assert_int_equal(kt_commitment(&world->log.config, version->opening, toy_label(EVIL_VICTIM), version->version, &value,
                                 &version->commitment),
                   KT_OK);
  leaf.commitment = version->commitment;
  toy_log_tamper(&world->log, version->pos, &leaf.vrf_output, &leaf);
}

static void update_by_the_manager(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_update_response *answer = response;
  struct kt_update_info *info = evil_copy(arena, answer->info, answer->n_info, sizeof *info);
  const struct toy_version *version = &world->log.versions[world->log.n_versions - 1];
  info[0].signature =
      sign(world, arena, toy_log_sign_seed(), EVIL_VICTIM, version->version, toy_version_value(version));
  answer->info = info;
}

static void update_skips(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  (void)arena;
  ((struct kt_update_response *)response)->skipped_versions = 1;
}

static void update_skips_all(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  (void)arena;
  ((struct kt_update_response *)response)->skipped_versions = UINT32_MAX;
}

#define SEARCH .kinds = EVIL_ON(TOY_SEARCH)
#define UPDATE .kinds = EVIL_ON(TOY_UPDATE)

static const struct evil_attack list[] = {
  { "leaf-signature-for-another-version", "Shows what the operator signed for another version.", SEARCH,
    .lie = for_other_version },
  { "leaf-signature-for-another-label", "Shows what the operator signed for another label.", SEARCH,
    .lie = for_other_label },
  { "leaf-signature-for-another-value", "Shows what the operator signed of another value.", SEARCH,
    .lie = for_other_value },
  { "leaf-signature-by-the-manager", "Signs a value itself.", SEARCH, .lie = by_the_manager },
  { "leaf-signature-left-out", "Shows a value without the operator's signature.", SEARCH, .lie = left_out },
  { "version-shown-as-skipped", "Says that a version was skipped that has a value.", SEARCH, .lie = as_skipped },
  { "insert-without-operator", "Adds a version that the operator did not sign.", .strike = insert_without_operator },
  { "update-leaf-signature-by-the-manager", "Confirms an update with a signature of its own.", UPDATE,
    .lie = update_by_the_manager },
  { "update-skips-a-version", "Says that it skipped a version that it did not skip.", UPDATE, .lie = update_skips },
  { "update-skips-all-versions", "Says that it skipped more versions than there are numbers.", UPDATE,
    .lie = update_skips_all },
};

const struct evil_attacks evil_attacks_leaf = { list, sizeof list / sizeof list[0] };
