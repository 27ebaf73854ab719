/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* realpath */

#include "auditor_signed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "cli.h"
#include "crypto/hash.h"
#include "crypto/key_text.h"
#include "text_file.h"

#define MAGIC "kt-auditor-signed/1"
#define UNKNOWN "-"
#define CHECKSUM_LEN 8

/* --- the line --------------------------------------------------------------------------------------------------------------- */

size_t kt_auditor_signed_text(const struct kt_suite *suite, struct kt_bytes key, const struct kt_auditor_signed *last,
                              char ret_line[static KT_AUDITOR_SIGNED_LINE_MAX])
{
  char public_key[KT_HEX_SIZE(KT_PUBLIC_KEY_MAX)];
  char log_id[KT_HEX_SIZE(KT_HASH_LEN)];
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  char signature[KT_HEX_SIZE(KT_SIGNATURE_MAX)] = UNKNOWN;
  char checksum[KT_HEX_SIZE(CHECKSUM_LEN)];
  struct kt_hash hash;
  kt_hex_encode(key, public_key);
  kt_hex_encode((struct kt_bytes){ last->log_id.b, sizeof last->log_id.b }, log_id);
  kt_hex_encode((struct kt_bytes){ last->root.b, sizeof last->root.b }, root);
  if (last->signature_len > 0) {
    kt_hex_encode((struct kt_bytes){ last->signature, last->signature_len }, signature);
  }
  int n = snprintf(ret_line, KT_AUDITOR_SIGNED_LINE_MAX, MAGIC " %s %s %s %" PRIu64 " %s %s ", kt_suite_word(suite),
                   public_key, log_id, last->size, root, signature);
  kt_sha256(ret_line, (size_t)n, &hash);
  kt_hex_encode((struct kt_bytes){ hash.b, CHECKSUM_LEN }, checksum);
  n += snprintf(ret_line + n, KT_AUDITOR_SIGNED_LINE_MAX - (size_t)n, "%s\n", checksum);
  return (size_t)n;
}

static bool read_hash(const char *text, struct kt_hash *ret_hash)
{
  size_t len = 0;
  return kt_hex_decode(text, strlen(text), sizeof ret_hash->b, ret_hash->b, &len) == KT_OK && len == sizeof ret_hash->b;
}

static bool read_signature(const char *text, struct kt_auditor_signed *last)
{
  if (strcmp(text, UNKNOWN) == 0) {
    return true;
  }
  return kt_hex_decode(text, strlen(text), sizeof last->signature, last->signature, &last->signature_len) == KT_OK;
}

static bool read_fields(const char *line, char key[static KT_HEX_SIZE(KT_PUBLIC_KEY_MAX)],
                        struct kt_auditor_signed *last)
{
  char log_id[KT_HEX_SIZE(KT_HASH_LEN)];
  char size[24];
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  char signature[KT_HEX_SIZE(KT_SIGNATURE_MAX)];
  return sscanf(line, MAGIC " %*15[a-z0-9] %130[0-9a-f] %64[0-9a-f] %23[0-9] %64[0-9a-f] %128[-0-9a-f] ", key, log_id,
                size, root, signature) == 5 &&
         read_hash(log_id, &last->log_id) && kt_cli_number(size, INT64_MAX, &last->size) &&
         read_hash(root, &last->root) && read_signature(signature, last);
}

enum kt_err kt_auditor_signed_parse(struct kt_bytes line, const struct kt_suite *suite, struct kt_bytes key,
                                    struct kt_auditor_signed *ret_last)
{
  char text[KT_AUDITOR_SIGNED_LINE_MAX];
  char expected[KT_AUDITOR_SIGNED_LINE_MAX];
  char their_key[KT_HEX_SIZE(KT_PUBLIC_KEY_MAX)];
  char our_key[KT_HEX_SIZE(KT_PUBLIC_KEY_MAX)];
  struct kt_auditor_signed last = { .size = 0 };
  if (line.len == 0 || line.len >= sizeof text) {
    return KT_ERR_FORMAT;
  }
  memcpy(text, line.data, line.len);
  text[line.len] = '\0';
  if (!read_fields(text, their_key, &last)) {
    return KT_ERR_FORMAT;
  }
  kt_hex_encode(key, our_key);
  if (strcmp(their_key, our_key) != 0) {
    return KT_ERR_CONFLICT;
  }
  if (kt_auditor_signed_text(suite, key, &last, expected) != line.len || memcmp(text, expected, line.len) != 0) {
    return KT_ERR_FORMAT;
  }
  *ret_last = last;
  return KT_OK;
}

bool kt_auditor_signed_allows(const struct kt_auditor_signed *last, const struct kt_hash *log_id, uint64_t size,
                              const struct kt_hash *root)
{
  if (last->size == 0) {
    return size > 0;
  }
  return kt_hash_equal(&last->log_id, log_id) &&
         (size > last->size || (size == last->size && kt_hash_equal(&last->root, root)));
}

/* --- the file --------------------------------------------------------------------------------------------------------------- */

static enum kt_exit cannot(struct kt_output *out, const char *doing, const char *path)
{
  return kt_output_fail(out, KT_EXIT_USAGE, "key-file", "cannot %s %s: %s", doing, path, strerror(errno));
}

/* A second name for the key file, other than a symbolic link, would have a record of its own. */
static enum kt_exit lock_key(struct kt_output *out, const char *path, int fd)
{
  struct stat st;
  if (fstat(fd, &st) != 0) {
    return cannot(out, "read", path);
  }
  if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
    return kt_output_fail(out, KT_EXIT_USAGE, "key-file",
                          "%s is %s: what the key signed is kept beside the key, "
                          "which has to be a file with one name",
                          path, S_ISREG(st.st_mode) ? "one of several names (hard links) of a file" : "not a file");
  }
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
    return KT_EXIT_OK;
  }
  return errno == EWOULDBLOCK
             ? kt_output_fail(out, KT_EXIT_UNDECIDED, "busy", "another auditor is at work with the key %s", path)
             : cannot(out, "lock", path);
}

enum kt_exit kt_auditor_record_open(struct kt_output *out, const char *key_path, struct kt_auditor_record *ret_record)
{
  char path[PATH_MAX];
  if (realpath(key_path, path) == NULL) {
    return cannot(out, "read", key_path);
  }
  int n = snprintf(ret_record->path, sizeof ret_record->path, "%s.signed", path);
  if (n < 0 || (size_t)n >= sizeof ret_record->path) {
    return kt_output_fail(out, KT_EXIT_USAGE, "key-file", "the name of the key file is too long");
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) {
    return cannot(out, "read", path);
  }
  enum kt_exit code = lock_key(out, path, fd);
  if (code != KT_EXIT_OK) {
    close(fd);
    return code;
  }
  ret_record->lock_fd = fd;
  return KT_EXIT_OK;
}

void kt_auditor_record_close(struct kt_auditor_record *record)
{
  if (record->lock_fd >= 0) {
    close(record->lock_fd); /* the lock goes with it */
  }
  record->lock_fd = -1;
}

enum kt_err kt_auditor_record_load(struct kt_auditor_record *record, const struct kt_suite *suite, struct kt_bytes key)
{
  uint8_t line[KT_AUDITOR_SIGNED_LINE_MAX];
  struct stat st;
  record->error[0] = '\0';
  int fd = open(record->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) {
    return errno == ENOENT ? KT_ERR_ABSENT : KT_ERR_DENIED;
  }
  bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  enum kt_err err = is_file ? kt_state_check_private(&st, "it", 0600, record->error) : KT_OK;
  ssize_t n = is_file && err == KT_OK ? read(fd, line, sizeof line) : 0;
  int saved_errno = errno;
  close(fd);
  errno = saved_errno;
  if (err != KT_OK || n < 0) {
    return KT_ERR_DENIED;
  }
  return kt_auditor_signed_parse((struct kt_bytes){ line, (size_t)n }, suite, key, &record->last);
}

enum kt_exit kt_auditor_record_save(struct kt_auditor_record *record, struct kt_output *out,
                                    const struct kt_suite *suite, struct kt_bytes key,
                                    const struct kt_auditor_signed *last)
{
  char line[KT_AUDITOR_SIGNED_LINE_MAX];
  size_t len = kt_auditor_signed_text(suite, key, last, line);
  enum kt_exit code = kt_text_file_write(out, record->path, (struct kt_bytes){ (const uint8_t *)line, len });
  if (code == KT_EXIT_OK) {
    record->last = *last;
  }
  return code;
}
