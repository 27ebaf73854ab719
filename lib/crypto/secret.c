/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"

#include <sodium.h>

enum kt_err kt_secret_new(struct kt_secret **ret_secret)
{
  struct kt_secret *secret = sodium_malloc(sizeof *secret);
  if (secret == NULL) {
    return KT_ERR_MEMORY;
  }
  sodium_memzero(secret, sizeof *secret);
  *ret_secret = secret;
  return KT_OK;
}

void kt_secret_free(struct kt_secret *secret)
{
  sodium_free(secret);
}

enum kt_err kt_sign_key_new(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN],
                            struct kt_sign_key **ret_key)
{
  struct kt_sign_key *key = sodium_malloc(sizeof *key);
  enum kt_err err = key != NULL ? suite->sign_key_init(key, seed) : KT_ERR_MEMORY;
  if (err != KT_OK) {
    sodium_free(key);
    return err;
  }
  *ret_key = key;
  return KT_OK;
}

enum kt_err kt_vrf_key_new(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN],
                           struct kt_vrf_key **ret_key)
{
  struct kt_vrf_key *key = sodium_malloc(sizeof *key);
  enum kt_err err = key != NULL ? suite->vrf_key_init(key, seed) : KT_ERR_MEMORY;
  if (err != KT_OK) {
    sodium_free(key);
    return err;
  }
  *ret_key = key;
  return KT_OK;
}

void kt_sign_key_free(struct kt_sign_key *key)
{
  sodium_free(key);
}

void kt_vrf_key_free(struct kt_vrf_key *key)
{
  sodium_free(key);
}

void kt_sign_key_release(struct kt_sign_key *key)
{
  sodium_memzero(key, sizeof *key);
}

void kt_vrf_key_release(struct kt_vrf_key *key)
{
  sodium_memzero(key, sizeof *key);
}

enum kt_err kt_sign_once(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN], struct kt_bytes message,
                         uint8_t *ret_signature)
{
  struct kt_sign_key key;
  enum kt_err err = suite->sign_key_init(&key, seed);
  if (err == KT_OK) {
    err = suite->sign(&key, message, ret_signature);
    kt_sign_key_release(&key);
  }
  return err;
}
