/* SPDX-License-Identifier: Apache-2.0 */
/* backup: one now, or a new one whenever something was committed. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "backup.h"
#include "base/hex.h"
#include "base/noun.h"
#include "crypto/hash.h"
#include "json/builder.h"
#include "report.h"
#include "units.h"

#define EVERY_DEFAULT "60s"
#define KEEP_MAX 1000

struct job {
  const struct kt_verb *verb;
  const char *dir;
  const char *file;
  uint64_t every_ms;
  unsigned keep;
  bool as_json;
  struct kt_admin admin;
};

/* --- the published head ------------------------------------------------------------------------------------------- */

static bool read_hex(const json_t *object, const char *key, uint8_t *ret_bytes, size_t cap)
{
  const json_t *text = json_object_get(object, key);
  size_t len = 0;
  return json_is_string(text) &&
         kt_hex_decode(json_string_value(text), json_string_length(text), cap, ret_bytes, &len) == KT_OK;
}

/* *ret_n_commits: of the log since it was started. */
static enum kt_err ask_head(struct kt_admin *admin, struct kt_log_head *ret_head, uint64_t *ret_n_commits,
                            struct kt_error *error)
{
  struct kt_log_head head = { .size = 0 };
  json_t *response = NULL;
  json_t *request = json_pack("{s:s}", "op", "head");
  enum kt_err err = kt_admin_call(admin, request, &response, error);
  json_decref(request);
  if (err != KT_OK) {
    return err;
  }
  const json_t *view = json_object_get(response, "head");
  head.size = (uint64_t)json_integer_value(json_object_get(view, "size"));
  head.timestamp_ms = (uint64_t)json_integer_value(json_object_get(view, "timestamp_ms"));
  if (head.size == 0 || !read_hex(view, "root", head.root.b, sizeof head.root.b) ||
      !read_hex(view, "signature", head.signature, sizeof head.signature)) {
    err = kt_error_set(error, KT_ERR_UNSUPPORTED,
                       "%s has no head of a log: a Service Operator's folder is copied while it is stopped",
                       admin->dir.s);
  } else {
    *ret_head = head;
    *ret_n_commits = (uint64_t)json_integer_value(json_object_get(response, "commits"));
  }
  json_decref(response);
  return err;
}

/* --- one backup --------------------------------------------------------------------------------------------------- */

static int show(const struct job *job, const struct kt_backup_report *report)
{
  const struct kt_log_head *head = &report->head;
  char newest[KT_TIME_TEXT_SIZE];
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  if (job->as_json) {
    struct kt_json_builder b;
    kt_json_begin(&b);
    kt_json_set(&b, "id", kt_json_hash(&report->log_id));
    kt_json_set(&b, "tree_size", kt_json_u64(head->size));
    kt_json_set(&b, "root", kt_json_hash(&head->root));
    kt_json_set(&b, "timestamp_ms", kt_json_u64(head->timestamp_ms));
    return kt_report_json(job->verb, json_pack("{s:o, s:o, s:o}", "file", kt_json_lossy(job->file), "bytes",
                                               kt_json_u64(report->n_bytes), "log", kt_json_end(&b)));
  }
  kt_time_text(head->timestamp_ms, newest);
  (void)kt_hex_encode((struct kt_bytes){ head->root.b, sizeof head->root.b }, root);
  (void)printf("%s: %" PRIu64 " %s, the newest of %s, root %s, %" PRIu64 " bytes; checked\n", job->file, head->size,
               kt_noun_entries(head->size), newest, root, report->n_bytes);
  (void)fflush(stdout);
  return KT_EXIT_DONE;
}

static enum kt_err make(const struct job *job, const struct kt_log_head *head, struct kt_error *error)
{
  const struct kt_backup_request request = { .dir = job->dir, .file = job->file, .keep = job->keep, .head = head };
  struct kt_backup_report report;
  enum kt_err err = kt_backup_make(&request, &report, error);
  if (err == KT_OK) {
    (void)show(job, &report);
  }
  return err;
}

static int backup_once(struct job *job)
{
  struct kt_log_head head;
  uint64_t n_commits;
  struct kt_error error;
  enum kt_err err = kt_admin_open(&job->admin, job->dir, &error);
  if (err == KT_OK) {
    err = ask_head(&job->admin, &head, &n_commits, &error);
  }
  if (err == KT_OK) {
    err = make(job, &head, &error);
  }
  kt_admin_close(&job->admin);
  if (err != KT_OK) {
    return kt_report_failure(job->verb, job->as_json, NULL, err, &error);
  }
  if (!job->as_json) {
    kt_say("no private key is in it: keep those of %s elsewhere, and leave the head guard where it is", job->dir);
  }
  return KT_EXIT_DONE;
}

/* --- one after the other ------------------------------------------------------------------------------------------ */

/* What was said last, so that a state is told once. */
struct following {
  uint64_t size; /* of the head in the newest backup; 0: none yet */
  uint64_t n_commits;
  struct kt_hash files;
  char said[sizeof(struct kt_error)];
};

static void say_once(struct following *following, const char *text)
{
  if (strcmp(following->said, text) != 0) {
    (void)snprintf(following->said, sizeof following->said, "%s", text);
    kt_say("%s", text);
  }
}

/* Only through the running log: the folder's lock is for whoever starts it next. */
static enum kt_err follow_once(struct job *job, struct following *following, struct kt_error *error)
{
  struct kt_log_head head;
  uint64_t n_commits = 0;
  struct kt_hash files = following->files;
  struct kt_error ignored;
  enum kt_err err = ask_head(&job->admin, &head, &n_commits, error);
  /* An access token that is revoked is no commit. What is wrong with a file is told when a copy is made of it. */
  (void)!kt_backup_hash_files(job->dir, &files, &ignored);
  if (err != KT_OK ||
      (head.size == following->size && n_commits == following->n_commits && kt_hash_equal(&files, &following->files))) {
    return err;
  }
  err = make(job, &head, error);
  if (err == KT_OK) {
    following->size = head.size;
    following->n_commits = n_commits;
    following->files = files;
    following->said[0] = '\0';
  }
  return err;
}

/* Until the time has passed, or somebody ends it (true). */
static bool wait_or_end(const sigset_t *signals, uint64_t ms)
{
  const struct timespec time = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
  return sigtimedwait(signals, NULL, &time) > 0;
}

/* What passes by itself is waited for: a log that restarts, a full disk. What does not ends it. */
static int follow(struct job *job)
{
  struct following following = { .size = 0 };
  struct kt_error error;
  sigset_t signals;
  (void)sigemptyset(&signals);
  (void)sigaddset(&signals, SIGTERM);
  (void)sigaddset(&signals, SIGINT);
  (void)sigprocmask(SIG_BLOCK, &signals, NULL);
  job->admin.is_running = true;
  if (kt_path_join(NULL, job->dir, &job->admin.dir, &error) != KT_OK) {
    return kt_report_failure(job->verb, job->as_json, NULL, KT_ERR_LIMIT, &error);
  }
  do {
    enum kt_err err = follow_once(job, &following, &error);
    if (err == KT_ERR_STORE || err == KT_ERR_UNDETERMINED || err == KT_ERR_MEMORY) {
      say_once(&following, error.text);
    } else if (err != KT_OK) {
      return kt_report_failure(job->verb, job->as_json, NULL, err, &error);
    }
  } while (!wait_or_end(&signals, job->every_ms));
  kt_say("stopping; the newest backup is of %" PRIu64 " %s", following.size, kt_noun_entries(following.size));
  return KT_EXIT_DONE;
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static enum kt_err read_job(struct job *job, const char *every, const char *keep, struct kt_error *error)
{
  const char *why = NULL;
  uint64_t n = 0;
  if (kt_duration_parse(every, &job->every_ms, &why) != KT_OK || job->every_ms < 100) {
    return kt_error_set(error, KT_ERR_USAGE, "--every %s: %s", every, why != NULL ? why : "it is at least 100ms");
  }
  if (kt_number_parse(keep, &n) != KT_OK || n == 0 || n > KEEP_MAX) {
    return kt_error_set(error, KT_ERR_USAGE, "--keep %s: it is a number from 1 to %d", keep, KEEP_MAX);
  }
  job->keep = (unsigned)n;
  return KT_OK;
}

int kt_verb_backup(const struct kt_verb *verb, int argc, char **argv)
{
  const char *arguments[2] = { NULL, NULL };
  const char *every = EVERY_DEFAULT;
  const char *keep = "1";
  bool is_following = false;
  bool as_json = false;
  const struct kt_option options[] = {
    { "follow", NULL, &is_following }, { "every", &every, NULL }, { "keep", &keep, NULL }, { "json", NULL, &as_json }
  };
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, sizeof options / sizeof options[0], arguments, 2) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  struct job *job = calloc(1, sizeof *job);
  if (job == NULL) {
    kt_say("out of memory");
    return KT_EXIT_UNDECIDED;
  }
  job->verb = verb;
  job->dir = arguments[0];
  job->file = arguments[1];
  job->as_json = as_json;
  int code = KT_EXIT_USAGE;
  if (read_job(job, every, keep, &error) != KT_OK) {
    code = kt_report_failure(verb, as_json, NULL, KT_ERR_USAGE, &error);
  } else {
    code = is_following ? follow(job) : backup_once(job);
  }
  free(job);
  return code;
}
