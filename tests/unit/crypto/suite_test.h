/* SPDX-License-Identifier: Apache-2.0 */
/* What holds in every suite, with the sizes that the suite gives. */
#ifndef KT_TESTS_UNIT_SUITE_TEST_H
#define KT_TESTS_UNIT_SUITE_TEST_H

#include "unit/crypto/crypto_test.h"

#include "crypto/secret.h"
#include "support/suite.h"

#include <kt/suite.h>

/* A key, a message and its signature, to be spoiled. */
struct suite_message {
  uint8_t public_key[KT_PUBLIC_KEY_MAX + 1];
  uint8_t message[4];
  uint8_t signature[KT_SIGNATURE_MAX + 1];
};

static inline void suite_message_init(const struct kt_suite *suite, struct suite_message *m)
{
  static const uint8_t seed[KT_SEED_LEN] = { 7 };
  memset(m, 0, sizeof *m);
  memcpy(m->message, "head", sizeof m->message);
  assert_int_equal(suite->sign_public(seed, m->public_key), KT_OK);
  assert_int_equal(kt_sign_once(suite, seed, (struct kt_bytes){ m->message, sizeof m->message }, m->signature), KT_OK);
}

static inline enum kt_err suite_verify(const struct kt_suite *suite, const struct suite_message *m, size_t key_len,
                                       size_t signature_len)
{
  return suite->verify((struct kt_bytes){ m->public_key, key_len }, (struct kt_bytes){ m->message, sizeof m->message },
                       (struct kt_bytes){ m->signature, signature_len });
}

/* R10: one bit of key, message or signature. */
static inline void suite_refuses_every_bit_flip(const struct kt_suite *suite)
{
  struct suite_message m;
  suite_message_init(suite, &m);
  assert_int_equal(suite_verify(suite, &m, suite->sign_public_len, suite->signature_len), KT_OK);
  struct {
    uint8_t *data;
    size_t len;
  } const parts[] = { { m.signature, suite->signature_len },
                      { m.message, sizeof m.message },
                      { m.public_key, suite->sign_public_len } };
  for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
    for (size_t bit = 0; bit < 8 * parts[part].len; bit++) {
      parts[part].data[bit / 8] ^= (uint8_t)(1U << bit % 8);
      assert_int_equal(suite_verify(suite, &m, suite->sign_public_len, suite->signature_len), KT_ERR_PROOF);
      parts[part].data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
  }
}

/* R10: every length up to one more than the right one, of signature and key. */
static inline void suite_refuses_lengths(const struct kt_suite *suite)
{
  struct suite_message m;
  suite_message_init(suite, &m);
  for (size_t len = 0; len <= suite->signature_len + 1; len++) {
    enum kt_err expected = len == suite->signature_len ? KT_OK : KT_ERR_PROOF;
    assert_int_equal(suite_verify(suite, &m, suite->sign_public_len, len), expected);
  }
  for (size_t len = 0; len <= suite->sign_public_len + 1; len++) {
    enum kt_err expected = len == suite->sign_public_len ? KT_OK : KT_ERR_PROOF;
    assert_int_equal(suite_verify(suite, &m, len, suite->signature_len), expected);
  }
}

/* n keys with alphas of 0 to n - 1 bytes: proofs are the same each time, verify, and have the output of vrf_output. */
static inline void suite_vrf_round_trips(const struct kt_suite *suite, uint8_t n)
{
  for (uint8_t i = 0; i < n; i++) {
    const uint8_t stream_seed[randombytes_SEEDBYTES] = { i };
    uint8_t random[KT_SEED_LEN + 255];
    randombytes_buf_deterministic(random, sizeof random, stream_seed);
    const uint8_t *seed = random;
    struct kt_bytes alpha = { random + KT_SEED_LEN, i };

    uint8_t public_key[KT_VRF_PUBLIC_MAX];
    uint8_t proof[KT_VRF_PROOF_MAX];
    uint8_t again[KT_VRF_PROOF_MAX];
    struct kt_hash proved;
    struct kt_hash output;
    struct kt_hash verified;
    const struct kt_vrf_key secret = test_vrf_key(suite, seed);
    assert_int_equal(suite->vrf_public(seed, public_key), KT_OK);
    struct kt_bytes key = { public_key, suite->vrf_public_len };
    assert_int_equal(suite->vrf_public_check(key), KT_OK);
    assert_int_equal(suite->vrf_prove(&secret, alpha, proof, &proved), KT_OK);
    assert_int_equal(suite->vrf_prove(&secret, alpha, again, &output), KT_OK);
    assert_memory_equal(proof, again, suite->vrf_proof_len);
    assert_int_equal(suite->vrf_output(&secret, alpha, &output), KT_OK);
    assert_memory_equal(output.b, proved.b, sizeof output.b);
    assert_int_equal(suite->vrf_verify(key, alpha, proof, &verified), KT_OK);
    assert_memory_equal(verified.b, proved.b, sizeof verified.b);
  }
}

#endif
