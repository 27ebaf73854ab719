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

bool kt_p256_decode(const struct kt_p256 *curve, struct kt_bytes encoded, EC_POINT *ret_point)
{
  if (encoded.len != KT_P256_COMPRESSED_LEN && encoded.len != KT_P256_UNCOMPRESSED_LEN) {
    return false; /* R45: SEC 1 section 2.3.4 knows no other length but infinity's */
  }
  /* libcrypto reads X9.62's hybrid form too, whose first octet is 06 or 07. */
  bool compressed =
      encoded.data[0] == POINT_CONVERSION_COMPRESSED || encoded.data[0] == POINT_CONVERSION_COMPRESSED + 1;
  if (!compressed && encoded.data[0] != POINT_CONVERSION_UNCOMPRESSED) {
    return false;
  }
  return EC_POINT_oct2point(curve->group, ret_point, encoded.data, encoded.len, curve->scalars) == 1;
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

bool kt_p256_public_valid(struct kt_bytes encoded, size_t len)
{
  struct kt_p256 curve;
  if (encoded.len != len || kt_p256_init(&curve) != KT_OK) {
    return false;
  }
  EC_POINT *point = EC_POINT_new(curve.group);
  bool valid = point != NULL && kt_p256_decode(&curve, encoded, point);
  EC_POINT_free(point);
  kt_p256_release(&curve);
  return valid;
}
