/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted about requests, and GET /metrics: the Prometheus text format, version 0.0.4.
 *
 * Times are seconds and sizes bytes, counters begin at the start of the process. Labels are routes, status classes and
 * purposes: nothing of a request's content, and no address. Counting is one atomic addition each. */
#ifndef KT_SERVER_HTTP_METRICS_H
#define KT_SERVER_HTTP_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "settings.h"

struct kt_call;
struct kt_log_status;

#define KT_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define KT_ROUTES_MAX 32
#define KT_STATUS_CLASSES 6   /* 2xx is number 2 */
#define KT_DURATION_BOUNDS 12 /* and one bucket for what takes longer */

struct kt_http_counters {
  _Atomic uint64_t requests[KT_ROUTES_MAX][KT_STATUS_CLASSES]; /* the last route: none */
  _Atomic uint64_t durations[KT_PURPOSES][KT_DURATION_BOUNDS + 1];
  _Atomic uint64_t durations_us[KT_PURPOSES]; /* sum */
};

/* The call is over. */
void kt_call_count(const struct kt_call *call);
/* Append all metrics to the call's writer; status: the log's, or a Service Operator's view of its Manager's. */
void kt_call_write_metrics(struct kt_call *call, const struct kt_log_status *status, bool is_ready);

/* Bytes that are free where this file is; UINT64_MAX when that cannot be told. */
uint64_t kt_disk_free(const char *path);
uint64_t kt_monotonic_us(void);

#endif
