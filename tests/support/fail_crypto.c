/* SPDX-License-Identifier: Apache-2.0 */
#include "fail_crypto.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static long n_left = -1; /* allocations until one fails; below zero: none does */
static bool fails_for_good;
static bool was_denied;

static bool denied(void)
{
  if (n_left < 0) {
    return false;
  }
  if (n_left > 0) {
    n_left--;
    return false;
  }
  if (!fails_for_good) {
    n_left = -1;
  }
  was_denied = true;
  return true;
}

static void *allocate(size_t len, const char *file, int line)
{
  (void)file;
  (void)line;
  return denied() ? NULL : malloc(len);
}

static void *resize(void *data, size_t len, const char *file, int line)
{
  (void)file;
  (void)line;
  return denied() ? NULL : realloc(data, len);
}

static void release(void *data, const char *file, int line)
{
  (void)file;
  (void)line;
  free(data);
}

bool fail_crypto_hook(void)
{
  return CRYPTO_set_mem_functions(allocate, resize, release) == 1;
}

void fail_crypto_arm(long n, bool for_good)
{
  n_left = n;
  fails_for_good = for_good;
  was_denied = false;
}

bool fail_crypto_disarm(void)
{
  n_left = -1;
  return was_denied;
}
