/* SPDX-License-Identifier: Apache-2.0 */
#include "hooks.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook_exec.h"
#include "json/builder.h"
#include "report.h"
#include "schedule.h"
#include "state_hooks.h"
#include "stop.h"

#define HOOKS_MAX 64
#define EVENT_PATH_MAX (KT_STATE_PATH_MAX + 32)
#define FORGET_MS (UINT64_C(7) * 24 * 3600 * 1000)
#define CLEAN_SIZE (4 * KT_LABEL_MAX + 8)
#define SUMMARY_SIZE (CLEAN_SIZE + 256)

/* --- which there are -------------------------------------------------------------------------------------------------- */

static const char *join(struct kt_arena *arena, const char *a, const char *b)
{
  size_t size = strlen(a) + strlen(b) + 1;
  char *text = kt_arena_alloc(arena, 1, size);
  if (text != NULL) {
    snprintf(text, size, "%s%s", a, b);
  }
  return text;
}

static bool add(struct kt_session *session, struct kt_hooks *hooks, const struct kt_hook *hook)
{
  if (hook->name == NULL || (hook->path == NULL && hook->command == NULL)) {
    return false;
  }
  if (hooks->n == HOOKS_MAX) {
    kt_output_note(session->out, "kt-verify: more than %d hooks: the rest is not called\n", HOOKS_MAX);
    return true;
  }
  hooks->list[hooks->n++] = *hook;
  return true;
}

/* Whoever can write a hook can run programs as this user. */
static bool is_private(const struct stat *st)
{
  return (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 && (st->st_uid == geteuid() || st->st_uid == 0);
}

static bool add_file(struct kt_session *session, struct kt_hooks *hooks, const char *folder, const char *name)
{
  struct kt_arena *arena = &session->pinned_arena;
  struct stat st;
  size_t len = strlen(name);
  if (name[0] == '.' || name[len - 1] == '~') { /* what editors leave behind */
    return true;
  }
  const struct kt_hook hook = { .name = join(arena, "file:", name), .path = join(arena, folder, name) };
  if (hook.path == NULL || stat(hook.path, &st) != 0 || !S_ISREG(st.st_mode) || access(hook.path, X_OK) != 0) {
    return hook.path != NULL;
  }
  if (!is_private(&st)) {
    kt_output_fail(session->out, KT_EXIT_USAGE, "hook-mode", "%s can be written by others: it is not called",
                   hook.path);
    return true;
  }
  return add(session, hooks, &hook);
}

static bool add_folder(struct kt_session *session, struct kt_hooks *hooks)
{
  struct stat st;
  const char *folder = join(&session->pinned_arena, session->state.home, "/hooks/");
  DIR *dir = folder != NULL ? opendir(folder) : NULL;
  if (dir == NULL) {
    if (folder != NULL && errno != ENOENT) {
      kt_output_fail(session->out, KT_EXIT_USAGE, "hooks", "cannot read %s: %s", folder, strerror(errno));
    }
    return folder != NULL;
  }
  bool ok = true;
  if (fstat(dirfd(dir), &st) != 0 || !is_private(&st)) {
    kt_output_fail(session->out, KT_EXIT_USAGE, "hook-mode", "%s can be written by others: nothing in it is called",
                   folder);
  } else {
    for (const struct dirent *entry = readdir(dir); ok && entry != NULL; entry = readdir(dir)) {
      ok = add_file(session, hooks, folder, entry->d_name);
    }
  }
  closedir(dir);
  return ok;
}

static int by_name(const void *a, const void *b)
{
  const struct kt_hook *x = a;
  const struct kt_hook *y = b;
  return strcmp(x->name, y->name);
}

enum kt_exit kt_hooks_find(struct kt_session *session, struct kt_hooks *ret_hooks)
{
  const struct kt_cli *cli = session->cli;
  struct kt_hooks hooks = { .list = kt_arena_alloc(&session->pinned_arena, HOOKS_MAX, sizeof *hooks.list) };
  bool ok = hooks.list != NULL && add_folder(session, &hooks);
  for (size_t i = 0; ok && i < cli->n_hooks; i++) {
    const struct kt_hook hook = { .name = join(&session->pinned_arena, "sh:", cli->hooks[i]),
                                  .command = cli->hooks[i] };
    ok = add(session, &hooks, &hook);
  }
  if (!ok) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "memory", "out of memory");
  }
  qsort(hooks.list, hooks.n, sizeof *hooks.list, by_name);
  *ret_hooks = hooks;
  return KT_EXIT_OK;
}

/* --- what they have to be told ---------------------------------------------------------------------------------------- */

enum kt_err kt_hooks_enqueue_only(struct kt_session *session, const struct kt_hooks *hooks,
                                  const struct kt_alert_id *only)
{
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < hooks->n; i++) {
    err = kt_state_hook_enqueue(&session->state, hooks->list[i].name, only, kt_now_ms());
  }
  return err;
}

static enum kt_err enqueue(void *ctx, struct kt_session *session)
{
  uint64_t now_ms = kt_now_ms();
  enum kt_err err = kt_state_hook_prune(&session->state, now_ms > FORGET_MS ? now_ms - FORGET_MS : 0);
  return err == KT_OK ? kt_hooks_enqueue_only(session, ctx, NULL) : err;
}

enum kt_exit kt_hooks_enqueue(struct kt_session *session, const struct kt_hooks *hooks)
{
  struct kt_hooks copy = *hooks;
  enum kt_err err;
  return kt_session_write(session, enqueue, &copy, &err);
}

/* --- calling ---------------------------------------------------------------------------------------------------------- */

struct call {
  const struct kt_hook *hook;
  struct kt_hook_run run;
  bool ok;
  char error[KT_HOOK_ERROR_SIZE];
  uint64_t retry_ms;
};

static enum kt_err claim(void *ctx, struct kt_session *session)
{
  struct call *call = ctx;
  return kt_state_hook_claim(&session->state, call->hook->name, kt_now_ms(), &session->arena, &call->run);
}

static enum kt_err note_end(void *ctx, struct kt_session *session)
{
  struct call *call = ctx;
  return call->ok ? kt_state_hook_done(&session->state, call->hook->name, &call->run, kt_now_ms())
                  : kt_state_hook_failed(&session->state, call->hook->name, &call->run, call->error, call->retry_ms);
}

static json_t *event_json(const struct kt_ledger_entry *entry)
{
  const struct kt_alert_text *text = kt_alert_text(&entry->alert);
  char next[KT_ALERT_NEXT_SIZE];
  json_t *object = json_object();
  kt_alert_next(&entry->alert, entry->label, next);
  json_object_set_new(object, "schema", json_string("kt.alert/1"));
  json_object_set_new(object, "test", json_boolean(entry->alert.kind == KT_ALERT_TEST));
  json_object_set_new(object, "label", kt_output_text(entry->label));
  json_object_set_new(object, "alert", kt_report_alert_json(&entry->alert));
  json_object_set_new(object, "raised_ms", json_integer((json_int_t)entry->raised_ms));
  json_object_set_new(object, "settlement", json_string(kt_settlement_name(entry->settlement)));
  json_object_set_new(object, "headline", json_string(text->headline));
  json_object_set_new(object, "meaning", json_string(text->meaning));
  json_object_set_new(object, "next", json_string(next));
  return object;
}

/* 0600, in the home: the name of a label is nobody else's business. */
static bool write_event(const struct kt_ledger_entry *entry, const char *home, char ret_path[static EVENT_PATH_MAX])
{
  snprintf(ret_path, EVENT_PATH_MAX, "%s/hook-event-XXXXXX", home);
  int fd = mkstemp(ret_path);
  FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (file == NULL) {
    if (fd >= 0) {
      close(fd);
      unlink(ret_path);
    }
    return false;
  }
  json_t *event = event_json(entry);
  char *text = kt_json_dump(event, JSON_INDENT(2) | JSON_ENSURE_ASCII);
  bool ok = text != NULL && fprintf(file, "%s\n", text) > 0;
  free(text);
  json_decref(event);
  ok = fclose(file) == 0 && ok;
  if (!ok) {
    unlink(ret_path);
  }
  return ok;
}

static void run(struct kt_session *session, struct call *call)
{
  const struct kt_alert *alert = &call->run.entry.alert;
  char label[CLEAN_SIZE];
  char summary[SUMMARY_SIZE];
  char path[EVENT_PATH_MAX];
  kt_text_clean(call->run.entry.label, label, sizeof label);
  snprintf(summary, sizeof summary, "%s%s%s: %s", kt_alert_kind_name(alert->kind), label[0] != '\0' ? " " : "", label,
           kt_alert_text(alert)->headline);
  if (!write_event(&call->run.entry, session->state.home, path)) {
    snprintf(call->error, sizeof call->error, "cannot write to the state folder: %s", strerror(errno));
    return;
  }
  const struct kt_hook_call exec = { .path = call->hook->path,
                                     .command = call->hook->command,
                                     .event = kt_alert_kind_name(alert->kind),
                                     .summary = summary,
                                     .json_file = path };
  call->ok = kt_hook_exec(&exec, call->error);
  unlink(path);
}

static void report_call(struct kt_session *session, const struct call *call)
{
  char time[KT_TIME_SIZE];
  json_t *object = json_object();
  json_object_set_new(object, "hook", kt_output_text(kt_text_bytes(call->hook->name)));
  json_object_set_new(object, "event", json_string(kt_alert_kind_name(call->run.entry.alert.kind)));
  json_object_set_new(object, "alert", kt_output_hex((struct kt_bytes){ call->run.entry.alert.id.b, KT_ALERT_ID_LEN }));
  json_object_set_new(object, "ok", json_boolean(call->ok));
  if (!call->ok) {
    char name[CLEAN_SIZE];
    json_object_set_new(object, "error", json_string(call->error));
    json_object_set_new(object, "retry_ms", json_integer((json_int_t)call->retry_ms));
    kt_text_clean(kt_text_bytes(call->hook->name), name, sizeof name);
    kt_report_time(call->retry_ms, time);
    kt_output_note(session->out, "kt-verify: hook %s failed: %s; it is called again after %s\n", name, call->error,
                   time);
  }
  kt_output_append(session->out, "hooks", object);
}

/* Until it fails, or nothing is due for it. */
static enum kt_exit call_due(struct kt_session *session, const struct kt_hook *hook, size_t *n_failed)
{
  while (!kt_stop_requested()) {
    struct call call = { .hook = hook };
    enum kt_err err;
    enum kt_exit code = kt_session_write(session, claim, &call, &err);
    if (code != KT_EXIT_OK || err == KT_ERR_ABSENT) {
      return code;
    }
    run(session, &call);
    uint64_t random;
    randombytes_buf(&random, sizeof random);
    call.retry_ms = kt_now_ms() + kt_schedule_hook_ms(call.run.failures, random);
    report_call(session, &call);
    code = kt_session_write(session, note_end, &call, &err);
    *n_failed += call.ok ? 0 : 1;
    if (code != KT_EXIT_OK || !call.ok) {
      return code;
    }
  }
  return KT_EXIT_OK;
}

enum kt_exit kt_hooks_call(struct kt_session *session, const struct kt_hooks *hooks, size_t *ret_n_failed)
{
  enum kt_exit worst = KT_EXIT_OK;
  size_t n_failed = 0;
  for (size_t i = 0; i < hooks->n; i++) {
    worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)call_due(session, &hooks->list[i], &n_failed));
  }
  *ret_n_failed = n_failed;
  return worst;
}

enum kt_exit kt_hooks_tell(struct kt_session *session, const struct kt_hooks *hooks)
{
  size_t n_failed;
  if (hooks->n == 0) {
    return KT_EXIT_OK;
  }
  enum kt_exit code = kt_hooks_enqueue(session, hooks);
  return code == KT_EXIT_OK ? kt_hooks_call(session, hooks, &n_failed) : code;
}

/* --- what waits ------------------------------------------------------------------------------------------------------- */

struct backlog {
  struct kt_hook_backlog *hooks;
  size_t n;
};

static enum kt_err read_backlog(void *ctx, struct kt_session *session)
{
  struct backlog *backlog = ctx;
  return kt_state_hook_backlog(&session->state, &session->arena, &backlog->hooks, &backlog->n);
}

static bool is_there(const struct kt_hooks *hooks, const char *name)
{
  for (size_t i = 0; i < hooks->n; i++) {
    if (strcmp(hooks->list[i].name, name) == 0) {
      return true;
    }
  }
  return false;
}

enum kt_exit kt_hooks_next(struct kt_session *session, const struct kt_hooks *hooks, uint64_t *ret_next_ms)
{
  struct backlog backlog = { .n = 0 };
  uint64_t next_ms = UINT64_MAX;
  enum kt_err err;
  enum kt_exit code = kt_session_read(session, read_backlog, &backlog, &err);
  for (size_t i = 0; i < backlog.n; i++) {
    if (backlog.hooks[i].next_ms < next_ms && is_there(hooks, backlog.hooks[i].hook)) {
      next_ms = backlog.hooks[i].next_ms;
    }
  }
  *ret_next_ms = next_ms;
  return code;
}

enum kt_exit kt_hooks_report(struct kt_session *session)
{
  struct backlog backlog = { .n = 0 };
  enum kt_err err;
  enum kt_exit code = kt_session_read(session, read_backlog, &backlog, &err);
  for (size_t i = 0; i < backlog.n; i++) {
    const struct kt_hook_backlog *hook = &backlog.hooks[i];
    char name[CLEAN_SIZE];
    char time[KT_TIME_SIZE];
    json_t *object = json_object();
    json_object_set_new(object, "hook", kt_output_text(kt_text_bytes(hook->hook)));
    json_object_set_new(object, "waiting", json_integer((json_int_t)hook->n_waiting));
    json_object_set_new(object, "failures", json_integer((json_int_t)hook->failures));
    json_object_set_new(object, "next_ms", json_integer((json_int_t)hook->next_ms));
    json_object_set_new(object, "error", hook->error != NULL ? json_string(hook->error) : json_null());
    kt_output_append(session->out, "hooks", object);
    kt_text_clean(kt_text_bytes(hook->hook), name, sizeof name);
    kt_report_time(hook->next_ms, time);
    kt_output_data(session->out, "%-10s %s, alerts waiting: %" PRIu64 ", failed calls: %" PRIu32 "%s%s, next %s\n",
                   hook->failures > 0 ? "FAILING" : "hook", name, hook->n_waiting, hook->failures,
                   hook->error != NULL ? ", last: " : "", hook->error != NULL ? hook->error : "", time);
  }
  return code;
}
