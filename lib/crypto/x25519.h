/* SPDX-License-Identifier: Apache-2.0 */
/* X25519 (RFC 7748). Secrets are any 32 bytes (clamped when used); they stay the caller's to wipe. Constant time in the
 * secret. */
#ifndef KT_CRYPTO_X25519_H
#define KT_CRYPTO_X25519_H

#include <kt/err.h>

#define KT_X25519_LEN 32

KT_MUST_USE enum kt_err kt_x25519_public(const uint8_t secret[static KT_X25519_LEN],
                                         uint8_t ret_public[static KT_X25519_LEN]);

/* KT_ERR_CRYPTO when the result is all zero, as it is for points of small order (RFC 7748 section 6.1). */
KT_MUST_USE enum kt_err kt_x25519(const uint8_t secret[static KT_X25519_LEN],
                                  const uint8_t other_public[static KT_X25519_LEN],
                                  uint8_t ret_shared[static KT_X25519_LEN]);

#endif
