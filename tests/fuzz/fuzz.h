/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share. A target is LLVMFuzzerTestOneInput in fuzz_<x>.c; libFuzzer calls it, or replay.c with
 * the files of corpus/<x>/. Whatever the bytes are, it must come back, leak nothing, and keep every FUZZ_CHECK. */
#ifndef KT_TESTS_FUZZ_H
#define KT_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kt/arena.h>
#include <kt/suite.h>
#include <kt/writer.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(bool holds, const char *what, const char *file, int line)
{
  if (!holds) {
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
  }
}

#define FUZZ_CHECK(condition) fuzz_check((condition), #condition, __FILE__, __LINE__)

static inline bool fuzz_equal(struct kt_bytes a, struct kt_bytes b)
{
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool fuzz_wrote(const struct kt_writer *w, struct kt_bytes expected)
{
  return w->err == KT_OK && fuzz_equal((struct kt_bytes){ w->buf, w->len }, expected);
}

/* kt_suite_by_id tests the suite each time. */
static inline const struct kt_suite *fuzz_suite(bool p256)
{
  static const struct kt_suite *suites[2];
  if (suites[p256] == NULL) {
    FUZZ_CHECK(kt_crypto_init() == KT_OK);
    suites[p256] = kt_suite_by_id(p256 ? KT_SUITE_P256 : KT_SUITE_ED25519);
    FUZZ_CHECK(suites[p256] != NULL);
  }
  return suites[p256];
}

/* A decoder that refused has to say why in one of these words. */
static inline bool fuzz_is_refusal(enum kt_err err)
{
  return err == KT_ERR_FORMAT || err == KT_ERR_LIMIT || err == KT_ERR_UNSUPPORTED || err == KT_ERR_MEMORY;
}

/* The first byte selects what the others are. */
struct fuzz_input {
  uint8_t selector;
  struct kt_bytes rest;
};

static inline bool fuzz_split(const uint8_t *data, size_t size, struct fuzz_input *ret_input)
{
  if (size > 0) {
    *ret_input = (struct fuzz_input){ data[0], { data + 1, size - 1 } };
  }
  return size > 0;
}

#endif
