/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x25519.h"

#include <sodium.h>
#include <string.h>

_Static_assert(KT_X25519_LEN == crypto_scalarmult_BYTES && KT_X25519_LEN == crypto_scalarmult_SCALARBYTES, "X25519");

enum kt_err kt_x25519_public(const uint8_t secret[static KT_X25519_LEN], uint8_t ret_public[static KT_X25519_LEN])
{
  return crypto_scalarmult_base(ret_public, secret) == 0 ? KT_OK : KT_ERR_CRYPTO;
}

enum kt_err kt_x25519(const uint8_t secret[static KT_X25519_LEN], const uint8_t other_public[static KT_X25519_LEN],
                      uint8_t ret_shared[static KT_X25519_LEN])
{
  uint8_t shared[KT_X25519_LEN];
  /* RFC 7748: "Both MAY check, without leaking extra information about the value of K, whether K is the all-zero value
   * and abort if so". libsodium checks as well, but does not promise it. */
  int rc = crypto_scalarmult(shared, secret, other_public);
  bool usable = rc == 0 && sodium_is_zero(shared, sizeof shared) == 0;
  if (usable) {
    memcpy(ret_shared, shared, sizeof shared);
  }
  sodium_memzero(shared, sizeof shared);
  return usable ? KT_OK : KT_ERR_CRYPTO;
}
