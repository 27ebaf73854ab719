/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define LINE_SIZE 256
#define OUTCOMES_MAX 256 /* of one subject that are printed */

static void fail(const char *path, const char *what)
{
  (void)fprintf(stderr, "counters in %s: %s (%s)\n", path, what, errno != 0 ? strerror(errno) : "contents");
  exit(2);
}

/* Up to `end`, into room for TALLY_NAME_MAX; what follows it. */
static const char *read_name(const char *line, char end, char *ret_name)
{
  const char *stop = strchr(line, end);
  const size_t len = stop != NULL ? (size_t)(stop - line) : TALLY_NAME_MAX;
  if (len >= TALLY_NAME_MAX) {
    return NULL;
  }
  memcpy(ret_name, line, len);
  ret_name[len] = '\0';
  return stop + 1;
}

/* One line into the counters; false when it is none. */
static bool take_line(struct tally *tally, const char *line)
{
  char subject[TALLY_NAME_MAX];
  char outcome[TALLY_NAME_MAX];
  const char *at = read_name(line, '\t', subject);
  at = at != NULL ? read_name(at, '\t', outcome) : NULL;
  if (at == NULL || *at < '0' || *at > '9') {
    return false;
  }
  char *end = NULL;
  errno = 0;
  const uint64_t count = strtoull(at, &end, 10);
  if (errno != 0 || strcmp(end, "\n") != 0) {
    return false;
  }
  tally_add(tally, subject, outcome, count);
  return true;
}

void tally_open(struct tally *tally, const char *path)
{
  char line[LINE_SIZE];
  tally->path = path;
  tally->n = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL && errno == ENOENT) {
    return;
  }
  if (file == NULL) {
    fail(path, "cannot be read");
  }
  while (fgets(line, sizeof line, file) != NULL) {
    if (!take_line(tally, line)) {
      errno = 0;
      fail(path, "a line is damaged");
    }
  }
  if (ferror(file) != 0) {
    fail(path, "cannot be read");
  }
  (void)fclose(file);
  if (tally->n == 0) {
    errno = 0;
    fail(path, "it is empty, as only damage leaves it: what was counted is lost");
  }
}

void tally_save(const struct tally *tally)
{
  char path[PATH_SIZE];
  if (tally->n == 0) {
    return;
  }
  if (snprintf(path, sizeof path, "%s.new", tally->path) >= PATH_SIZE) {
    fail(tally->path, "the path is too long");
  }
  FILE *file = fopen(path, "w");
  bool ok = file != NULL;
  for (size_t i = 0; ok && i < tally->n; i++) {
    const struct tally_count *c = &tally->counts[i];
    ok = fprintf(file, "%s\t%s\t%" PRIu64 "\n", c->subject, c->outcome, c->count) > 0;
  }
  /* Before the old file goes: after a power cut there is one or the other. */
  ok = ok && fflush(file) == 0 && fsync(fileno(file)) == 0;
  ok = file != NULL && fclose(file) == 0 && ok;
  if (!ok || rename(path, tally->path) != 0) {
    fail(path, "cannot be written");
  }
}

void tally_add(struct tally *tally, const char *subject, const char *outcome, uint64_t count)
{
  for (size_t i = 0; i < tally->n; i++) {
    struct tally_count *c = &tally->counts[i];
    if (strcmp(c->subject, subject) == 0 && strcmp(c->outcome, outcome) == 0) {
      c->count += count;
      return;
    }
  }
  errno = 0;
  if (tally->n == TALLY_MAX || strlen(subject) >= TALLY_NAME_MAX || strlen(outcome) >= TALLY_NAME_MAX) {
    fail(tally->path, "there is no room for another counter");
  }
  struct tally_count *c = &tally->counts[tally->n++];
  *c = (struct tally_count){ .count = count };
  memcpy(c->subject, subject, strlen(subject));
  memcpy(c->outcome, outcome, strlen(outcome));
}

uint64_t tally_sum(const struct tally *tally, const char *outcome)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < tally->n; i++) {
    sum += strcmp(tally->counts[i].outcome, outcome) == 0 ? tally->counts[i].count : 0;
  }
  return sum;
}

static bool is_first(const struct tally *tally, size_t index)
{
  for (size_t i = 0; i < index; i++) {
    if (strcmp(tally->counts[i].subject, tally->counts[index].subject) == 0) {
      return false;
    }
  }
  return true;
}

static int more_first(const void *a, const void *b)
{
  const struct tally_count *const *x = a;
  const struct tally_count *const *y = b;
  if ((*x)->count != (*y)->count) {
    return (*x)->count < (*y)->count ? 1 : -1;
  }
  return strcmp((*x)->outcome, (*y)->outcome);
}

static void print_subject(const struct tally *tally, const char *subject, FILE *out)
{
  const struct tally_count *lines[OUTCOMES_MAX];
  size_t n = 0;
  uint64_t sum = 0;
  for (size_t i = 0; i < tally->n && n < OUTCOMES_MAX; i++) {
    if (strcmp(tally->counts[i].subject, subject) == 0) {
      lines[n++] = &tally->counts[i];
      sum += tally->counts[i].count;
    }
  }
  qsort((void *)lines, n, sizeof(const struct tally_count *), more_first);
  (void)fprintf(out, "%-28s %8" PRIu64 ":", subject, sum);
  for (size_t i = 0; i < n; i++) {
    (void)fprintf(out, "%s %s %" PRIu64, i > 0 ? "," : "", lines[i]->outcome, lines[i]->count);
  }
  (void)fprintf(out, "\n");
}

void tally_print(const struct tally *tally, const char *hidden, FILE *out)
{
  for (size_t i = 0; i < tally->n; i++) {
    const char *subject = tally->counts[i].subject;
    if (is_first(tally, i) && (hidden == NULL || strcmp(subject, hidden) != 0)) {
      print_subject(tally, subject, out);
    }
  }
}
