/* SPDX-License-Identifier: Apache-2.0 */
#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_file.h"
#include "log/published.h"
#include "names.h"

/* The start of an SQLite file, and the application id that the store gives its files (docs/formats.md, Log
 * database). */
#define HEADER_LEN 72
#define MAGIC "SQLite format 3"
#define APPLICATION_AT 68
#define APPLICATION "ktlg"

struct making {
  const struct kt_backup_request *request;
  struct kt_path temporary;
  int folder_fd; /* locked: one backup at a time in this folder; -1: not */
  uint8_t config_bytes[KT_CONFIG_MAX + 1];
  struct kt_config config; /* borrows from them */
  struct kt_backup_report report;
};

/* --- names -------------------------------------------------------------------------------------------------------- */

static enum kt_err beside(const char *file, const char *suffix, struct kt_path *ret_path, struct kt_error *error)
{
  int n = snprintf(ret_path->s, sizeof ret_path->s, "%s%s", file, suffix);
  return n > 0 && (size_t)n < sizeof ret_path->s
             ? KT_OK
             : kt_error_set(error, KT_ERR_LIMIT, "the path is too long: %.200s", file);
}

static bool exists(const char *file, const char *suffix)
{
  struct kt_path path;
  struct kt_error error;
  return beside(file, suffix, &path, &error) == KT_OK && access(path.s, F_OK) == 0;
}

enum kt_err kt_backup_look(const char *file, bool *ret_is_backup, struct kt_error *error)
{
  uint8_t header[HEADER_LEN];
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return kt_error_set(error, errno == ENOENT ? KT_ERR_ABSENT : KT_ERR_STORE, "%s: %s", file, strerror(errno));
  }
  ssize_t n = read(fd, header, sizeof header);
  (void)close(fd);
  *ret_is_backup = n == (ssize_t)sizeof header && memcmp(header, MAGIC, sizeof MAGIC) == 0 &&
                   memcmp(header + APPLICATION_AT, APPLICATION, sizeof APPLICATION - 1) == 0 && !exists(file, "-wal");
  return KT_OK;
}

/* Only a backup is ever replaced by one: not another file, and not the database of a log. */
static enum kt_err check_place(const char *file, struct kt_error *error)
{
  bool is_backup = false;
  enum kt_err err = kt_backup_look(file, &is_backup, error);
  if (err != KT_OK) {
    return err == KT_ERR_ABSENT ? KT_OK : err;
  }
  const char *slash = strrchr(file, '/');
  bool is_log = strcmp(slash != NULL ? slash + 1 : file, KT_NAME_DATABASE) == 0;
  return is_backup && !is_log
             ? KT_OK
             : kt_error_set(error, KT_ERR_USAGE, "%s is there already and is no backup; nothing was changed", file);
}

/* FILE, FILE.1 and so on: all that will be replaced. */
static enum kt_err check_places(const struct kt_backup_request *request, struct kt_error *error)
{
  struct kt_path older;
  char suffix[16];
  enum kt_err err = check_place(request->file, error);
  for (unsigned i = 1; err == KT_OK && i < request->keep; i++) {
    (void)snprintf(suffix, sizeof suffix, ".%u", i);
    err = beside(request->file, suffix, &older, error);
    if (err == KT_OK) {
      err = check_place(older.s, error);
    }
  }
  return err;
}

/* Two that make the same file would mix their work; the lock goes with the process, and leaves no file. */
static enum kt_err lock_folder(struct making *making, struct kt_error *error)
{
  struct kt_path copy; /* dirname may change it */
  enum kt_err err = beside(making->request->file, "", &copy, error);
  if (err != KT_OK) {
    return err;
  }
  const char *folder = dirname(copy.s);
  making->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (making->folder_fd >= 0 && flock(making->folder_fd, LOCK_EX | LOCK_NB) == 0) {
    return KT_OK;
  }
  if (making->folder_fd >= 0 && errno == EWOULDBLOCK) {
    return kt_error_set(error, KT_ERR_UNDETERMINED, "%s: another backup is being made there", folder);
  }
  return kt_error_set(error, KT_ERR_STORE, "%s: %s", folder, strerror(errno));
}

static void remove_temporary(const struct making *making)
{
  static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
  struct kt_path path;
  struct kt_error error;
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    if (beside(making->temporary.s, suffixes[i], &path, &error) == KT_OK) {
      (void)unlink(path.s);
    }
  }
}

/* --- the copy ----------------------------------------------------------------------------------------------------- */

static enum kt_err store_error(enum kt_err err, const struct kt_store_conn *conn, struct kt_error *error)
{
  return kt_error_set(error, kt_store_is_full(conn) ? KT_ERR_UNDETERMINED : err, "%s", kt_store_message(conn));
}

static enum kt_err open_store(const char *path, struct kt_store **ret_store, struct kt_error *error)
{
  const struct kt_store_options options = { .node_len = KT_LOG_NODE_LEN };
  struct kt_store_error cause;
  enum kt_err err = kt_store_open_sqlite(path, &options, ret_store, &cause);
  return err == KT_OK ? KT_OK : kt_error_set(error, err, "%s", cause.text);
}

static enum kt_err copy_database(const struct making *making, struct kt_error *error)
{
  struct kt_path path;
  struct kt_store *store = NULL;
  struct kt_store_conn *reader = NULL;
  struct kt_store_error cause;
  enum kt_err err = kt_path_join(making->request->dir, KT_NAME_DATABASE, &path, error);
  if (err == KT_OK) {
    err = open_store(path.s, &store, error);
  }
  if (err != KT_OK) {
    return err;
  }
  err = kt_store_open_reader(store, &reader, &cause);
  if (err != KT_OK) {
    (void)kt_error_set(error, err, "%s", cause.text);
  } else {
    err = kt_store_backup(reader, making->temporary.s);
    err = err == KT_OK ? KT_OK : store_error(err, reader, error);
  }
  kt_store_close_conn(reader);
  kt_store_close(store);
  return err;
}

/* The published head, unless the copy has a newer one, and the public files. */
static enum kt_err complete(const struct making *making, struct kt_store_conn *writer, struct kt_error *error)
{
  struct kt_log_head stored;
  const char *what = NULL;
  bool has_newer =
      kt_log_head_get(writer, &making->config, &stored, &what) == KT_OK && stored.size >= making->request->head->size;
  enum kt_err err = kt_store_begin(writer);
  if (err != KT_OK) {
    return store_error(err, writer, error);
  }
  if (!has_newer) {
    err = kt_log_head_put(writer, &making->config, making->request->head);
    err = err == KT_OK ? KT_OK : store_error(err, writer, error);
  }
  if (err == KT_OK) {
    err = kt_backup_put_files(making->request->dir, writer, error);
  }
  if (err == KT_OK) {
    err = kt_store_commit(writer);
    err = err == KT_OK ? KT_OK : store_error(err, writer, error);
  }
  if (err != KT_OK) {
    kt_store_rollback(writer);
  }
  return err;
}

/* As it was written: the file's structure, the entries up to their root, the signature. */
static enum kt_err check_copy(struct making *making, struct kt_store_conn *conn, struct kt_error *error)
{
  const char *what = NULL;
  enum kt_err err = kt_store_verify(conn);
  if (err != KT_OK) {
    return store_error(err == KT_ERR_STORE ? KT_ERR_PROOF : err, conn, error);
  }
  err = kt_log_head_get(conn, &making->config, &making->report.head, &what);
  if (err == KT_ERR_PROOF) {
    return kt_error_set(error, err, "no backup was made, because the copy does not fit the published head: %s", what);
  }
  if (err == KT_OK) {
    err = kt_store_count_entries(conn, &making->report.n_entries);
  }
  return err == KT_OK ? KT_OK : store_error(err, conn, error);
}

static enum kt_err fill(struct making *making, struct kt_error *error)
{
  struct kt_store *store = NULL;
  struct kt_store_conn *writer = NULL;
  struct kt_store_error cause;
  enum kt_err err = copy_database(making, error);
  if (err == KT_OK) {
    err = open_store(making->temporary.s, &store, error);
  }
  if (err != KT_OK) {
    return err;
  }
  err = kt_store_open_writer(store, &writer, &cause);
  if (err != KT_OK) {
    (void)kt_error_set(error, err, "%s", cause.text);
  } else {
    err = complete(making, writer, error);
  }
  if (err == KT_OK) {
    err = check_copy(making, writer, error);
  }
  kt_store_close_conn(writer); /* the last one: what was written goes into the file itself */
  kt_store_close(store);
  return err;
}

/* --- its name ----------------------------------------------------------------------------------------------------- */

/* FILE.1 … FILE.(keep - 1) are those before, the newest first. FILE itself is never missing. */
static enum kt_err rotate(const struct kt_backup_request *request, struct kt_error *error)
{
  struct kt_path from;
  struct kt_path to;
  char suffix[16];
  enum kt_err err = KT_OK;
  for (unsigned i = request->keep - 1; err == KT_OK && i > 0; i--) {
    (void)snprintf(suffix, sizeof suffix, ".%u", i);
    err = beside(request->file, suffix, &to, error);
    (void)snprintf(suffix, sizeof suffix, ".%u", i - 1);
    if (err == KT_OK) {
      err = beside(request->file, i > 1 ? suffix : "", &from, error);
    }
    if (err == KT_OK && i == 1) {
      (void)unlink(to.s);
    }
    if (err == KT_OK && (i > 1 ? rename(from.s, to.s) : link(from.s, to.s)) != 0 && errno != ENOENT) {
      err = kt_error_set(error, KT_ERR_STORE, "%s: %s", to.s, strerror(errno));
    }
  }
  return err;
}

static enum kt_err take_name(struct making *making, struct kt_error *error)
{
  const char *file = making->request->file;
  struct stat info;
  int fd = open(making->temporary.s, O_RDONLY | O_CLOEXEC);
  bool done = fd >= 0 && fstat(fd, &info) == 0 && fsync(fd) == 0 && !exists(making->temporary.s, "-wal");
  if (fd >= 0) {
    (void)close(fd);
  }
  if (!done) {
    return kt_error_set(error, KT_ERR_STORE, "making %s durable: %s", making->temporary.s, strerror(errno));
  }
  making->report.n_bytes = (uint64_t)info.st_size;
  enum kt_err err = rotate(making->request, error);
  if (err == KT_OK && (rename(making->temporary.s, file) != 0 || !kt_file_sync_folder_of(file))) {
    err = kt_error_set(error, KT_ERR_STORE, "%s: %s", file, strerror(errno));
  }
  return err;
}

static enum kt_err make(struct making *making, struct kt_error *error)
{
  const struct kt_backup_request *request = making->request;
  size_t len = 0;
  enum kt_err err = check_places(request, error);
  if (err == KT_OK) {
    err = kt_config_file_load(request->dir, making->config_bytes, &len, &making->config, error);
  }
  if (err == KT_OK) {
    err = beside(request->file, ".new", &making->temporary, error);
  }
  if (err == KT_OK) {
    err = lock_folder(making, error);
  }
  if (err != KT_OK) {
    return err;
  }
  remove_temporary(making); /* of one that was killed: the folder is ours */
  kt_config_log_id(&making->config, &making->report.log_id);
  err = fill(making, error);
  if (err == KT_OK) {
    err = take_name(making, error);
  }
  remove_temporary(making);
  return err;
}

enum kt_err kt_backup_make(const struct kt_backup_request *request, struct kt_backup_report *ret_report,
                           struct kt_error *error)
{
  struct making *making = calloc(1, sizeof *making);
  if (making == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  making->request = request;
  making->folder_fd = -1;
  enum kt_err err = make(making, error);
  if (err == KT_OK) {
    *ret_report = making->report;
  }
  if (making->folder_fd >= 0) {
    (void)close(making->folder_fd);
  }
  free(making);
  return err;
}
