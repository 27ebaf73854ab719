/* SPDX-License-Identifier: Apache-2.0 */
#include "http_metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "http_server.h"
#include "process_stats.h"

static const char *const purposes[KT_PURPOSES] = { "public", "search", "monitor", "update", "admin", "relay" };

/* Upper bounds, in microseconds. */
static const uint64_t bounds_us[KT_DURATION_BOUNDS] = { 500,   1000,   2500,   5000,    10000,   25000,
                                                        50000, 100000, 250000, 1000000, 5000000, 30000000 };

uint64_t kt_monotonic_us(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t kt_disk_free(const char *path)
{
  struct kt_path folder;
  struct statvfs info;
  (void)snprintf(folder.s, sizeof folder.s, "%s", path);
  char *slash = strrchr(folder.s, '/');
  if (slash != NULL && slash != folder.s) {
    *slash = '\0';
  }
  return statvfs(folder.s, &info) == 0 ? (uint64_t)info.f_bavail * info.f_frsize : UINT64_MAX;
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

void kt_call_count(const struct kt_call *call)
{
  struct kt_http_counters *counters = &call->http->counters;
  size_t route = call->route != NULL ? (size_t)(call->route - call->http->routes) : KT_ROUTES_MAX - 1;
  unsigned class = call->status / 100;
  if (route >= KT_ROUTES_MAX || class >= KT_STATUS_CLASSES) {
    return;
  }
  (void)atomic_fetch_add(&counters->requests[route][class], 1);
  if (call->route != NULL && class == 2) {
    uint64_t us = kt_monotonic_us() - call->started_us;
    size_t bucket = 0;
    while (bucket < KT_DURATION_BOUNDS && us > bounds_us[bucket]) {
      bucket++;
    }
    (void)atomic_fetch_add(&counters->durations[call->route->purpose][bucket], 1);
    (void)atomic_fetch_add(&counters->durations_us[call->route->purpose], us);
  }
}

/* --- text --------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void print(struct kt_call *call, const char *format, ...)
{
  char line[320];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  kt_write_bytes(&call->w, line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

static void begin(struct kt_call *call, const char *name, const char *type, const char *help)
{
  print(call, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct kt_call *call, const char *name, const char *help, uint64_t value)
{
  begin(call, name, "gauge", help);
  print(call, "%s %" PRIu64 "\n", name, value);
}

static void counter(struct kt_call *call, const char *name, const char *help, uint64_t value)
{
  begin(call, name, "counter", help);
  print(call, "%s %" PRIu64 "\n", name, value);
}

static void gauge_ms(struct kt_call *call, const char *name, const char *help, uint64_t value_ms)
{
  begin(call, name, "gauge", help);
  print(call, "%s %" PRIu64 ".%03u\n", name, value_ms / 1000, (unsigned)(value_ms % 1000));
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

static void write_log(struct kt_call *call, const struct kt_log_status *status, bool is_ready)
{
  gauge(call, "kt_tree_size", "Log entries.", status->head.size);
  gauge_ms(call, "kt_head_timestamp_seconds", "Timestamp of the rightmost entry.", status->head.timestamp_ms);
  if (kt_call_config(call)->mode == KT_MODE_THIRD_PARTY_AUDITING) {
    gauge(call, "kt_auditor_tree_size", "Log entries the auditor vouched for.", status->head.auditor.size);
  }
  gauge(call, "kt_signing", "1 while heads are signed.", status->is_fatal || status->is_read_only ? 0 : 1);
  gauge(call, "kt_read_only", "1 while answers come from an old published head.", status->is_read_only ? 1 : 0);
  gauge(call, "kt_clock_believed", "0 while the clock seems wrong and nothing is added.",
        status->clock_problem == NULL ? 1 : 0);
  gauge(call, "kt_ready", "1 while readyz says so.", is_ready ? 1 : 0);
  gauge(call, "kt_updates_queued", "Updates that wait for the sequencer.", status->n_queued);
  counter(call, "kt_versions_total", "Versions inserted.", status->n_inserted);
  counter(call, "kt_commits_total", "Commits.", status->n_commits);
  counter(call, "kt_heartbeats_total", "Heartbeat entries.", status->n_heartbeats);
  gauge(call, "kt_pruned_entries", "Entries removed as past the maximum lifetime, ever.", status->pruned.n_entries);
}

static void write_file_size(struct kt_call *call, const char *name, const char *help, const char *file)
{
  struct kt_path path;
  struct kt_error error;
  struct stat info;
  if (kt_path_join(call->http->instance->dir.s, file, &path, &error) == KT_OK && stat(path.s, &info) == 0) {
    gauge(call, name, help, (uint64_t)info.st_size);
  }
}

static void write_disk(struct kt_call *call)
{
  const struct kt_instance *instance = call->http->instance;
  struct kt_path path;
  struct kt_error error;
  bool is_operator = kt_instance_is_operator(instance);
  write_file_size(call, "kt_database_size_bytes", "The database file.",
                  is_operator ? KT_NAME_OPERATOR_DATABASE : KT_NAME_DATABASE);
  write_file_size(call, "kt_database_wal_size_bytes", "Its write-ahead log.",
                  is_operator ? KT_NAME_OPERATOR_DATABASE "-wal" : KT_NAME_DATABASE "-wal");
  if (kt_path_join(instance->dir.s, KT_NAME_DATABASE, &path, &error) == KT_OK) {
    gauge(call, "kt_disk_free_bytes", "Free where the database is.", kt_disk_free(path.s));
  }
  gauge(call, "kt_guard_disk_free_bytes", "Free where the head guard is.", kt_disk_free(instance->guard_path.s));
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static void write_requests(struct kt_call *call, const struct kt_http *clients)
{
  begin(call, "kt_http_requests_total", "counter", "Answered requests.");
  for (size_t route = 0; route < KT_ROUTES_MAX; route++) {
    for (size_t class = 0; class < KT_STATUS_CLASSES; class ++) {
      uint64_t n = atomic_load(&clients->counters.requests[route][class]);
      if (n > 0) {
        const char *path = route < KT_ROUTES_MAX - 1 ? clients->routes[route].path : "none";
        const char *method = route < KT_ROUTES_MAX - 1 ? clients->routes[route].method : "any";
        print(call, "kt_http_requests_total{method=\"%s\",route=\"%s\",code=\"%zuxx\"} %" PRIu64 "\n", method, path,
              class, n);
      }
    }
  }
}

static void write_seconds(struct kt_call *call, uint64_t us)
{
  print(call, "%" PRIu64 ".%06u", us / 1000000, (unsigned)(us % 1000000));
}

static void write_durations(struct kt_call *call, const struct kt_http *clients)
{
  static const char name[] = "kt_http_request_duration_seconds";
  begin(call, name, "histogram", "From the request's head to the end of its answer, of answers with 2xx.");
  for (size_t purpose = 0; purpose < KT_PURPOSES; purpose++) {
    const char *label = purposes[purpose];
    uint64_t n = 0;
    for (size_t bucket = 0; bucket < KT_DURATION_BOUNDS; bucket++) {
      n += atomic_load(&clients->counters.durations[purpose][bucket]);
      print(call, "%s_bucket{purpose=\"%s\",le=\"", name, label);
      write_seconds(call, bounds_us[bucket]);
      print(call, "\"} %" PRIu64 "\n", n);
    }
    n += atomic_load(&clients->counters.durations[purpose][KT_DURATION_BOUNDS]);
    print(call, "%s_bucket{purpose=\"%s\",le=\"+Inf\"} %" PRIu64 "\n%s_sum{purpose=\"%s\"} ", name, label, n, name,
          label);
    write_seconds(call, atomic_load(&clients->counters.durations_us[purpose]));
    print(call, "\n%s_count{purpose=\"%s\"} %" PRIu64 "\n", name, label, n);
  }
}

static void write_connections(struct kt_call *call, struct kt_http *clients)
{
  struct kt_peers_count peers;
  kt_peers_count(clients->limits.peers, &peers);
  gauge(call, "kt_http_connections_open", "Open connections.", peers.n_open);
  counter(call, "kt_http_connections_refused_total", "Connections over the limit of an address.", peers.n_refused);
  counter(call, "kt_http_connections_expired_total", "Connections over a deadline.", peers.n_expired);
  counter(call, "kt_http_connections_evicted_total", "Connections ended because places ran short.", peers.n_evicted);
  gauge(call, "kt_http_requests_open", "Requests under way.", atomic_load(&clients->n_open));
  counter(call, "kt_http_requests_limited_total", "Requests over a rate or a share.",
          atomic_load(&clients->limits.n_limited));
  gauge(call, "kt_http_memory_used_bytes", "Bodies and answers under way.", atomic_load(&clients->limits.n_bytes));
  counter(call, "kt_http_memory_refusals_total", "Requests without memory left.", atomic_load(&clients->limits.n_full));
}

/* --- the process -------------------------------------------------------------------------------------------------- */

static void write_process(struct kt_call *call)
{
  struct kt_process_stats stats;
  begin(call, "kt_build_info", "gauge", "The version that runs.");
  print(call, "kt_build_info{version=\"%s\"} 1\n", KT_SERVER_VERSION);
  kt_process_stats_read(&stats);
  begin(call, "process_cpu_seconds_total", "counter", "User and system time.");
  print(call, "process_cpu_seconds_total ");
  write_seconds(call, stats.cpu_us);
  print(call, "\n");
  gauge(call, "process_resident_memory_bytes", "Resident memory.", stats.resident_bytes);
  gauge(call, "process_open_fds", "Open files.", stats.n_files);
  gauge(call, "process_max_fds", "Most open files.", stats.files_max);
}

void kt_call_write_metrics(struct kt_call *call, const struct kt_log_status *status, bool is_ready)
{
  struct kt_http *clients = call->http->clients;
  write_log(call, status, is_ready);
  write_disk(call);
  write_requests(call, clients);
  write_durations(call, clients);
  write_connections(call, clients);
  write_process(call);
}
