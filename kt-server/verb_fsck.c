/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/noun.h"
#include "instance.h"
#include "operator.h"
#include "report.h"

/* Every so many VRF outputs are computed again; each costs about 0.1 ms. */
#define VRF_EVERY 1
#define FINDINGS_MAX 1000 /* in the JSON object; the rest is counted */

struct findings {
  uint64_t n;
  bool is_terminal;
  json_t *list; /* NULL: print them */
};

static void report(void *ctx, const char *where, const char *what)
{
  struct findings *findings = ctx;
  findings->n++;
  if (findings->list == NULL) {
    (void)printf("%s: %s\n", where, what);
  } else if (findings->n <= FINDINGS_MAX) {
    (void)json_array_append_new(findings->list, json_pack("{s:s, s:s}", "where", where, "what", what));
  }
}

static void progress(void *ctx, uint64_t done, uint64_t total)
{
  const struct findings *findings = ctx;
  if (findings->is_terminal && total > 0) {
    (void)fprintf(stderr, "\rchecked %" PRIu64 " of %" PRIu64, done, total);
  }
}

static enum kt_err check(struct kt_instance *instance, struct findings *findings, struct kt_error *error)
{
  struct kt_log_reader *reader = NULL;
  struct kt_log_problem problem;
  const struct kt_log_fsck fsck = { .vrf_every = VRF_EVERY, .ctx = findings, .report = report, .progress = progress };
  enum kt_err err = kt_log_reader_new(instance->log, &reader, &problem);
  if (err == KT_OK) {
    err = kt_log_fsck(reader, &fsck, &problem);
    kt_log_reader_free(reader);
  }
  if (findings->is_terminal) {
    (void)fputc('\n', stderr);
  }
  if (err == KT_ERR_PROOF) {
    return kt_error_set(error, err, "%s is damaged: %" PRIu64 " %s", instance->dir.s, findings->n,
                        kt_noun(findings->n, "finding", "findings"));
  }
  if (err != KT_OK && problem.is_damaged) {
    return kt_instance_damaged(instance, problem.text, error);
  }
  return err == KT_OK ? KT_OK : kt_error_set(error, err, "%s", problem.text);
}

static json_t *findings_view(const struct findings *findings)
{
  return json_pack("{s:I, s:O}", "n_findings", (json_int_t)findings->n, "findings", findings->list);
}

int kt_verb_fsck(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  struct findings findings = { .is_terminal = isatty(STDERR_FILENO) != 0 };
  struct kt_instance instance;
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, 1, &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  findings.list = as_json ? json_array() : NULL;
  kt_instance_init(&instance);
  enum kt_err err = kt_instance_open(&instance, dir, &error);
  if (err == KT_OK) {
    err = instance.operator_role != NULL ? kt_opdb_verify(kt_operator_db(instance.operator_role), &error)
                                         : check(&instance, &findings, &error);
  }
  int code = KT_EXIT_DONE;
  if (err != KT_OK) {
    code = kt_report_failure(verb, as_json, as_json ? findings_view(&findings) : NULL, err, &error);
  } else if (as_json) {
    code = kt_report_json(verb, findings_view(&findings));
  } else {
    (void)printf("no damage found\n");
  }
  json_decref(findings.list);
  kt_instance_release(&instance);
  return code;
}
