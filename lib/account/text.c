/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/text.h>

#include <stdbool.h>
#include <string.h>

/* Control characters, marks that reorder or hide what stands around them, and what is no character at all. */
static bool is_printable(uint32_t point)
{
  static const struct {
    uint32_t first;
    uint32_t last;
  } hidden[] = {
    { 0, 0x1f },        { 0x7f, 0x9f },     { 0x61c, 0x61c },   { 0x200b, 0x200f },       { 0x2028, 0x202e },
    { 0x2060, 0x2069 }, { 0xd800, 0xdfff }, { 0xfeff, 0xfeff }, { 0x110000, UINT32_MAX },
  };
  for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
    if (point >= hidden[i].first && point <= hidden[i].last) {
      return false;
    }
  }
  return true;
}

/* Bytes of a UTF-8 sequence by its first; 0: none begins so. */
static size_t sequence_len(uint8_t first)
{
  if (first < 0x80) {
    return 1;
  }
  if (first < 0xc0 || first >= 0xf8) {
    return 0;
  }
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Length of the well-formed, printable UTF-8 sequence at the start of text; 0: there is none. */
static size_t printable_len(struct kt_bytes text)
{
  static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
  uint8_t first = text.data[0];
  size_t len = sequence_len(first);
  if (len == 0 || len > text.len) {
    return 0;
  }
  uint32_t point = len == 1 ? first : first & (0x7fu >> len);
  for (size_t i = 1; i < len; i++) {
    if ((text.data[i] & 0xc0) != 0x80) {
      return 0;
    }
    point = point << 6 | (text.data[i] & 0x3fu);
  }
  return is_printable(point) && point >= smallest[len] ? len : 0;
}

void kt_text_clean(struct kt_bytes text, char *ret_text, size_t size)
{
  size_t at = 0;
  while (text.len > 0 && at + 5 < size) {
    size_t len = printable_len(text);
    if (len == 0) {
      ret_text[at++] = '?';
      len = 1;
    } else {
      memcpy(ret_text + at, text.data, len);
      at += len;
    }
    text.data += len;
    text.len -= len;
  }
  ret_text[at] = '\0';
}
