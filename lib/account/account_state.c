/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/account_policy.h>

#include <kt/arena.h>
#include "account/key_codec.h"
#include "base/reader.h"
#include <kt/writer.h>

#include <string.h>

#define STATE_FORMAT 1
#define STATE_SIZE(n_recovery_keys) \
  (1 + 2 * (1 + KT_ACCOUNT_KEY_LEN) + 4 + KT_HASH_LEN + 1 + (n_recovery_keys)*KT_ACCOUNT_KEY_LEN)

enum kt_err kt_account_state_encode(const struct kt_account_state *state, struct kt_arena *arena,
                                    struct kt_bytes *ret_bytes)
{
  size_t size = STATE_SIZE(state->n_recovery_keys);
  uint8_t *buf = kt_arena_alloc(arena, 1, size);
  if (buf == NULL) {
    return KT_ERR_MEMORY;
  }
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, size);
  kt_write_u8(&w, STATE_FORMAT);
  kt_account_key_write_optional(&w, state->has_key, &state->key);
  kt_account_key_write_optional(&w, state->has_operator_key, &state->operator_key);
  kt_write_u32(&w, state->n_sets);
  kt_write_bytes(&w, state->latest.b, sizeof state->latest.b);
  kt_write_count8(&w, state->n_recovery_keys);
  for (size_t i = 0; i < state->n_recovery_keys; i++) {
    kt_write_bytes(&w, state->recovery_keys[i].b, sizeof state->recovery_keys[i].b);
  }
  if (w.err == KT_OK) {
    *ret_bytes = (struct kt_bytes){ buf, w.len };
  }
  return w.err;
}

enum kt_err kt_account_state_decode(struct kt_bytes bytes, struct kt_arena *arena, struct kt_account_state *ret_state)
{
  struct kt_reader r;
  struct kt_account_state state = { 0 };
  kt_reader_init(&r, bytes.data, bytes.len);
  if (kt_read_u8(&r) != STATE_FORMAT) {
    kt_reader_fail(&r, KT_ERR_UNSUPPORTED);
  }
  state.has_key = kt_account_key_read_optional(&r, &state.key);
  state.has_operator_key = kt_account_key_read_optional(&r, &state.operator_key);
  state.n_sets = kt_read_u32(&r);
  const uint8_t *latest = kt_read_bytes(&r, sizeof state.latest.b);
  if (latest != NULL) {
    memcpy(state.latest.b, latest, sizeof state.latest.b);
  }
  state.n_recovery_keys = kt_read_count8(&r, KT_ACCOUNT_KEY_LEN);
  struct kt_account_key *keys = kt_arena_alloc(arena, state.n_recovery_keys, sizeof *keys);
  if (keys == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < state.n_recovery_keys; i++) {
    kt_account_key_read(&r, &keys[i]);
  }
  state.recovery_keys = keys;
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret_state = state;
  }
  return err;
}
