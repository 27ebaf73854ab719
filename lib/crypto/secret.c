/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"

#include <sodium.h>

enum kt_err kt_secret_new(struct kt_secret **ret_secret)
{
  struct kt_secret *secret = sodium_malloc(sizeof *secret);
  if (secret == NULL) {
    return KT_ERR_MEMORY;
  }
  sodium_memzero(secret, sizeof *secret);
  *ret_secret = secret;
  return KT_OK;
}

void kt_secret_free(struct kt_secret *secret)
{
  sodium_free(secret);
}
