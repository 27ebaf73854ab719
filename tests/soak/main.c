/* SPDX-License-Identifier: Apache-2.0 */
/* kt-soak: a server under mixed reads and writes for as many requests as one likes, and whether anything of it grows that
 * must not. scripts/soak prepares the log and calls it:
 *   kt-soak SERVER FOLDER REQUESTS SEED
 * FOLDER has the log, its configuration and, from one run to the next, the counters. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "crash/server.h"
#include "crash/writer.h"
#include "support/tally.h"
#include "reader.h"
#include "sample.h"

#define PATH_SIZE 4096
#define N_READERS 4
#define N_WRITERS 2
#define N_SAMPLES 200       /* of the run that is asked for */
#define JUDGED_FROM 1000000 /* requests: with fewer, caches and allocators are still being filled */
#define DRIFT_MAX 0.05
/* A sanitizer's memory is not the server's. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_MEMORY_JUDGED false
#else
#define IS_MEMORY_JUDGED true
#endif
#define FILES_MAX 2 /* descriptors more; a connection that is just being replaced */
#define WAL_MAX (UINT64_C(96) << 20)

struct soak {
  char log[PATH_SIZE];
  char config_path[PATH_SIZE];
  char messages[PATH_SIZE];
  char counters_path[PATH_SIZE];
  struct tally before; /* of earlier runs, this one being counted as begun */
  uint64_t n_before;
  unsigned run;      /* so that no two runs use the same labels */
  uint64_t n_judged; /* requests of this run, if it was long enough to judge the memory */
  struct crash_server server;
  struct crash_truth truth;
  uint8_t config_bytes[KT_CONFIG_MAX];
  struct kt_config config;
  struct soak_counters counters;
  struct soak_samples samples;
  struct soak_reader readers[N_READERS];
  struct crash_writer writers[N_WRITERS];
  pthread_t writer_threads[N_WRITERS];
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
  (void)number;
  is_interrupted = 1;
}

/* --- what is kept between runs ---------------------------------------------------------------------------------------- */

static void open_counters(struct soak *soak)
{
  tally_open(&soak->before, soak->counters_path);
  soak->n_before = tally_sum(&soak->before, "requests");
  tally_add(&soak->before, "soak", "runs", 1);
  soak->run = (unsigned)tally_sum(&soak->before, "runs");
}

/* All runs together; kept, so that the next one goes on from there. */
static void save_counters(struct soak *soak, struct tally *ret_all)
{
  *ret_all = soak->before;
  tally_add(ret_all, "soak", "requests", soak->counters.n_requests);
  tally_add(ret_all, "soak", "updates", crash_truth_count(&soak->truth));
  tally_add(ret_all, "soak", "verified", soak->counters.n_verified);
  tally_add(ret_all, "soak", "5xx", soak->counters.n_5xx);
  tally_add(ret_all, "soak", "memory judged", soak->n_judged);
  tally_add(ret_all, "soak", "failures", crash_truth_failures(&soak->truth));
  tally_save(ret_all);
}

/* --- the run ------------------------------------------------------------------------------------------------------------ */

static bool load_config(struct soak *soak)
{
  FILE *file = fopen(soak->config_path, "rb");
  size_t len = file != NULL ? fread(soak->config_bytes, 1, sizeof soak->config_bytes, file) : 0;
  if (file != NULL) {
    (void)fclose(file);
  }
  return kt_config_decode((struct kt_bytes){ soak->config_bytes, len }, &soak->config, NULL) == KT_OK;
}

static bool start_threads(struct soak *soak, uint64_t seed)
{
  struct crash_random random = { seed };
  bool ok = true;
  for (unsigned i = 0; i < N_WRITERS; i++) {
    struct crash_writer *writer = &soak->writers[i];
    crash_writer_init(writer, soak->run * N_WRITERS + i, crash_random_next(&random), &soak->config, &soak->truth);
    crash_user_connect(&writer->user, soak->server.url);
    ok = pthread_create(&soak->writer_threads[i], NULL, crash_writer_run, writer) == 0 && ok;
  }
  for (unsigned i = 0; i < N_READERS; i++) {
    struct soak_reader *reader = &soak->readers[i];
    char name[16];
    (void)snprintf(name, sizeof name, "reader%u", i);
    crash_user_init(&reader->user, name, &soak->config, &soak->truth);
    crash_user_connect(&reader->user, soak->server.url);
    reader->random.state = crash_random_next(&random);
    reader->counters = &soak->counters;
    ok = pthread_create(&reader->thread, NULL, soak_reader_run, reader) == 0 && ok;
  }
  return ok;
}

static void show(struct soak *soak, const struct soak_sample *sample, double seconds)
{
  printf("%12llu %10.0f %9zu %9llu %10.1f %7llu %9.1f %9.1f %5llu %7u\n", (unsigned long long)sample->n_requests,
         seconds > 0 ? (double)soak->counters.n_requests / seconds : 0, crash_truth_count(&soak->truth),
         (unsigned long long)soak->counters.n_verified, (double)sample->rss_kib / 1024,
         (unsigned long long)sample->n_files, (double)sample->wal_bytes / (1 << 20),
         (double)sample->database_bytes / (1 << 20), (unsigned long long)soak->counters.n_5xx, soak->truth.n_failures);
  (void)fflush(stdout);
}

static double now_s(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Until the readers have done what they were asked for, a sample whenever so many requests went by. */
static void watch(struct soak *soak, uint64_t every)
{
  static struct tally all;
  const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
  const double begun_s = now_s();
  uint64_t next = every;
  printf("%12s %10s %9s %9s %10s %7s %9s %9s %5s %7s\n", "requests", "per second", "updates", "verified", "RSS MiB",
         "files", "WAL MiB", "log MiB", "5xx", "failed");
  while (soak->counters.n_requests < soak->counters.until) {
    struct soak_sample sample;
    (void)nanosleep(&pause, NULL);
    uint64_t n = soak->counters.n_requests;
    if (is_interrupted || soak->counters.n_broken > N_READERS * 20 || crash_truth_failures(&soak->truth) > 20) {
      soak->counters.until = n;
    } else if (n >= next) {
      next = n + every;
      if (soak_samples_take(&soak->samples, soak->server.pid, soak->server.dir, soak->n_before + n, &sample)) {
        show(soak, &sample, now_s() - begun_s);
      }
      save_counters(soak, &all);
    }
  }
}

/* Readers end by themselves, writers when the server does. */
static void end_threads(struct soak *soak)
{
  for (unsigned i = 0; i < N_READERS; i++) {
    pthread_join(soak->readers[i].thread, NULL);
    crash_user_release(&soak->readers[i].user);
  }
  int status = crash_server_end(&soak->server, SIGTERM);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    crash_truth_fail(&soak->truth, "SIGTERM: the server ended with status %#x; see %s", (unsigned)status,
                     soak->server.messages);
  }
  for (unsigned i = 0; i < N_WRITERS; i++) {
    pthread_join(soak->writer_threads[i], NULL);
    crash_writer_release(&soak->writers[i]);
  }
  if (!crash_server_fsck(&soak->server)) {
    crash_truth_fail(&soak->truth, "kt-server fsck found something; see %s", soak->server.messages);
  }
}

/* --- the verdict ---------------------------------------------------------------------------------------------------------- */

static void judge(struct soak *soak)
{
  const struct soak_verdict verdict = soak_samples_judge(&soak->samples);
  const bool is_judged = IS_MEMORY_JUDGED && verdict.has_drift_to_say && soak->counters.n_requests >= JUDGED_FROM;
  if (verdict.has_drift_to_say) {
    printf("memory drift %+.2f %% (%+lld KiB)%s, %+lld descriptors, largest write-ahead log %.1f MiB\n",
           100 * verdict.drift, (long long)verdict.drift_kib,
           is_judged ? "" : ", not judged: sanitizers take memory too, and a short run is still filling its caches",
           (long long)verdict.more_files, (double)verdict.wal_bytes / (1 << 20));
  }
  soak->n_judged = is_judged ? soak->counters.n_requests : 0;
  if (is_judged && verdict.drift >= DRIFT_MAX) {
    crash_truth_fail(&soak->truth, "memory grew by %.1f %%", 100 * verdict.drift);
  }
  if (verdict.has_drift_to_say && verdict.more_files > FILES_MAX) {
    crash_truth_fail(&soak->truth, "%lld more open files at the end", (long long)verdict.more_files);
  }
  if (verdict.wal_bytes > WAL_MAX) {
    crash_truth_fail(&soak->truth, "the write-ahead log grew to %llu bytes", (unsigned long long)verdict.wal_bytes);
  }
  if (!is_interrupted && (soak->counters.n_verified == 0 || crash_truth_count(&soak->truth) == 0)) {
    crash_truth_fail(&soak->truth, "nothing was verified, or nothing acknowledged: nothing was tested");
  }
  if (soak->counters.n_5xx + soak->counters.n_other + soak->counters.n_broken > 0) {
    crash_truth_fail(&soak->truth, "%llu answers 5xx, %llu other refusals, %llu broken connections",
                     (unsigned long long)soak->counters.n_5xx, (unsigned long long)soak->counters.n_other,
                     (unsigned long long)soak->counters.n_broken);
  }
}

static int report(struct soak *soak, uint64_t wanted)
{
  static struct tally all;
  save_counters(soak, &all);
  const uint64_t n = tally_sum(&all, "requests");
  const uint64_t n_failures = tally_sum(&all, "failures");
  printf("%" PRIu64 " requests (%" PRIu64 " in this run; memory judged over %" PRIu64 "), %" PRIu64 " updates, %" PRIu64
         " answers verified, %" PRIu64 " answers 5xx, %" PRIu64 " failures%s\n",
         n, (uint64_t)soak->counters.n_requests, tally_sum(&all, "memory judged"), tally_sum(&all, "updates"),
         tally_sum(&all, "verified"), tally_sum(&all, "5xx"), n_failures,
         n < wanted ? "; interrupted, call again to go on" : "");
  return n_failures == 0 ? 0 : 1;
}

static bool read_number(const char *text, uint64_t *ret_number)
{
  char *end = NULL;
  *ret_number = strtoull(text, &end, 10);
  return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool in_folder(const char *folder, const char *name, char *ret_path)
{
  return snprintf(ret_path, PATH_SIZE, "%s/%s", folder, name) < PATH_SIZE;
}

static bool prepare(struct soak *soak, const char *program, const char *folder)
{
  if (!in_folder(folder, "log", soak->log) || !in_folder(folder, "config", soak->config_path) ||
      !in_folder(folder, "messages", soak->messages) || !in_folder(folder, "counters", soak->counters_path) ||
      kt_crypto_init() != KT_OK || !load_config(soak)) {
    (void)fprintf(stderr, "kt-soak: there is no log with its configuration in %s\n", folder);
    return false;
  }
  soak->server = (struct crash_server){ .program = program, .dir = soak->log, .messages = soak->messages };
  crash_truth_init(&soak->truth);
  open_counters(soak);
  return true;
}

static int run(struct soak *soak, uint64_t wanted, uint64_t seed)
{
  if (!crash_server_start(&soak->server) || !crash_server_wait_ready(&soak->server)) {
    (void)fprintf(stderr, "kt-soak: the server does not start; see %s\n", soak->messages);
    return 2;
  }
  (void)signal(SIGINT, interrupt);
  (void)signal(SIGTERM, interrupt);
  tally_save(&soak->before);
  soak->counters.until = wanted - soak->n_before;
  if (start_threads(soak, seed + soak->run)) {
    watch(soak, wanted / N_SAMPLES + 1);
    end_threads(soak);
  }
  judge(soak);
  return report(soak, wanted);
}

int main(int argc, char **argv)
{
  static struct soak soak;
  uint64_t wanted = 0;
  uint64_t seed = 0;
  if (argc != 5 || !read_number(argv[3], &wanted) || !read_number(argv[4], &seed)) {
    (void)fprintf(stderr, "usage: kt-soak SERVER FOLDER REQUESTS SEED\n");
    return 2;
  }
  if (!prepare(&soak, argv[1], argv[2])) {
    return 2;
  }
  int code = soak.n_before >= wanted ? report(&soak, wanted) : run(&soak, wanted, seed);
  soak_samples_release(&soak.samples);
  crash_truth_release(&soak.truth);
  return code;
}
