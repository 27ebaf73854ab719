/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* mkostemp */
#include "migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin.h"
#include "base/noun.h"
#include "keys.h"
#include "log/published.h"
#include "trail_operate.h"

struct migrating {
  const struct kt_migrate_request *request;
  struct kt_instance old_log; /* only read */
  struct kt_store_conn *old_conn;
  struct kt_admin new_log;
  struct kt_store_conn *new_conn;
  uint64_t size; /* the entries whose labels go over */
  struct kt_migrate_report report;
};

/* --- the old log -------------------------------------------------------------------------------------------------- */

/* In use: only by one that signs nothing. */
static enum kt_err check_idle(const struct kt_instance *instance, struct kt_error *error)
{
  struct kt_admin admin = { .dir = instance->dir, .is_running = true };
  json_t *response = NULL;
  json_t *request = json_pack("{s:s}", "op", "status");
  enum kt_err err = kt_admin_call(&admin, request, &response, error);
  bool is_read_only = json_is_true(json_object_get(json_object_get(response, "status"), "read_only"));
  json_decref(request);
  json_decref(response);
  if (err != KT_OK || !is_read_only) {
    return kt_error_set(error, KT_ERR_UNDETERMINED,
                        "%s is in use: stop it, or serve it with --read-only, so that no head follows its last one",
                        instance->dir.s);
  }
  return KT_OK;
}

/* After a crash the data has the newest entries, and not yet the signature of their head: a log that may still sign
 * makes it once more, and keeps it. One that may not is taken as it is. */
static void settle_old(struct migrating *migrating)
{
  struct kt_error ignored;
  (void)!kt_instance_open(&migrating->old_log, migrating->request->old_dir, &ignored);
  kt_instance_release(&migrating->old_log);
}

static enum kt_err open_old(struct migrating *migrating, struct kt_error *error)
{
  struct kt_instance *instance = &migrating->old_log;
  struct kt_store_error cause;
  const char *what = NULL;
  enum kt_err err = kt_instance_load_public(instance, migrating->request->old_dir, error);
  if (err == KT_OK && kt_instance_is_operator(instance)) {
    err = kt_error_set(error, KT_ERR_UNSUPPORTED, "%s is a Service Operator's folder: the log is its Manager's",
                       instance->dir.s);
  }
  if (err == KT_OK) {
    err = kt_instance_lock(instance, error);
    err = err == KT_ERR_UNDETERMINED ? check_idle(instance, error) : err;
  }
  instance->read_only = true;
  if (err == KT_OK) {
    err = kt_instance_open_store(instance, false, false, error);
  }
  if (err != KT_OK) {
    return err;
  }
  err = kt_store_open_reader(instance->store, &migrating->old_conn, &cause);
  if (err != KT_OK) {
    return kt_error_set(error, err, "%s", cause.text);
  }
  err = kt_log_head_get(migrating->old_conn, &instance->config, &migrating->report.head, &what);
  return err == KT_OK ? KT_OK
                      : kt_error_set(error, err, "%s: the last head is missing or damaged: %s", instance->dir.s,
                                     what != NULL ? what : kt_err_text(err));
}

static enum kt_err refuse_unguarded(const struct kt_instance *old_log, enum kt_err err, const struct kt_error *cause,
                                    struct kt_error *error)
{
  const char *advice = kt_instance_has_signer_service(old_log)
                           ? "Start the signer, with nobody else at it; when it is gone for good, set signer: internal "
                             "and put its guard where head-guard says"
                           : "Bring back the newest guard";
  return kt_error_set(error, err,
                      "what the old log signed last is not known: %.250s. %s. Only when no good copy of the guard is "
                      "left anywhere, move away what is there and give --accept-missing-guard: the statement will not "
                      "name what was lost",
                      cause->text, advice);
}

static void note_lost(struct migrating *migrating, const struct kt_log_guard *guard)
{
  struct kt_migrate_report *report = &migrating->report;
  report->has_lost = true;
  report->is_fork = guard->size <= report->head.size; /* as kt_migration_is_fork has it */
  report->lost_size = guard->size;
  report->lost_root = guard->root;
}

/* The guard's head is of another history. It may be another log's, put there by mistake: only the operator can tell,
 * and what the old key signs cannot be taken back. */
static enum kt_err take_fork(struct migrating *migrating, const struct kt_log_guard *guard, struct kt_error *error)
{
  if (!migrating->request->states_fork) {
    return kt_error_set(
        error, KT_ERR_CONFLICT,
        "the head guard has a head of %llu %s that the data of %.200s does not lead to: it is another "
        "log's, or two histories of this one were signed. Look whether head-guard names the right file, and "
        "for the data that it belongs to; where it is the old log's, --state-fork puts both heads into the "
        "statement, and everybody who checks it is told",
        (unsigned long long)guard->size, kt_noun_entries(guard->size), migrating->old_log.dir.s);
  }
  note_lost(migrating, guard);
  return KT_OK;
}

/* What the guard says of the last head that the data has. A later one was perhaps seen; when only its signature is
 * lost, its entries go over. One with fewer entries was not written last. */
static enum kt_err compare_guard(struct migrating *migrating, const struct kt_log_guard *guard, struct kt_error *error)
{
  struct kt_log_problem why;
  struct kt_error cause;
  const struct kt_log_head *head = &migrating->report.head;
  const enum kt_err err = kt_log_guard_judge(migrating->old_conn, &migrating->old_log.config, guard, &why);
  if (err != KT_OK && err != KT_ERR_CONFLICT) {
    return kt_error_set(error, err, "%s: %.300s", migrating->old_log.dir.s, why.text);
  }
  if (err == KT_ERR_CONFLICT && strcmp(why.code, "guard-contradicts") == 0) {
    return take_fork(migrating, guard, error);
  }
  if (err == KT_ERR_CONFLICT && strcmp(why.code, "guard-old") == 0) {
    (void)kt_error_set(&cause, err, "%.250s", why.text);
    return refuse_unguarded(&migrating->old_log, err, &cause, error);
  }
  if (guard->size > head->size) {
    note_lost(migrating, guard);
    migrating->size = err == KT_OK ? guard->size : head->size;
  }
  return KT_OK;
}

/* Without the guard the statement would claim, under the old log's key, that nothing was lost. */
static enum kt_err look_for_lost(struct migrating *migrating, struct kt_error *error)
{
  struct kt_error cause;
  struct kt_log_guard guard;
  struct kt_migrate_report *report = &migrating->report;
  migrating->size = report->head.size;
  /* A service that answers "absent" may miss something else. */
  bool may_be_missing =
      migrating->request->guard_may_be_missing && !kt_instance_has_signer_service(&migrating->old_log);
  enum kt_err err = kt_instance_guard(&migrating->old_log, &guard, &cause);
  if (err == KT_ERR_ABSENT && may_be_missing) {
    report->is_guard_missing = true;
    return KT_OK;
  }
  if (err != KT_OK) {
    return refuse_unguarded(&migrating->old_log, err, &cause, error);
  }
  return compare_guard(migrating, &guard, error);
}

/* Before anything is stated: from here on the last head is the last one. */
static enum kt_err end_old(const struct migrating *migrating, struct kt_error *error)
{
  static const char text[] = "This log has ended: it went on as a new one (kt-server migrate).\n\n"
                             "A head signed from it would contradict the statement of its last one.\n"
                             "It is served with: kt-server run --read-only\n";
  struct kt_path path;
  if (migrating->old_log.is_marked) {
    return KT_OK;
  }
  enum kt_err err = kt_path_join(migrating->old_log.dir.s, KT_NAME_READ_ONLY, &path, error);
  return err == KT_OK ? kt_file_replace(path.s, text, sizeof text - 1, 0600, error) : err;
}

/* --- the new log -------------------------------------------------------------------------------------------------- */

static enum kt_err open_new(struct migrating *migrating, struct kt_error *error)
{
  struct kt_admin *admin = &migrating->new_log;
  struct kt_store_error cause;
  enum kt_err err = kt_admin_open(admin, migrating->request->new_dir, error);
  if (err == KT_OK && admin->is_running) {
    err = kt_error_set(error, KT_ERR_UNDETERMINED, "%s is running: stop it for the migration", admin->dir.s);
  }
  if (err == KT_OK && (admin->instance.log == NULL || admin->instance.read_only)) {
    err = kt_error_set(error, KT_ERR_UNSUPPORTED, "%s is no log that signs", admin->dir.s);
  }
  if (err == KT_OK) {
    err = kt_store_open_reader(admin->instance.store, &migrating->new_conn, &cause);
    err = err == KT_OK ? KT_OK : kt_error_set(error, err, "%s", cause.text);
  }
  if (err == KT_OK) {
    kt_config_log_id(&migrating->old_log.config, &migrating->report.old_log_id);
    kt_config_log_id(&admin->instance.config, &migrating->report.new_log_id);
  }
  if (err == KT_OK && memcmp(migrating->report.old_log_id.b, migrating->report.new_log_id.b, KT_HASH_LEN) == 0) {
    err = kt_error_set(error, KT_ERR_USAGE,
                       "%s is the same log as %s, with the same keys: kt-server init makes a new one",
                       migrating->request->new_dir, migrating->request->old_dir);
  }
  return err;
}

static void say_refused(void *ctx, uint64_t line, const char *text)
{
  (void)ctx;
  kt_say("label %llu: %s", (unsigned long long)line, text);
}

static bool go_on(void *ctx, const struct kt_import_progress *progress)
{
  (void)ctx;
  (void)progress;
  return true;
}

/* A file that nobody else has, soon without a name, on the disk of the statement: it has everybody's devices in it. */
static FILE *open_lines(const char *statement, struct kt_error *error)
{
  struct kt_path path;
  int n = snprintf(path.s, sizeof path.s, "%s.XXXXXX", statement);
  int fd = n > 0 && (size_t)n < sizeof path.s ? mkostemp(path.s, O_CLOEXEC) : -1;
  if (fd < 0) {
    (void)kt_error_set(error, KT_ERR_STORE, "%s: %s", path.s, strerror(errno));
    return NULL;
  }
  (void)unlink(path.s);
  FILE *file = fdopen(fd, "w+");
  if (file == NULL) {
    (void)close(fd);
    (void)kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  return file;
}

static enum kt_err carry_labels(struct migrating *migrating, struct kt_error *error)
{
  const struct kt_import_listener listener = { .refused = say_refused, .progress = go_on };
  struct kt_import_progress progress = { .bytes = 0 };
  FILE *file = open_lines(migrating->request->statement, error);
  if (file == NULL) {
    return KT_ERR_STORE;
  }
  enum kt_err err = kt_migrate_write_labels(migrating->old_conn, migrating->size, migrating->new_conn, file,
                                            &migrating->report, error);
  if (err == KT_OK) {
    err = kt_admin_import(&migrating->new_log, fileno(file), true, &listener, &progress, error);
    migrating->report.n_carried = progress.n_inserted;
  }
  (void)fclose(file);
  return err;
}

/* --- the statement ------------------------------------------------------------------------------------------------ */

/* NULL with KT_OK: the log's own folder does not have it, which is no mistake where may_be_missing. */
static enum kt_err load_key(const char *file, const char *dir, const struct kt_config *config, bool may_be_missing,
                            struct kt_sign_key **ret_key, struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err =
      file != NULL ? kt_path_join(NULL, file, &path, error) : kt_key_find(dir, KT_NAME_SIGNING_KEY, &path, error);
  *ret_key = NULL;
  if (err == KT_OK) {
    err = kt_signer_key_load(path.s, config, ret_key, error);
  }
  return err == KT_ERR_ABSENT && file == NULL && may_be_missing ? KT_OK : err;
}

/* Its name, before anything is done that cannot be taken back: what is there already is perhaps what was published. A
 * file without content is what a crash in between leaves. */
static enum kt_err reserve_statement(const char *path, struct kt_error *error)
{
  struct stat info;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd >= 0) {
    (void)close(fd);
    return KT_OK;
  }
  if (errno != EEXIST) {
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", path, strerror(errno));
  }
  return lstat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0
             ? KT_OK
             : kt_error_set(error, KT_ERR_USAGE,
                            "%s is there already, and a statement may be all that is left of a log: "
                            "give another name, or move it away",
                            path);
}

static enum kt_err sign(struct migrating *migrating, const struct kt_sign_key *old_key,
                        const struct kt_sign_key *new_key, struct kt_error *error)
{
  const struct kt_instance *old_log = &migrating->old_log;
  const struct kt_instance *new_log = &migrating->new_log.instance;
  const struct kt_log_head *head = &migrating->report.head;
  const struct kt_migration statement = {
    .old_config = { old_log->config_bytes, old_log->config_len },
    .size = head->size,
    .timestamp_ms = head->timestamp_ms,
    .root = head->root,
    .head_signature = { head->signature, old_log->config.suite->signature_len },
    .has_lost = migrating->report.has_lost,
    .lost_size = migrating->report.lost_size,
    .lost_root = migrating->report.lost_root,
    .new_config = { new_log->config_bytes, new_log->config_len },
    .made_ms = kt_now_ms(),
  };
  struct kt_writer w;
  kt_writer_init(&w, KT_MIGRATION_MAX);
  enum kt_err err = kt_migration_write(&statement, &old_log->config, old_key, &new_log->config, new_key, &w);
  if (err != KT_OK) {
    (void)kt_error_set(error, err, "the statement cannot be signed: %s", kt_err_text(err));
  } else {
    err = kt_file_replace(migrating->request->statement, w.buf, w.len, 0644, error);
  }
  kt_writer_release(&w);
  return err;
}

static enum kt_err record(const struct migrating *migrating, struct kt_error *error)
{
  uint64_t n = migrating->report.n_carried;
  enum kt_err err = kt_record(&migrating->old_log, "migrate-away", "done", n, error);
  return err == KT_OK ? kt_record(&migrating->new_log.instance, "migrate", "done", n, error) : err;
}

static enum kt_err carry_and_state(struct migrating *migrating, const struct kt_sign_key *old_key,
                                   const struct kt_sign_key *new_key, struct kt_error *error)
{
  enum kt_err err = end_old(migrating, error);
  if (err == KT_OK) {
    err = look_for_lost(migrating, error); /* once more: now nothing is signed from the folder */
  }
  if (err == KT_OK) {
    err = carry_labels(migrating, error);
  }
  return err == KT_OK ? sign(migrating, old_key, new_key, error) : err;
}

/* The keys, the guard and the statement's place first: what is wrong with them must not be found out after hours of
 * carrying, nor end the old log. */
static enum kt_err migrate(struct migrating *migrating, struct kt_error *error)
{
  const struct kt_migrate_request *request = migrating->request;
  struct kt_sign_key *old_key = NULL;
  struct kt_sign_key *new_key = NULL;
  enum kt_err err = load_key(request->old_key, request->old_dir, &migrating->old_log.config, true, &old_key, error);
  if (err == KT_OK) {
    err = load_key(request->new_key, request->new_dir, &migrating->new_log.instance.config, false, &new_key, error);
  }
  if (err == KT_OK) {
    err = look_for_lost(migrating, error);
  }
  if (err == KT_OK) {
    err = reserve_statement(request->statement, error);
  }
  if (err == KT_OK) {
    err = carry_and_state(migrating, old_key, new_key, error);
    if (err != KT_OK) {
      (void)unlink(request->statement);
    }
  }
  migrating->report.is_signed_by_old = old_key != NULL;
  migrating->report.has_signer_service = kt_instance_has_signer_service(&migrating->old_log);
  kt_sign_key_free(old_key);
  kt_sign_key_free(new_key);
  return err == KT_OK ? record(migrating, error) : err;
}

enum kt_err kt_migrate(const struct kt_migrate_request *request, struct kt_migrate_report *ret_report,
                       struct kt_error *error)
{
  struct migrating *migrating = calloc(1, sizeof *migrating);
  if (migrating == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  migrating->request = request;
  kt_instance_init(&migrating->old_log);
  kt_instance_init(&migrating->new_log.instance);
  settle_old(migrating);
  enum kt_err err = open_old(migrating, error);
  if (err == KT_OK) {
    err = open_new(migrating, error);
  }
  if (err == KT_OK) {
    err = migrate(migrating, error);
  }
  if (err == KT_OK) {
    *ret_report = migrating->report;
  }
  kt_store_close_conn(migrating->old_conn);
  kt_store_close_conn(migrating->new_conn);
  kt_instance_release(&migrating->old_log);
  kt_admin_close(&migrating->new_log);
  free(migrating);
  return err;
}
