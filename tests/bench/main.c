/* SPDX-License-Identifier: Apache-2.0 */
/* kt-bench [--server FILE] [--dir FOLDER] [--json FILE] [--seconds S] [--keep] SIZE…
 *
 * Measures kt-server at each number of imported labels: docs/performance.md. Exit codes: 0 done, 2 usage, 3 something
 * failed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kt/suite.h>

#include "world.h"

#define CADENCE_MS 250 /* the server's default */
#define CACHE_KIB (64 * 1024)

/* --- one size ------------------------------------------------------------------------------------------------------ */

static void start(struct bench_world *world)
{
  bench_server_start(&world->server, world->options->server, world->log_path, world->folder);
}

static void pin_config(struct bench_world *world)
{
  struct kt_reason reason = { 0 };
  bench_fetch(world->server.port, "/v1/config", &world->config_bytes);
  bench_require(kt_config_decode(world->config_bytes, &world->config, &reason), "configuration");
  kt_config_log_id(&world->config, &world->log_id);
}

static void import_labels(struct bench_world *world)
{
  char path[BENCH_PATH_SIZE];
  bench_path(path, world->root, "import.jsonl");
  bench_write_import(path, world->n_labels);
  const char *const init[] = { "init", world->folder, NULL };
  const char *const import[] = { "import", world->folder, path, NULL };
  (void)bench_server_verb(world->options->server, world->log_path, init);
  struct bench_cost cost = bench_server_verb(world->options->server, world->log_path, import);
  double n = (double)world->n_labels;
  world->n_versions = world->n_labels;
  const struct bench_primitives *p = world->primitives;
  double base_us = p->vrf_output_us + 2 * (bench_world_depth(world) + 1) * p->hash_us;
  static const char formula[] = "VRF output + 2 tree paths of hashes";
  bench_world_add(world, "import", "import (kt-server import, log stopped)", "labels/s", n / cost.seconds,
                  1e6 / base_us, formula);
  bench_world_add(world, "import-cpu", "CPU per imported label", "us", cost.cpu_s * 1e6 / n, base_us, formula);
  (void)unlink(path);
}

/* Bytes of the folder that are not values, per version. The log is stopped. */
static void add_disk(struct bench_world *world, const char *key, const char *text, uint64_t before_bytes,
                     uint64_t before_values, uint64_t before_versions)
{
  double bytes = (double)(bench_folder_bytes(world->folder) - before_bytes);
  double values = (double)(world->value_bytes - before_values);
  double versions = (double)(world->n_versions - before_versions);
  bench_world_add(world, key, text, "bytes", (bytes - values) / versions,
                  BENCH_LABEL_SIZE - 15 + 2 * KT_HASH_LEN + KT_OPENING_LEN, "label + leaf + opening");
}

static void add_memory(struct bench_world *world)
{
  struct bench_memory memory = bench_server_memory(&world->server);
  bench_world_add(world, "resident", "server resident memory after load (VmRSS)", "KiB", (double)memory.resident_kib,
                  CACHE_KIB, "the node cache at its bound, 64 MiB");
  bench_world_add(world, "resident-peak", "server resident memory, peak (VmHWM)", "KiB", (double)memory.peak_kib,
                  CACHE_KIB, "the node cache at its bound, 64 MiB");
}

static void add_restart(struct bench_world *world, const char *key, const char *text)
{
  bench_world_add(world, key, text, "us", world->server.ready_s * 1e6, world->primitives->start_us,
                  "start and end of the program");
}

/* As an operator would run it: all defaults. */
static void measure_default(struct bench_world *world)
{
  start(world);
  pin_config(world);
  bench_measure_http(world);
  bench_measure_search(world);
  bench_measure_update(world, CADENCE_MS);
  bench_measure_audit(world);
  add_memory(world);
  (void)bench_server_stop(&world->server, SIGTERM);
}

/* Without the cadence, which hides what the engine can do; then the recovery of a log that was killed under load. */
static void measure_no_cadence(struct bench_world *world)
{
  bench_server_set(world->folder, "cadence", "0");
  start(world);
  add_restart(world, "restart", "restart to ready, after SIGTERM");
  bench_measure_update(world, 0);
  (void)bench_server_stop(&world->server, SIGKILL);
  start(world);
  add_restart(world, "restart-killed", "restart to ready, after SIGKILL");
  (void)bench_server_stop(&world->server, SIGTERM);
}

static void measure_size(const struct bench_options *options, const struct bench_primitives *primitives,
                         const char *root, size_t n_labels, struct bench_report *report)
{
  struct bench_world *world = bench_alloc(1, sizeof *world);
  long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
  *world = (struct bench_world){ .options = options,
                                 .primitives = primitives,
                                 .report = report,
                                 .n_labels = n_labels,
                                 .random = n_labels,
                                 .n_cores = n_cores > 0 ? (unsigned)n_cores : 1 };
  (void)snprintf(world->root, sizeof world->root, "%s", root);
  bench_path(world->folder, root, "log");
  bench_path(world->log_path, root, "server.log");
  (void)fprintf(stderr, "%zu labels\n", n_labels);
  import_labels(world);
  uint64_t imported_bytes = bench_folder_bytes(world->folder);
  measure_default(world);
  uint64_t default_bytes = bench_folder_bytes(world->folder);
  uint64_t default_values = world->value_bytes;
  uint64_t default_versions = world->n_versions;
  add_disk(world, "disk", "disk per version, values aside, after the default run", 0, 0, 0);
  bench_world_add(world, "disk-import", "disk per imported label, values included", "bytes",
                  (double)imported_bytes / (double)n_labels, 0, NULL);
  bench_world_add(world, "disk-value", "value bytes per version", "bytes",
                  (double)default_values / (double)default_versions, 0, NULL);
  measure_no_cadence(world);
  add_disk(world, "disk-update", "disk per version registered with cadence 0, values aside", default_bytes,
           default_values, default_versions);
  bench_folder_remove(world->folder);
  bench_bytes_free(world->config_bytes);
  free(world);
}

/* --- the program ----------------------------------------------------------------------------------------------------- */

static int usage(void)
{
  (void)fprintf(stderr,
                "usage: kt-bench [--server FILE] [--dir FOLDER] [--json FILE] [--seconds S] [--keep] [SIZE…]\n");
  return 2;
}

static bool take_size(struct bench_options *options, const char *text)
{
  char *end;
  unsigned long long size = strtoull(text, &end, 10);
  if (*end != '\0' || size < 64 || size > 99999999 || options->n_sizes == BENCH_SIZES_MAX) {
    return false;
  }
  options->sizes[options->n_sizes++] = (size_t)size;
  return true;
}

static bool take_option(struct bench_options *options, const char *name, const char *value)
{
  if (strcmp(name, "--server") == 0) {
    options->server = value;
  } else if (strcmp(name, "--dir") == 0) {
    options->folder = value;
  } else if (strcmp(name, "--json") == 0) {
    options->json = value;
  } else if (strcmp(name, "--seconds") == 0) {
    options->seconds = strtod(value, NULL);
  } else {
    return false;
  }
  return options->seconds > 0 && options->seconds <= 600;
}

static bool parse(int argc, char **argv, struct bench_options *options)
{
  bool ok = true;
  for (int i = 1; ok && i < argc; i++) {
    if (strcmp(argv[i], "--keep") == 0) {
      options->keep = true;
    } else if (argv[i][0] == '-') {
      ok = i + 1 < argc && take_option(options, argv[i], argv[i + 1]);
      i++;
    } else {
      ok = take_size(options, argv[i]);
    }
  }
  if (ok && options->n_sizes == 0) {
    options->sizes[options->n_sizes++] = 10000;
    options->sizes[options->n_sizes++] = 100000;
  }
  return ok;
}

/* build/kt-server/kt-server, from build/tests/kt-bench. */
static void default_server(const char *self, char ret_path[static BENCH_PATH_SIZE])
{
  char folder[BENCH_PATH_SIZE];
  (void)snprintf(folder, sizeof folder, "%s", self);
  char *slash = strrchr(folder, '/');
  if (slash != NULL) {
    *slash = '\0';
  }
  bench_path(ret_path, slash != NULL ? folder : ".", "../kt-server/kt-server");
}

int main(int argc, char **argv)
{
  char server[BENCH_PATH_SIZE];
  char root[BENCH_PATH_SIZE];
  struct bench_primitives primitives;
  struct bench_options options = { .server = server, .folder = "/tmp", .seconds = 5 };
  default_server(argv[0], server);
  if (!parse(argc, argv, &options)) {
    return usage();
  }
  bench_require(kt_crypto_init(), "crypto");
  bench_path(root, options.folder, "kt-bench-XXXXXX");
  if (access(options.server, X_OK) != 0 || mkdtemp(root) == NULL) {
    bench_die("%s: %s", access(options.server, X_OK) != 0 ? options.server : root, strerror(errno));
  }
  struct bench_report *report = bench_alloc(1, sizeof *report);
  (void)fprintf(stderr, "primitives\n");
  bench_primitives_measure(&options, root, &primitives, report);
  for (size_t i = 0; i < options.n_sizes; i++) {
    measure_size(&options, &primitives, root, options.sizes[i], report);
  }
  bench_report_print(report);
  if (options.json != NULL) {
    bench_report_write_json(report, &options);
  }
  if (options.keep) {
    (void)fprintf(stderr, "kept: %s\n", root);
  } else {
    bench_folder_remove(root);
  }
  free(report);
  return 0;
}
