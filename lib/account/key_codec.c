/* SPDX-License-Identifier: Apache-2.0 */
#include "account/key_codec.h"

#include <string.h>

void kt_account_key_write_optional(struct kt_writer *w, bool present, const struct kt_account_key *key)
{
  kt_write_present(w, present);
  if (present) {
    kt_write_bytes(w, key->b, sizeof key->b);
  }
}

void kt_account_key_read(struct kt_reader *r, struct kt_account_key *ret_key)
{
  const uint8_t *bytes = kt_read_bytes(r, sizeof ret_key->b);
  if (bytes != NULL) {
    memcpy(ret_key->b, bytes, sizeof ret_key->b);
  }
}

bool kt_account_key_read_optional(struct kt_reader *r, struct kt_account_key *ret_key)
{
  bool present = kt_read_present(r);
  if (present) {
    kt_account_key_read(r, ret_key);
  }
  return present;
}
