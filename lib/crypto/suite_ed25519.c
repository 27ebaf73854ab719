/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/suite_ed25519.h"

#include "crypto/ecvrf_edwards25519.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#ifdef KT_FAST_VRF
#include "crypto/ed25519/ecvrf.h"
#endif

#include <sodium.h>
#include <string.h>

_Static_assert(KT_SEED_LEN == crypto_sign_SEEDBYTES && KT_SEED_LEN == KT_ECVRF_SEED_LEN, "seeds are key seeds");
_Static_assert(KT_SIGN_SECRET_MAX == crypto_sign_SECRETKEYBYTES, "a signing key fits");
_Static_assert(KT_SIGNATURE_MAX >= crypto_sign_BYTES, "a signature fits");
_Static_assert(KT_VRF_PROOF_MAX >= KT_ECVRF_PROOF_LEN, "a proof fits");

static enum kt_err sign_public(const uint8_t seed[static KT_SEED_LEN], uint8_t *ret_public)
{
  uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
  uint8_t secret_key[crypto_sign_SECRETKEYBYTES];

  int failed = crypto_sign_seed_keypair(public_key, secret_key, seed);
  sodium_memzero(secret_key, sizeof secret_key);
  if (failed) {
    return KT_ERR_CRYPTO;
  }
  memcpy(ret_public, public_key, sizeof public_key);
  return KT_OK;
}

static enum kt_err sign_key_init(struct kt_sign_key *key, const uint8_t seed[static KT_SEED_LEN])
{
  uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
  return crypto_sign_seed_keypair(public_key, key->secret, seed) == 0 ? KT_OK : KT_ERR_CRYPTO;
}

static enum kt_err sign(const struct kt_sign_key *key, struct kt_bytes message, uint8_t *ret_signature)
{
  int failed = crypto_sign_detached(ret_signature, NULL, message.data, message.len, key->secret);
  return failed ? KT_ERR_CRYPTO : KT_OK;
}

/* libsodium refuses S >= L, small-order R, and small-order or non-canonical keys, beyond what RFC 8032 demands. */
static enum kt_err verify(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  if (public_key.len != crypto_sign_PUBLICKEYBYTES || signature.len != crypto_sign_BYTES) {
    return KT_ERR_PROOF;
  }
  int failed = crypto_sign_verify_detached(signature.data, message.data, message.len, public_key.data);
  return failed ? KT_ERR_PROOF : KT_OK;
}

/* Signing and VRF keys are both multiples of the base point, so what makes one usable is the same. */
static enum kt_err reference_public_check(struct kt_bytes public_key)
{
  bool valid = public_key.len == KT_ECVRF_POINT_LEN && kt_ecvrf_public_key_valid(public_key.data);
  return valid ? KT_OK : KT_ERR_CRYPTO;
}

/* The two backends of the VRF have one interface. */
typedef enum kt_err key_init_function(struct kt_vrf_key *key, const uint8_t seed[static KT_ECVRF_SEED_LEN]);
typedef enum kt_err verify_function(const uint8_t public_key[static KT_ECVRF_POINT_LEN], struct kt_bytes alpha,
                                    const uint8_t proof[static KT_ECVRF_PROOF_LEN], struct kt_hash *ret_output);

static enum kt_err public_with(key_init_function *key_init, const uint8_t seed[static KT_SEED_LEN], uint8_t *ret_public)
{
  struct kt_vrf_key key;
  enum kt_err err = key_init(&key, seed);
  if (err != KT_OK) {
    return err;
  }
  memcpy(ret_public, key.public_key, KT_ECVRF_POINT_LEN);
  kt_vrf_key_release(&key);
  return KT_OK;
}

static enum kt_err verify_with(verify_function *verify_proof, struct kt_bytes public_key, struct kt_bytes alpha,
                               const uint8_t *proof, struct kt_hash *ret_output)
{
  if (public_key.len != KT_ECVRF_POINT_LEN) {
    return KT_ERR_PROOF;
  }
  return verify_proof(public_key.data, alpha, proof, ret_output);
}

/* A table, out of the functions of one backend, `vrf`, and of what follows here for it, `own`. */
#define TABLE(own, vrf)                                                                                               \
  {                                                                                                                   \
    .id = KT_SUITE_ED25519, .name = "KT_128_SHA256_Ed25519", .sign_public_len = crypto_sign_PUBLICKEYBYTES,           \
    .signature_len = crypto_sign_BYTES, .vrf_public_len = KT_ECVRF_POINT_LEN, .vrf_proof_len = KT_ECVRF_PROOF_LEN,    \
    .sign_public = sign_public, .sign_key_init = sign_key_init, .sign = sign, .verify = verify,                       \
    .sign_public_check = reference_public_check, .vrf_public = own##_public, .vrf_public_check = own##_public_check,  \
    .vrf_key_init = vrf##_key_init, .vrf_output = vrf##_output, .vrf_prove = vrf##_prove, .vrf_verify = own##_verify, \
    .vrf_output_batch = own##_output_batch, .vrf_prove_batch = own##_prove_batch,                                     \
    .vrf_verify_batch = own##_verify_batch,                                                                           \
  }

static enum kt_err reference_public(const uint8_t seed[static KT_SEED_LEN], uint8_t *ret_public)
{
  return public_with(kt_ecvrf_key_init, seed, ret_public);
}

static enum kt_err reference_verify(struct kt_bytes public_key, struct kt_bytes alpha, const uint8_t *proof,
                                    struct kt_hash *ret_output)
{
  return verify_with(kt_ecvrf_verify, public_key, alpha, proof, ret_output);
}

#define reference_output_batch NULL
#define reference_prove_batch NULL
#define reference_verify_batch NULL

const struct kt_suite kt_suite_ed25519 = TABLE(reference, kt_ecvrf);

#ifdef KT_FAST_VRF

static enum kt_err fast_public(const uint8_t seed[static KT_SEED_LEN], uint8_t *ret_public)
{
  return public_with(kt_ecvrf_fast_key_init, seed, ret_public);
}

static enum kt_err fast_verify(struct kt_bytes public_key, struct kt_bytes alpha, const uint8_t *proof,
                               struct kt_hash *ret_output)
{
  return verify_with(kt_ecvrf_fast_verify, public_key, alpha, proof, ret_output);
}

static enum kt_err fast_verify_batch(struct kt_bytes public_key, size_t n, const struct kt_vrf_claim *claims,
                                     struct kt_hash *ret_outputs)
{
  return public_key.len == KT_ECVRF_POINT_LEN ? kt_ecvrf_fast_verify_batch(public_key.data, n, claims, ret_outputs)
                                              : KT_ERR_PROOF;
}

static enum kt_err fast_public_check(struct kt_bytes public_key)
{
  bool valid = public_key.len == KT_ECVRF_POINT_LEN && kt_ecvrf_fast_public_key_valid(public_key.data);
  return valid ? KT_OK : KT_ERR_CRYPTO;
}

#define fast_output_batch kt_ecvrf_fast_output_batch
#define fast_prove_batch kt_ecvrf_fast_prove_batch

const struct kt_suite kt_suite_ed25519_fast = TABLE(fast, kt_ecvrf_fast);

#endif

/* As many outputs and proofs at a time as there are, under the key of example 17 and of the alphas 00 to 07: their hash, as the
 * reference makes them one by one. Of a suite that makes them so anyway, nothing. */
static bool batches_are_right(const struct kt_suite *suite, const struct kt_vrf_key *key)
{
  static const struct kt_hash expected = { { 0xa2, 0xc5, 0xde, 0xe2, 0x17, 0xec, 0x7e, 0xab, 0x98, 0xa4, 0x66,
                                             0x79, 0x15, 0x82, 0x3a, 0xfc, 0xb6, 0x98, 0x69, 0x10, 0xf4, 0x7a,
                                             0x68, 0xc3, 0xf1, 0xb9, 0x3c, 0x97, 0xff, 0x7c, 0xdb, 0x7d } };
  struct {
    struct kt_hash outputs[KT_VRF_OUTPUT_MAX];
    struct kt_hash proved[KT_VRF_PROVE_MAX];
    uint8_t proofs[KT_VRF_PROVE_MAX][KT_ECVRF_PROOF_LEN];
  } made;
  uint8_t numbers[KT_VRF_OUTPUT_MAX];
  struct kt_bytes alphas[KT_VRF_OUTPUT_MAX];
  uint8_t *ret_proofs[KT_VRF_PROVE_MAX];
  struct kt_hash hash;
  if (suite->vrf_output_batch == NULL && suite->vrf_prove_batch == NULL) {
    return true;
  }
  for (uint8_t i = 0; i < KT_VRF_OUTPUT_MAX; i++) {
    numbers[i] = i;
    alphas[i] = (struct kt_bytes){ &numbers[i], 1 };
  }
  for (size_t i = 0; i < KT_VRF_PROVE_MAX; i++) {
    ret_proofs[i] = made.proofs[i];
  }
  if (kt_vrf_output_batch(suite, key, KT_VRF_OUTPUT_MAX, alphas, made.outputs) != KT_OK ||
      kt_vrf_prove_batch(suite, key, KT_VRF_PROVE_MAX, alphas, ret_proofs, made.proved) != KT_OK) {
    return false;
  }
  kt_sha256(&made, sizeof made, &hash);
  return kt_hash_equal(&hash, &expected);
}

/* RFC 9381 appendix B.3, example 17: proved, then verified; then batches. */
bool kt_suite_ed25519_self_test(const struct kt_suite *suite)
{
  static const uint8_t seed[KT_SEED_LEN] = { 0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3,
                                             0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab,
                                             0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb };
  static const uint8_t public_key[] = { 0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a,
                                        0xa7, 0x4d, 0x1b, 0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4,
                                        0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c };
  static const uint8_t alpha[] = { 0x72 };
  static const uint8_t expected_proof[] = { 0xf3, 0x14, 0x1c, 0xd3, 0x82, 0xdc, 0x42, 0x90, 0x9d, 0x19, 0xec, 0x51,
                                            0x10, 0x46, 0x9e, 0x4f, 0xea, 0xe1, 0x83, 0x00, 0xe9, 0x4f, 0x30, 0x45,
                                            0x90, 0xab, 0xdc, 0xed, 0x48, 0xae, 0xd5, 0x93, 0x3b, 0xf0, 0x86, 0x4a,
                                            0x62, 0x55, 0x8b, 0x3e, 0xd7, 0xf2, 0xfe, 0xa4, 0x5c, 0x92, 0xa4, 0x65,
                                            0x30, 0x1b, 0x3b, 0xbf, 0x5e, 0x3e, 0x54, 0xdd, 0xf2, 0xd9, 0x35, 0xbe,
                                            0x3b, 0x67, 0x92, 0x6d, 0xa3, 0xef, 0x39, 0x22, 0x6b, 0xbc, 0x35, 0x5b,
                                            0xdc, 0x98, 0x50, 0x11, 0x2c, 0x8f, 0x4b, 0x02 };
  static const struct kt_hash expected_output = { { 0xeb, 0x44, 0x40, 0x66, 0x5d, 0x38, 0x91, 0xd6, 0x68, 0xe7, 0xe0,
                                                    0xfc, 0xaf, 0x58, 0x7f, 0x1b, 0x4b, 0xd7, 0xfb, 0xfe, 0x99, 0xd0,
                                                    0xeb, 0x22, 0x11, 0xcc, 0xec, 0x90, 0x49, 0x63, 0x10, 0xeb } };
  const struct kt_bytes key_bytes = { public_key, sizeof public_key };
  const struct kt_bytes alpha_bytes = { alpha, sizeof alpha };
  uint8_t proof[KT_VRF_PROOF_MAX];
  uint8_t derived_key[KT_PUBLIC_KEY_MAX];
  struct kt_vrf_key key;
  struct kt_hash proved;
  struct kt_hash output;
  struct kt_hash verified;

  return suite->vrf_public(seed, derived_key) == KT_OK && memcmp(derived_key, public_key, sizeof public_key) == 0 &&
         suite->vrf_public_check(key_bytes) == KT_OK && suite->vrf_key_init(&key, seed) == KT_OK &&
         suite->vrf_output(&key, alpha_bytes, &output) == KT_OK && kt_hash_equal(&output, &expected_output) &&
         suite->vrf_prove(&key, alpha_bytes, proof, &proved) == KT_OK &&
         memcmp(proof, expected_proof, sizeof expected_proof) == 0 && kt_hash_equal(&proved, &expected_output) &&
         suite->vrf_verify(key_bytes, alpha_bytes, proof, &verified) == KT_OK &&
         kt_hash_equal(&verified, &expected_output) && batches_are_right(suite, &key);
}

const struct kt_suite *kt_suite_ed25519_choose(const struct kt_suite *preferred)
{
  return kt_suite_ed25519_self_test(preferred) ? preferred : &kt_suite_ed25519;
}
