/* SPDX-License-Identifier: Apache-2.0 */
/* kt-soak: a server under mixed reads and writes for as many requests as one likes, and whether anything of it grows that
 * must not. scripts/soak prepares the log, keeps the count of interrupted runs, and calls it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "crash/server.h"
#include "crash/writer.h"
#include "reader.h"
#include "sample.h"

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
  const char *progress; /* the file with the number of requests of earlier runs */
  uint64_t n_before;
  unsigned run; /* so that no two runs use the same labels */
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

static void read_progress(struct soak *soak)
{
  unsigned long long n = 0;
  FILE *file = fopen(soak->progress, "r");
  if (file != NULL) {
    if (fscanf(file, "%llu %u", &n, &soak->run) != 2) { /* NOLINT(cert-err34-c): our own digits */
      n = 0;
    }
    (void)fclose(file);
  }
  soak->n_before = n;
  soak->run++;
}

static void write_progress(const struct soak *soak)
{
  FILE *file = fopen(soak->progress, "w");
  if (file != NULL) {
    (void)fprintf(file, "%llu %u\n", (unsigned long long)(soak->n_before + soak->counters.n_requests), soak->run);
    (void)fclose(file);
  }
}

/* --- the run ------------------------------------------------------------------------------------------------------------ */

static bool load_config(struct soak *soak, const char *path)
{
  FILE *file = fopen(path, "rb");
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
      write_progress(soak);
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
  if (is_judged && verdict.drift >= DRIFT_MAX) {
    crash_truth_fail(&soak->truth, "memory grew by %.1f %%", 100 * verdict.drift);
  }
  if (verdict.has_drift_to_say && verdict.more_files > FILES_MAX) {
    crash_truth_fail(&soak->truth, "%lld more open files at the end", (long long)verdict.more_files);
  }
  if (verdict.wal_bytes > WAL_MAX) {
    crash_truth_fail(&soak->truth, "the write-ahead log grew to %llu bytes", (unsigned long long)verdict.wal_bytes);
  }
  if (soak->counters.n_verified == 0 || crash_truth_count(&soak->truth) == 0) {
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
  uint64_t n = soak->n_before + soak->counters.n_requests;
  unsigned n_failures = crash_truth_failures(&soak->truth);
  printf("%llu requests (%llu in this run), %zu updates, %llu answers verified, %llu answers 5xx, %u failures%s\n",
         (unsigned long long)n, (unsigned long long)soak->counters.n_requests, crash_truth_count(&soak->truth),
         (unsigned long long)soak->counters.n_verified, (unsigned long long)soak->counters.n_5xx, n_failures,
         n < wanted ? "; interrupted, call again to go on" : "");
  return n_failures == 0 ? 0 : 1;
}

static bool read_number(const char *text, uint64_t *ret_number)
{
  char *end = NULL;
  *ret_number = strtoull(text, &end, 10);
  return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

int main(int argc, char **argv)
{
  static struct soak soak;
  uint64_t wanted = 0;
  uint64_t seed = 0;
  if (argc != 8 || !read_number(argv[6], &wanted) || !read_number(argv[7], &seed)) {
    (void)fprintf(stderr, "usage: kt-soak SERVER DIR CONFIG MESSAGES PROGRESS REQUESTS SEED\n");
    return 2;
  }
  soak.server = (struct crash_server){ .program = argv[1], .dir = argv[2], .messages = argv[4] };
  soak.progress = argv[5];
  crash_truth_init(&soak.truth);
  read_progress(&soak);
  if (soak.n_before >= wanted) {
    printf("%llu requests were made already\n", (unsigned long long)soak.n_before);
    return 0;
  }
  if (kt_crypto_init() != KT_OK || !load_config(&soak, argv[3]) || !crash_server_start(&soak.server) ||
      !crash_server_wait_ready(&soak.server)) {
    (void)fprintf(stderr, "kt-soak: the server does not start; see %s\n", argv[4]);
    return 2;
  }
  (void)signal(SIGINT, interrupt);
  (void)signal(SIGTERM, interrupt);
  soak.counters.until = wanted - soak.n_before;
  if (start_threads(&soak, seed + soak.run)) {
    watch(&soak, wanted / N_SAMPLES + 1);
    end_threads(&soak);
  }
  write_progress(&soak);
  judge(&soak);
  int code = report(&soak, wanted);
  soak_samples_release(&soak.samples);
  crash_truth_release(&soak.truth);
  return code;
}
