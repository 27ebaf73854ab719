/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hkdf.h"

#include <sodium.h>
#include <string.h>

_Static_assert(KT_HASH_LEN == crypto_auth_hmacsha256_BYTES, "HMAC-SHA256");

void kt_hmac_sha256(struct kt_bytes key, struct kt_bytes message, struct kt_hash *ret_mac)
{
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data, key.len);
  crypto_auth_hmacsha256_update(&state, message.data, message.len);
  crypto_auth_hmacsha256_final(&state, ret_mac->b);
  sodium_memzero(&state, sizeof state);
}

bool kt_mac_equal(const struct kt_hash *a, const struct kt_hash *b)
{
  return sodium_memcmp(a->b, b->b, sizeof a->b) == 0;
}

void kt_hkdf_extract(struct kt_bytes salt, struct kt_bytes input, uint8_t ret_prk[static KT_HASH_LEN])
{
  /* RFC 5869: "if not provided, [salt] is set to a string of HashLen zeros". */
  static const uint8_t zeros[KT_HASH_LEN];
  struct kt_hash prk;
  kt_hmac_sha256(salt.len > 0 ? salt : (struct kt_bytes){ zeros, sizeof zeros }, input, &prk);
  memcpy(ret_prk, prk.b, sizeof prk.b);
  sodium_memzero(&prk, sizeof prk);
}

enum kt_err kt_hkdf_expand(const uint8_t prk[static KT_HASH_LEN], struct kt_bytes info, size_t len, uint8_t *ret_output)
{
  struct kt_hash block; /* T(i) */
  crypto_auth_hmacsha256_state state;
  if (len > KT_HKDF_OUTPUT_MAX) {
    return KT_ERR_LIMIT;
  }
  uint8_t counter = 1;
  for (size_t done = 0; done < len; done += sizeof block.b) {
    size_t n = len - done < sizeof block.b ? len - done : sizeof block.b;
    crypto_auth_hmacsha256_init(&state, prk, KT_HASH_LEN);
    crypto_auth_hmacsha256_update(&state, block.b, done == 0 ? 0 : sizeof block.b);
    crypto_auth_hmacsha256_update(&state, info.data, info.len);
    crypto_auth_hmacsha256_update(&state, &counter, sizeof counter);
    crypto_auth_hmacsha256_final(&state, block.b);
    memcpy(ret_output + done, block.b, n);
    counter++;
  }
  sodium_memzero(&state, sizeof state);
  sodium_memzero(&block, sizeof block);
  return KT_OK;
}

void kt_wipe(void *secret, size_t len)
{
  sodium_memzero(secret, len);
}
