/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sha512.h"

#include <sodium.h>

void kt_sha512(const struct kt_bytes *parts, size_t n_parts, uint8_t ret[static KT_SHA512_LEN])
{
  crypto_hash_sha512_state state;
  crypto_hash_sha512_init(&state);
  for (size_t i = 0; i < n_parts; i++) {
    crypto_hash_sha512_update(&state, parts[i].data, parts[i].len);
  }
  crypto_hash_sha512_final(&state, ret);
}
