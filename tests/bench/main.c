/* SPDX-License-Identifier: Apache-2.0 */
/* kt-bench [OPTION…] [SIZE…]
 *
 * Measures kt-server and kt-verify at each number of imported labels: docs/performance.md. Exit codes: 0 measured,
 * whatever the verdicts; 2 usage; 3 something failed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kt/suite.h>

#include "world.h"

/* How busy the machine is: figures of a busy one are worth less. */
static void add_load(struct bench_world *world)
{
  char line[64] = "";
  FILE *file = fopen("/proc/loadavg", "re");
  double load = file != NULL && fgets(line, sizeof line, file) != NULL ? strtod(line, NULL) : 0;
  if (file != NULL) {
    (void)fclose(file);
  }
  bench_world_add(world, &(struct bench_row){ .key = "load",
                                              .text = "load average of the machine, 1 minute",
                                              .unit = "processes",
                                              .value = load,
                                              .bound = world->n_cores,
                                              .formula = "cores" });
}

static void world_init(struct bench_world *world, const char *root)
{
  char number[24];
  (void)snprintf(number, sizeof number, "%zu", world->state.n_labels);
  bench_path(world->root, root, number);
  bench_path(world->folder, world->root, "log");
  bench_path(world->log_path, world->root, "bench.log");
  bench_path(world->state_path, world->root, "state.json");
}

/* One server for what goes on at the default cadence. */
static void measure_default_cadence(struct bench_world *world)
{
  const unsigned parts = world->options->parts;
  bench_world_start(world, BENCH_CADENCE_DEFAULT_MS);
  if ((parts & BENCH_PART_SEARCH) != 0) {
    bench_measure_search(world);
  }
  if ((parts & BENCH_PART_UPDATE) != 0) {
    bench_measure_latency(world, BENCH_CADENCE_DEFAULT_MS);
  }
  if ((parts & BENCH_PART_AUDIT) != 0) {
    bench_measure_audit(world);
  }
  bench_measure_memory(world);
  bench_world_stop(world);
}

static void measure_parts(struct bench_world *world)
{
  const struct bench_options *options = world->options;
  bench_prepare_search(world);
  measure_default_cadence(world);
  if ((options->parts & BENCH_PART_SEARCH) != 0) { /* which has said how long values are */
    bench_measure_disk(world);
  }
  if ((options->parts & BENCH_PART_UPDATE) != 0) {
    bench_world_start(world, 0);
    bench_measure_latency(world, 0);
    bench_world_stop(world);
  }
  for (size_t i = 0; (options->parts & BENCH_PART_REGISTER) != 0 && i < options->n_cadences; i++) {
    bench_measure_registrations(world, options->cadences_ms[i]);
  }
  if ((options->parts & BENCH_PART_RESTART) != 0) {
    bench_measure_restart(world);
  }
}

static void measure_size(const struct bench_options *options, const struct bench_primitives *primitives,
                         const char *root, size_t n_labels, struct bench_report *report)
{
  struct bench_world *world = bench_alloc(1, sizeof *world);
  long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
  *world = (struct bench_world){ .options = options,
                                 .primitives = primitives,
                                 .report = report,
                                 .state.n_labels = n_labels,
                                 .n_cores = n_cores > 0 ? (unsigned)n_cores : 1 };
  (void)printf("%zu labels\n", n_labels);
  world_init(world, root);
  add_load(world);
  bench_measure_import(world);
  measure_parts(world);
  bench_bytes_free(world->config_bytes);
  free(world);
}

/* build/KIND/KIND, from build/tests/kt-bench. */
static void default_program(const char *self, const char *kind, char ret_path[static BENCH_PATH_SIZE])
{
  const char *slash = strrchr(self, '/');
  int len = slash != NULL ? (int)(slash - self) : 1;
  int n = snprintf(ret_path, BENCH_PATH_SIZE, "%.*s/../%s/%s", len, slash != NULL ? self : ".", kind, kind);
  if (n < 0 || n >= BENCH_PATH_SIZE) {
    bench_die("path too long: %s", self);
  }
}

static void require_program(const char *path)
{
  if (access(path, X_OK) != 0) {
    bench_die("%s: %s", path, strerror(errno));
  }
}

/* Where the logs go; a temporary folder when none was named. */
static void make_root(const struct bench_options *options, char ret_root[static BENCH_PATH_SIZE])
{
  const char *temporary = getenv("TMPDIR");
  if (options->folder == NULL) {
    bench_path(ret_root, temporary != NULL ? temporary : "/tmp", "kt-bench-XXXXXX");
  } else {
    (void)snprintf(ret_root, BENCH_PATH_SIZE, "%s", options->folder);
  }
  bool made = options->folder == NULL ? mkdtemp(ret_root) != NULL : mkdir(ret_root, 0700) == 0 || errno == EEXIST;
  if (!made) {
    bench_die("%s: %s", ret_root, strerror(errno));
  }
}

int main(int argc, char **argv)
{
  char server[BENCH_PATH_SIZE];
  char verify[BENCH_PATH_SIZE];
  char root[BENCH_PATH_SIZE];
  struct bench_primitives primitives;
  struct bench_options options = { .server = server,
                                   .verify = verify,
                                   .seconds = 2,
                                   .connections = 256,
                                   .cadences_ms = { 0, 50, BENCH_CADENCE_DEFAULT_MS, 1000 },
                                   .n_cadences = 4,
                                   .parts = BENCH_PARTS_ALL };
  default_program(argv[0], "kt-server", server);
  default_program(argv[0], "kt-verify", verify);
  if (!bench_options_parse(argc, argv, &options)) {
    bench_options_usage();
    return 2;
  }
  require_program(options.server);
  require_program(options.verify);
  bench_require(kt_crypto_init(), "crypto");
  make_root(&options, root);
  struct bench_report *report = bench_alloc(1, sizeof *report);
  (void)printf("primitives\n");
  bench_primitives_measure(&options, root, &primitives, report);
  for (size_t i = 0; i < options.n_sizes; i++) {
    measure_size(&options, &primitives, root, options.sizes[i], report);
  }
  bench_report_growth(report, &options);
  size_t n_held = bench_report_count(report, true);
  (void)printf("%zu of %zu demands hold\n", n_held, n_held + bench_report_count(report, false));
  if (options.json != NULL) {
    bench_report_write_json(report, &options);
  }
  if (options.folder == NULL) {
    bench_folder_remove(root);
  }
  free(report);
  return 0;
}
