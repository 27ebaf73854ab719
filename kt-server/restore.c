/* SPDX-License-Identifier: Apache-2.0 */
#include "restore.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "folder.h"
#include "instance.h"
#include "log/published.h"
#include "trail.h"

#define DATABASE_NEW KT_NAME_DATABASE ".new"
#define COPY_BYTES ((size_t)1 << 20)
#define KEY_BYTES 4096

/* Secrets that a log's folder can hold; which ones it needs is its Configuration's to say. */
static const char *const key_names[] = { KT_NAME_SIGNING_KEY, KT_NAME_VRF_KEY, KT_NAME_OPERATOR_TOKEN };
#define N_KEYS (sizeof key_names / sizeof key_names[0])

struct restoring {
  const struct kt_restore_request *request;
  struct kt_path database; /* until it takes its name */
  struct kt_instance instance;
  struct kt_store_conn *conn; /* the writer: closed last, so that no write-ahead log is left */
  struct kt_restore_report report;
};

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool copy_bytes(int from, int to, uint8_t *buf)
{
  for (;;) {
    ssize_t n = read(from, buf, COPY_BYTES);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return n == 0;
    }
    for (ssize_t done = 0; done < n;) {
      ssize_t written = write(to, buf + done, (size_t)(n - done));
      if (written < 0 && errno != EINTR) {
        return false;
      }
      done += written > 0 ? written : 0;
    }
  }
}

static enum kt_err copy_database(const struct restoring *restoring, struct kt_error *error)
{
  const char *file = restoring->request->file;
  uint8_t *buf = malloc(COPY_BYTES);
  int from = open(file, O_RDONLY | O_CLOEXEC);
  if (buf == NULL || from < 0) {
    free(buf);
    return buf == NULL
               ? kt_error_set(error, KT_ERR_MEMORY, "out of memory")
               : kt_error_set(error, errno == ENOENT ? KT_ERR_ABSENT : KT_ERR_STORE, "%s: %s", file, strerror(errno));
  }
  int to = open(restoring->database.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool done = to >= 0 && copy_bytes(from, to, buf) && fsync(to) == 0;
  enum kt_err err = done ? KT_OK
                         : kt_error_set(error, errno == ENOSPC || errno == EDQUOT ? KT_ERR_UNDETERMINED : KT_ERR_STORE,
                                        "copying %s to %s: %s", file, restoring->database.s, strerror(errno));
  if (to >= 0) {
    (void)close(to);
  }
  (void)close(from);
  free(buf);
  return err;
}

/* A key from the operator's own keeping; one that is not there is not needed, or comes later. */
static enum kt_err bring_key(const struct kt_restore_request *request, const char *name, struct kt_error *error)
{
  struct kt_path from;
  struct kt_path to;
  char content[KEY_BYTES + 1];
  size_t len = 0;
  enum kt_err err = kt_path_join(request->keys, name, &from, error);
  if (err == KT_OK) {
    err = kt_path_join(request->dir, name, &to, error);
  }
  if (err == KT_OK) {
    err = kt_file_check_private(from.s, error);
  }
  if (err == KT_OK) {
    err = kt_file_read(from.s, KEY_BYTES, content, &len, error);
  }
  if (err == KT_OK) {
    err = kt_file_replace(to.s, content, len, 0600, error);
  }
  sodium_memzero(content, sizeof content);
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

static enum kt_err bring_keys(const struct kt_restore_request *request, struct kt_error *error)
{
  enum kt_err err = KT_OK;
  for (size_t i = 0; request->keys != NULL && err == KT_OK && i < N_KEYS; i++) {
    err = bring_key(request, key_names[i], error);
  }
  return err;
}

static bool is_there(const char *dir, const char *name)
{
  struct kt_path path;
  struct kt_error error;
  return kt_path_join(dir, name, &path, &error) == KT_OK && access(path.s, F_OK) == 0;
}

/* --- what is in them ---------------------------------------------------------------------------------------------- */

static enum kt_err open_database(struct restoring *restoring, struct kt_error *error)
{
  const struct kt_store_options options = { .node_len = KT_LOG_NODE_LEN };
  struct kt_store_error cause;
  enum kt_err err = kt_store_open_sqlite(restoring->database.s, &options, &restoring->instance.store, &cause);
  if (err == KT_OK) {
    err = kt_store_open_writer(restoring->instance.store, &restoring->conn, &cause);
  }
  return err == KT_OK ? KT_OK : kt_error_set(error, err, "%s: %.300s", restoring->request->file, cause.text);
}

/* With the VRF key everything that `run` reads but the signing key; without it what there is. */
static enum kt_err load_folder(struct restoring *restoring, struct kt_error *error)
{
  struct kt_instance *instance = &restoring->instance;
  const char *dir = restoring->request->dir;
  struct kt_restore_report *report = &restoring->report;
  report->has_vrf_key = is_there(dir, KT_NAME_VRF_KEY);
  report->has_signing_key = is_there(dir, KT_NAME_SIGNING_KEY);
  enum kt_err err = report->has_signing_key ? kt_signer_check(dir, error) : KT_OK;
  if (err == KT_OK) {
    err = report->has_vrf_key ? kt_instance_load(instance, dir, error) : kt_instance_load_public(instance, dir, error);
  }
  report->guard_path = instance->guard_path;
  report->has_signer_service = kt_instance_has_signer_service(instance);
  if (report->has_signer_service) {
    (void)snprintf(report->guard_path.s, sizeof report->guard_path.s, "%s", instance->settings.signer);
  }
  return err;
}

static enum kt_err check_data(struct restoring *restoring, struct kt_error *error)
{
  struct kt_log *log = NULL;
  struct kt_log_reader *reader = NULL;
  struct kt_log_problem problem;
  const struct kt_log_options options = {
    .config = &restoring->instance.config,
    .vrf_key = restoring->instance.vrf,
    .store = restoring->instance.store,
    .read_only = true,
  };
  const struct kt_log_fsck fsck = { .vrf_every = restoring->report.has_vrf_key ? 1 : 0,
                                    .ctx = restoring->request->ctx,
                                    .report = restoring->request->found };
  enum kt_err err = kt_log_open(&options, &log, &problem);
  if (err == KT_OK) {
    kt_log_head(log, &restoring->report.head);
    err = kt_log_reader_new(log, &reader, &problem);
  }
  if (err == KT_OK) {
    err = kt_log_fsck(reader, &fsck, &problem);
  }
  kt_log_reader_free(reader);
  kt_log_close(log);
  if (err == KT_OK) {
    err = kt_store_count_entries(restoring->conn, &restoring->report.n_entries);
    return err == KT_OK ? KT_OK : kt_error_set(error, err, "%s", kt_store_message(restoring->conn));
  }
  return kt_error_set(error, err, "%s is not restored: %s", restoring->request->file, problem.text);
}

/* --- the guard ---------------------------------------------------------------------------------------------------- */

static enum kt_err mark(const struct restoring *restoring, struct kt_error *error)
{
  struct kt_path path;
  char text[KT_LOG_REASON_SIZE + 256];
  int n = snprintf(
      text, sizeof text,
      "%s\n\nThis folder was restored from a backup. A head signed from it could contradict one that people have "
      "already seen.\nIt is served with: kt-server run --read-only\n",
      restoring->report.why);
  enum kt_err err = kt_path_join(restoring->request->dir, KT_NAME_READ_ONLY, &path, error);
  return err == KT_OK ? kt_file_replace(path.s, text, (size_t)n, 0600, error) : err;
}

static enum kt_err compare_guard(struct restoring *restoring, struct kt_error *error)
{
  struct kt_restore_report *report = &restoring->report;
  struct kt_log_guard guard;
  struct kt_log_problem problem;
  struct kt_error cause;
  enum kt_err err = kt_instance_guard(&restoring->instance, &guard, &cause);
  if (err != KT_OK && report->has_signer_service) {
    report->guard = KT_RESTORE_GUARD_SIGNERS;
    (void)snprintf(report->why, sizeof report->why, "%.250s", cause.text);
    return KT_OK;
  }
  if (err == KT_ERR_ABSENT) {
    report->guard = KT_RESTORE_GUARD_MISSING;
    return KT_OK;
  }
  if (err != KT_OK) {
    report->guard = KT_RESTORE_GUARD_REFUSES;
    (void)snprintf(report->why, sizeof report->why, "The head guard cannot be read: %.250s", cause.text);
    return mark(restoring, error);
  }
  err = kt_log_guard_judge(restoring->conn, &restoring->instance.config, &guard, &problem);
  if (err == KT_OK) {
    report->guard = KT_RESTORE_GUARD_FITS;
    return KT_OK;
  }
  if (err != KT_ERR_CONFLICT) {
    return kt_error_set(error, err, "%s", problem.text);
  }
  report->guard = strcmp(problem.code, "guard-behind") == 0 ? KT_RESTORE_GUARD_AHEAD : KT_RESTORE_GUARD_REFUSES;
  (void)snprintf(report->why, sizeof report->why, "%s", problem.text);
  return mark(restoring, error);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static enum kt_err fill(struct restoring *restoring, struct kt_error *error)
{
  enum kt_err err = copy_database(restoring, error);
  if (err == KT_OK) {
    err = open_database(restoring, error);
  }
  if (err == KT_OK) {
    err = kt_backup_take_files(restoring->conn, restoring->request->dir, error);
  }
  if (err == KT_OK) {
    err = bring_keys(restoring->request, error);
  }
  if (err == KT_OK) {
    err = load_folder(restoring, error);
  }
  if (err == KT_OK) {
    kt_config_log_id(&restoring->instance.config, &restoring->report.log_id);
    err = check_data(restoring, error);
  }
  if (err == KT_OK) {
    err = compare_guard(restoring, error);
  }
  kt_store_close_conn(restoring->conn);
  kt_instance_release(&restoring->instance);
  return err;
}

/* From here on it is a log's folder. The trail begins with how it came to be. */
static enum kt_err finish(const struct restoring *restoring, struct kt_error *error)
{
  const char *dir = restoring->request->dir;
  const struct kt_trail_record record = { "restore", "done", restoring->report.head.size, getuid() };
  struct kt_path path;
  enum kt_err err = kt_trail_append(dir, &record, kt_now_ms(), error);
  if (err == KT_OK) {
    err = kt_path_join(dir, KT_NAME_DATABASE, &path, error);
  }
  if (err == KT_OK && (rename(restoring->database.s, path.s) != 0 || !kt_file_sync_folder_of(path.s))) {
    err = kt_error_set(error, KT_ERR_STORE, "%s: %s", path.s, strerror(errno));
  }
  return err;
}

static void undo(const char *dir, bool made)
{
  static const char *const names[] = { KT_NAME_SIGNING_KEY,    KT_NAME_VRF_KEY,     KT_NAME_OPERATOR_TOKEN,
                                       KT_NAME_READ_ONLY,      KT_NAME_TRAIL,       KT_NAME_DATABASE,
                                       DATABASE_NEW,           DATABASE_NEW "-wal", DATABASE_NEW "-shm",
                                       DATABASE_NEW "-journal" };
  kt_folder_remove_files(dir, kt_backup_files, KT_BACKUP_FILES);
  kt_folder_remove(dir, names, sizeof names / sizeof names[0], made);
}

static enum kt_err restore(struct restoring *restoring, struct kt_error *error)
{
  const struct kt_restore_request *request = restoring->request;
  bool made = false;
  bool is_backup = false;
  enum kt_err err = kt_backup_look(request->file, &is_backup, error);
  if (err == KT_OK && !is_backup) {
    err = kt_error_set(error, KT_ERR_FORMAT, "%s is no backup of a log, or a database that is in use", request->file);
  }
  if (err == KT_OK) {
    err = kt_path_join(request->dir, DATABASE_NEW, &restoring->database, error);
  }
  if (err == KT_OK) {
    err = kt_folder_make(request->dir, &made, error);
  }
  if (err != KT_OK) {
    return err;
  }
  err = fill(restoring, error);
  if (err == KT_OK) {
    err = finish(restoring, error);
  }
  if (err != KT_OK) {
    undo(request->dir, made);
  }
  return err;
}

enum kt_err kt_restore(const struct kt_restore_request *request, struct kt_restore_report *ret_report,
                       struct kt_error *error)
{
  struct restoring *restoring = calloc(1, sizeof *restoring);
  if (restoring == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  restoring->request = request;
  kt_instance_init(&restoring->instance);
  enum kt_err err = restore(restoring, error);
  if (err == KT_OK) {
    *ret_report = restoring->report;
  }
  free(restoring);
  return err;
}
