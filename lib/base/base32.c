/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base32.h"

size_t kt_bits5_split(struct kt_bytes data, uint8_t *ret_groups)
{
  uint32_t bits = 0;
  unsigned n_bits = 0;
  size_t n = 0;
  for (size_t i = 0; i < data.len; i++) {
    bits = bits << 8 | data.data[i];
    n_bits += 8;
    while (n_bits >= 5) {
      n_bits -= 5;
      ret_groups[n++] = bits >> n_bits & 0x1f;
    }
  }
  if (n_bits > 0) {
    ret_groups[n++] = bits << (5 - n_bits) & 0x1f;
  }
  return n;
}

enum kt_err kt_bits5_join(const uint8_t *groups, size_t n, uint8_t *ret_data, size_t *ret_len)
{
  unsigned n_unused = n * 5 % 8;
  if (n_unused >= 5 || (n > 0 && (groups[n - 1] & ((1u << n_unused) - 1)) != 0)) {
    return KT_ERR_FORMAT;
  }
  uint32_t bits = 0;
  unsigned n_bits = 0;
  size_t len = 0;
  for (size_t i = 0; i < n; i++) {
    bits = bits << 5 | groups[i];
    n_bits += 5;
    if (n_bits >= 8) {
      n_bits -= 8;
      ret_data[len++] = (uint8_t)(bits >> n_bits);
    }
  }
  *ret_len = len;
  return KT_OK;
}

size_t kt_base32_encode(struct kt_bytes data, char *ret_text)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  size_t n = kt_bits5_split(data, (uint8_t *)ret_text);
  for (size_t i = 0; i < n; i++) {
    ret_text[i] = alphabet[(uint8_t)ret_text[i]];
  }
  ret_text[n] = '\0';
  return n;
}

enum kt_err kt_base32_decode(const char *text, size_t text_len, uint8_t *ret_data, size_t *ret_len)
{
  for (size_t i = 0; i < text_len; i++) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z') {
      ret_data[i] = (uint8_t)(c - 'A');
    } else if (c >= '2' && c <= '7') {
      ret_data[i] = (uint8_t)(c - '2' + 26);
    } else {
      return KT_ERR_FORMAT;
    }
  }
  return kt_bits5_join(ret_data, text_len, ret_data, ret_len);
}
