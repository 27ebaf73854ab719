/* SPDX-License-Identifier: Apache-2.0 */
/* Health and metrics, on a listener of their own. /livez: the process answers. /readyz: clients would accept the head,
 * and there is room for the next one. */
#include <inttypes.h>
#include <string.h>

#include "base/noun.h"
#include "http_server.h"
#include "operator.h"

#define TEXT "text/plain; charset=utf-8"

static enum kt_step answer_ok(struct kt_call *call)
{
  static const char ok[] = "ok\n";
  kt_write_bytes(&call->w, ok, sizeof ok - 1);
  return KT_STEP_ANSWER;
}

static uint64_t head_age_ms(const struct kt_log_head *head)
{
  uint64_t now_ms = kt_now_ms();
  return now_ms > head->timestamp_ms ? now_ms - head->timestamp_ms : 0;
}

/* A Service Operator has its Manager's head, and signs while nothing speaks against the Manager and its own guard is
 * whole. */
static void get_status(const struct kt_call *call, struct kt_log_status *ret_status)
{
  const struct kt_instance *instance = call->http->instance;
  struct kt_opheads_status heads;
  struct kt_error why;
  if (instance->operator_role == NULL) {
    kt_log_status(instance->log, ret_status);
    return;
  }
  kt_opheads_status(kt_operator_heads(instance->operator_role), &heads);
  *ret_status = (struct kt_log_status){
    .head = { .size = heads.size, .timestamp_ms = heads.timestamp_ms, .root = heads.root },
    .is_fatal = heads.is_halted || kt_opdb_is_stopped(kt_operator_db(instance->operator_role), &why),
  };
}

/* Updates fail before the last byte is used, and the guard may be elsewhere: an operator has to know earlier. */
static uint64_t least_disk_free(const struct kt_instance *instance)
{
  struct kt_path path;
  struct kt_error error;
  uint64_t database = UINT64_MAX;
  if (kt_path_join(instance->dir.s, KT_NAME_DATABASE, &path, &error) == KT_OK) {
    database = kt_disk_free(path.s);
  }
  uint64_t guard = kt_disk_free(instance->guard_path.s);
  return guard < database ? guard : database;
}

/* Sets *problem, with status 0 when there is none. */
static void judge(const struct kt_call *call, const struct kt_log_status *status, struct kt_problem *problem)
{
  const struct kt_config *config = kt_call_config(call);
  const struct kt_instance *instance = call->http->instance;
  uint64_t age_ms = head_age_ms(&status->head);
  uint64_t disk_free = least_disk_free(instance);
  problem->status = 0;
  if (status->is_fatal) {
    kt_problem_set(problem, 503, "fatal", "the log signs nothing any more; see the server's messages");
  } else if (status->is_read_only) {
    kt_problem_set(problem, 503, "read-only",
                   "answering from the published head of %" PRIu64 " %s, %" PRIu64
                   " ms old; nothing is signed and updates are refused",
                   status->head.size, kt_noun_entries(status->head.size), age_ms);
  } else if (status->clock_problem != NULL) {
    kt_problem_set(problem, 503, status->clock_problem, "%s", status->clock_reason);
  } else if (age_ms > config->max_behind) {
    kt_problem_set(problem, 503, "stale", "the head is %" PRIu64 " ms old, clients accept %" PRIu64, age_ms,
                   config->max_behind);
  } else if (kt_log_auditor_lag_ms(config, &status->head) > config->max_auditor_lag) {
    kt_problem_set(problem, 503, "auditor-missing",
                   "the auditor vouched for %" PRIu64 " of %" PRIu64 " %s, clients do not accept that",
                   status->head.auditor.size, status->head.size, kt_noun_entries(status->head.size));
  } else if (disk_free < instance->settings.limits.disk_bytes) {
    kt_problem_set(problem, 503, "disk-full",
                   "%" PRIu64 " bytes are free for the database or its guard, limits.disk wants %" PRIu64
                   "; updates %s refused, searches go on",
                   disk_free, instance->settings.limits.disk_bytes,
                   atomic_load(&instance->is_full) ? "are" : "will soon be");
  }
}

static enum kt_step answer_readyz(struct kt_call *call)
{
  struct kt_log_status status;
  get_status(call, &status);
  judge(call, &status, &call->problem);
  return call->problem.status == 0 ? answer_ok(call) : KT_STEP_REFUSE;
}

static enum kt_step answer_metrics(struct kt_call *call)
{
  struct kt_log_status status;
  struct kt_problem problem;
  get_status(call, &status);
  judge(call, &status, &problem);
  kt_call_write_metrics(call, &status, problem.status == 0);
  return KT_STEP_ANSWER;
}

const struct kt_route kt_health_routes[] = {
  { "GET", "/livez", KT_BODY_NONE, TEXT, answer_ok, NULL, KT_PURPOSE_PUBLIC },
  { "GET", "/readyz", KT_BODY_NONE, TEXT, answer_readyz, NULL, KT_PURPOSE_PUBLIC },
  { "GET", "/metrics", KT_BODY_NONE, KT_METRICS_TYPE, answer_metrics, NULL, KT_PURPOSE_ADMIN },
  { NULL, NULL, KT_BODY_NONE, NULL, NULL, NULL, KT_PURPOSE_PUBLIC },
};
