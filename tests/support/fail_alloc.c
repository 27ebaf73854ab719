/* SPDX-License-Identifier: Apache-2.0 */
#include "fail_alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

/* The linker's --wrap gives the functions these names. */
// NOLINTBEGIN(bugprone-reserved-identifier)
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_sodium_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_sodium_malloc(size_t size);
char *__wrap_strdup(const char *text);
// NOLINTEND(bugprone-reserved-identifier)

static _Atomic uint64_t left; /* until one fails; 0: not armed */
static atomic_bool for_good_;
static atomic_bool was_refused;

static bool refuse(void)
{
  uint64_t n = atomic_load(&left);
  while (n > 1) {
    if (atomic_compare_exchange_weak(&left, &n, n - 1)) {
      return false;
    }
  }
  if (n == 0) {
    return false;
  }
  atomic_store(&was_refused, true);
  if (!atomic_load(&for_good_)) {
    atomic_store(&left, 0);
  }
  return true;
}

void fail_alloc_arm(uint64_t nth, bool for_good)
{
  atomic_store(&was_refused, false);
  atomic_store(&for_good_, for_good);
  atomic_store(&left, nth);
}

bool fail_alloc_disarm(void)
{
  atomic_store(&left, 0);
  return atomic_load(&was_refused);
}

/* --- ours -------------------------------------------------------------------------------------------------------------- */

void *__wrap_malloc(size_t size)
{
  return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
  return refuse() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
  return refuse() ? NULL : __real_realloc(old, size);
}

void *__wrap_sodium_malloc(size_t size)
{
  return refuse() ? NULL : __real_sodium_malloc(size);
}

char *__wrap_strdup(const char *text)
{
  const size_t len = strlen(text) + 1;
  char *copy = refuse() ? NULL : __real_malloc(len);
  return copy != NULL ? memcpy(copy, text, len) : NULL;
}

/* --- the libraries' ------------------------------------------------------------------------------------------------------ */

static void *crypto_malloc(size_t size, const char *file, int line)
{
  (void)file;
  (void)line;
  return refuse() ? NULL : __real_malloc(size);
}

static void *crypto_realloc(void *old, size_t size, const char *file, int line)
{
  (void)file;
  (void)line;
  return refuse() ? NULL : __real_realloc(old, size);
}

static void crypto_free(void *memory, const char *file, int line)
{
  (void)file;
  (void)line;
  free(memory);
}

static void *json_malloc(size_t size)
{
  return refuse() ? NULL : __real_malloc(size);
}

static sqlite3_mem_methods sqlite_own; /* SQLite's: they know the size of each allocation */

static void *sqlite_malloc(int size)
{
  return refuse() ? NULL : sqlite_own.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
  return refuse() ? NULL : sqlite_own.xRealloc(old, size);
}

bool fail_alloc_hook(void)
{
  sqlite3_mem_methods hooked;
  bool ok = CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) == 1;
  json_set_alloc_funcs(json_malloc, free);
  ok = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_own) == SQLITE_OK && ok;
  hooked = sqlite_own;
  hooked.xMalloc = sqlite_malloc;
  hooked.xRealloc = sqlite_realloc;
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &hooked) == SQLITE_OK && ok;
}
