/* SPDX-License-Identifier: Apache-2.0 */
/* prove: VRF proofs of a stopped log's labels, ahead of lookups. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/noun.h"
#include "instance.h"
#include "json/builder.h"
#include "process_stats.h"
#include "prover.h"
#include "report.h"
#include "trail_operate.h"
#include "units.h"

#define PROGRESS_WIDTH 72
#define PROGRESS_MS 250

struct display {
  bool is_terminal;
  bool has_line;
  uint64_t begun_ms;
  uint64_t told_ms;
};

/* "12 % of the labels, 1200000 proofs computed, 15000 per second, 8m20s left" */
static void show_progress(void *ctx, const struct kt_prover_progress *progress)
{
  struct display *display = ctx;
  uint64_t at_ms = kt_monotonic_ms();
  if (!display->is_terminal || at_ms - display->told_ms < PROGRESS_MS) {
    return;
  }
  char text[PROGRESS_WIDTH + 1];
  uint64_t spent_ms = at_ms - display->begun_ms + 1;
  double share = (double)progress->last / (double)progress->end;
  uint64_t left_s = (uint64_t)((double)spent_ms / 1000 / share * (1 - share));
  (void)snprintf(
      text, sizeof text, "%.0f %% of the labels, %" PRIu64 " proofs, %.0f per second, %" PRIu64 "m%02" PRIu64 "s left",
      100 * share, progress->n_proofs, (double)progress->n_proofs * 1000 / (double)spent_ms, left_s / 60, left_s % 60);
  (void)fprintf(stderr, "\r%-*s", PROGRESS_WIDTH, text);
  display->told_ms = at_ms;
  display->has_line = true;
}

/* Load and lock a folder in which proofs can be stored. */
static enum kt_err load(struct kt_instance *instance, const char *dir, struct kt_error *error)
{
  enum kt_err err = kt_instance_load(instance, dir, error);
  if (err != KT_OK) {
    return err;
  }
  if (kt_instance_is_operator(instance)) {
    return kt_error_set(error, KT_ERR_USAGE,
                        "%s is a Service Operator's: VRF proofs are made and kept in the Manager's log",
                        instance->dir.s);
  }
  if (instance->is_marked) {
    return kt_error_set(error, KT_ERR_CONFLICT, "%s is served read only: nothing can be added", instance->dir.s);
  }
  err = kt_instance_lock(instance, error);
  return err != KT_ERR_UNDETERMINED
             ? err
             : kt_error_set(
                   error, err,
                   "%s is in use by another kt-server: stop the log first. A log that runs computes and keeps the "
                   "proofs of a label when it is looked up",
                   instance->dir.s);
}

/* What was stored stands, whatever else went wrong: the trail says how much. */
static enum kt_err prove_recorded(struct kt_instance *instance, const struct kt_prover_options *options,
                                  struct kt_prover_progress *progress, struct kt_error *error)
{
  struct kt_error cause;
  enum kt_err err = kt_record(instance, "prove", "begun", 0, error);
  if (err != KT_OK) {
    return err;
  }
  err = kt_prover_run(options, progress, error);
  enum kt_err recorded = kt_record(instance, "prove", err == KT_OK ? "done" : "failed", progress->n_proofs, &cause);
  return err == KT_OK && recorded != KT_OK
             ? kt_error_set(error, recorded, "it is done, but not on record: %.500s", cause.text)
             : err;
}

static enum kt_err prove(const char *dir, uint64_t limit, struct display *display, struct kt_prover_progress *progress,
                         struct kt_error *error)
{
  struct kt_instance instance;
  kt_instance_init(&instance);
  enum kt_err err = load(&instance, dir, error);
  if (err == KT_OK) {
    err = kt_instance_open_log(&instance, false, error);
  }
  if (err == KT_OK) {
    const struct kt_prover_options options = {
      .instance = &instance, .limit = limit, .n_workers = kt_core_count(), .ctx = display, .progress = show_progress
    };
    err = prove_recorded(&instance, &options, progress, error);
  }
  if (display->has_line) {
    (void)fprintf(stderr, "\r%*s\r", PROGRESS_WIDTH, "");
  }
  kt_instance_release(&instance);
  return err;
}

static void say_done(const struct kt_prover_progress *progress)
{
  if (progress->n_labels == 0) {
    (void)printf("there are no labels: nothing was to be computed\n");
  } else if (progress->n_proofs == 0) {
    (void)printf("the VRF proofs of %" PRIu64 " %s are stored already: nothing was to be computed\n",
                 progress->n_labels, kt_noun(progress->n_labels, "label", "labels"));
  } else {
    (void)printf("computed and stored %" PRIu64 " VRF %s: lookups of the newest versions of %" PRIu64
                 " %s need no others\n",
                 progress->n_proofs, kt_noun(progress->n_proofs, "proof", "proofs"), progress->n_labels,
                 kt_noun(progress->n_labels, "label", "labels"));
  }
}

int kt_verb_prove(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  const char *limit_text = NULL;
  bool as_json = false;
  uint64_t limit = 0;
  const struct kt_option options[] = { { "json", NULL, &as_json }, { "limit", &limit_text, NULL } };
  struct display display = { .is_terminal = isatty(STDERR_FILENO) != 0, .begun_ms = kt_monotonic_ms() };
  struct kt_prover_progress progress = { .n_labels = 0 };
  struct kt_error error;
  enum kt_err err = KT_OK;
  if (kt_cli_parse(verb, argc, argv, options, 2, &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  if (limit_text != NULL && (kt_number_parse(limit_text, &limit) != KT_OK || limit == 0)) {
    err = kt_error_set(&error, KT_ERR_USAGE, "--limit: \"%s\" is not a number of labels", limit_text);
  }
  if (err == KT_OK) {
    err = prove(dir, limit, &display, &progress, &error);
  }
  json_t *view = as_json ? json_pack("{s:I, s:I}", "labels", (json_int_t)progress.n_labels, "proofs",
                                     (json_int_t)progress.n_proofs)
                         : NULL;
  if (err != KT_OK) {
    return kt_report_failure(verb, as_json, view, err, &error);
  }
  if (as_json) {
    return kt_report_json(verb, view);
  }
  say_done(&progress);
  return KT_EXIT_DONE;
}
