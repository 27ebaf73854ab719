/* SPDX-License-Identifier: Apache-2.0 */
/* Health and metrics, on a listener of their own. /livez: the process answers. /readyz: clients would accept the head. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http_server.h"
#include "operator.h"

#define TEXT "text/plain; charset=utf-8"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"

__attribute__((format(printf, 2, 3))) static void print(struct kt_call *call, const char *format, ...)
{
  char line[256];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  kt_write_bytes(&call->w, line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

static enum kt_step answer_livez(struct kt_call *call)
{
  print(call, "ok\n");
  return KT_STEP_ANSWER;
}

static uint64_t head_age_ms(const struct kt_log_head *head)
{
  uint64_t now_ms = kt_now_ms();
  return now_ms > head->timestamp_ms ? now_ms - head->timestamp_ms : 0;
}

/* A Service Operator has its Manager's head, and signs values while nothing speaks against the Manager. */
static void get_status(const struct kt_call *call, struct kt_log_status *ret_status)
{
  const struct kt_instance *instance = call->http->instance;
  struct kt_opheads_status heads;
  if (instance->operator_role == NULL) {
    kt_log_status(instance->log, ret_status);
    return;
  }
  kt_opheads_status(kt_operator_heads(instance->operator_role), &heads);
  *ret_status = (struct kt_log_status){
    .head = { .size = heads.size, .timestamp_ms = heads.timestamp_ms, .root = heads.root },
    .is_fatal = heads.is_halted,
  };
}

static enum kt_step answer_readyz(struct kt_call *call)
{
  const struct kt_config *config = kt_call_config(call);
  struct kt_log_status status;
  get_status(call, &status);
  uint64_t age_ms = head_age_ms(&status.head);
  if (status.is_fatal) {
    kt_problem_set(&call->problem, 503, "fatal", "the log signs nothing any more; see the server's messages");
  } else if (age_ms > config->max_behind) {
    kt_problem_set(&call->problem, 503, "stale", "the head is %" PRIu64 " ms old, clients accept %" PRIu64, age_ms,
                   config->max_behind);
  } else if (kt_log_auditor_lag_ms(config, &status.head) > config->max_auditor_lag) {
    kt_problem_set(&call->problem, 503, "auditor-missing",
                   "the auditor vouched for %" PRIu64 " of %" PRIu64 " entries, clients do not accept that",
                   status.head.auditor.size, status.head.size);
  } else {
    print(call, "ok\n");
    return KT_STEP_ANSWER;
  }
  return KT_STEP_REFUSE;
}

static void metric(struct kt_call *call, const char *name, const char *type, const char *help, uint64_t value)
{
  print(call, "# HELP kt_%s %s\n# TYPE kt_%s %s\nkt_%s %" PRIu64 "\n", name, help, name, type, name, value);
}

static enum kt_step answer_metrics(struct kt_call *call)
{
  struct kt_log_status status;
  const struct kt_http *clients = call->http->clients;
  get_status(call, &status);
  metric(call, "tree_size", "gauge", "Log entries.", status.head.size);
  metric(call, "head_timestamp_ms", "gauge", "Timestamp of the rightmost entry.", status.head.timestamp_ms);
  if (kt_call_config(call)->mode == KT_MODE_THIRD_PARTY_AUDITING) {
    metric(call, "auditor_size", "gauge", "Log entries the auditor vouched for.", status.head.auditor.size);
  }
  metric(call, "signing", "gauge", "1 while heads are signed.", status.is_fatal ? 0 : 1);
  metric(call, "updates_queued", "gauge", "Updates that wait for the sequencer.", status.n_queued);
  metric(call, "versions_total", "counter", "Versions inserted since the start.", status.n_inserted);
  metric(call, "commits_total", "counter", "Commits since the start.", status.n_commits);
  metric(call, "heartbeats_total", "counter", "Heartbeat entries since the start.", status.n_heartbeats);
  metric(call, "pruned_entries_total", "counter", "Entries removed as past the maximum lifetime, ever.",
         status.pruned.n_entries);
  metric(call, "http_requests_total", "counter", "Requests since the start.", atomic_load(&clients->n_requests));
  metric(call, "http_failures_total", "counter", "Answers of 500 and above.", atomic_load(&clients->n_failures));
  metric(call, "http_requests_open", "gauge", "Requests under way.", atomic_load(&clients->n_open));
  return KT_STEP_ANSWER;
}

const struct kt_route kt_health_routes[] = {
  { "GET", "/livez", KT_BODY_NONE, TEXT, answer_livez, NULL, KT_PURPOSE_PUBLIC },
  { "GET", "/readyz", KT_BODY_NONE, TEXT, answer_readyz, NULL, KT_PURPOSE_PUBLIC },
  { "GET", "/metrics", KT_BODY_NONE, METRICS, answer_metrics, NULL, KT_PURPOSE_PUBLIC },
  { NULL, NULL, KT_BODY_NONE, NULL, NULL, NULL, KT_PURPOSE_PUBLIC },
};
