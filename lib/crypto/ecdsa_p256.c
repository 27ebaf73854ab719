/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ecdsa_p256.h"

#include "crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

enum { COORDINATE_LEN = KT_ECDSA_P256_SIGNATURE_LEN / 2, DER_MAX = 72 };

/* NULL: libcrypto failed; what is given is a valid key. */
static EVP_PKEY *key_from(OSSL_PARAM *params, int selection)
{
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1) {
    (void)EVP_PKEY_fromdata(ctx, &key, selection, params);
  }
  EVP_PKEY_CTX_free(ctx);
  return key;
}

static EVP_PKEY *private_key(const struct kt_p256 *curve, const uint8_t scalar[static KT_P256_SCALAR_LEN])
{
  char group[] = "P-256";
  uint8_t native[KT_P256_SCALAR_LEN]; /* parameters hold numbers in the machine's order */
  const BIGNUM *number = kt_p256_scalar(curve, scalar);
  if (number == NULL || BN_bn2nativepad(number, native, sizeof native) != sizeof native) {
    return NULL;
  }
  OSSL_PARAM params[] = {
    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group - 1),
    OSSL_PARAM_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof native),
    OSSL_PARAM_END,
  };
  EVP_PKEY *key = key_from(params, EVP_PKEY_KEYPAIR);
  sodium_memzero(native, sizeof native);
  return key;
}

static EVP_PKEY *public_key_from(const uint8_t public_key[static KT_P256_UNCOMPRESSED_LEN])
{
  char group[] = "P-256";
  uint8_t encoded[KT_P256_UNCOMPRESSED_LEN]; /* parameters point to what is not const */
  memcpy(encoded, public_key, sizeof encoded);
  OSSL_PARAM params[] = {
    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group - 1),
    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded),
    OSSL_PARAM_END,
  };
  return key_from(params, EVP_PKEY_PUBLIC_KEY);
}

/* r || s out of libcrypto's DER. */
static bool from_der(const uint8_t *der, size_t der_len, uint8_t ret_signature[static KT_ECDSA_P256_SIGNATURE_LEN])
{
  ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
  bool fits = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret_signature, COORDINATE_LEN) == COORDINATE_LEN &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret_signature + COORDINATE_LEN, COORDINATE_LEN) == COORDINATE_LEN;
  ECDSA_SIG_free(pair);
  return fits;
}

/* The length of the DER that libcrypto verifies; 0 without memory. */
static size_t to_der(const uint8_t signature[static KT_ECDSA_P256_SIGNATURE_LEN], uint8_t ret_der[static DER_MAX])
{
  ECDSA_SIG *pair = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(signature, COORDINATE_LEN, NULL);
  BIGNUM *s = BN_bin2bn(signature + COORDINATE_LEN, COORDINATE_LEN, NULL);
  int len = 0;
  if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
    r = NULL; /* the pair's */
    s = NULL;
    len = i2d_ECDSA_SIG(pair, &ret_der); /* two integers of up to 33 bytes: at most DER_MAX */
  }
  BN_free(r);
  BN_free(s);
  ECDSA_SIG_free(pair);
  return len > 0 ? (size_t)len : 0;
}

static bool sign_with(EVP_PKEY *key, struct kt_bytes message, uint8_t ret_signature[static KT_ECDSA_P256_SIGNATURE_LEN])
{
  struct kt_hash hash;
  uint8_t der[DER_MAX];
  size_t der_len = sizeof der;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  kt_sha256(message.data, message.len, &hash);
  /* Without memory to encode r and s, libcrypto 3.0 answers 1 and a length of -1, and leaves der as it was. */
  bool is_signed = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
                   EVP_PKEY_sign(ctx, der, &der_len, hash.b, sizeof hash.b) == 1 && der_len <= sizeof der &&
                   from_der(der, der_len, ret_signature);
  EVP_PKEY_CTX_free(ctx);
  return is_signed;
}

enum kt_err kt_ecdsa_p256_sign(const uint8_t scalar[static KT_P256_SCALAR_LEN], struct kt_bytes message,
                               uint8_t ret_signature[static KT_ECDSA_P256_SIGNATURE_LEN])
{
  struct kt_p256 curve;
  enum kt_err err = kt_p256_init(&curve);
  if (err != KT_OK) {
    return err;
  }
  EVP_PKEY *key = private_key(&curve, scalar);
  bool is_signed = key != NULL && sign_with(key, message, ret_signature);
  EVP_PKEY_free(key);
  kt_p256_release(&curve);
  return is_signed ? KT_OK : KT_ERR_CRYPTO;
}

/* R10: libcrypto answers 0 when r or s is outside 1 … n-1, too. It verifies a hash and not the message, because
 * EVP_DigestVerify answers 0 to some failures of its own. */
static enum kt_err verify_with(EVP_PKEY *key, struct kt_bytes message,
                               const uint8_t signature[static KT_ECDSA_P256_SIGNATURE_LEN])
{
  struct kt_hash hash;
  uint8_t der[DER_MAX];
  size_t der_len = to_der(signature, der);
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  enum kt_err err = KT_ERR_CRYPTO;
  kt_sha256(message.data, message.len, &hash);
  if (der_len != 0 && ctx != NULL && EVP_PKEY_verify_init(ctx) == 1) {
    int verified = EVP_PKEY_verify(ctx, der, der_len, hash.b, sizeof hash.b);
    err = verified == 1 ? KT_OK : verified == 0 ? KT_ERR_PROOF : KT_ERR_CRYPTO; /* negative: libcrypto failed */
  }
  EVP_PKEY_CTX_free(ctx);
  return err;
}

enum kt_err kt_ecdsa_p256_verify(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  if (signature.len != KT_ECDSA_P256_SIGNATURE_LEN) {
    return KT_ERR_PROOF;
  }
  enum kt_err err = kt_p256_public_check(public_key, KT_P256_UNCOMPRESSED_LEN);
  if (err != KT_OK) {
    return err;
  }
  (void)ERR_set_mark();
  EVP_PKEY *key = public_key_from(public_key.data);
  err = key != NULL ? verify_with(key, message, signature.data) : KT_ERR_CRYPTO;
  EVP_PKEY_free(key);
  (void)ERR_pop_to_mark();
  return err;
}
