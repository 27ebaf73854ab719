/* SPDX-License-Identifier: Apache-2.0 */
/* A file in memory, and its copies with a few bits or bytes changed at random. Errors end the program. */
#ifndef KT_TESTS_FLIPS_FLIP_H
#define KT_TESTS_FLIPS_FLIP_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/random.h"

#define FLIP_PATH_SIZE 4096
#define FLIP_FILE_MAX ((size_t)64 << 20)
#define FLIPS_MAX 4

struct flip_file {
  uint8_t *data; /* owned */
  size_t len;
};

static inline void flip_need(bool holds, const char *what)
{
  if (!holds) {
    (void)fprintf(stderr, "kt-flips: %s\n", what);
    exit(2);
  }
}

static inline void flip_read(const char *path, struct flip_file *ret_file)
{
  FILE *file = fopen(path, "rb");
  flip_need(file != NULL, path);
  ret_file->data = malloc(FLIP_FILE_MAX);
  flip_need(ret_file->data != NULL, "out of memory");
  ret_file->len = fread(ret_file->data, 1, FLIP_FILE_MAX, file);
  (void)fclose(file);
  flip_need(ret_file->len > 0 && ret_file->len < FLIP_FILE_MAX, path);
}

static inline void flip_write(const char *path, const struct flip_file *content)
{
  FILE *file = fopen(path, "wb");
  flip_need(file != NULL && fwrite(content->data, 1, content->len, file) == content->len, path);
  flip_need(fclose(file) == 0, path);
}

/* What was changed, to be changed back. */
struct flip_change {
  size_t at[FLIPS_MAX];
  uint8_t before[FLIPS_MAX];
  size_t n;
};

/* Much of a database is empty: every second place is looked for where something is. */
static inline size_t flip_place(struct crash_random *random, const struct flip_file *file)
{
  size_t at = (size_t)crash_random_below(random, file->len);
  const bool anywhere = crash_random_below(random, 2) == 0;
  for (int i = 0; i < 32 && !anywhere && file->data[at] == 0; i++) {
    at = (size_t)crash_random_below(random, file->len);
  }
  return at;
}

/* One to four bits, or a byte. */
static inline void flip(struct crash_random *random, struct flip_file *file, struct flip_change *ret_change)
{
  const bool whole_byte = crash_random_below(random, 4) == 0;
  ret_change->n = whole_byte ? 1 : 1 + (size_t)crash_random_below(random, FLIPS_MAX);
  for (size_t i = 0; i < ret_change->n; i++) {
    const size_t at = flip_place(random, file);
    const uint64_t byte = 1 + crash_random_below(random, UINT8_MAX);
    const uint64_t bit = UINT64_C(1) << crash_random_below(random, 8);
    ret_change->at[i] = at;
    ret_change->before[i] = file->data[at];
    file->data[at] = (uint8_t)(file->data[at] ^ (whole_byte ? byte : bit));
  }
}

static inline void flip_back(struct flip_file *file, const struct flip_change *change)
{
  for (size_t i = change->n; i > 0; i--) {
    file->data[change->at[i - 1]] = change->before[i - 1];
  }
}

#endif
