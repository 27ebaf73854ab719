/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256.h"

#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <sodium.h>
#include <string.h>

enum kt_err kt_p256_init(struct kt_p256 *curve)
{
  (void)ERR_set_mark(); /* fails on an empty queue, where dropping "to the mark" drops everything: just as well */
  curve->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  curve->scalars = BN_CTX_secure_new();
  if (curve->group == NULL || curve->scalars == NULL) {
    BN_CTX_free(curve->scalars);
    EC_GROUP_free(curve->group);
    (void)ERR_pop_to_mark();
    return KT_ERR_CRYPTO;
  }
  BN_CTX_start(curve->scalars);
  return KT_OK;
}

void kt_p256_release(struct kt_p256 *curve)
{
  BN_CTX_end(curve->scalars);
  BN_CTX_free(curve->scalars); /* clears its numbers */
  EC_GROUP_free(curve->group);
  (void)ERR_pop_to_mark();
}

bool kt_p256_scalar_valid(const uint8_t scalar[static KT_P256_SCALAR_LEN])
{
  static const uint8_t order[KT_P256_SCALAR_LEN] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                                     0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
  unsigned borrow = 0; /* of scalar - order */
  for (size_t i = KT_P256_SCALAR_LEN; i-- > 0;) {
    borrow = ((unsigned)scalar[i] - order[i] - borrow) >> 8 & 1;
  }
  return (borrow & (unsigned)!sodium_is_zero(scalar, KT_P256_SCALAR_LEN)) == 1;
}

BIGNUM *kt_p256_scalar(const struct kt_p256 *curve, const uint8_t scalar[static KT_P256_SCALAR_LEN])
{
  BIGNUM *number = BN_CTX_get(curve->scalars);
  if (number == NULL || BN_bin2bn(scalar, KT_P256_SCALAR_LEN, number) == NULL) {
    return NULL;
  }
  BN_set_flags(number, BN_FLG_CONSTTIME);
  return number;
}

bool kt_p256_encode(const struct kt_p256 *curve, const EC_POINT *point, size_t len, uint8_t *ret_encoded)
{
  uint8_t encoded[KT_P256_UNCOMPRESSED_LEN];
  const point_conversion_form_t form =
      len == KT_P256_COMPRESSED_LEN ? POINT_CONVERSION_COMPRESSED : POINT_CONVERSION_UNCOMPRESSED;
  if (EC_POINT_point2oct(curve->group, point, form, encoded, sizeof encoded, curve->scalars) != len) {
    return false; /* infinity is one byte */
  }
  memcpy(ret_encoded, encoded, len);
  return true;
}

/* What libcrypto says of octets that are no compressed point: x is not below p, there is no square root, the first octet
 * is another. Whatever else it says, it failed; then try-and-increment must not go on to another point, nor a verifier accuse an honest log. */
static bool is_no_point(unsigned long error)
{
  int reason = ERR_GET_REASON(error);
  return ERR_GET_LIB(error) == ERR_LIB_EC &&
         (reason == EC_R_INVALID_COMPRESSED_POINT || reason == EC_R_INVALID_ENCODING);
}

static enum kt_err decode_compressed(const struct kt_p256 *curve, const uint8_t encoded[static KT_P256_COMPRESSED_LEN],
                                     EC_POINT *point)
{
  enum kt_err err = KT_OK;
  (void)ERR_set_mark();
  if (EC_POINT_oct2point(curve->group, point, encoded, KT_P256_COMPRESSED_LEN, curve->scalars) != 1) {
    err = is_no_point(ERR_peek_last_error()) ? KT_ERR_PROOF : KT_ERR_CRYPTO;
  }
  (void)ERR_pop_to_mark();
  return err;
}

/* By way of the compressed form: of an uncompressed point, libcrypto says "not on the curve" when it could not find out,
 * too. */
static enum kt_err decode_uncompressed(const struct kt_p256 *curve,
                                       const uint8_t encoded[static KT_P256_UNCOMPRESSED_LEN], EC_POINT *point)
{
  uint8_t octets[KT_P256_UNCOMPRESSED_LEN];
  memcpy(octets, encoded, KT_P256_COMPRESSED_LEN);
  octets[0] = POINT_CONVERSION_COMPRESSED + (encoded[KT_P256_UNCOMPRESSED_LEN - 1] & 1);
  enum kt_err err = decode_compressed(curve, octets, point);
  if (err != KT_OK) {
    return err;
  }
  if (!kt_p256_encode(curve, point, sizeof octets, octets)) {
    return KT_ERR_CRYPTO;
  }
  return memcmp(octets, encoded, sizeof octets) == 0 ? KT_OK : KT_ERR_PROOF;
}

/* SEC 1 section 2.3.4 without the one octet for infinity. Its first octets are told apart by libcrypto, or by comparison,
 * which leaves no room for X9.62's hybrid form that libcrypto reads, too. */
enum kt_err kt_p256_decode(const struct kt_p256 *curve, struct kt_bytes encoded, EC_POINT *ret_point)
{
  switch (encoded.len) {
  case KT_P256_COMPRESSED_LEN: return decode_compressed(curve, encoded.data, ret_point);
  case KT_P256_UNCOMPRESSED_LEN: return decode_uncompressed(curve, encoded.data, ret_point);
  default: return KT_ERR_PROOF;
  }
}

bool kt_p256_public(const struct kt_p256 *curve, const uint8_t scalar[static KT_P256_SCALAR_LEN], size_t len,
                    uint8_t *ret_encoded)
{
  const BIGNUM *x = kt_p256_scalar_valid(scalar) ? kt_p256_scalar(curve, scalar) : NULL;
  EC_POINT *y = EC_POINT_new(curve->group);
  bool made = x != NULL && y != NULL && EC_POINT_mul(curve->group, y, x, NULL, NULL, curve->scalars) == 1 &&
              kt_p256_encode(curve, y, len, ret_encoded);
  EC_POINT_free(y);
  return made;
}

enum kt_err kt_p256_public_check(struct kt_bytes encoded, size_t len)
{
  struct kt_p256 curve;
  if (encoded.len != len) {
    return KT_ERR_PROOF;
  }
  enum kt_err err = kt_p256_init(&curve);
  if (err != KT_OK) {
    return err;
  }
  EC_POINT *point = EC_POINT_new(curve.group);
  err = point != NULL ? kt_p256_decode(&curve, encoded, point) : KT_ERR_CRYPTO;
  EC_POINT_free(point);
  kt_p256_release(&curve);
  return err;
}
