/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/suite_p256.h"

#include "crypto/ecdsa_p256.h"
#include "crypto/ecvrf_p256.h"

#include <sodium.h>

_Static_assert(KT_PUBLIC_KEY_MAX >= KT_P256_UNCOMPRESSED_LEN, "a public key fits");
_Static_assert(KT_VRF_PUBLIC_MAX >= KT_P256_COMPRESSED_LEN, "a VRF's public key fits");
_Static_assert(KT_SIGN_SECRET_MAX >= KT_P256_SCALAR_LEN, "a signing key fits");
_Static_assert(KT_SIGNATURE_MAX >= KT_ECDSA_P256_SIGNATURE_LEN, "a signature fits");
_Static_assert(KT_VRF_PROOF_MAX >= KT_ECVRF_P256_PROOF_LEN, "a proof fits");
_Static_assert(KT_P256_SCALAR_LEN == crypto_hash_sha256_BYTES, "a hash is a candidate");

/* As suite_p256.h has it. The first candidate fits but once in 2^32 seeds; what the others tell of the seed is nothing. */
static enum kt_err scalar_from_seed(const uint8_t seed[static KT_SEED_LEN],
                                    uint8_t ret_scalar[static KT_P256_SCALAR_LEN])
{
  for (unsigned i = 0; i < 256; i++) {
    const uint8_t counter = (uint8_t)i;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, seed, KT_SEED_LEN);
    crypto_hash_sha256_update(&state, &counter, 1);
    crypto_hash_sha256_final(&state, ret_scalar);
    sodium_memzero(&state, sizeof state);
    if (kt_p256_scalar_valid(ret_scalar)) {
      return KT_OK;
    }
  }
  return KT_ERR_CRYPTO;
}

static enum kt_err public_from_seed(const uint8_t seed[static KT_SEED_LEN], size_t len, uint8_t *ret_public)
{
  uint8_t scalar[KT_P256_SCALAR_LEN];
  struct kt_p256 curve;
  enum kt_err err = kt_p256_init(&curve);
  if (err != KT_OK) {
    return err;
  }
  err = scalar_from_seed(seed, scalar);
  if (err == KT_OK && !kt_p256_public(&curve, scalar, len, ret_public)) {
    err = KT_ERR_CRYPTO;
  }
  sodium_memzero(scalar, sizeof scalar);
  kt_p256_release(&curve);
  return err;
}

static enum kt_err sign_public(const uint8_t seed[static KT_SEED_LEN], uint8_t *ret_public)
{
  return public_from_seed(seed, KT_P256_UNCOMPRESSED_LEN, ret_public);
}

static enum kt_err sign_key_init(struct kt_sign_key *key, const uint8_t seed[static KT_SEED_LEN])
{
  *key = (struct kt_sign_key){ 0 };
  return scalar_from_seed(seed, key->secret);
}

static enum kt_err sign(const struct kt_sign_key *key, struct kt_bytes message, uint8_t *ret_signature)
{
  return kt_ecdsa_p256_sign(key->secret, message, ret_signature);
}

/* What libcrypto cannot find out is mostly for want of memory; it does not say. */
static enum kt_err public_check(struct kt_bytes public_key, size_t len)
{
  enum kt_err err = kt_p256_public_check(public_key, len);
  if (err == KT_ERR_PROOF) {
    return KT_ERR_CRYPTO;
  }
  return err == KT_OK ? KT_OK : KT_ERR_MEMORY;
}

static enum kt_err sign_public_check(struct kt_bytes public_key)
{
  return public_check(public_key, KT_P256_UNCOMPRESSED_LEN);
}

static enum kt_err vrf_public(const uint8_t seed[static KT_SEED_LEN], uint8_t *ret_public)
{
  return public_from_seed(seed, KT_P256_COMPRESSED_LEN, ret_public);
}

static enum kt_err vrf_public_check(struct kt_bytes public_key)
{
  return public_check(public_key, KT_P256_COMPRESSED_LEN);
}

static enum kt_err vrf_key_init(struct kt_vrf_key *key, const uint8_t seed[static KT_SEED_LEN])
{
  uint8_t scalar[KT_P256_SCALAR_LEN];
  enum kt_err err = scalar_from_seed(seed, scalar);
  if (err == KT_OK) {
    err = kt_ecvrf_p256_key_init(key, scalar);
  }
  sodium_memzero(scalar, sizeof scalar);
  return err;
}

static enum kt_err vrf_verify(struct kt_bytes public_key, struct kt_bytes alpha, const uint8_t *proof,
                              struct kt_hash *ret_output)
{
  if (public_key.len != KT_P256_COMPRESSED_LEN) {
    return KT_ERR_PROOF;
  }
  return kt_ecvrf_p256_verify(public_key.data, alpha, proof, ret_output);
}

const struct kt_suite kt_suite_p256 = {
  .id = KT_SUITE_P256,
  .name = "KT_128_SHA256_P256",
  .sign_public_len = KT_P256_UNCOMPRESSED_LEN,
  .signature_len = KT_ECDSA_P256_SIGNATURE_LEN,
  .vrf_public_len = KT_P256_COMPRESSED_LEN,
  .vrf_proof_len = KT_ECVRF_P256_PROOF_LEN,
  .sign_public = sign_public,
  .sign_key_init = sign_key_init,
  .sign = sign,
  .verify = kt_ecdsa_p256_verify,
  .sign_public_check = sign_public_check,
  .vrf_public = vrf_public,
  .vrf_public_check = vrf_public_check,
  .vrf_key_init = vrf_key_init,
  .vrf_output = kt_ecvrf_p256_output,
  .vrf_prove = kt_ecvrf_p256_prove,
  .vrf_verify = vrf_verify,
};
