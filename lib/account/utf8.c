/* SPDX-License-Identifier: Apache-2.0 */
#include "account/utf8.h"

/* Length of the sequence a lead byte starts, and the range of the byte after it; that range is where RFC 3629 excludes
 * overlong forms (E0, F0), surrogates (ED) and code points above U+10FFFF (F4). 0: not a lead byte. */
static size_t sequence_len(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
  *ret_low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  *ret_high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (lead < 0x80) {
    return 1;
  }
  if (lead < 0xc2 || lead > 0xf4) {
    return 0;
  }
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

bool kt_utf8_is_valid(struct kt_bytes text)
{
  for (size_t at = 0; at < text.len;) {
    uint8_t low = 0;
    uint8_t high = 0;
    size_t len = sequence_len(text.data[at], &low, &high);
    if (len == 0 || len > text.len - at) {
      return false;
    }
    for (size_t i = 1; i < len; i++) {
      uint8_t byte = text.data[at + i];
      if (byte < low || byte > high) {
        return false;
      }
      low = 0x80;
      high = 0xbf;
    }
    at += len;
  }
  return true;
}
