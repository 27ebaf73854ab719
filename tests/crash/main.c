/* SPDX-License-Identifier: Apache-2.0 */
/* kt-crash: kill -9 of a server under load, again and again; nothing that was acknowledged may be lost or contradicted.
 * scripts/crash-test prepares the log and calls it:
 *   kt-crash SERVER FOLDER ROUNDS WRITERS LOAD-MS FSCK-EVERY SEED
 * FOLDER has the log, its configuration and, from one run to the next, the truth, the checker's view and the counters. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "kept.h"
#include "server.h"
#include "support/tally.h"
#include "writer.h"

#define PATH_SIZE 4096
#define WRITERS_MAX 64
#define CHECK_OLDER 16  /* acknowledged updates of earlier rounds that are checked in every round */
#define EARLY_KILL_IN 8 /* one start in so many is killed while it starts */
#define EARLY_KILL_MS 60
#define FAILURES_MAX 20 /* then there is nothing more to learn */

struct crash_options {
  const char *server;
  const char *folder;
  unsigned rounds;
  unsigned writers;
  unsigned load_ms; /* a kill comes within so many milliseconds of load */
  unsigned fsck_every;
  uint64_t seed;
};

/* In the folder. */
struct crash_paths {
  char log[PATH_SIZE];
  char config[PATH_SIZE];
  char messages[PATH_SIZE];
  char truth[PATH_SIZE];
  char view[PATH_SIZE];
  char counters[PATH_SIZE];
};

struct crash_test {
  struct crash_options options;
  struct crash_paths paths;
  struct tally tally; /* of all runs */
  struct crash_random random;
  struct crash_server server;
  struct crash_truth truth;
  uint8_t config_bytes[KT_CONFIG_MAX];
  struct kt_config config;
  struct crash_writer *writers;
  struct crash_user checker;
  size_t n_checked; /* acknowledged updates before this one were looked up at least once, in this run */
  unsigned n_kills; /* of this run */
};

static void count(struct crash_test *test, const char *subject, const char *outcome, uint64_t n)
{
  tally_add(&test->tally, subject, outcome, n);
}

static void sleep_ms(uint64_t ms)
{
  const struct timespec pause = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
  (void)nanosleep(&pause, NULL);
}

static void kill_server(struct crash_test *test)
{
  int status = crash_server_end(&test->server, SIGKILL);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    crash_truth_fail(&test->truth, "the server ended by itself (status %#x); see %s", (unsigned)status,
                     test->paths.messages);
  }
  test->n_kills++;
  count(test, "server", "kills", 1);
}

/* Start the server; now and then kill it once while it recovers. */
static bool start_server(struct crash_test *test)
{
  if (test->n_kills > 0 && crash_random_below(&test->random, EARLY_KILL_IN) == 0 && crash_server_start(&test->server)) {
    sleep_ms(crash_random_below(&test->random, EARLY_KILL_MS));
    kill_server(test);
    count(test, "server", "kills while starting", 1);
  }
  if (crash_server_start(&test->server)) {
    if (crash_server_wait_ready(&test->server)) {
      return true;
    }
    (void)crash_server_end(&test->server, SIGKILL);
  }
  crash_truth_fail(&test->truth, "the server does not start; see %s", test->paths.messages);
  return false;
}

static void check_ack(struct crash_test *test, struct crash_user *user, const struct crash_ack *ack)
{
  enum crash_answer answer = crash_user_check(user, ack);
  if (answer == CRASH_GONE || answer == CRASH_BUSY) {
    crash_truth_fail(&test->truth, "look-up of %s version %u: no answer", ack->label, (unsigned)ack->version);
  }
  count(test, "checks", "look-ups", 1);
}

/* A client without memory sees the head that a forked log would not show to one that remembers. */
static void check_as_newcomer(struct crash_test *test)
{
  struct crash_user newcomer;
  const struct crash_ack ack = crash_truth_ack(&test->truth, 0);
  crash_user_init(&newcomer, "newcomer", &test->config, &test->truth);
  crash_user_connect(&newcomer, test->server.url);
  check_ack(test, &newcomer, &ack);
  crash_user_release(&newcomer);
}

static void check_range(struct crash_test *test, size_t begin, size_t end)
{
  for (size_t i = begin; i < end && crash_truth_failures(&test->truth) < FAILURES_MAX; i++) {
    const struct crash_ack ack = crash_truth_ack(&test->truth, i);
    check_ack(test, &test->checker, &ack);
  }
}

/* Everything acknowledged since the last check, and a sample of what is older. */
static void check_recent(struct crash_test *test)
{
  size_t n = crash_truth_count(&test->truth);
  if (n > 0) {
    check_as_newcomer(test);
  }
  for (size_t i = 0; i < CHECK_OLDER && test->n_checked > 0; i++) {
    size_t older = crash_random_below(&test->random, test->n_checked);
    check_range(test, older, older + 1);
  }
  check_range(test, test->n_checked, n);
  test->n_checked = n;
}

static void run_load(struct crash_test *test)
{
  pthread_t threads[WRITERS_MAX];
  unsigned n = 0;
  for (unsigned i = 0; i < test->options.writers; i++) {
    crash_user_connect(&test->writers[i].user, test->server.url);
    test->writers[i].start_size = test->checker.log.tree.size;
    if (pthread_create(&threads[n], NULL, crash_writer_run, &test->writers[i]) == 0) {
      n++;
    }
  }
  sleep_ms(crash_random_below(&test->random, test->options.load_ms));
  kill_server(test);
  for (unsigned i = 0; i < n; i++) {
    pthread_join(threads[i], NULL);
    count(test, "updates", "sent again", test->writers[i].n_resent);
    count(test, "updates", "had been logged", test->writers[i].n_found);
    test->writers[i].n_resent = test->writers[i].n_found = 0;
  }
}

static void check_files(struct crash_test *test)
{
  count(test, "checks", "fsck", 1);
  if (!crash_server_fsck(&test->server)) {
    crash_truth_fail(&test->truth, "kt-server fsck found something; see %s", test->paths.messages);
  }
}

static void run_round(struct crash_test *test, unsigned round)
{
  if (!start_server(test)) {
    return;
  }
  crash_user_connect(&test->checker, test->server.url);
  check_recent(test);
  run_load(test);
  if (test->options.fsck_every > 0 && round % test->options.fsck_every == 0) {
    check_files(test);
  }
}

/* All of it once more, and a stop in good order. */
static void run_end(struct crash_test *test)
{
  if (start_server(test)) {
    crash_user_connect(&test->checker, test->server.url);
    check_range(test, 0, crash_truth_count(&test->truth));
    int status = crash_server_end(&test->server, SIGTERM);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      crash_truth_fail(&test->truth, "SIGTERM: the server ended with status %#x", (unsigned)status);
    }
  }
  check_files(test);
}

static void count_up_to(struct crash_test *test, const char *subject, const char *outcome, uint64_t n)
{
  count(test, subject, outcome, n - tally_sum(&test->tally, outcome));
}

/* What the next run goes on from. The counters come last: they say what the other files have at least. */
static void save(struct crash_test *test)
{
  if (!crash_kept_sync(&test->truth) || !crash_kept_save_view(&test->checker, test->paths.view)) {
    (void)fprintf(stderr, "crash-test: %s or %s cannot be written\n", test->paths.truth, test->paths.view);
    exit(2);
  }
  count_up_to(test, "kept", "acks", test->truth.n_acks);
  count_up_to(test, "kept", "heads", test->truth.n_heads);
  count_up_to(test, "checks", "failures", crash_truth_failures(&test->truth));
  tally_save(&test->tally);
}

/* No update was acknowledged in any run. That is no failure of the log, and a longer run mends it: it is not kept. */
static bool was_nothing_tested(const struct crash_test *test)
{
  return test->truth.n_acks == 0;
}

static const char *verdict(const struct crash_test *test)
{
  if (tally_sum(&test->tally, "failures") > 0) {
    return "FAILED";
  }
  return was_nothing_tested(test) ? "NOTHING TESTED (no update was acknowledged)" : "ok";
}

static void report(const struct crash_test *test)
{
  const struct tally *tally = &test->tally;
  const uint64_t n_failures = tally_sum(tally, "failures");
  printf("%s after %" PRIu64 " rounds%s: %" PRIu64 " kills (%" PRIu64
         " while starting), %zu updates acknowledged, %" PRIu64 " sent again after a kill (%" PRIu64
         " had been logged), %" PRIu64 " look-ups, %zu heads, largest tree %" PRIu64 ", %" PRIu64 " fsck, %" PRIu64
         " failures\n",
         verdict(test), tally_sum(tally, "rounds"), tally_sum(tally, "runs") > 1 ? ", in several runs" : "",
         tally_sum(tally, "kills"), tally_sum(tally, "kills while starting"), test->truth.n_acks,
         tally_sum(tally, "sent again"), tally_sum(tally, "had been logged"), tally_sum(tally, "look-ups"),
         test->truth.n_heads, test->checker.log.tree.size, tally_sum(tally, "fsck"), n_failures);
  (void)fflush(stdout);
}

static bool load_config(struct crash_test *test)
{
  FILE *file = fopen(test->paths.config, "rb");
  size_t len = file != NULL ? fread(test->config_bytes, 1, sizeof test->config_bytes, file) : 0;
  if (file != NULL) {
    (void)fclose(file);
  }
  return kt_config_decode((struct kt_bytes){ test->config_bytes, len }, &test->config, NULL) == KT_OK;
}

static bool in_folder(const struct crash_test *test, const char *name, char *ret_path)
{
  return snprintf(ret_path, PATH_SIZE, "%s/%s", test->options.folder, name) < PATH_SIZE;
}

static bool name_paths(struct crash_test *test)
{
  struct crash_paths *paths = &test->paths;
  return in_folder(test, "log", paths->log) && in_folder(test, "config", paths->config) &&
         in_folder(test, "messages", paths->messages) && in_folder(test, "truth", paths->truth) &&
         in_folder(test, "view", paths->view) && in_folder(test, "counters", paths->counters);
}

/* Writers of another run have other accounts, and its rounds other choices. */
static void init_people(struct crash_test *test, unsigned run)
{
  test->random.state = test->options.seed + run;
  crash_truth_init(&test->truth);
  for (unsigned i = 0; i < test->options.writers; i++) {
    uint64_t seed = crash_random_next(&test->random);
    crash_writer_init(&test->writers[i], run * WRITERS_MAX + i, seed, &test->config, &test->truth);
  }
  crash_user_init(&test->checker, "checker", &test->config, &test->truth);
}

static bool load_kept(struct crash_test *test)
{
  const struct tally *tally = &test->tally;
  const struct crash_kept_counts least = { .acks = tally_sum(tally, "acks"),
                                           .heads = tally_sum(tally, "heads"),
                                           .failures = tally_sum(tally, "failures") };
  if (!crash_kept_truth(&test->truth, test->paths.truth, &least)) {
    return false;
  }
  /* They are saved before anything else is: their accounts are not used again, whatever becomes of the run. */
  if (tally_sum(tally, "runs") == 0 && test->truth.n_acks + test->truth.n_heads + test->truth.n_failures > 0) {
    (void)fprintf(stderr, "crash-test: %s is missing: what was counted is lost; begin in a new folder\n",
                  test->paths.counters);
    return false;
  }
  if (!crash_kept_load_view(&test->checker, test->paths.view, tally_sum(tally, "rounds") == 0)) {
    (void)fprintf(
        stderr,
        "crash-test: %s is missing or damaged: nobody remembers the head that was seen last; begin in a new folder\n",
        test->paths.view);
    return false;
  }
  return true;
}

static bool test_init(struct crash_test *test)
{
  test->writers = calloc(test->options.writers, sizeof *test->writers);
  if (!name_paths(test) || kt_crypto_init() != KT_OK || test->writers == NULL || !load_config(test)) {
    (void)fprintf(stderr, "crash-test: cannot start, or %s is not a configuration\n", test->paths.config);
    return false;
  }
  test->server = (struct crash_server){ .program = test->options.server,
                                        .dir = test->paths.log,
                                        .messages = test->paths.messages };
  tally_open(&test->tally, test->paths.counters);
  init_people(test, (unsigned)tally_sum(&test->tally, "runs"));
  if (!load_kept(test)) {
    return false;
  }
  count(test, "tests", "runs", 1);
  tally_save(&test->tally);
  return true;
}

static void test_release(struct crash_test *test)
{
  for (unsigned i = 0; i < test->options.writers; i++) {
    crash_writer_release(&test->writers[i]);
  }
  free(test->writers);
  crash_user_release(&test->checker);
  crash_truth_release(&test->truth);
}

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
  char *end = NULL;
  uint64_t number = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || number < min || number > max) {
    return false;
  }
  *ret_number = number;
  return true;
}

static bool read_options(int argc, char **argv, struct crash_options *options)
{
  uint64_t n[5];
  if (argc != 8 || !read_number(argv[3], 1, 1000000, &n[0]) || !read_number(argv[4], 1, WRITERS_MAX, &n[1]) ||
      !read_number(argv[5], 1, 60000, &n[2]) || !read_number(argv[6], 0, 1000000, &n[3]) ||
      !read_number(argv[7], 0, UINT64_MAX, &n[4])) {
    return false;
  }
  *options = (struct crash_options){
    .server = argv[1],
    .folder = argv[2],
    .rounds = (unsigned)n[0],
    .writers = (unsigned)n[1],
    .load_ms = (unsigned)n[2],
    .fsck_every = (unsigned)n[3],
    .seed = n[4],
  };
  return true;
}

int main(int argc, char **argv)
{
  static struct crash_test test;
  if (!read_options(argc, argv, &test.options)) {
    (void)fprintf(stderr, "usage: kt-crash SERVER FOLDER ROUNDS WRITERS LOAD-MS FSCK-EVERY SEED\n");
    return 2;
  }
  if (!test_init(&test)) {
    return 2;
  }
  unsigned round = (unsigned)tally_sum(&test.tally, "rounds");
  while (round < test.options.rounds && crash_truth_failures(&test.truth) < FAILURES_MAX) {
    run_round(&test, ++round);
    count(&test, "tests", "rounds", 1);
    save(&test);
    if (round % 10 == 0) {
      report(&test);
    }
  }
  run_end(&test);
  save(&test);
  report(&test);
  int code = tally_sum(&test.tally, "failures") == 0 && !was_nothing_tested(&test) ? 0 : 1;
  test_release(&test);
  return code;
}
