/* SPDX-License-Identifier: Apache-2.0 */
/* A safety number as a person typed it: what is read is shown again as a text that reads the same. */
#include "fuzz.h"

#include <kt/safety_number.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kt_safety_number number;
  struct kt_safety_number again;
  struct kt_reason reason = { 0 };
  char text[KT_SAFETY_NUMBER_TEXT_SIZE];
  enum kt_err err = kt_safety_number_parse((struct kt_bytes){ data, size }, &number, &reason);
  if (err != KT_OK) {
    FUZZ_CHECK(err == KT_ERR_USAGE && reason.code != NULL);
    return 0;
  }
  FUZZ_CHECK(reason.code == NULL && strspn(number.digits, "0123456789") == KT_SAFETY_NUMBER_DIGITS);
  kt_safety_number_format(&number, text);
  FUZZ_CHECK(strlen(text) + 1 == sizeof text);
  FUZZ_CHECK(kt_safety_number_parse((struct kt_bytes){ (const uint8_t *)text, strlen(text) }, &again, &reason) ==
             KT_OK);
  FUZZ_CHECK(kt_safety_number_compare(&number, &again) == 0);
  return 0;
}
