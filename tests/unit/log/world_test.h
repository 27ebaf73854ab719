/* SPDX-License-Identifier: Apache-2.0 */
/* A log over the memory store with a clock and randomness of the test, and its auditor, if it has one, who signs what
 * the log's feed for auditors shows. */
#ifndef KT_TESTS_WORLD_TEST_H
#define KT_TESTS_WORLD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kt/account_policy.h>
#include <kt/client.h>

#include "log/log.h"
#include "tree/log_tree.h"
#include "support/suite.h"

#define TEXT(text) ((struct kt_bytes){ (const uint8_t *)(text), strlen(text) })
#define HOUR_MS ((uint64_t)3600 * 1000)
#define WINDOW_MS (24 * HOUR_MS)
#define AUDITOR_LAG_MS 60000

struct world {
  struct kt_sign_key sign_key;
  struct kt_vrf_key vrf_key;
  uint8_t sign_public[KT_PUBLIC_KEY_MAX];
  uint8_t vrf_public[KT_PUBLIC_KEY_MAX];
  uint8_t auditor_seed[KT_SEED_LEN];
  uint8_t auditor_public[KT_PUBLIC_KEY_MAX];
  struct kt_config config;
  struct kt_log_options options;
  struct kt_store *store;
  struct kt_log *log;
  struct kt_log_reader *reader;
  struct kt_log_problem problem;
  struct kt_arena arena;       /* of the whole test */
  struct kt_bytes last_update; /* the newest UpdateResponse */
  bool is_audited;             /* an auditor vouches for every entry at once (KT_TEST_MODE=auditing) */

  _Atomic uint64_t now_ms;
  _Atomic uint64_t n_random;
  bool has_guard;
  struct kt_log_guard guard;
  /* Before the guard becomes `to`, and that is signed: where it is a file, it is written. NULL: nothing. */
  enum kt_err (*save_guard)(const struct world *world, const struct kt_log_extension *extension,
                            const struct kt_log_guard *to);
  enum kt_err guard_err; /* of saving */
  char fatal[320];
  char pruning[KT_LOG_REASON_SIZE];
  size_t n_pruning; /* how often that was said */
};

static uint64_t world_now(void *ctx)
{
  struct world *world = ctx;
  return world->now_ms;
}

/* Different bytes each time; a test's log is the same on every run. */
static enum kt_err world_random(void *ctx, uint8_t *ret_bytes, size_t len)
{
  struct world *world = ctx;
  uint64_t x = (++world->n_random) * UINT64_C(0x9e3779b97f4a7c15);
  for (size_t i = 0; i < len; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    ret_bytes[i] = (uint8_t)(x >> 24);
  }
  return KT_OK;
}

static enum kt_err world_guard_load(void *ctx, struct kt_log_guard *ret_guard)
{
  const struct world *world = ctx;
  if (!world->has_guard) {
    return KT_ERR_ABSENT;
  }
  *ret_guard = world->guard;
  return KT_OK;
}

/* The signer: checks, guards, signs. */
static enum kt_err world_sign(void *ctx, const struct kt_log_extension *extension,
                              uint8_t ret_signature[static KT_SIGNATURE_MAX])
{
  struct world *world = ctx;
  struct kt_log_guard from = world->guard;
  struct kt_log_guard to;
  if (world->guard_err != KT_OK) {
    return world->guard_err;
  }
  if (!world->has_guard) {
    from = (struct kt_log_guard){ .size = extension->size, .timestamp_ms = extension->timestamp_ms };
    kt_log_root(from.size, extension->heads, &from.root);
  }
  enum kt_err err = kt_log_extend(&from, extension, &to);
  if (err == KT_OK && world->save_guard != NULL) {
    err = world->save_guard(world, extension, &to);
  }
  if (err == KT_OK) {
    world->has_guard = true;
    world->guard = to;
    err = kt_tree_head_sign(&world->config, &world->sign_key, to.size, &to.root, ret_signature);
  }
  return err;
}

static void world_pruning(void *ctx, const char *text)
{
  struct world *world = ctx;
  strncpy(world->pruning, text, sizeof world->pruning - 1);
  world->n_pruning++;
}

static void world_fatal(void *ctx, const struct kt_log_problem *problem)
{
  struct world *world = ctx;
  (void)snprintf(world->fatal, sizeof world->fatal, "%s", problem->text);
}

/* Third-party auditing: 0, 1 … are different auditors. */
static inline void world_set_auditor(struct world *world, uint8_t which)
{
  struct kt_config *config = &world->config;
  memset(world->auditor_seed, 3, sizeof world->auditor_seed);
  world->auditor_seed[KT_SEED_LEN - 1] = which;
  assert_int_equal(config->suite->sign_public(world->auditor_seed, world->auditor_public), KT_OK);
  config->mode = KT_MODE_THIRD_PARTY_AUDITING;
  config->max_auditor_lag = AUDITOR_LAG_MS;
  config->auditor_public_key = (struct kt_bytes){ world->auditor_public, config->suite->sign_public_len };
}

static inline struct world *world_new(void)
{
  struct world *world = calloc(1, sizeof *world);
  const struct kt_suite *suite = test_suite();
  const struct kt_store_options store_options = { .create = true, .node_len = KT_LOG_NODE_LEN };
  assert_non_null(world);
  world->now_ms = 1000 * HOUR_MS;
  assert_int_equal(kt_crypto_init(), KT_OK);
  const uint8_t sign_seed[KT_SEED_LEN] = { 1 };
  const uint8_t vrf_seed[KT_SEED_LEN] = { 2 };
  world->sign_key = test_sign_key(suite, sign_seed);
  world->vrf_key = test_vrf_key(suite, vrf_seed);
  assert_int_equal(suite->sign_public(sign_seed, world->sign_public), KT_OK);
  assert_int_equal(suite->vrf_public(vrf_seed, world->vrf_public), KT_OK);
  world->config = (struct kt_config){
    .suite = suite,
    .mode = KT_MODE_CONTACT_MONITORING,
    .signature_public_key = { world->sign_public, suite->sign_public_len },
    .vrf_public_key = { world->vrf_public, suite->vrf_public_len },
    .max_ahead = 60000,
    .max_behind = 600000,
    .reasonable_monitoring_window = WINDOW_MS,
  };
  world->is_audited = test_mode() == KT_MODE_THIRD_PARTY_AUDITING;
  if (world->is_audited) {
    world_set_auditor(world, 0);
  }
  kt_arena_init(&world->arena, (size_t)1 << 30);
  assert_int_equal(kt_store_open_memory(&store_options, &world->store), KT_OK);
  world->options = (struct kt_log_options){
    .config = &world->config,
    .vrf_key = &world->vrf_key,
    .store = world->store,
    .cache_bytes = test_cache_bytes(),
    .ctx = world,
    .now_ms = world_now,
    .random = world_random,
    .guard_load = world_guard_load,
    .sign = world_sign,
    .fatal = world_fatal,
    .pruning = world_pruning,
  };
  return world;
}

static inline void world_ok(const struct world *world, enum kt_err err)
{
  if (err != KT_OK) {
    fail_msg("%s: %s: %s", kt_err_text(err), world->problem.code, world->problem.text);
  }
}

static inline void world_open(struct world *world)
{
  world_ok(world, kt_log_open(&world->options, &world->log, &world->problem));
  world_ok(world, kt_log_reader_new(world->log, &world->reader, &world->problem));
}

static inline void world_close(struct world *world)
{
  kt_log_reader_free(world->reader);
  kt_log_close(world->log);
  world->reader = NULL;
  world->log = NULL;
}

static inline struct world *world_start(void)
{
  struct world *world = world_new();
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  return world;
}

static inline void world_end(struct world *world)
{
  world_close(world);
  kt_store_close(world->store);
  kt_arena_release(&world->arena);
  free(world);
}

static inline uint64_t world_size(const struct world *world)
{
  struct kt_log_head head;
  kt_log_head(world->log, &head);
  return head.size;
}

/* --- the auditor -------------------------------------------------------------------------------------------------- */

/* The tree of `size` entries as the auditor's feed shows it: its root and its newest timestamp. */
static inline void auditor_view(struct world *world, uint64_t size, struct kt_hash *ret_root, uint64_t *ret_ms)
{
  struct kt_hash heads[64];
  struct kt_writer w;
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, 1 << 20);
  world_ok(world, kt_log_audit_state(world->reader, size, &arena, &w, &world->problem));
  /* uint64 size, count8, full subtrees, count8, frontier entries of a timestamp and a root */
  size_t n_heads = w.buf[8];
  memcpy(heads, w.buf + 9, n_heads * KT_HASH_LEN);
  size_t at = 9 + n_heads * KT_HASH_LEN;
  size_t n_frontier = w.buf[at];
  const uint8_t *last = w.buf + at + 1 + (n_frontier - 1) * (8 + KT_HASH_LEN);
  uint64_t ms = 0;
  for (size_t i = 0; i < 8; i++) {
    ms = ms << 8 | last[i];
  }
  *ret_ms = ms;
  kt_log_root(size, heads, ret_root);
  kt_writer_release(&w);
  kt_arena_release(&arena);
}

static inline struct kt_auditor_tree_head auditor_sign(struct world *world, uint64_t size, uint8_t *signature)
{
  struct kt_hash root;
  struct kt_auditor_tree_head head = { .tree_size = size };
  auditor_view(world, size, &root, &head.timestamp);
  assert_int_equal(
      kt_auditor_tree_head_sign(&world->config, world->auditor_seed, head.timestamp, size, &root, signature), KT_OK);
  head.signature = (struct kt_bytes){ signature, world->config.suite->signature_len };
  return head;
}

static inline enum kt_err auditor_put(struct world *world, const struct kt_auditor_tree_head *head)
{
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome = { .err = KT_OK };
  enum kt_err err = kt_log_auditor_prepare(world->reader, head, &pending, &world->problem);
  if (err == KT_OK && pending != NULL) {
    kt_log_insert(world->log, &pending, 1, &outcome);
    err = outcome.err;
  }
  return err;
}

static inline void auditor_vouch(struct world *world, uint64_t size)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  const struct kt_auditor_tree_head head = auditor_sign(world, size, signature);
  world_ok(world, auditor_put(world, &head));
}

/* In a world that is audited throughout, nobody waits for the auditor. */
static inline void auditor_keep_up(struct world *world)
{
  struct kt_log_head head;
  kt_log_head(world->log, &head);
  if (world->is_audited && head.auditor.size < head.size) {
    auditor_vouch(world, head.size);
  }
}

#endif
