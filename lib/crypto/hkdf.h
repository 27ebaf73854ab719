/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869), and what handling their keys and outputs needs. Time depends on
 * lengths only; outputs are the caller's to wipe. */
#ifndef KT_CRYPTO_HKDF_H
#define KT_CRYPTO_HKDF_H

#include <kt/bytes.h>
#include <kt/err.h>

#define KT_HKDF_OUTPUT_MAX (255 * KT_HASH_LEN)

/* The key is not empty. */
void kt_hmac_sha256(struct kt_bytes key, struct kt_bytes message, struct kt_hash *ret_mac);
/* In constant time. */
bool kt_mac_equal(const struct kt_hash *a, const struct kt_hash *b);

/* HKDF-Extract; an empty salt is RFC 5869's "if not provided". ret_prk may be where the input is. */
void kt_hkdf_extract(struct kt_bytes salt, struct kt_bytes input, uint8_t ret_prk[static KT_HASH_LEN]);
/* HKDF-Expand; KT_ERR_LIMIT for more than KT_HKDF_OUTPUT_MAX bytes. */
KT_MUST_USE enum kt_err kt_hkdf_expand(const uint8_t prk[static KT_HASH_LEN], struct kt_bytes info, size_t len,
                                       uint8_t *ret_output);

/* Overwrite a secret, in a way that no compiler leaves out. */
void kt_wipe(void *secret, size_t len);

#endif
