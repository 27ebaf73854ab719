/* SPDX-License-Identifier: Apache-2.0 */
/* Names follow RFC 9381: x secret scalar, Y public key, B base point, H hashed input, k nonce, U = k*B, V = k*H.
 *
 * Secrets are multiplied one point at a time, which libcrypto does in constant time; only the verifier lets it interleave
 * two. The cofactor is 1, so every point that decodes is in the main subgroup, and no point is of small order. */
#include "crypto/ecvrf_p256.h"

#include <sodium.h>
#include <string.h>

enum { CHALLENGE_LEN = 16, HASH_LEN = crypto_hash_sha256_BYTES };
enum { C_OFFSET = KT_P256_COMPRESSED_LEN, S_OFFSET = C_OFFSET + CHALLENGE_LEN };

_Static_assert(S_OFFSET + KT_P256_SCALAR_LEN == KT_ECVRF_P256_PROOF_LEN, "Gamma, c and s");
_Static_assert(KT_HASH_LEN == HASH_LEN, "the output is a whole hash");

/* RFC 9381 section 5.5: suite_string, and the domain separators that start every hash of it. */
enum { SUITE_STRING = 0x01, DOMAIN_ENCODE_TO_CURVE = 0x01, DOMAIN_CHALLENGE = 0x02, DOMAIN_OUTPUT = 0x03 };

/* The points and numbers of one operation. Points are public; the numbers are the curve's. */
struct work {
  struct kt_p256 curve;
  EC_POINT *y;
  EC_POINT *h;
  EC_POINT *gamma;
  EC_POINT *u;
  EC_POINT *v;
};

static void work_release(struct work *work)
{
  EC_POINT_free(work->y);
  EC_POINT_free(work->h);
  EC_POINT_free(work->gamma);
  EC_POINT_free(work->u);
  EC_POINT_free(work->v);
  kt_p256_release(&work->curve);
}

static enum kt_err work_init(struct work *work)
{
  enum kt_err err = kt_p256_init(&work->curve);
  if (err != KT_OK) {
    return err;
  }
  work->y = EC_POINT_new(work->curve.group);
  work->h = EC_POINT_new(work->curve.group);
  work->gamma = EC_POINT_new(work->curve.group);
  work->u = EC_POINT_new(work->curve.group);
  work->v = EC_POINT_new(work->curve.group);
  if (work->y == NULL || work->h == NULL || work->gamma == NULL || work->u == NULL || work->v == NULL) {
    work_release(work);
    return KT_ERR_CRYPTO;
  }
  return KT_OK;
}

static void hash_begin(crypto_hash_sha256_state *state, uint8_t domain)
{
  const uint8_t front[2] = { SUITE_STRING, domain };

  crypto_hash_sha256_init(state);
  crypto_hash_sha256_update(state, front, sizeof front);
}

static void hash_end(crypto_hash_sha256_state *state, uint8_t ret_hash[static HASH_LEN])
{
  const uint8_t back = 0x00;

  crypto_hash_sha256_update(state, &back, 1);
  crypto_hash_sha256_final(state, ret_hash);
}

/* H into work->h, and its encoding. */
static enum kt_err encode_to_curve(struct work *work, const uint8_t public_key[static KT_P256_COMPRESSED_LEN],
                                   struct kt_bytes alpha, uint8_t ret_h[static KT_P256_COMPRESSED_LEN])
{
  crypto_hash_sha256_state prefix;
  hash_begin(&prefix, DOMAIN_ENCODE_TO_CURVE);
  crypto_hash_sha256_update(&prefix, public_key, KT_P256_COMPRESSED_LEN);
  crypto_hash_sha256_update(&prefix, alpha.data, alpha.len);

  for (unsigned ctr = 0; ctr < 256; ctr++) {
    const uint8_t ctr_string = (uint8_t)ctr;
    crypto_hash_sha256_state state = prefix;
    uint8_t h[KT_P256_COMPRESSED_LEN] = {
      0x02
    }; /* "interpret_hash_value_as_a_point(s) = string_to_point(0x02 || s)" */
    crypto_hash_sha256_update(&state, &ctr_string, 1);
    hash_end(&state, h + 1);
    enum kt_err err = kt_p256_decode(&work->curve, (struct kt_bytes){ h, sizeof h }, work->h);
    if (err == KT_OK) {
      memcpy(ret_h, h, sizeof h);
    }
    if (err != KT_ERR_PROOF) {
      return err;
    }
  }
  return KT_ERR_CRYPTO; /* every attempt succeeds with probability about 1/2 */
}

enum kt_err kt_ecvrf_p256_encode_to_curve(const uint8_t public_key[static KT_P256_COMPRESSED_LEN],
                                          struct kt_bytes alpha, uint8_t ret_h[static KT_P256_COMPRESSED_LEN])
{
  struct work work;
  enum kt_err err = work_init(&work);
  if (err == KT_OK) {
    err = encode_to_curve(&work, public_key, alpha, ret_h);
    work_release(&work);
  }
  return err;
}

/* c of section 5.4.3 from the five points' encodings, in the proof's 16 bytes. */
static void generate_challenge(const uint8_t *const points[static 5], uint8_t ret_c[static CHALLENGE_LEN])
{
  crypto_hash_sha256_state state;
  uint8_t hash[HASH_LEN];

  hash_begin(&state, DOMAIN_CHALLENGE);
  for (size_t i = 0; i < 5; i++) {
    crypto_hash_sha256_update(&state, points[i], KT_P256_COMPRESSED_LEN);
  }
  hash_end(&state, hash);
  memcpy(ret_c, hash, CHALLENGE_LEN);
}

/* proof_to_hash of section 5.2. */
static void hash_gamma(const uint8_t gamma[static KT_P256_COMPRESSED_LEN], struct kt_hash *ret_output)
{
  crypto_hash_sha256_state state;

  hash_begin(&state, DOMAIN_OUTPUT);
  crypto_hash_sha256_update(&state, gamma, KT_P256_COMPRESSED_LEN);
  hash_end(&state, ret_output->b);
}

/* c as a number. It and s of a verifier are public, but there is one way to make a number. */
static BIGNUM *challenge_number(const struct work *work, const uint8_t c[static CHALLENGE_LEN])
{
  uint8_t padded[KT_P256_SCALAR_LEN] = { 0 };
  memcpy(padded + KT_P256_SCALAR_LEN - CHALLENGE_LEN, c, CHALLENGE_LEN);
  return kt_p256_scalar(&work->curve, padded);
}

/* HMAC_K(V || seed), the new K or V of RFC 6979's generator. */
static void drbg_step(const uint8_t k[static HASH_LEN], const uint8_t v[static HASH_LEN], const uint8_t *seed,
                      size_t seed_len, uint8_t ret[static HASH_LEN])
{
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, k, HASH_LEN);
  crypto_auth_hmacsha256_update(&state, v, HASH_LEN);
  crypto_auth_hmacsha256_update(&state, seed, seed_len);
  crypto_auth_hmacsha256_final(&state, ret);
  sodium_memzero(&state, sizeof state);
}

/* bits2octets(SHA-256(h_string)) of RFC 6979 section 2.3.4: reduced modulo n. */
static bool nonce_message(const struct work *work, const uint8_t h[static KT_P256_COMPRESSED_LEN],
                          uint8_t ret_message[static HASH_LEN])
{
  uint8_t hash[HASH_LEN];
  crypto_hash_sha256(hash, h, KT_P256_COMPRESSED_LEN);
  BIGNUM *number = kt_p256_scalar(&work->curve, hash);
  const BIGNUM *order = EC_GROUP_get0_order(work->curve.group);
  return number != NULL && BN_nnmod(number, number, order, work->curve.scalars) == 1 &&
         BN_bn2binpad(number, ret_message, HASH_LEN) == HASH_LEN;
}

/* k of section 5.4.2.1, which is RFC 6979 section 3.2 with h_string as the message. */
static bool generate_nonce(const struct work *work, const struct kt_vrf_key *key,
                           const uint8_t h[static KT_P256_COMPRESSED_LEN], uint8_t ret_k[static KT_P256_SCALAR_LEN])
{
  uint8_t drbg_k[HASH_LEN] = { 0 };
  uint8_t drbg_v[HASH_LEN];
  uint8_t seed[1 + KT_P256_SCALAR_LEN + HASH_LEN] = { 0x00 };

  if (!nonce_message(work, h, seed + 1 + KT_P256_SCALAR_LEN)) {
    return false;
  }
  memcpy(seed + 1, key->scalar, KT_P256_SCALAR_LEN);
  memset(drbg_v, 0x01, sizeof drbg_v);
  for (uint8_t separator = 0x00; separator <= 0x01; separator++) { /* steps d to g */
    seed[0] = separator;
    drbg_step(drbg_k, drbg_v, seed, sizeof seed, drbg_k);
    drbg_step(drbg_k, drbg_v, NULL, 0, drbg_v);
  }
  drbg_step(drbg_k, drbg_v, NULL, 0, drbg_v);
  while (!kt_p256_scalar_valid(drbg_v)) { /* step h; once in 2^32 */
    seed[0] = 0x00;
    drbg_step(drbg_k, drbg_v, seed, 1, drbg_k);
    drbg_step(drbg_k, drbg_v, NULL, 0, drbg_v);
    drbg_step(drbg_k, drbg_v, NULL, 0, drbg_v);
  }
  memcpy(ret_k, drbg_v, KT_P256_SCALAR_LEN);
  sodium_memzero(drbg_k, sizeof drbg_k);
  sodium_memzero(drbg_v, sizeof drbg_v);
  sodium_memzero(seed, sizeof seed);
  return true;
}

enum kt_err kt_ecvrf_p256_key_init(struct kt_vrf_key *key, const uint8_t scalar[static KT_P256_SCALAR_LEN])
{
  struct kt_p256 curve;
  uint8_t public_key[KT_P256_COMPRESSED_LEN];
  enum kt_err err = kt_p256_init(&curve);
  if (err != KT_OK) {
    return err;
  }
  err = kt_p256_public(&curve, scalar, sizeof public_key, public_key) ? KT_OK : KT_ERR_CRYPTO;
  kt_p256_release(&curve);
  if (err == KT_OK) {
    *key = (struct kt_vrf_key){ 0 };
    memcpy(key->scalar, scalar, KT_P256_SCALAR_LEN);
    memcpy(key->public_key, public_key, sizeof public_key);
  }
  return err;
}

/* point = x*H, encoded. */
static bool multiply_h(const struct work *work, const BIGNUM *x, EC_POINT *point,
                       uint8_t ret_encoded[static KT_P256_COMPRESSED_LEN])
{
  return x != NULL && EC_POINT_mul(work->curve.group, point, NULL, work->h, x, work->curve.scalars) == 1 &&
         kt_p256_encode(&work->curve, point, KT_P256_COMPRESSED_LEN, ret_encoded);
}

static enum kt_err output_with(struct work *work, const struct kt_vrf_key *key, struct kt_bytes alpha,
                               struct kt_hash *ret_output)
{
  uint8_t h[KT_P256_COMPRESSED_LEN];
  uint8_t gamma[KT_P256_COMPRESSED_LEN];
  enum kt_err err = encode_to_curve(work, key->public_key, alpha, h);
  if (err != KT_OK) {
    return err;
  }
  if (!multiply_h(work, kt_p256_scalar(&work->curve, key->scalar), work->gamma, gamma)) {
    return KT_ERR_CRYPTO;
  }
  hash_gamma(gamma, ret_output);
  return KT_OK;
}

enum kt_err kt_ecvrf_p256_output(const struct kt_vrf_key *key, struct kt_bytes alpha, struct kt_hash *ret_output)
{
  struct work work;
  enum kt_err err = work_init(&work);
  if (err == KT_OK) {
    err = output_with(&work, key, alpha, ret_output);
    work_release(&work);
  }
  return err;
}

/* s = k + c*x modulo n, by Montgomery multiplication: libcrypto's division takes time that depends on what is divided. */
static bool respond(const struct work *work, const BIGNUM *k, const BIGNUM *x, BIGNUM *c,
                    uint8_t ret_s[static KT_P256_SCALAR_LEN])
{
  BN_CTX *ctx = work->curve.scalars;
  BN_MONT_CTX *mont = EC_GROUP_get_mont_data(work->curve.group);
  BIGNUM *s = BN_CTX_get(ctx);
  return c != NULL && s != NULL && BN_to_montgomery(s, c, mont, ctx) == 1 &&
         BN_mod_mul_montgomery(s, s, x, mont, ctx) == 1 &&
         BN_mod_add_quick(s, s, k, EC_GROUP_get0_order(work->curve.group)) == 1 &&
         BN_bn2binpad(s, ret_s, KT_P256_SCALAR_LEN) == KT_P256_SCALAR_LEN;
}

/* Section 5.1 from step 3, with a nonce. `proof` is the caller's, and only half written on failure. */
static bool prove_with_nonce(struct work *work, const struct kt_vrf_key *key,
                             const uint8_t h[static KT_P256_COMPRESSED_LEN],
                             const uint8_t nonce[static KT_P256_SCALAR_LEN],
                             uint8_t proof[static KT_ECVRF_P256_PROOF_LEN])
{
  uint8_t u[KT_P256_COMPRESSED_LEN];
  uint8_t v[KT_P256_COMPRESSED_LEN];
  const BIGNUM *x = kt_p256_scalar(&work->curve, key->scalar);
  const BIGNUM *k = kt_p256_scalar(&work->curve, nonce);

  if (!multiply_h(work, x, work->gamma, proof) || !multiply_h(work, k, work->v, v) ||
      EC_POINT_mul(work->curve.group, work->u, k, NULL, NULL, work->curve.scalars) != 1 ||
      !kt_p256_encode(&work->curve, work->u, sizeof u, u)) {
    return false;
  }
  generate_challenge((const uint8_t *const[]){ key->public_key, h, proof, u, v }, proof + C_OFFSET);
  return respond(work, k, x, challenge_number(work, proof + C_OFFSET), proof + S_OFFSET);
}

static enum kt_err prove_with(struct work *work, const struct kt_vrf_key *key, struct kt_bytes alpha,
                              uint8_t ret_proof[static KT_ECVRF_P256_PROOF_LEN], struct kt_hash *ret_output)
{
  uint8_t h[KT_P256_COMPRESSED_LEN];
  uint8_t nonce[KT_P256_SCALAR_LEN];
  uint8_t proof[KT_ECVRF_P256_PROOF_LEN];

  enum kt_err err = encode_to_curve(work, key->public_key, alpha, h);
  if (err != KT_OK) {
    return err;
  }
  bool proved = generate_nonce(work, key, h, nonce) && prove_with_nonce(work, key, h, nonce, proof);
  sodium_memzero(nonce, sizeof nonce);
  if (!proved) {
    return KT_ERR_CRYPTO;
  }
  memcpy(ret_proof, proof, sizeof proof);
  hash_gamma(proof, ret_output);
  return KT_OK;
}

enum kt_err kt_ecvrf_p256_prove(const struct kt_vrf_key *key, struct kt_bytes alpha,
                                uint8_t ret_proof[static KT_ECVRF_P256_PROOF_LEN], struct kt_hash *ret_output)
{
  struct work work;
  enum kt_err err = work_init(&work);
  if (err == KT_OK) {
    err = prove_with(&work, key, alpha, ret_proof, ret_output);
    work_release(&work);
  }
  return err;
}

/* U = s*B - c*Y and V = s*H - c*Gamma of section 5.3, encoded. */
static enum kt_err recompute_commitments(const struct work *work, const BIGNUM *s, BIGNUM *c,
                                         uint8_t ret_u[static KT_P256_COMPRESSED_LEN],
                                         uint8_t ret_v[static KT_P256_COMPRESSED_LEN])
{
  const EC_GROUP *group = work->curve.group;
  BN_CTX *ctx = work->curve.scalars;

  /* gamma is c*Gamma once its encoding is all that is still needed. */
  if (s == NULL || c == NULL || BN_sub(c, EC_GROUP_get0_order(group), c) != 1 ||
      EC_POINT_mul(group, work->u, s, work->y, c, ctx) != 1 ||
      EC_POINT_mul(group, work->v, NULL, work->h, s, ctx) != 1 ||
      EC_POINT_mul(group, work->gamma, NULL, work->gamma, c, ctx) != 1 ||
      EC_POINT_add(group, work->v, work->v, work->gamma, ctx) != 1) {
    return KT_ERR_CRYPTO;
  }
  /* No honest nonce is zero, and infinity has no encoding of 33 bytes. */
  if (EC_POINT_is_at_infinity(group, work->u) || EC_POINT_is_at_infinity(group, work->v)) {
    return KT_ERR_PROOF;
  }
  bool encoded = kt_p256_encode(&work->curve, work->u, KT_P256_COMPRESSED_LEN, ret_u) &&
                 kt_p256_encode(&work->curve, work->v, KT_P256_COMPRESSED_LEN, ret_v);
  return encoded ? KT_OK : KT_ERR_CRYPTO;
}

static enum kt_err verify_with(struct work *work, const uint8_t public_key[static KT_P256_COMPRESSED_LEN],
                               struct kt_bytes alpha, const uint8_t proof[static KT_ECVRF_P256_PROOF_LEN])
{
  uint8_t h[KT_P256_COMPRESSED_LEN];
  uint8_t u[KT_P256_COMPRESSED_LEN];
  uint8_t v[KT_P256_COMPRESSED_LEN];
  uint8_t c[CHALLENGE_LEN];

  /* R45; section 5.4.4: "If Gamma is "INVALID", output "INVALID" and stop." The same goes for Y. */
  enum kt_err err = kt_p256_decode(&work->curve, (struct kt_bytes){ public_key, KT_P256_COMPRESSED_LEN }, work->y);
  if (err == KT_OK) {
    err = kt_p256_decode(&work->curve, (struct kt_bytes){ proof, KT_P256_COMPRESSED_LEN }, work->gamma);
  }
  if (err == KT_OK) {
    err = encode_to_curve(work, public_key, alpha, h);
  }
  if (err != KT_OK) {
    return err;
  }
  err = recompute_commitments(work, kt_p256_scalar(&work->curve, proof + S_OFFSET),
                              challenge_number(work, proof + C_OFFSET), u, v);
  if (err != KT_OK) {
    return err;
  }
  generate_challenge((const uint8_t *const[]){ public_key, h, proof, u, v }, c);
  return memcmp(c, proof + C_OFFSET, sizeof c) == 0 ? KT_OK : KT_ERR_PROOF;
}

enum kt_err kt_ecvrf_p256_verify(const uint8_t public_key[static KT_P256_COMPRESSED_LEN], struct kt_bytes alpha,
                                 const uint8_t proof[static KT_ECVRF_P256_PROOF_LEN], struct kt_hash *ret_output)
{
  struct work work;
  /* R45; section 5.4.4: "If s >= q, output "INVALID" and stop." Zero (ours) is a prover's k = -c*x, which never is. */
  if (!kt_p256_scalar_valid(proof + S_OFFSET)) {
    return KT_ERR_PROOF;
  }
  enum kt_err err = work_init(&work);
  if (err != KT_OK) {
    return err;
  }
  err = verify_with(&work, public_key, alpha, proof);
  work_release(&work);
  if (err == KT_OK) {
    hash_gamma(proof, ret_output);
  }
  return err;
}
