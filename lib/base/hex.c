/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#define NOT_A_DIGIT 0xffU

static unsigned hex_value(char c)
{
  if (c >= '0' && c <= '9') {
    return (unsigned)(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return (unsigned)(c - 'a') + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return (unsigned)(c - 'A') + 10;
  }
  return NOT_A_DIGIT;
}

size_t kt_hex_encode(struct kt_bytes data, char *ret_text)
{
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < data.len; i++) {
    ret_text[2 * i] = digits[data.data[i] >> 4];
    ret_text[2 * i + 1] = digits[data.data[i] & 0x0f];
  }
  ret_text[2 * data.len] = '\0';
  return 2 * data.len;
}

enum kt_err kt_hex_decode(const char *text, size_t text_len, size_t cap, uint8_t *ret_data, size_t *ret_len)
{
  if (text_len % 2 != 0) {
    return KT_ERR_FORMAT;
  }
  for (size_t i = 0; i < text_len; i++) {
    if (hex_value(text[i]) == NOT_A_DIGIT) {
      return KT_ERR_FORMAT;
    }
  }
  if (KT_HEX_DECODED_MAX(text_len) > cap) {
    return KT_ERR_LIMIT;
  }
  for (size_t i = 0; i < text_len / 2; i++) {
    ret_data[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
  }
  *ret_len = text_len / 2;
  return KT_OK;
}

/* From '+', the smallest character of the alphabet, to 'z': the value and one more, so that what is left out is 0. */
static const uint8_t base64_values[] = {
  ['+' - '+'] = 63,
  ['/' - '+'] = 64,
  ['0' - '+'] = 53,
  54,
  55,
  56,
  57,
  58,
  59,
  60,
  61,
  62,
  ['A' - '+'] = 1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
  17,
  18,
  19,
  20,
  21,
  22,
  23,
  24,
  25,
  26,
  ['a' - '+'] = 27,
  28,
  29,
  30,
  31,
  32,
  33,
  34,
  35,
  36,
  37,
  38,
  39,
  40,
  41,
  42,
  43,
  44,
  45,
  46,
  47,
  48,
  49,
  50,
  51,
  52,
};

static unsigned base64_value(char c)
{
  unsigned index = (unsigned)(unsigned char)c - '+';
  unsigned one_more = index < sizeof base64_values ? base64_values[index] : 0;
  return one_more > 0 ? one_more - 1 : NOT_A_DIGIT;
}

size_t kt_base64_encode(struct kt_bytes data, char *ret_text)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t at = 0;
  for (size_t i = 0; i < data.len; i += 3) {
    size_t n = data.len - i < 3 ? data.len - i : 3;
    uint32_t group = (uint32_t)data.data[i] << 16;
    group |= n > 1 ? (uint32_t)data.data[i + 1] << 8 : 0;
    group |= n > 2 ? (uint32_t)data.data[i + 2] : 0;
    for (size_t k = 0; k < 4; k++) {
      /* n bytes fill n + 1 characters; the rest of the group is padding. */
      ret_text[at++] = k <= n ? alphabet[group >> (18 - 6 * k) & 0x3f] : '=';
    }
  }
  ret_text[at] = '\0';
  return at;
}

/* Characters before the padding, which completes the last group of four; fails when they are not canonical Base64. */
static enum kt_err base64_check(const char *text, size_t text_len, size_t *ret_chars)
{
  if (text_len % 4 != 0) {
    return KT_ERR_FORMAT;
  }
  size_t chars = text_len;
  while (chars > 0 && text_len - chars < 2 && text[chars - 1] == '=') {
    chars--;
  }
  for (size_t i = 0; i < chars; i++) {
    if (base64_value(text[i]) == NOT_A_DIGIT) {
      return KT_ERR_FORMAT;
    }
  }
  /* RFC 4648 section 3.5: "pad bits MUST be set to zero by conforming encoders". */
  size_t n_pad = text_len - chars;
  unsigned unused = n_pad == 2 ? 0x0f : n_pad == 1 ? 0x03 : 0;
  if (chars > 0 && (base64_value(text[chars - 1]) & unused) != 0) {
    return KT_ERR_FORMAT;
  }
  *ret_chars = chars;
  return KT_OK;
}

enum kt_err kt_base64_decode(const char *text, size_t text_len, size_t cap, uint8_t *ret_data, size_t *ret_len)
{
  size_t chars = 0;
  enum kt_err err = base64_check(text, text_len, &chars);
  if (err != KT_OK) {
    return err;
  }
  size_t len = KT_BASE64_DECODED_MAX(text_len) - (text_len - chars);
  if (len > cap) {
    return KT_ERR_LIMIT;
  }
  uint32_t bits = 0;
  size_t n_bits = 0;
  size_t at = 0;
  for (size_t i = 0; i < chars; i++) {
    bits = bits << 6 | base64_value(text[i]);
    n_bits += 6;
    if (n_bits >= 8) {
      n_bits -= 8;
      ret_data[at++] = (uint8_t)(bits >> n_bits);
    }
  }
  *ret_len = len;
  return KT_OK;
}
