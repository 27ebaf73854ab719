/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that hashes: SHA-256 (both suites), and the commitment's HMAC. */
#ifndef KT_CRYPTO_HASH_H
#define KT_CRYPTO_HASH_H

#include <kt/bytes.h>

#include <stdbool.h>

/* Hash(data). */
void kt_sha256(const void *data, size_t len, struct kt_hash *ret);

/* HMAC-SHA256(Kc, data), Kc of the draft's KT Cipher Suites (draft: Commitment). data is the encoded CommitmentValue. */
void kt_commitment_hmac(const void *data, size_t len, struct kt_hash *ret);

/* SipHash-2-4 of data under a secret key: where data is put in a table of ours, unknown to those who choose it. */
#define KT_SHORT_HASH_KEY_LEN 16
uint64_t kt_short_hash(const uint8_t key[KT_SHORT_HASH_KEY_LEN], struct kt_bytes data);

/* For public values. All zero is what has no value: an empty tree, a version that was skipped. */
bool kt_hash_equal(const struct kt_hash *a, const struct kt_hash *b);
bool kt_hash_is_zero(const struct kt_hash *hash);

#endif
