/* SPDX-License-Identifier: Apache-2.0 */
/* Cipher suites as const tables (draft: KT Cipher Suites). No algorithm branches on the suite; sizes and primitives
 * come from here. Both registered suites share SHA-256, Nc = 16, Kc and VRF.Nh = 32 (kt/bytes.h).
 *
 * Functions that take a secret run in time independent of it. Verifiers return KT_ERR_PROOF for a well-formed but
 * wrong signature or VRF proof and for every encoding the RFCs (or we) refuse. */
#ifndef KT_SUITE_H
#define KT_SUITE_H

#include <kt/bytes.h>
#include <kt/err.h>

KT_API_BEGIN

enum kt_suite_id {
  KT_SUITE_P256 = 0x0001,    /* KT_128_SHA256_P256 */
  KT_SUITE_ED25519 = 0x0002, /* KT_128_SHA256_Ed25519 */
};

/* Large enough for every suite. */
#define KT_SEED_LEN 32
#define KT_SIGN_SECRET_MAX 64
#define KT_VRF_PUBLIC_MAX 33
#define KT_PUBLIC_KEY_MAX 65
#define KT_SIGNATURE_MAX 64
#define KT_VRF_PROOF_MAX 81

#define KT_VRF_BATCH_MAX 8
#define KT_VRF_OUTPUT_MAX 8
#define KT_VRF_PROVE_MAX 2 /* at once: more would save little, and take much stack */

/* What a suite derives from a seed, made once by those who use it often. Secret like the seed, apart from public_key: keep
 * it in guarded memory, or wipe it (crypto/secret.h has both). It fits the suite that made it and no other. */
struct kt_sign_key {
  uint8_t secret[KT_SIGN_SECRET_MAX];
};

struct kt_vrf_key {
  uint8_t scalar[32];
  uint8_t prefix[32]; /* the nonce's key, where the suite has one */
  uint8_t public_key[KT_VRF_PUBLIC_MAX];
};

/* What a proof is about. */
struct kt_vrf_claim {
  struct kt_bytes alpha;
  const uint8_t *proof; /* vrf_proof_len bytes */
};

struct kt_suite {
  uint16_t id;
  const char *name;
  size_t sign_public_len;
  size_t signature_len;
  size_t vrf_public_len;
  size_t vrf_proof_len; /* VRF.Np */

  /* Keys are derived from 32-byte seeds; the seed is the secret that is stored. */
  enum kt_err (*sign_public)(const uint8_t seed[KT_AT_LEAST KT_SEED_LEN], uint8_t *ret_public);
  enum kt_err (*sign_key_init)(struct kt_sign_key *key, const uint8_t seed[KT_AT_LEAST KT_SEED_LEN]);
  enum kt_err (*sign)(const struct kt_sign_key *key, struct kt_bytes message, uint8_t *ret_signature);
  enum kt_err (*verify)(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature);
  /* KT_ERR_CRYPTO: not a usable key. KT_ERR_MEMORY: unknown, for want of memory or by another failure inside libcrypto, which
   * does not tell the two apart. The same for vrf_public_check. */
  enum kt_err (*sign_public_check)(struct kt_bytes public_key);

  enum kt_err (*vrf_public)(const uint8_t seed[KT_AT_LEAST KT_SEED_LEN], uint8_t *ret_public);
  enum kt_err (*vrf_public_check)(struct kt_bytes public_key); /* RFC 9381 section 5.4.5, small order included */
  enum kt_err (*vrf_key_init)(struct kt_vrf_key *key, const uint8_t seed[KT_AT_LEAST KT_SEED_LEN]);
  enum kt_err (*vrf_output)(const struct kt_vrf_key *key, struct kt_bytes alpha, struct kt_hash *ret_output);
  /* kt_vrf_output_batch; NULL where it would cost as much as so many calls of vrf_output. */
  enum kt_err (*vrf_output_batch)(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                                  struct kt_hash *ret_outputs);
  enum kt_err (*vrf_prove)(const struct kt_vrf_key *key, struct kt_bytes alpha, uint8_t *ret_proof,
                           struct kt_hash *ret_output);
  /* kt_vrf_prove_batch; NULL where it would cost as much as so many calls of vrf_prove. */
  enum kt_err (*vrf_prove_batch)(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                                 uint8_t *const *ret_proofs, struct kt_hash *ret_outputs);
  enum kt_err (*vrf_verify)(struct kt_bytes public_key, struct kt_bytes alpha, const uint8_t *proof,
                            struct kt_hash *ret_output);
  /* kt_vrf_verify_batch; NULL where it would cost as much as so many calls of vrf_verify. */
  enum kt_err (*vrf_verify_batch)(struct kt_bytes public_key, size_t n, const struct kt_vrf_claim *claims,
                                  struct kt_hash *ret_outputs);
};

/* 1 <= n <= KT_VRF_OUTPUT_MAX outputs with one key, sharing what can be shared. After an error nothing of what was returned means
 * anything. */
KT_MUST_USE enum kt_err kt_vrf_output_batch(const struct kt_suite *suite, const struct kt_vrf_key *key, size_t n,
                                            const struct kt_bytes *alphas, struct kt_hash *ret_outputs);
/* 1 <= n <= KT_VRF_PROVE_MAX proofs, each into vrf_proof_len bytes, with one key, likewise. */
KT_MUST_USE enum kt_err kt_vrf_prove_batch(const struct kt_suite *suite, const struct kt_vrf_key *key, size_t n,
                                           const struct kt_bytes *alphas, uint8_t *const *ret_proofs,
                                           struct kt_hash *ret_outputs);
/* Verify 1 <= n <= KT_VRF_BATCH_MAX proofs under one key, sharing what can be shared. An error, that of a wrong one, means
 * that there is no output of any. */
KT_MUST_USE enum kt_err kt_vrf_verify_batch(const struct kt_suite *suite, struct kt_bytes public_key, size_t n,
                                            const struct kt_vrf_claim *claims, struct kt_hash *ret_outputs);

/* NULL for a suite this build does not have. */
const struct kt_suite *kt_suite_by_id(uint16_t id);

/* Once per process, before anything else of the library; idempotent. KT_ERR_CRYPTO when libsodium cannot start or a
 * known-answer test fails. */
KT_MUST_USE enum kt_err kt_crypto_init(void);

KT_API_END

#endif
