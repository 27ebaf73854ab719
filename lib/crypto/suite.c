/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/suite.h>

#include "crypto/ecvrf_p256.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "crypto/suite_ed25519.h"
#include "crypto/suite_p256.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#ifdef KT_FAST_VRF
static const struct kt_suite *chosen_ed25519;

static void choose_ed25519(void)
{
  chosen_ed25519 = kt_suite_ed25519_choose(&kt_suite_ed25519_fast);
}

/* Chosen once for the process: the self-test makes dozens of proofs. */
static const struct kt_suite *suite_ed25519(void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, choose_ed25519);
  return chosen_ed25519;
}
#else
static const struct kt_suite *suite_ed25519(void)
{
  return &kt_suite_ed25519;
}
#endif

const struct kt_suite *kt_suite_by_id(uint16_t id)
{
  switch (id) {
  case KT_SUITE_P256: return &kt_suite_p256;
  case KT_SUITE_ED25519: return suite_ed25519();
  default: return NULL;
  }
}

enum kt_err kt_vrf_output_batch(const struct kt_suite *suite, const struct kt_vrf_key *key, size_t n,
                                const struct kt_bytes *alphas, struct kt_hash *ret_outputs)
{
  if (suite->vrf_output_batch != NULL) {
    return suite->vrf_output_batch(key, n, alphas, ret_outputs);
  }
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = suite->vrf_output(key, alphas[i], &ret_outputs[i]);
  }
  return err;
}

enum kt_err kt_vrf_prove_batch(const struct kt_suite *suite, const struct kt_vrf_key *key, size_t n,
                               const struct kt_bytes *alphas, uint8_t *const *ret_proofs, struct kt_hash *ret_outputs)
{
  if (suite->vrf_prove_batch != NULL) {
    return suite->vrf_prove_batch(key, n, alphas, ret_proofs, ret_outputs);
  }
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = suite->vrf_prove(key, alphas[i], ret_proofs[i], &ret_outputs[i]);
  }
  return err;
}

enum kt_err kt_vrf_verify_batch(const struct kt_suite *suite, struct kt_bytes public_key, size_t n,
                                const struct kt_vrf_claim *claims, struct kt_hash *ret_outputs)
{
  struct kt_hash outputs[KT_VRF_BATCH_MAX];
  if (suite->vrf_verify_batch != NULL) {
    return suite->vrf_verify_batch(public_key, n, claims, ret_outputs);
  }
  for (size_t i = 0; i < n; i++) {
    enum kt_err err = suite->vrf_verify(public_key, claims[i].alpha, claims[i].proof, &outputs[i]);
    if (err != KT_OK) {
      return err;
    }
  }
  memcpy(ret_outputs, outputs, n * sizeof *outputs);
  return KT_OK;
}

/* FIPS 180-4's example "abc", and the commitment's HMAC of nothing as OpenSSL's command prints it. */
static bool hash_self_test(void)
{
  static const struct kt_hash abc = { { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad } };
  static const struct kt_hash hmac_of_nothing = { { 0xb7, 0x0c, 0x5c, 0xb1, 0xaf, 0xb3, 0x91, 0x50, 0x1d, 0xe8, 0x30,
                                                    0xe7, 0x30, 0x04, 0xcf, 0x8e, 0x01, 0x9a, 0xbf, 0xd0, 0x2a, 0x98,
                                                    0x6c, 0x64, 0xaa, 0xe4, 0x38, 0xb1, 0x19, 0xc6, 0x81, 0x3a } };
  struct kt_hash actual;
  kt_sha256("abc", 3, &actual);
  if (!kt_hash_equal(&actual, &abc)) {
    return false;
  }
  kt_commitment_hmac(NULL, 0, &actual);
  return kt_hash_equal(&actual, &hmac_of_nothing);
}

/* RFC 9381 appendix B.1, example 10: proved, then verified. */
static bool p256_vrf_self_test(struct kt_bytes alpha)
{
  static const uint8_t scalar[KT_P256_SCALAR_LEN] = { 0xc9, 0xaf, 0xa9, 0xd8, 0x45, 0xba, 0x75, 0x16, 0x6b, 0x5c, 0x21,
                                                      0x57, 0x67, 0xb1, 0xd6, 0x93, 0x4e, 0x50, 0xc3, 0xdb, 0x36, 0xe8,
                                                      0x9b, 0x12, 0x7b, 0x8a, 0x62, 0x2b, 0x12, 0x0f, 0x67, 0x21 };
  static const uint8_t public_key[KT_P256_COMPRESSED_LEN] = { 0x03, 0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31,
                                                              0xc9, 0x61, 0xeb, 0x74, 0xc6, 0x35, 0x6d, 0x68, 0xc0,
                                                              0x49, 0xb8, 0x92, 0x3b, 0x61, 0xfa, 0x6c, 0xe6, 0x69,
                                                              0x62, 0x2e, 0x60, 0xf2, 0x9f, 0xb6 };
  static const uint8_t expected_proof[KT_ECVRF_P256_PROOF_LEN] = {
    0x03, 0x5b, 0x5c, 0x72, 0x6e, 0x8c, 0x0e, 0x2c, 0x48, 0x8a, 0x10, 0x7c, 0x60, 0x05, 0x78, 0xee, 0x75,
    0xcb, 0x70, 0x23, 0x43, 0xc1, 0x53, 0xcb, 0x1e, 0xb8, 0xde, 0xc7, 0x7f, 0x4b, 0x50, 0x71, 0xb4, 0xa5,
    0x3f, 0x0a, 0x46, 0xf0, 0x18, 0xbc, 0x2c, 0x56, 0xe5, 0x8d, 0x38, 0x3f, 0x23, 0x05, 0xe0, 0x97, 0x59,
    0x72, 0xc2, 0x6f, 0xee, 0xa0, 0xeb, 0x12, 0x2f, 0xe7, 0x89, 0x3c, 0x15, 0xaf, 0x37, 0x6b, 0x33, 0xed,
    0xf7, 0xde, 0x17, 0xc6, 0xea, 0x05, 0x6d, 0x4d, 0x82, 0xde, 0x6b, 0xc0, 0x2f
  };
  static const struct kt_hash expected_output = { { 0xa3, 0xad, 0x7b, 0x0e, 0xf7, 0x3d, 0x8f, 0xc6, 0x65, 0x50, 0x53,
                                                    0xea, 0x22, 0xf9, 0xbe, 0xde, 0x8c, 0x74, 0x3f, 0x08, 0xbb, 0xed,
                                                    0x3d, 0x38, 0x82, 0x1f, 0x0e, 0x16, 0x47, 0x4b, 0x50, 0x5e } };
  uint8_t proof[KT_ECVRF_P256_PROOF_LEN];
  struct kt_vrf_key key;
  struct kt_hash proved;
  struct kt_hash verified;

  if (kt_ecvrf_p256_key_init(&key, scalar) != KT_OK) {
    return false;
  }
  bool passed = kt_ecvrf_p256_prove(&key, alpha, proof, &proved) == KT_OK &&
                memcmp(proof, expected_proof, sizeof proof) == 0 && kt_hash_equal(&proved, &expected_output) &&
                kt_ecvrf_p256_verify(public_key, alpha, proof, &verified) == KT_OK &&
                kt_hash_equal(&verified, &expected_output);
  kt_vrf_key_release(&key);
  return passed;
}

/* RFC 6979 appendix A.2.5, the same key and message; a signature of our own could not be compared with anything. */
static bool p256_signature_self_test(struct kt_bytes message)
{
  static const uint8_t public_key[] = { 0x04, 0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31, 0xc9, 0x61, 0xeb, 0x74,
                                        0xc6, 0x35, 0x6d, 0x68, 0xc0, 0x49, 0xb8, 0x92, 0x3b, 0x61, 0xfa, 0x6c, 0xe6,
                                        0x69, 0x62, 0x2e, 0x60, 0xf2, 0x9f, 0xb6, 0x79, 0x03, 0xfe, 0x10, 0x08, 0xb8,
                                        0xbc, 0x99, 0xa4, 0x1a, 0xe9, 0xe9, 0x56, 0x28, 0xbc, 0x64, 0xf2, 0xf1, 0xb2,
                                        0x0c, 0x2d, 0x7e, 0x9f, 0x51, 0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22, 0x99 };
  static const uint8_t signature[] = { 0xef, 0xd4, 0x8b, 0x2a, 0xac, 0xb6, 0xa8, 0xfd, 0x11, 0x40, 0xdd, 0x9c, 0xd4,
                                       0x5e, 0x81, 0xd6, 0x9d, 0x2c, 0x87, 0x7b, 0x56, 0xaa, 0xf9, 0x91, 0xc3, 0x4d,
                                       0x0e, 0xa8, 0x4e, 0xaf, 0x37, 0x16, 0xf7, 0xcb, 0x1c, 0x94, 0x2d, 0x65, 0x7c,
                                       0x41, 0xd4, 0x36, 0xc7, 0xa1, 0xb6, 0xe2, 0x9f, 0x65, 0xf3, 0xe9, 0x00, 0xdb,
                                       0xb9, 0xaf, 0xf4, 0x06, 0x4d, 0xc4, 0xab, 0x2f, 0x84, 0x3a, 0xcd, 0xa8 };
  return kt_suite_p256.verify((struct kt_bytes){ public_key, sizeof public_key }, message,
                              (struct kt_bytes){ signature, sizeof signature }) == KT_OK;
}

static bool p256_self_test(void)
{
  static const uint8_t sample[] = { 's', 'a', 'm', 'p', 'l', 'e' };
  const struct kt_bytes message = { sample, sizeof sample };
  return p256_vrf_self_test(message) && p256_signature_self_test(message);
}

enum kt_err kt_crypto_init(void)
{
  if (sodium_init() < 0) {
    return KT_ERR_CRYPTO;
  }
  return hash_self_test() && kt_suite_ed25519_self_test(&kt_suite_ed25519) && p256_self_test() ? KT_OK : KT_ERR_CRYPTO;
}
