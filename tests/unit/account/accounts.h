/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts for the tests of this folder: keys from one-byte seeds, sets built in one line. */
#ifndef KT_TEST_ACCOUNTS_H
#define KT_TEST_ACCOUNTS_H

#include <kt/arena.h>

#include <kt/account_policy.h>
#include <kt/suite.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) ((struct kt_bytes){ (const uint8_t *)(text), sizeof(text) - 1 })

static const struct kt_hash test_log = { { 0xaa, 0xaa, 1 } };

struct seed {
  uint8_t b[KT_ACCOUNT_SEED_LEN];
};

static inline struct seed seed_of(uint8_t n)
{
  struct seed seed;
  memset(seed.b, n, sizeof seed.b);
  return seed;
}

static inline struct kt_account_key key_of(uint8_t n)
{
  struct kt_account_key key;
  struct seed seed = seed_of(n);
  assert_int_equal(kt_account_key_from_seed(seed.b, &key), KT_OK);
  return key;
}

/* A device with id n…n and one raw key of one byte. */
static inline struct kt_device device_of(struct kt_arena *arena, uint8_t n, uint8_t key)
{
  struct kt_device_key *keys = kt_arena_alloc(arena, 1, sizeof *keys);
  assert_non_null(keys);
  *keys = (struct kt_device_key){ KT_KEY_RAW, { kt_arena_copy(arena, &key, 1), 1 } };
  struct kt_device device = { .name = BYTES("device"), .added_ms = 1000, .keys = keys, .n_keys = 1 };
  memset(device.id.b, n, sizeof device.id.b);
  return device;
}

/* Devices named by a string of letters: id and key byte are the letter. */
static inline void set_devices(struct kt_device_set *set, struct kt_arena *arena, const char *letters)
{
  size_t n = strlen(letters);
  struct kt_device *devices = kt_arena_alloc(arena, n, sizeof *devices);
  assert_non_null(devices);
  for (size_t i = 0; i < n; i++) {
    devices[i] = device_of(arena, (uint8_t)letters[i], (uint8_t)letters[i]);
  }
  set->devices = devices;
  set->n_devices = n;
}

/* An unsigned set that follows state. */
static inline struct kt_device_set set_after(const struct kt_account_state *state, struct kt_arena *arena,
                                             const char *letters)
{
  struct kt_device_set set = {
    .log_id = test_log, .label = BYTES("alice"), .seq = state->n_sets, .previous = state->latest
  };
  set_devices(&set, arena, letters);
  return set;
}

static inline struct kt_bytes encoded(const struct kt_device_set *set, struct kt_arena *arena)
{
  struct kt_bytes value = { NULL, 0 };
  assert_int_equal(kt_device_set_encode(set, arena, &value), KT_OK);
  return value;
}

static inline struct kt_bytes signed_by(struct kt_device_set *set, uint8_t signer, struct kt_arena *arena)
{
  struct seed seed = seed_of(signer);
  assert_int_equal(kt_device_set_sign(set, seed.b), KT_OK);
  return encoded(set, arena);
}

/* successor takes over from predecessor with this set, endorser vouching. */
static inline void endorse(struct kt_device_set *set, uint8_t endorser, uint8_t predecessor, uint8_t successor)
{
  struct seed seed = seed_of(endorser);
  struct kt_account_key old_key = key_of(predecessor);
  struct kt_account_key new_key = key_of(successor);
  assert_int_equal(
      kt_endorsement_make(&set->log_id, set->label, set->seq, &old_key, &new_key, seed.b, &set->endorsement), KT_OK);
  set->has_endorsement = true;
}

static inline int arena_setup(void **state)
{
  static struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  *state = &arena;
  return kt_crypto_init() == KT_OK ? 0 : -1;
}

static inline int arena_teardown(void **state)
{
  kt_arena_release(*state);
  return 0;
}

#define account_test(function) cmocka_unit_test_setup_teardown(function, arena_setup, arena_teardown)

#endif
