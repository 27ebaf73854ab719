/* SPDX-License-Identifier: Apache-2.0 */
/* Marking data as secret for valgrind, whose memcheck then reports every branch and every address that depends on it.
 * Elsewhere nothing is marked, and nothing reported. */
#ifndef KT_TESTS_UNIT_SECRET_TEST_H
#define KT_TESTS_UNIT_SECRET_TEST_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif

static inline bool under_valgrind(void)
{
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  return RUNNING_ON_VALGRIND != 0;
#else
  return false;
#endif
}

static inline void mark_secret(void *data, size_t len)
{
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  (void)VALGRIND_MAKE_MEM_UNDEFINED(data, len);
#else
  (void)data;
  (void)len;
#endif
}

static inline void mark_public(void *data, size_t len)
{
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  (void)VALGRIND_MAKE_MEM_DEFINED(data, len);
#else
  (void)data;
  (void)len;
#endif
}

static inline unsigned long n_reported(void)
{
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  return VALGRIND_COUNT_ERRORS;
#else
  return 0;
#endif
}

/* False outside valgrind. Bit by bit, as reading validity is no use of the data: unlike a check that data is defined, it
 * reports nothing. */
static inline bool depends_on_secret(const unsigned char *data, size_t len)
{
  bool secret = false;
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  for (size_t i = 0; i < len; i++) {
    unsigned char undefined_bits = 0;
    (void)VALGRIND_GET_VBITS(data + i, &undefined_bits, 1);
    secret = secret || undefined_bits != 0;
  }
#else
  (void)data;
  (void)len;
#endif
  return secret;
}

#endif
