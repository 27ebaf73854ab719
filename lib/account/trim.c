/* SPDX-License-Identifier: Apache-2.0 */
#include "account/trim.h"

#include <stdbool.h>

static bool is_space(uint8_t c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

struct kt_bytes kt_trim(struct kt_bytes text)
{
  while (text.len > 0 && is_space(text.data[text.len - 1])) {
    text.len--;
  }
  while (text.len > 0 && is_space(text.data[0])) {
    text.data++;
    text.len--;
  }
  return text;
}
