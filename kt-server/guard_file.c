/* SPDX-License-Identifier: Apache-2.0 */
#include "guard_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/hash.h"
#include "file_io.h"
#include "units.h"

#define MAGIC "kt-head-guard/1"
#define CHECKSUM_LEN 8
#define LINE_MAX_LEN 256

/* The whole line; what is read must be this, byte for byte. */
static size_t format_line(const struct kt_log_guard *guard, char ret_line[static LINE_MAX_LEN])
{
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  char checksum[KT_HEX_SIZE(CHECKSUM_LEN)];
  struct kt_hash hash;
  (void)kt_hex_encode((struct kt_bytes){ guard->root.b, sizeof guard->root.b }, root);
  int n =
      snprintf(ret_line, LINE_MAX_LEN, MAGIC " %" PRIu64 " %" PRIu64 " %s ", guard->size, guard->timestamp_ms, root);
  kt_sha256(ret_line, (size_t)n, &hash);
  (void)kt_hex_encode((struct kt_bytes){ hash.b, CHECKSUM_LEN }, checksum);
  int m = snprintf(ret_line + n, LINE_MAX_LEN - (size_t)n, "%s\n", checksum);
  return (size_t)n + (size_t)m;
}

static bool parse_line(const char *line, struct kt_log_guard *guard)
{
  char size[24];
  char timestamp[24];
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  size_t root_len = 0;
  return sscanf(line, MAGIC " %23[0-9] %23[0-9] %64[0-9a-f] ", size, timestamp, root) == 3 &&
         kt_number_parse(size, &guard->size) == KT_OK && kt_number_parse(timestamp, &guard->timestamp_ms) == KT_OK &&
         kt_hex_decode(root, strlen(root), sizeof guard->root.b, guard->root.b, &root_len) == KT_OK &&
         root_len == sizeof guard->root.b;
}

enum kt_err kt_guard_load(const char *path, struct kt_log_guard *ret_guard, struct kt_error *error)
{
  char line[LINE_MAX_LEN + 1];
  char expected[LINE_MAX_LEN];
  size_t len = 0;
  struct kt_log_guard guard = { 0 };
  enum kt_err err = kt_file_read(path, LINE_MAX_LEN, line, &len, error);
  if (err != KT_OK && err != KT_ERR_LIMIT) {
    return err;
  }
  if (err == KT_ERR_LIMIT || !parse_line(line, &guard) || format_line(&guard, expected) != len ||
      memcmp(line, expected, len) != 0) {
    return kt_error_set(error, KT_ERR_FORMAT, "%s is damaged: it is not the one line that a head guard is", path);
  }
  *ret_guard = guard;
  return KT_OK;
}

enum kt_err kt_guard_save(const char *path, const struct kt_log_guard *guard, struct kt_error *error)
{
  char line[LINE_MAX_LEN];
  size_t len = format_line(guard, line);
  return kt_file_replace(path, line, len, 0600, error);
}
