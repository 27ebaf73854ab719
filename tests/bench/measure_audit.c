/* SPDX-License-Identifier: Apache-2.0 */
/* kt-verify audit over the imported entries, and the hashes that these oblige an auditor to. */
#include <stdio.h>
#include <stdlib.h>

#include "count_hashes.h"
#include "wire/auditor.h"
#include "world.h"

#define PAGE 64
#define ENTRIES_MAX 1024 /* the last ones of the import, where the tree is deepest */
#define MEMORY_KIB (64 << 10)
#define HASH_S 0.1 /* between two audits */
#define FEW 256    /* entries; fewer are audited so many times as often */
#define MORE_TIMES 5
#define APART_MIN 16 /* entries, of which an audit of one can be told apart */

struct counted {
  uint64_t n_leaves;
  uint64_t n_hashes;
  uint64_t bytes;
};

/* The number of entries in the page. */
static uint32_t count_page(const struct bench_world *world, uint64_t start, uint64_t limit, struct counted *counted)
{
  char path[96];
  struct kt_bytes page;
  struct kt_reader r;
  struct kt_arena arena;
  (void)snprintf(path, sizeof path, "/v1/audit?start=%llu&limit=%llu", (unsigned long long)start,
                 (unsigned long long)limit);
  bench_fetch(world->server.port, path, &page);
  kt_arena_init(&arena, (size_t)1 << 30);
  kt_reader_init(&r, page.data, page.len);
  uint32_t n = kt_read_u32(&r);
  for (uint32_t i = 0; i < n && r.err == KT_OK; i++) {
    struct kt_auditor_update update;
    kt_auditor_update_read(&r, &arena, &update);
    bench_require(r.err, "audit page");
    counted->n_leaves += update.n_added;
    counted->n_hashes += bench_count_hashes(&update);
  }
  bench_require(kt_reader_end(&r), "audit page");
  counted->bytes += page.len;
  kt_arena_release(&arena);
  bench_bytes_free(page);
  return n;
}

static struct counted count(const struct bench_world *world, uint64_t from, uint64_t to)
{
  struct counted counted = { 0 };
  while (from < to) {
    uint32_t n = count_page(world, from, to - from < PAGE ? to - from : PAGE, &counted);
    if (n == 0) {
      bench_die("the audit feed ends early");
    }
    from += n;
  }
  return counted;
}

/* A home of its own, in which the log is pinned, and the audit in it. jobs: NULL for as many as there are cores. */
static struct bench_cost audit(struct bench_world *world, uint64_t from, uint64_t to, const char *jobs)
{
  char home[BENCH_PATH_SIZE];
  char config[BENCH_PATH_SIZE];
  char url[48];
  char from_text[24];
  char to_text[24];
  bench_path(home, world->root, "auditor");
  bench_path(config, world->root, "config.bin");
  (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", world->server.port);
  (void)snprintf(from_text, sizeof from_text, "%llu", (unsigned long long)from);
  (void)snprintf(to_text, sizeof to_text, "%llu", (unsigned long long)to);
  const char *const write_config[] = { "config", world->folder, "-o", config, NULL };
  const char *const init[] = { "init", url, "--config", config, "--home", home, NULL };
  const char *const run[] = { "audit", "--from", from_text, "--to",
                              to_text, "--home", home,      jobs != NULL ? "--jobs" : NULL,
                              jobs,    NULL };
  bench_folder_remove(home);
  (void)remove(config);
  (void)bench_run(world->options->server, world->log_path, write_config);
  (void)bench_run(world->options->verify, world->log_path, init);
  struct bench_cost cost = bench_run(world->options->verify, world->log_path, run);
  bench_folder_remove(home);
  return cost;
}

/* CPU on one core, means of several turns. */
struct audit_turns {
  double all_s;
  double one_s; /* of one entry: what the program does whatever there is to audit; 0 in a log of a few */
  double hash_us;
};

/* Few entries take less time than the program itself, and their difference is as uncertain as both: then there are more turns. */
static size_t n_turns(uint64_t n_entries)
{
  return n_entries < FEW ? (size_t)MORE_TIMES * BENCH_TURNS : BENCH_TURNS;
}

/* one_to: where the first entry ends, or `from` where it is not told apart. */
static struct audit_turns take_turns(struct bench_world *world, uint64_t from, uint64_t one_to, uint64_t to)
{
  struct audit_turns turns = { 0 };
  const size_t n = n_turns(to - from);
  for (size_t i = 0; i < n; i++) {
    turns.all_s += audit(world, from, to, "1").cpu_s / (double)n;
    turns.hash_us += bench_primitive_busy(BENCH_HASH, 1, HASH_S).cpu_us / (double)n;
    if (one_to > from) {
      turns.one_s += audit(world, from, one_to, "1").cpu_s / (double)n;
    }
  }
  return turns;
}

void bench_measure_audit(struct bench_world *world)
{
  uint64_t to = world->state.n_entries;
  uint64_t from = to > ENTRIES_MAX ? to - ENTRIES_MAX : 0;
  uint64_t one_to = to - from >= APART_MIN ? from + 1 : from;
  struct counted counted = count(world, from, to);
  struct counted one = count(world, from, one_to);
  struct bench_profile *profile = bench_profile_begin(world->options, world->state.n_labels, "audit");
  struct bench_cost all = audit(world, from, to, NULL);
  bench_profile_end(profile, &all.pid, 1);
  struct audit_turns turns = take_turns(world, from, one_to, to);
  double n = (double)counted.n_leaves;
  double more = n - (double)one.n_leaves;
  double more_hashes = (double)counted.n_hashes - (double)one.n_hashes;
  double hashes = (double)counted.n_hashes / n;
  double hash_us = turns.hash_us;
  bench_world_add(world,
                  &(struct bench_row){
                      .key = "audit",
                      .text = "kt-verify audit on one core, leaves per second of its CPU time, after the first entry",
                      .unit = "leaves/s",
                      .value = more / (turns.all_s - turns.one_s),
                      .bound = 1e6 * more / (more_hashes * hash_us),
                      .limit = 0.7,
                      .formula = "counted hashes on one core" });
  bench_world_add(world, &(struct bench_row){ .key = "audit-start",
                                              .text = "kt-verify audit of one entry on one core, CPU",
                                              .unit = "us",
                                              .value = turns.one_s * 1e6 });
  bench_world_add(world, &(struct bench_row){ .key = "audit-wall",
                                              .text = "kt-verify audit on all cores, leaves per second",
                                              .unit = "leaves/s",
                                              .value = n / all.seconds,
                                              .bound = world->n_cores * 1e6 / (hashes * hash_us),
                                              .formula = "counted hashes on all cores" });
  bench_world_add(world, &(struct bench_row){ .key = "audit-cpu",
                                              .text = "kt-verify audit on one core, CPU per leaf",
                                              .unit = "us",
                                              .value = turns.all_s * 1e6 / n,
                                              .bound = hashes * hash_us,
                                              .formula = "counted hashes" });
  bench_world_add(world, &(struct bench_row){ .key = "audit-hashes",
                                              .text = "hashes per audited leaf, counted from the proofs",
                                              .unit = "hashes",
                                              .value = hashes });
  bench_world_add(world, &(struct bench_row){ .key = "audit-memory",
                                              .text = "kt-verify audit, peak resident memory",
                                              .unit = "KiB",
                                              .value = (double)all.peak_kib,
                                              .bound = MEMORY_KIB,
                                              .limit = 1,
                                              .formula = "64 MiB" });
  bench_world_add(world, &(struct bench_row){ .key = "audit-bytes",
                                              .text = "audit feed, bytes per leaf",
                                              .unit = "bytes",
                                              .value = (double)counted.bytes / n,
                                              .bound = 2 * KT_HASH_LEN,
                                              .formula = "the leaf itself" });
}
