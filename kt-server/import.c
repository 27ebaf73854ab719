/* SPDX-License-Identifier: Apache-2.0 */
#include "import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/noun.h"
#include "importer.h"
#include "operator.h"
#include "process_stats.h"
#include "trail_operate.h"

#define PROGRESS_MS 250

struct import {
  struct kt_instance *instance;
  const struct kt_import_listener *listener;
  struct kt_import_progress progress;
  struct kt_lines lines;
  uint64_t told_ms; /* when the listener heard of the progress, on the monotonic clock */
};

static void count(struct import *import, uint64_t line, enum kt_import_word word, const char *text)
{
  struct kt_import_progress *progress = &import->progress;
  switch (word) {
  case KT_IMPORT_GOOD: break;
  case KT_IMPORT_INSERTED: progress->n_inserted++; break;
  case KT_IMPORT_UNCHANGED: progress->n_unchanged++; break;
  case KT_IMPORT_REFUSED:
    progress->n_refused++;
    import->listener->refused(import->listener->ctx, line, text);
    break;
  }
}

static void take_result(void *ctx, uint64_t line, enum kt_import_word word, const char *text)
{
  count(ctx, line, word, text);
}

static bool is_blank(const struct kt_line *line)
{
  for (size_t i = 0; line->text != NULL && i < line->len; i++) {
    if (line->text[i] != ' ' && line->text[i] != '\t' && line->text[i] != '\r') {
      return false;
    }
  }
  return line->text != NULL;
}

static bool wants_more(struct import *import)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
  if (now_ms - import->told_ms < PROGRESS_MS) {
    return true;
  }
  import->told_ms = now_ms;
  import->progress.bytes_done = kt_lines_offset(&import->lines);
  return import->listener->progress(import->listener->ctx, &import->progress);
}

/* The next line that is not blank, as kt_lines_next. */
static enum kt_err next_line(struct import *import, struct kt_line *ret_line, struct kt_error *error)
{
  enum kt_err err;
  do {
    err = kt_lines_next(&import->lines, ret_line);
  } while (err == KT_OK && is_blank(ret_line));
  if (err == KT_ERR_STORE) {
    return kt_error_set(error, err, "reading the file: %s", strerror(errno));
  }
  if (err == KT_OK && !wants_more(import)) {
    return kt_error_set(error, KT_ERR_UNDETERMINED,
                        "the import was ended early; the same import again goes on from there");
  }
  return err;
}

/* --- a log -------------------------------------------------------------------------------------------------------- */

static enum kt_err feed(struct import *import, struct kt_importer *importer, struct kt_error *error)
{
  struct kt_line line;
  for (;;) {
    enum kt_err err = next_line(import, &line, error);
    if (err == KT_ERR_ABSENT) {
      return kt_importer_finish(importer, error);
    }
    if (err != KT_OK) {
      kt_importer_stop(importer, err, error->text);
      return kt_importer_finish(importer, error);
    }
    if (kt_importer_line(importer, &line) != KT_OK) {
      return kt_importer_finish(importer, error);
    }
  }
}

static enum kt_err read_into_log(struct import *import, bool check_only, struct kt_error *error)
{
  const struct kt_importer_options options = { .instance = import->instance,
                                               .check_only = check_only,
                                               .n_workers = kt_core_count(),
                                               .ctx = import,
                                               .result = take_result };
  struct kt_importer *importer = NULL;
  enum kt_err err = kt_importer_new(&options, &importer, error);
  if (err == KT_OK) {
    err = feed(import, importer, error);
    kt_importer_free(importer);
  }
  return err;
}

/* --- a Service Operator's folder ---------------------------------------------------------------------------------- */

/* It goes the way of every update, one after the other. */
static void insert_line(struct import *import, const struct kt_operator_session *session, const struct kt_line *line)
{
  json_t *item = line->text != NULL ? json_loadb(line->text, line->len, JSON_REJECT_DUPLICATES, NULL) : NULL;
  json_t *result = item != NULL ? kt_operator_session_insert(session, item, true) : NULL;
  const char *word = json_string_value(json_object_get(result, "result"));
  const char *text = json_string_value(json_object_get(result, "text"));
  if (word != NULL && strcmp(word, "inserted") == 0) {
    count(import, line->number, KT_IMPORT_INSERTED, "");
  } else if (word != NULL && strcmp(word, "unchanged") == 0) {
    count(import, line->number, KT_IMPORT_UNCHANGED, "");
  } else {
    count(import, line->number, KT_IMPORT_REFUSED, text != NULL ? text : "the line changed while it was imported");
  }
  json_decref(result);
  json_decref(item);
}

static enum kt_err read_into_operator(struct import *import, struct kt_error *error)
{
  struct kt_operator_session session;
  struct kt_line line;
  enum kt_err err = kt_operator_session_open(&session, import->instance);
  if (err != KT_OK) {
    return kt_error_set(error, err, "no connection to the Manager can be prepared");
  }
  while ((err = next_line(import, &line, error)) == KT_OK) {
    insert_line(import, &session, &line);
  }
  kt_operator_session_close(&session);
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

static enum kt_err read_once(struct import *import, int fd, bool check_only, struct kt_error *error)
{
  enum kt_err err = kt_lines_init(&import->lines, fd);
  if (err != KT_OK) {
    return kt_error_set(error, err, "out of memory");
  }
  import->progress.is_checking = check_only;
  bool is_operator = import->instance->operator_role != NULL;
  err = is_operator && !check_only ? read_into_operator(import, error) : read_into_log(import, check_only, error);
  import->progress.bytes_done = kt_lines_offset(&import->lines);
  kt_lines_release(&import->lines);
  return err;
}

static enum kt_err read_all(struct import *import, int fd, bool check_first, struct kt_error *error)
{
  enum kt_err err = check_first ? read_once(import, fd, true, error) : KT_OK;
  if (err == KT_OK && import->progress.n_refused > 0) {
    return kt_error_set(error, KT_ERR_USAGE, "nothing was imported");
  }
  if (err == KT_OK) {
    err = read_once(import, fd, false, error);
  }
  if (err == KT_OK && import->progress.n_refused > 0) {
    return kt_error_set(error, KT_ERR_UNDETERMINED, "%" PRIu64 " %s not imported", import->progress.n_refused,
                        kt_noun(import->progress.n_refused, "line was", "lines were"));
  }
  return err;
}

/* What was inserted stands, whatever else went wrong: the trail says how much. */
static enum kt_err record_end(const struct import *import, enum kt_err err, struct kt_error *error)
{
  struct kt_error cause;
  enum kt_err recorded =
      kt_record(import->instance, "import", err == KT_OK ? "done" : "failed", import->progress.n_inserted, &cause);
  return err == KT_OK && recorded != KT_OK
             ? kt_error_set(error, recorded, "it is done, but not on record: %.500s", cause.text)
             : err;
}

enum kt_err kt_import_run(struct kt_instance *instance, int fd, bool check_first,
                          const struct kt_import_listener *listener, struct kt_import_progress *ret_progress,
                          struct kt_error *error)
{
  struct import import = { .instance = instance, .listener = listener };
  struct stat status;
  if (instance->read_only) {
    return kt_error_set(error, KT_ERR_CONFLICT, "%s is served read only: nothing can be added", instance->dir.s);
  }
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    return kt_error_set(error, KT_ERR_USAGE, "it has to be a file: its length is asked for, and it is read twice");
  }
  import.progress.bytes = (uint64_t)status.st_size;
  enum kt_err err = kt_record(instance, "import", "begun", 0, error);
  if (err == KT_OK) {
    err = record_end(&import, read_all(&import, fd, check_first, error), error);
  }
  *ret_progress = import.progress;
  return err;
}
