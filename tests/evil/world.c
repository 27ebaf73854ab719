/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define PAST_ENTRIES 6
#define PAST_STEP_MS ((uint64_t)2 * 60 * 60 * 1000)
#define DENIED "\x01" /* no label of a client */

static uint64_t clock_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void evil_world_init(struct evil_world *world, enum kt_mode mode)
{
  const struct toy_params params = { .window = EVIL_WINDOW_MS, .max_ahead = EVIL_SKEW_MS, .max_behind = EVIL_SKEW_MS };
  memset(world, 0, sizeof *world);
  kt_arena_init(&world->arena, (size_t)512 << 20);
  toy_log_init(&world->log, &params);
  if (mode == KT_MODE_THIRD_PARTY_AUDITING) {
    toy_log_set_auditor(&world->log, 0, EVIL_LAG_MS, 0);
  }
  if (mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    toy_log_set_manager(&world->log);
  }
  world->now_ms = clock_ms();
  for (uint64_t i = 0; i < PAST_ENTRIES; i++) {
    toy_log_append(&world->log, world->now_ms - PAST_STEP_MS * (PAST_ENTRIES - i), NULL, 0);
  }
  evil_append_value(world, EVIL_OTHER, evil_device_set(world, EVIL_OTHER, true));
}

/* --- entries ---------------------------------------------------------------------------------------------------------------- */

uint64_t evil_newest_ms(const struct evil_world *world)
{
  return world->log.timestamps[world->log.size - 1];
}

void evil_append(struct evil_world *world, uint64_t n, uint64_t step_ms)
{
  for (uint64_t i = 0; i < n; i++) {
    toy_log_append(&world->log, evil_newest_ms(world) + step_ms, NULL, 0);
  }
}

void evil_append_value(struct evil_world *world, const char *label, struct kt_bytes value)
{
  const char *kept = kt_arena_copy(&world->arena, label, strlen(label) + 1);
  const struct kt_bytes content = { kt_arena_copy(&world->arena, value.data, value.len), value.len };
  assert_true(kept != NULL && content.data != NULL);
  toy_log_append_value(&world->log, evil_newest_ms(world) + EVIL_STEP_MS, kept, content);
}

void evil_cut(struct evil_world *world, uint64_t back)
{
  struct toy_log *log = &world->log;
  size_t kept = 0;
  assert_true(back < log->size);
  log->size -= back;
  for (size_t i = 0; i < log->n_versions; i++) {
    if (log->versions[i].pos < log->size) {
      log->versions[kept++] = log->versions[i];
    }
  }
  log->n_versions = kept;
  log->salt++;
  evil_forget_signatures(world);
}

void evil_forget_signatures(struct evil_world *world)
{
  memset(world->log.signed_heads, 0, sizeof world->log.signed_heads);
}

/* --- content -------------------------------------------------------------------------------------------------------------- */

struct kt_bytes evil_device_set(struct evil_world *world, const char *label, bool is_signed)
{
  static const uint8_t thief[KT_ACCOUNT_SEED_LEN] = "an account key of the operator's";
  static const uint8_t secret[32] = "a device key of the operator's";
  const struct kt_device_key key = { .algorithm = KT_KEY_RAW, .key = { secret, sizeof secret } };
  const struct kt_device device = {
    .id = { "operator's phone" }, .name = toy_label("phone"), .added_ms = world->now_ms, .keys = &key, .n_keys = 1
  };
  struct kt_device_set set = { .label = toy_label(label), .devices = &device, .n_devices = 1 };
  struct kt_bytes value;
  uint32_t greatest;
  kt_config_log_id(&world->log.config, &set.log_id);
  if (toy_greatest_at(&world->log, label, UINT64_MAX, &greatest)) {
    set.seq = greatest + 1;
    kt_device_set_value_hash(toy_version_value(toy_version_find(&world->log, label, greatest)), &set.previous);
  }
  if (is_signed) {
    assert_int_equal(kt_device_set_sign(&set, thief), KT_OK);
  }
  assert_int_equal(kt_device_set_encode(&set, &world->arena, &value), KT_OK);
  return value;
}

struct kt_prefix_leaf evil_leaf(const struct evil_world *world, const char *label, uint32_t version)
{
  const struct toy_version *found = toy_version_find(&world->log, label, version);
  struct kt_prefix_leaf leaf;
  assert_non_null(found);
  leaf.commitment = found->commitment;
  toy_vrf_output(label, version, &leaf.vrf_output);
  return leaf;
}

void evil_take_out(struct evil_world *world, const char *label, uint32_t version, uint64_t from, uint64_t to)
{
  const struct kt_prefix_leaf leaf = evil_leaf(world, label, version);
  for (uint64_t pos = from; pos <= to; pos++) {
    toy_log_tamper(&world->log, pos, &leaf.vrf_output, NULL);
  }
}

void evil_deny(struct evil_world *world, const char *label, uint32_t version)
{
  struct toy_log *log = &world->log;
  for (size_t i = 0; i < log->n_versions; i++) {
    if (log->versions[i].version == version && strcmp(log->versions[i].label, label) == 0) {
      log->versions[i].label = DENIED;
    }
  }
  log->keep_going = true; /* its answers contradict its trees */
}

uint32_t evil_greatest(const struct evil_world *world, const char *label)
{
  uint32_t greatest = 0;
  assert_true(toy_greatest_at(&world->log, label, UINT64_MAX, &greatest));
  return greatest;
}
