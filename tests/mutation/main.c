/* SPDX-License-Identifier: Apache-2.0 */
/* Mutated responses against the verifier, for one suite and mode (KT_TEST_SUITE, KT_TEST_MODE): none may be accepted,
 * unless it means the same.
 *   kt-mutate write FILE                           the honest responses of this suite and mode, to be spliced from
 *   kt-mutate run N SEED COUNTERS NAME FOLDER FILE...   mutate until N are done, counting in COUNTERS under NAME; what is
 *                                                  accepted wrongly goes to FOLDER. FILEs: of this suite and mode,
 *                                                  and of all
 * Mutant i depends on SEED and i alone. Exit 1 when one was accepted that means something else, or a refusal left traces.
 *
 * A mutant that differs is accepted rightly in two cases, counted apart. "same": verdict, states and results are those of
 * the original. "whole": they are those of another answer that a log with these keys gives: this log to another question
 * or when it had grown, or a fork, which a single answer cannot show. Two ECDSA signatures of one statement are "the same",
 * and so is an update's response that repeats the values that were sent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutate.h"
#include "support/tally.h"

#define RESULT_LIMIT ((size_t)1 << 20)
#define SAVE_EVERY 20000
#define FORK_SALT 7
#define GROWN_SIZE 8 /* its newest entry is still within max_ahead */

#define WRONG "ACCEPTED-WRONGLY"
#define TRACES "REFUSED-WITH-TRACES"
#define NO_VERDICT "NO-VERDICT" /* bytes made the library fail */

#define MEANINGS_MAX 16

struct target {
  struct part parts[PARTS_MAX];
  size_t n_parts;
  struct kt_writer meanings[MEANINGS_MAX]; /* of the honest response; then of other answers that are as good */
  size_t n_meanings;
};

/* A fork under the same keys, and the log when it had grown. */
static const struct {
  uint8_t salt;
  uint64_t size;
} other_logs[] = { { FORK_SALT, 7 }, { 0, GROWN_SIZE } };
#define OTHER_LOGS (sizeof other_logs / sizeof other_logs[0])

static struct toy_questions all;
static struct donors donors;
static struct target targets[TOY_QUESTIONS_MAX];

static const struct kt_config *config_of(const struct toy_question *question)
{
  return question->kind == TOY_ASKS_CREDENTIAL ? &all.credential_log.config : &all.log.config;
}

static void stop(const char *what, const char *which)
{
  (void)fprintf(stderr, "kt-mutate: %s %s\n", what, which);
  exit(2);
}

/* --- writing donors ---------------------------------------------------------------------------------------------------- */

static int write_donors(const char *path)
{
  struct kt_writer w;
  kt_writer_init(&w, RESULT_LIMIT);
  toy_questions_init(&all, 0, 7);
  donors_put(&all, &w);
  toy_questions_release(&all);
  for (size_t i = 0; i < OTHER_LOGS; i++) {
    toy_questions_init(&all, other_logs[i].salt, other_logs[i].size);
    donors_put(&all, &w);
    toy_questions_release(&all);
  }
  FILE *file = fopen(path, "wb");
  bool ok = w.err == KT_OK && file != NULL && fwrite(w.buf, 1, w.len, file) == w.len;
  ok = file != NULL && fclose(file) == 0 && ok;
  kt_writer_release(&w);
  if (!ok) {
    stop("cannot write", path);
  }
  return 0;
}

/* --- judging ----------------------------------------------------------------------------------------------------------- */

#define NONE SIZE_MAX

/* Which of the target's meanings it is. */
static size_t find_meaning(const struct target *target, const struct kt_writer *meaning)
{
  for (size_t i = 0; i < target->n_meanings; i++) {
    const struct kt_writer *known = &target->meanings[i];
    if (known->len == meaning->len && memcmp(known->buf, meaning->buf, known->len) == 0) {
      return i;
    }
  }
  return NONE;
}

/* STALE is none: an answer from when the log was smaller, say, leaves a client undecided and as it was. */
static bool is_accepted(const struct toy_question *question, enum kt_err err)
{
  const bool is_search = question->kind == TOY_ASKS_SCENE && question->scene->query.kind == TOY_SEARCH;
  return err == KT_OK || (err == KT_ERR_ABSENT && is_search);
}

/* Verify; when it is accepted, its meaning is written. */
static enum kt_err verify(size_t index, struct kt_bytes response, struct toy_attempt *attempt,
                          struct kt_writer *ret_meaning)
{
  const struct toy_question *question = &all.questions[index];
  kt_writer_init(ret_meaning, RESULT_LIMIT);
  toy_attempt_begin(question, attempt);
  const enum kt_err err = toy_attempt_verify(&all, question, response, attempt);
  if (is_accepted(question, err)) {
    toy_attempt_write(question, err, attempt, ret_meaning);
    if (ret_meaning->err != KT_OK) {
      stop("what cannot be written was accepted:", question->name);
    }
  }
  toy_attempt_end(attempt);
  return err;
}

static const char *judge(size_t index, struct kt_bytes mutant)
{
  static struct toy_attempt attempt;
  const struct toy_question *question = &all.questions[index];
  struct kt_writer meaning;
  const char *outcome;
  const enum kt_err err = verify(index, mutant, &attempt, &meaning);
  if (!is_accepted(question, err)) {
    outcome = attempt.user.reason.code != NULL ? attempt.user.reason.code : "no-reason";
    outcome = err != KT_ERR_MEMORY && err != KT_ERR_CRYPTO ? outcome : NO_VERDICT;
    outcome = toy_attempt_is_untouched(question, &attempt) ? outcome : TRACES;
  } else {
    const size_t found = find_meaning(&targets[index], &meaning);
    outcome = found == NONE ? WRONG : "whole";
    outcome = found == 0 ? "same" : outcome;
  }
  kt_writer_release(&meaning);
  return outcome;
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

/* Whatever a log with these keys says elsewhere may be as good an answer here. */
static void add_meanings(size_t index, size_t n_own)
{
  struct target *target = &targets[index];
  for (size_t i = 0; i < n_own; i++) {
    static struct toy_attempt attempt;
    struct kt_writer meaning;
    const enum kt_err err = verify(index, donors.at[i].response, &attempt, &meaning);
    const bool is_new = is_accepted(&all.questions[index], err) && find_meaning(target, &meaning) == NONE;
    if (is_new && target->n_meanings < MEANINGS_MAX) {
      target->meanings[target->n_meanings++] = meaning;
    } else {
      kt_writer_release(&meaning);
    }
  }
}

/* n_own: the first donors are of this suite and mode. */
static void prepare(size_t n_own)
{
  toy_questions_init(&all, 0, 7);
  for (size_t i = 0; i < all.n; i++) {
    static struct toy_attempt attempt;
    const struct toy_question *question = &all.questions[i];
    struct target *target = &targets[i];
    target->n_parts = parts_find(config_of(question), question, target->parts);
    const enum kt_err err = verify(i, question->response, &attempt, &target->meanings[target->n_meanings++]);
    if (err != question->verdict || target->n_parts == 0 || question->response.len > MUTANT_MAX) {
      stop("the honest answer does not verify:", question->name);
    }
    add_meanings(i, n_own);
  }
}

static void unprepare(void)
{
  for (size_t i = 0; i < all.n; i++) {
    for (size_t k = 0; k < targets[i].n_meanings; k++) {
      kt_writer_release(&targets[i].meanings[k]);
    }
  }
  toy_questions_release(&all);
}

static void save_mutant(const char *folder, const char *name, const char *question, uint64_t index,
                        const struct mutant *mutant)
{
  char path[4096];
  (void)snprintf(path, sizeof path, "%s/%s-%s-%" PRIu64, folder, name, question, index);
  FILE *file = fopen(path, "wb");
  const bool ok = file != NULL && fwrite(mutant->bytes, 1, mutant->len, file) == mutant->len;
  if (!ok || fclose(file) != 0) {
    stop("cannot write", path);
  }
  (void)fprintf(stderr, "kt-mutate: %s (%s): look at %s\n", question, mutant->way, path);
}

static void run_one(struct tally *tally, const char *name, const char *folder, uint64_t seed, uint64_t index)
{
  static struct mutant mutant;
  const size_t at = (size_t)(index % all.n);
  const struct toy_question *question = &all.questions[at];
  struct crash_random random = { seed ^ (index * UINT64_C(0x9e3779b97f4a7c15)) };
  mutate(&random, question->response, targets[at].parts, targets[at].n_parts, &donors, &mutant);
  const struct kt_bytes bytes = { mutant.bytes, mutant.len };
  const char *outcome = "unchanged"; /* a change that changed nothing is none */
  if (bytes.len != question->response.len || memcmp(bytes.data, question->response.data, bytes.len) != 0) {
    outcome = judge(at, bytes);
  }
  if (strcmp(outcome, WRONG) == 0 || strcmp(outcome, TRACES) == 0 || strcmp(outcome, NO_VERDICT) == 0) {
    save_mutant(folder, name, question->name, index, &mutant);
  }
  tally_add(tally, question->name, outcome, 1);
}

static int run(uint64_t total, uint64_t seed, const char *counters, const char *name, const char *folder, char **files)
{
  static struct tally tally;
  donors.arena.cap = (size_t)512 << 20;
  donors_read(&donors, files[0]);
  const size_t n_own = donors.n;
  for (size_t i = 1; files[i] != NULL; i++) {
    donors_read(&donors, files[i]);
  }
  prepare(n_own);
  tally_open(&tally, counters);
  for (uint64_t i = tally_sum(&tally, "done"); i < total; i++) {
    run_one(&tally, name, folder, seed, i);
    tally_add(&tally, "all", "done", 1);
    if (i % SAVE_EVERY == SAVE_EVERY - 1) {
      tally_save(&tally);
    }
  }
  tally_save(&tally);
  (void)printf("== %s\n", name);
  tally_print(&tally, "all", stdout);
  const uint64_t bad = tally_sum(&tally, WRONG) + tally_sum(&tally, TRACES) + tally_sum(&tally, NO_VERDICT) +
                       tally_sum(&tally, "no-reason");
  (void)printf("%s: %" PRIu64 " mutants, %" PRIu64 " with the same meaning, %" PRIu64
               " whole answers of a log, %" PRIu64 " accepted wrongly or refused with traces\n",
               name, tally_sum(&tally, "done") - tally_sum(&tally, "unchanged"), tally_sum(&tally, "same"),
               tally_sum(&tally, "whole"), bad);
  donors_release(&donors);
  unprepare();
  return bad == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
  if (argc == 3 && strcmp(argv[1], "write") == 0) {
    return write_donors(argv[2]);
  }
  if (argc > 7 && strcmp(argv[1], "run") == 0) {
    return run(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), argv[4], argv[5], argv[6], argv + 7);
  }
  (void)fprintf(stderr, "usage: kt-mutate write FILE | run N SEED COUNTERS NAME FOLDER FILE...\n");
  return 2;
}
