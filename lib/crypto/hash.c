/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <sodium.h>
#include <string.h>

void kt_sha256(const void *data, size_t len, struct kt_hash *ret)
{
  crypto_hash_sha256(ret->b, data, len);
}

void kt_commitment_hmac(const void *data, size_t len, struct kt_hash *ret)
{
  static const uint8_t kc[16] = { 0xd8, 0x21, 0xf8, 0x79, 0x0d, 0x97, 0x70, 0x97,
                                  0x96, 0xb4, 0xd7, 0x90, 0x33, 0x57, 0xc3, 0xf5 };
  crypto_auth_hmacsha256_state state;

  crypto_auth_hmacsha256_init(&state, kc, sizeof kc);
  crypto_auth_hmacsha256_update(&state, data, len);
  crypto_auth_hmacsha256_final(&state, ret->b);
}

bool kt_hash_equal(const struct kt_hash *a, const struct kt_hash *b)
{
  return memcmp(a->b, b->b, sizeof a->b) == 0;
}
