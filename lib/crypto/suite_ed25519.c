/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/suite_ed25519.h"

#include "crypto/ecvrf_edwards25519.h"

#include <sodium.h>
#include <string.h>

_Static_assert(KT_SEED_LEN == crypto_sign_SEEDBYTES && KT_SEED_LEN == KT_ECVRF_SEED_LEN, "seeds are key seeds");
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

static enum kt_err sign(const uint8_t seed[static KT_SEED_LEN], struct kt_bytes message, uint8_t *ret_signature)
{
  uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
  uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
  uint8_t signature[crypto_sign_BYTES];

  int failed = crypto_sign_seed_keypair(public_key, secret_key, seed);
  if (!failed) {
    failed = crypto_sign_detached(signature, NULL, message.data, message.len, secret_key);
  }
  sodium_memzero(secret_key, sizeof secret_key);
  if (failed) {
    return KT_ERR_CRYPTO;
  }
  memcpy(ret_signature, signature, sizeof signature);
  return KT_OK;
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
static enum kt_err public_check(struct kt_bytes public_key)
{
  bool valid = public_key.len == KT_ECVRF_POINT_LEN && kt_ecvrf_public_key_valid(public_key.data);
  return valid ? KT_OK : KT_ERR_CRYPTO;
}

static enum kt_err vrf_public(const uint8_t seed[static KT_SEED_LEN], uint8_t *ret_public)
{
  struct kt_ecvrf_key key;
  enum kt_err err = kt_ecvrf_key_init(&key, seed);
  if (err != KT_OK) {
    return err;
  }
  memcpy(ret_public, key.public_key, sizeof key.public_key);
  kt_ecvrf_key_release(&key);
  return KT_OK;
}

static enum kt_err vrf_output(const uint8_t seed[static KT_SEED_LEN], struct kt_bytes alpha, struct kt_hash *ret_output)
{
  struct kt_ecvrf_key key;
  enum kt_err err = kt_ecvrf_key_init(&key, seed);
  if (err != KT_OK) {
    return err;
  }
  err = kt_ecvrf_output(&key, alpha, ret_output);
  kt_ecvrf_key_release(&key);
  return err;
}

static enum kt_err vrf_prove(const uint8_t seed[static KT_SEED_LEN], struct kt_bytes alpha, uint8_t *ret_proof,
                             struct kt_hash *ret_output)
{
  struct kt_ecvrf_key key;
  enum kt_err err = kt_ecvrf_key_init(&key, seed);
  if (err != KT_OK) {
    return err;
  }
  err = kt_ecvrf_prove(&key, alpha, ret_proof, ret_output);
  kt_ecvrf_key_release(&key);
  return err;
}

static enum kt_err vrf_verify(struct kt_bytes public_key, struct kt_bytes alpha, const uint8_t *proof,
                              struct kt_hash *ret_output)
{
  if (public_key.len != KT_ECVRF_POINT_LEN) {
    return KT_ERR_PROOF;
  }
  return kt_ecvrf_verify(public_key.data, alpha, proof, ret_output);
}

const struct kt_suite kt_suite_ed25519 = {
  .id = KT_SUITE_ED25519,
  .name = "KT_128_SHA256_Ed25519",
  .sign_public_len = crypto_sign_PUBLICKEYBYTES,
  .signature_len = crypto_sign_BYTES,
  .vrf_public_len = KT_ECVRF_POINT_LEN,
  .vrf_proof_len = KT_ECVRF_PROOF_LEN,
  .sign_public = sign_public,
  .sign = sign,
  .verify = verify,
  .sign_public_check = public_check,
  .vrf_public = vrf_public,
  .vrf_public_check = public_check,
  .vrf_output = vrf_output,
  .vrf_prove = vrf_prove,
  .vrf_verify = vrf_verify,
};
