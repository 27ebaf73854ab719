/* SPDX-License-Identifier: Apache-2.0 */
/* Import: device sets from a file into a stopped log, durable, VRF proofs later. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

#define BOUND_S 2
#define LEAVES_MAX 255
#define CACHE_PER_LABEL 560
#define CACHE_MIB_MIN 256
#define CACHE_MIB_MAX 3200

/* As much memory as serves a log of this size well within the memory that is demanded (docs/operations.md, Capacity). */
static void set_cache(const struct bench_world *world)
{
  char text[32];
  size_t mib = world->state.n_labels * CACHE_PER_LABEL >> 20;
  mib = mib < CACHE_MIB_MIN ? CACHE_MIB_MIN : mib > CACHE_MIB_MAX ? CACHE_MIB_MAX : mib;
  (void)snprintf(text, sizeof text, "%zuMiB", mib);
  bench_server_set(world->folder, "cache", text);
}

static void import_labels(struct bench_world *world)
{
  char path[BENCH_PATH_SIZE];
  struct bench_state *state = &world->state;
  bench_path(path, world->root, "import.jsonl");
  bench_write_import(path, state->n_labels);
  const char *const init[] = { "init", world->folder, NULL };
  const char *const import[] = { "import", world->folder, path, "--no-check", NULL };
  (void)bench_run(world->options->server, world->log_path, init);
  set_cache(world);
  double bound_s = fmin(BOUND_S, world->options->seconds);
  double before = bench_primitive_busy(BENCH_VRF_OUTPUT, world->n_cores, bound_s).rate;
  struct bench_profile *profile = bench_profile_begin(world->options, state->n_labels, "import");
  struct bench_cost cost = bench_run(world->options->server, world->log_path, import);
  bench_profile_end(profile, &cost.pid, 1);
  double after = bench_primitive_busy(BENCH_VRF_OUTPUT, world->n_cores, bound_s).rate;
  (void)unlink(path);
  state->import_s = cost.seconds;
  state->import_cpu_s = cost.cpu_s;
  state->import_bound = (before + after) / 2;
  state->disk_bytes = bench_folder_bytes(world->folder);
  bench_world_start(world, BENCH_CADENCE_DEFAULT_MS);
  state->n_entries = bench_world_tree_size(world);
  bench_world_stop(world);
}

void bench_measure_import(struct bench_world *world)
{
  const struct bench_state *state = &world->state;
  size_t n_labels = state->n_labels;
  if (!bench_state_load(world->state_path, &world->state)) {
    bench_folder_remove(world->root); /* of an import that was broken off */
    if (mkdir(world->root, 0700) != 0) {
      bench_die("%s: %s", world->root, strerror(errno));
    }
    import_labels(world);
  }
  if (state->n_labels != n_labels) {
    bench_die("%s is not of %zu labels", world->root, n_labels);
  }
  double n = (double)n_labels;
  bench_world_add(world,
                  &(struct bench_row){ .key = "import",
                                       .text = "import, durable (when the log was made)",
                                       .unit = "labels/s",
                                       .value = n / state->import_s,
                                       .bound = state->import_bound,
                                       .limit = 0.85,
                                       .formula = "VRF outputs one by one on all cores, just before and after" });
  bench_world_add(world, &(struct bench_row){ .key = "import-cpu",
                                              .text = "CPU per imported label",
                                              .unit = "us",
                                              .value = state->import_cpu_s * 1e6 / n,
                                              .bound = world->primitives->us[BENCH_VRF_OUTPUT],
                                              .formula = "VRF output" });
  bench_world_add(world, &(struct bench_row){ .key = "import-leaves",
                                              .text = "imported labels per log entry",
                                              .unit = "labels",
                                              .value = n / (double)(state->n_entries - 1),
                                              .bound = LEAVES_MAX,
                                              .formula = "most leaves of an entry" });
}
