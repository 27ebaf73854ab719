/* SPDX-License-Identifier: Apache-2.0 */
/*   struct { opaque name<1..2^8-1>; opaque content<0..2^32-1>; } CarriedFile;
 *   CarriedFile files<0..2^8-1>;    meta "backup/files"; the length is a number of files */
#include <stdlib.h>
#include <string.h>

#include <kt/arena.h>
#include <kt/writer.h>

#include "access.h"
#include "backup.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "names.h"

#define META_NAME "backup/files"
#define FILE_MAX ((size_t)4 << 20)

/* No key, and nothing that names the disk or the machine: those are in the settings only. */
const char *const kt_backup_files[KT_BACKUP_FILES] = { KT_NAME_CONFIG, KT_NAME_SETTINGS, KT_NAME_ACCESS };

static mode_t mode_of(const char *name)
{
  return strcmp(name, KT_NAME_CONFIG) == 0 ? 0644 : 0600;
}

/* The count and the files; one that is not there is left out. */
static enum kt_err read_files(const char *dir, char *buf, struct kt_writer *w, struct kt_error *error)
{
  struct kt_path path;
  uint8_t n = 0;
  kt_write_u8(w, 0);
  for (size_t i = 0; i < KT_BACKUP_FILES; i++) {
    const char *name = kt_backup_files[i];
    size_t len = 0;
    enum kt_err err = kt_path_join(dir, name, &path, error);
    if (err == KT_OK) {
      err = kt_file_read(path.s, FILE_MAX, buf, &len, error);
    }
    if (err == KT_ERR_ABSENT && strcmp(name, KT_NAME_ACCESS) == 0) {
      continue;
    }
    if (err != KT_OK) {
      return err;
    }
    kt_write_opaque8(w, (struct kt_bytes){ (const uint8_t *)name, strlen(name) });
    kt_write_opaque32(w, (struct kt_bytes){ (const uint8_t *)buf, len });
    n++;
  }
  if (w->err != KT_OK) {
    return kt_error_set(error, w->err, "the files of %s cannot be gathered: %s", dir, kt_err_text(w->err));
  }
  w->buf[0] = n;
  return KT_OK;
}

/* Release w, also on failure. */
static enum kt_err gather(const char *dir, struct kt_writer *w, struct kt_error *error)
{
  char *buf = malloc(FILE_MAX + 1);
  kt_writer_init(w, KT_BACKUP_FILES * (FILE_MAX + UINT8_MAX));
  enum kt_err err = buf != NULL ? read_files(dir, buf, w, error) : kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  free(buf);
  return err;
}

enum kt_err kt_backup_hash_files(const char *dir, struct kt_hash *ret_hash, struct kt_error *error)
{
  struct kt_writer w;
  enum kt_err err = gather(dir, &w, error);
  if (err == KT_OK) {
    kt_sha256(w.buf, w.len, ret_hash);
  }
  kt_writer_release(&w);
  return err;
}

enum kt_err kt_backup_put_files(const char *dir, struct kt_store_conn *writer, struct kt_error *error)
{
  struct kt_writer w;
  enum kt_err err = gather(dir, &w, error);
  if (err == KT_OK) {
    err = kt_store_put_meta(writer, META_NAME, (struct kt_bytes){ w.buf, w.len });
    if (err != KT_OK) {
      (void)kt_error_set(error, err, "%s", kt_store_message(writer));
    }
  }
  kt_writer_release(&w);
  return err;
}

/* --- taking them out ---------------------------------------------------------------------------------------------- */

/* NULL: a name that no program of ours gave; it must not decide where something is written. */
static const char *known_name(struct kt_bytes name)
{
  for (size_t i = 0; i < KT_BACKUP_FILES; i++) {
    if (name.len == strlen(kt_backup_files[i]) && memcmp(name.data, kt_backup_files[i], name.len) == 0) {
      return kt_backup_files[i];
    }
  }
  return NULL;
}

static enum kt_err malformed(struct kt_error *error)
{
  return kt_error_set(error, KT_ERR_FORMAT, "the backup's list of files is malformed");
}

static enum kt_err write_files(struct kt_bytes stored, const char *dir, struct kt_error *error)
{
  struct kt_reader r;
  struct kt_path path;
  kt_reader_init(&r, stored.data, stored.len);
  for (unsigned n = kt_read_u8(&r); n > 0; n--) {
    struct kt_bytes name = kt_read_opaque8(&r);
    struct kt_bytes content = kt_read_opaque32(&r, FILE_MAX);
    const char *known = r.err == KT_OK ? known_name(name) : NULL;
    if (known == NULL) {
      return malformed(error);
    }
    enum kt_err err = kt_path_join(dir, known, &path, error);
    if (err == KT_OK) {
      err = kt_file_replace(path.s, content.data, content.len, mode_of(known), error);
    }
    if (err != KT_OK) {
      return err;
    }
  }
  return kt_reader_end(&r) == KT_OK ? KT_OK : malformed(error);
}

enum kt_err kt_backup_take_files(struct kt_store_conn *conn, const char *dir, struct kt_error *error)
{
  struct kt_arena arena;
  struct kt_bytes stored;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_store_get_meta(conn, META_NAME, &arena, &stored);
  if (err == KT_OK) {
    err = write_files(stored, dir, error);
  } else if (err == KT_ERR_ABSENT) {
    err = kt_error_set(error, KT_ERR_FORMAT,
                       "it is a log's database, but none that kt-server backup made: it lacks the log's configuration");
  } else {
    (void)kt_error_set(error, err, "%s", kt_store_message(conn));
  }
  kt_arena_release(&arena);
  return err;
}
