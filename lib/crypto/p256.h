/* SPDX-License-Identifier: Apache-2.0 */
/* The group of NIST P-256, order n and cofactor 1, through libcrypto: what the suite's signatures and VRF share. Scalars
 * are 32 bytes, big-endian; points are SEC 1 encodings, uncompressed for signatures and compressed for the VRF.
 *
 * A kt_p256 lives for one operation, on one thread. Until its release, which wipes every scalar it held, libcrypto's
 * errors are collected and then dropped, so that a bad proof leaves nothing in the caller's error queue.
 * False: libcrypto had no memory, where nothing else is said. */
#ifndef KT_CRYPTO_P256_H
#define KT_CRYPTO_P256_H

#include <kt/bytes.h>
#include <kt/err.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <stdbool.h>

#define KT_P256_SCALAR_LEN 32
#define KT_P256_COMPRESSED_LEN 33
#define KT_P256_UNCOMPRESSED_LEN 65

struct kt_p256 {
  EC_GROUP *group;
  BN_CTX *scalars; /* an open frame of numbers that are wiped */
};

KT_MUST_USE enum kt_err kt_p256_init(struct kt_p256 *curve); /* KT_ERR_CRYPTO; then there is nothing to release */
void kt_p256_release(struct kt_p256 *curve);

/* 0 < scalar < n, in constant time. */
bool kt_p256_scalar_valid(const uint8_t scalar[static KT_P256_SCALAR_LEN]);

/* As a number for libcrypto's constant-time code, NULL without memory; belongs to `curve`. */
BIGNUM *kt_p256_scalar(const struct kt_p256 *curve, const uint8_t scalar[static KT_P256_SCALAR_LEN]);

/* KT_ERR_PROOF: not a point in one of the two encodings, both of which exclude the point at infinity, on the curve and
 * with coordinates below p. KT_ERR_CRYPTO: it could not be found out. */
KT_MUST_USE enum kt_err kt_p256_decode(const struct kt_p256 *curve, struct kt_bytes encoded, EC_POINT *ret_point);

/* `len` says which encoding. False: the point at infinity. */
bool kt_p256_encode(const struct kt_p256 *curve, const EC_POINT *point, size_t len, uint8_t *ret_encoded);

/* scalar * B, encoded. False for a scalar that is not valid, too. */
bool kt_p256_public(const struct kt_p256 *curve, const uint8_t scalar[static KT_P256_SCALAR_LEN], size_t len,
                    uint8_t *ret_encoded);

/* KT_ERR_PROOF: `encoded` is not of exactly `len` bytes, or kt_p256_decode refuses it. */
KT_MUST_USE enum kt_err kt_p256_public_check(struct kt_bytes encoded, size_t len);

#endif
