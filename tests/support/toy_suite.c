/* SPDX-License-Identifier: Apache-2.0 */
#include "toy_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "suite.h"
#include "wire/leaf.h"

#define MEMORY_MAX 512

/* One VRF evaluation, found by its input; all under one key. */
struct evaluation {
  uint8_t alpha[KT_VRF_INPUT_MAX];
  size_t alpha_len;
  uint8_t proof[KT_VRF_PROOF_MAX];
  struct kt_hash output;
};

static struct evaluation memory[MEMORY_MAX];
static size_t n_memory;

/* Signatures that verified, by what was verified; a full memory begins anew. */
static struct kt_hash verified[MEMORY_MAX];
static size_t n_verified;

static const struct evaluation *recall(struct kt_bytes alpha)
{
  for (size_t i = 0; i < n_memory; i++) {
    if (memory[i].alpha_len == alpha.len && memcmp(memory[i].alpha, alpha.data, alpha.len) == 0) {
      return &memory[i];
    }
  }
  return NULL;
}

void toy_suite_prove(const uint8_t seed[static KT_SEED_LEN], struct kt_bytes label, uint32_t version,
                     uint8_t ret_proof[static KT_VRF_PROOF_MAX], struct kt_hash *ret_output)
{
  uint8_t input[KT_VRF_INPUT_MAX];
  const struct kt_bytes alpha = { input, kt_vrf_input(label, version, input) };
  const struct evaluation *known = recall(alpha);
  if (known == NULL) {
    assert_true(n_memory < MEMORY_MAX);
    struct evaluation *made = &memory[n_memory];
    memcpy(made->alpha, alpha.data, alpha.len);
    made->alpha_len = alpha.len;
    const struct kt_vrf_key key = test_vrf_key(test_suite(), seed);
    assert_int_equal(test_suite()->vrf_prove(&key, alpha, made->proof, &made->output), KT_OK);
    n_memory++;
    known = made;
  }
  memcpy(ret_proof, known->proof, KT_VRF_PROOF_MAX);
  *ret_output = known->output;
}

/* A proof that was made here needs no second look, unless it is shown under another key. */
static enum kt_err verify_vrf(struct kt_bytes public_key, struct kt_bytes alpha, const uint8_t *proof,
                              struct kt_hash *ret_output)
{
  static bool checked[MEMORY_MAX];
  static uint8_t checked_key[KT_PUBLIC_KEY_MAX];
  static size_t checked_key_len;
  const struct evaluation *known = recall(alpha);
  bool same_key = checked_key_len == public_key.len && memcmp(checked_key, public_key.data, public_key.len) == 0;
  if (known != NULL && same_key && checked[known - memory] &&
      memcmp(known->proof, proof, test_suite()->vrf_proof_len) == 0) {
    *ret_output = known->output;
    return KT_OK;
  }
  enum kt_err err = test_suite()->vrf_verify(public_key, alpha, proof, ret_output);
  if (err == KT_OK && known != NULL && (same_key || checked_key_len == 0)) {
    memcpy(checked_key, public_key.data, public_key.len);
    checked_key_len = public_key.len;
    checked[known - memory] = memcmp(known->proof, proof, test_suite()->vrf_proof_len) == 0;
  }
  return err;
}

static void hash_part(crypto_hash_sha256_state *hash, struct kt_bytes part)
{
  crypto_hash_sha256_update(hash, (const uint8_t *)&part.len, sizeof part.len);
  crypto_hash_sha256_update(hash, part.data, part.len);
}

static enum kt_err verify_signature(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  struct kt_hash name;
  crypto_hash_sha256_state hash;
  crypto_hash_sha256_init(&hash);
  hash_part(&hash, public_key);
  hash_part(&hash, message);
  hash_part(&hash, signature);
  crypto_hash_sha256_final(&hash, name.b);
  for (size_t i = 0; i < n_verified; i++) {
    if (memcmp(&verified[i], &name, sizeof name) == 0) {
      return KT_OK;
    }
  }
  enum kt_err err = test_suite()->verify(public_key, message, signature);
  if (err == KT_OK) {
    n_verified = n_verified == MEMORY_MAX ? 0 : n_verified;
    verified[n_verified++] = name;
  }
  return err;
}

static enum kt_err verify_anything(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  (void)public_key;
  (void)message;
  return signature.len == test_suite()->signature_len ? KT_OK : KT_ERR_PROOF;
}

const struct kt_suite *toy_suite(void)
{
  static struct kt_suite suite;
  suite = *test_suite();
  suite.vrf_verify = verify_vrf;
  suite.vrf_verify_batch = NULL; /* by vrf_verify */
  suite.verify = verify_signature;
  return &suite;
}

const struct kt_suite *toy_suite_sign_anything(void)
{
  static struct kt_suite suite;
  suite = *toy_suite();
  suite.verify = verify_anything;
  return &suite;
}

/* Outputs that nobody computed before are made up: a function of the input, which is all that counts. */
static enum kt_err verify_any_vrf(struct kt_bytes public_key, struct kt_bytes alpha, const uint8_t *proof,
                                  struct kt_hash *ret_output)
{
  const struct evaluation *known = recall(alpha);
  (void)public_key;
  (void)proof;
  if (known != NULL) {
    *ret_output = known->output;
  } else {
    crypto_hash_sha256(ret_output->b, alpha.data, alpha.len);
  }
  return KT_OK;
}

const struct kt_suite *toy_suite_trusting(void)
{
  static struct kt_suite suite;
  suite = *toy_suite_sign_anything();
  suite.vrf_verify = verify_any_vrf;
  return &suite;
}

struct kt_bytes toy_suite_sign_public(const uint8_t seed[static KT_SEED_LEN])
{
  static uint8_t key[KT_PUBLIC_KEY_MAX];
  assert_int_equal(test_suite()->sign_public(seed, key), KT_OK);
  return (struct kt_bytes){ key, test_suite()->sign_public_len };
}

struct kt_bytes toy_suite_vrf_public(const uint8_t seed[static KT_SEED_LEN])
{
  static uint8_t key[KT_PUBLIC_KEY_MAX];
  assert_int_equal(test_suite()->vrf_public(seed, key), KT_OK);
  return (struct kt_bytes){ key, test_suite()->vrf_public_len };
}
