/* SPDX-License-Identifier: Apache-2.0 */
/* import: a file of device sets that the operator brings in. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "json/builder.h"
#include "report.h"

#define PROGRESS_WIDTH 72
#define REFUSALS_MAX 1000 /* in the JSON object; the rest is counted */

struct display {
  const char *file;
  bool is_terminal;
  bool has_line;       /* of progress, on the terminal */
  json_t *refusals;    /* for --json; NULL otherwise */
  uint64_t n_refusals; /* heard of */
  bool is_checking;    /* what the progress was last */
  uint64_t begun_ms;   /* this reading of the file */
};

/* The progress makes room for a line that stays. */
static void end_progress(struct display *display)
{
  if (display->has_line) {
    (void)fprintf(stderr, "\r%*s\r", PROGRESS_WIDTH, "");
    display->has_line = false;
  }
}

static void show_refused(void *ctx, uint64_t line, const char *text)
{
  struct display *display = ctx;
  end_progress(display);
  kt_say("%s:%" PRIu64 ": %s", display->file, line, text);
  if (display->refusals != NULL && display->n_refusals++ < REFUSALS_MAX) {
    (void)json_array_append_new(display->refusals,
                                json_pack("{s:I, s:o}", "line", (json_int_t)line, "text", kt_json_lossy(text)));
  }
}

/* "importing 12 %, 1200000 labels, 15000 per second, 8m20s left" */
static bool show_progress(void *ctx, const struct kt_import_progress *progress)
{
  struct display *display = ctx;
  if (!display->is_terminal || progress->bytes == 0) {
    return true;
  }
  if (display->begun_ms == 0 || display->is_checking != progress->is_checking) {
    display->begun_ms = kt_monotonic_ms();
    display->is_checking = progress->is_checking;
  }
  uint64_t spent_ms = kt_monotonic_ms() - display->begun_ms + 1;
  double share = (double)progress->bytes_done / (double)progress->bytes;
  uint64_t left_s = share > 0 ? (uint64_t)((double)spent_ms / 1000 / share * (1 - share)) : 0;
  uint64_t n = progress->n_inserted + progress->n_unchanged;
  char text[PROGRESS_WIDTH + 1];
  if (progress->is_checking) {
    (void)snprintf(text, sizeof text, "checking %.0f %%, %" PRIu64 "m%02" PRIu64 "s left", 100 * share, left_s / 60,
                   left_s % 60);
  } else {
    (void)snprintf(text, sizeof text,
                   "importing %.0f %%, %" PRIu64 " labels, %.0f per second, %" PRIu64 "m%02" PRIu64 "s left",
                   100 * share, n, (double)n * 1000 / (double)spent_ms, left_s / 60, left_s % 60);
  }
  (void)fprintf(stderr, "\r%-*s", PROGRESS_WIDTH, text);
  display->has_line = true;
  return true;
}

static enum kt_err import(const char *dir, bool check_first, struct display *display,
                          struct kt_import_progress *ret_progress, struct kt_error *error)
{
  const struct kt_import_listener listener = { .ctx = display, .refused = show_refused, .progress = show_progress };
  struct kt_admin admin;
  struct kt_error cause;
  int fd = open(display->file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return kt_error_set(error, KT_ERR_USAGE, "%s: %s", display->file, strerror(errno));
  }
  enum kt_err err = kt_admin_open_import(&admin, dir, fd, error);
  if (err == KT_OK) {
    err = kt_admin_import(&admin, fd, check_first, &listener, ret_progress, &cause);
    if (err != KT_OK) {
      (void)kt_error_set(error, err, "%s: %.500s", display->file, cause.text);
    }
  }
  end_progress(display);
  kt_admin_close(&admin);
  (void)close(fd);
  return err;
}

static int show(const struct kt_verb *verb, const struct display *display, const struct kt_import_progress *progress,
                enum kt_err err, const struct kt_error *error)
{
  json_t *view = NULL;
  bool as_json = display->refusals != NULL;
  if (as_json) {
    view = json_pack("{s:I, s:I, s:I, s:O}", "inserted", (json_int_t)progress->n_inserted, "unchanged",
                     (json_int_t)progress->n_unchanged, "refused", (json_int_t)progress->n_refused, "refusals",
                     display->refusals);
  } else if (err == KT_OK || progress->n_inserted + progress->n_unchanged > 0) {
    (void)printf("inserted %" PRIu64 ", unchanged %" PRIu64 ", refused %" PRIu64 "\n", progress->n_inserted,
                 progress->n_unchanged, progress->n_refused);
  }
  if (err != KT_OK) {
    return kt_report_failure(verb, as_json, view, err, error);
  }
  return as_json ? kt_report_json(verb, view) : KT_EXIT_DONE;
}

int kt_verb_import(const struct kt_verb *verb, int argc, char **argv)
{
  const char *arguments[2] = { NULL, NULL };
  bool as_json = false;
  bool no_check = false;
  const struct kt_option options[] = { { "json", NULL, &as_json }, { "no-check", NULL, &no_check } };
  struct display display = { .is_terminal = isatty(STDERR_FILENO) != 0 };
  struct kt_import_progress progress = { .bytes = 0 };
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, 2, arguments, 2) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  display.file = arguments[1];
  display.refusals = as_json ? json_array() : NULL;
  enum kt_err err = import(arguments[0], !no_check, &display, &progress, &error);
  int code = show(verb, &display, &progress, err, &error);
  json_decref(display.refusals);
  return code;
}
