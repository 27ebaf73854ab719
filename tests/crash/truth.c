/* SPDX-License-Identifier: Apache-2.0 */
#include "truth.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"

#define SIZE_MAX_EXPECTED 10000000 /* tree size: far more entries than a test can make */
#define TEXT_SIZE 512              /* of a failure; what is longer is cut */

void crash_truth_init(struct crash_truth *truth)
{
  *truth = (struct crash_truth){ .n_failures = 0 };
  pthread_mutex_init(&truth->lock, NULL);
}

void crash_truth_release(struct crash_truth *truth)
{
  pthread_mutex_destroy(&truth->lock);
  free(truth->roots);
  free(truth->acks);
  if (truth->kept != NULL) {
    (void)fclose(truth->kept);
  }
}

/* Without memory, or room for what has to be kept, there is no test. */
static void give_up(const char *why)
{
  (void)fprintf(stderr, "crash-test: %s\n", why);
  abort();
}

/* With the lock held: "failed TEXT", there before anything else happens. */
static void keep_failure(struct crash_truth *truth, char *text)
{
  for (char *c = text; *c != '\0'; c++) {
    *c = (unsigned char)*c < ' ' ? ' ' : *c;
  }
  if (truth->kept != NULL &&
      (fprintf(truth->kept, "failed %s\n", text) < 0 || fflush(truth->kept) != 0 || fsync(fileno(truth->kept)) != 0)) {
    give_up("a failure cannot be kept");
  }
}

/* Kept first: whoever reads of it may end this run. */
static void say_failure(struct crash_truth *truth, char *text)
{
  truth->n_failures++;
  keep_failure(truth, text);
  (void)fprintf(stderr, "crash-test: %s\n", text);
}

/* With the lock held. */
__attribute__((format(printf, 2, 3))) static void fail_locked(struct crash_truth *truth, const char *format, ...)
{
  char text[TEXT_SIZE];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  say_failure(truth, text);
}

void crash_truth_fail(struct crash_truth *truth, const char *format, ...)
{
  char text[TEXT_SIZE];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  pthread_mutex_lock(&truth->lock);
  say_failure(truth, text);
  pthread_mutex_unlock(&truth->lock);
}

static void *grow(void *memory, size_t count, size_t size)
{
  void *grown = realloc(memory, count * size);
  if (grown == NULL) {
    give_up("out of memory");
  }
  return grown;
}

/* One line, with the lock held: "head 17 HEX" or "ack 3 HEX alice". label: NULL for a head. */
static void keep(struct crash_truth *truth, uint64_t number, const struct kt_hash *hash, const char *label)
{
  char hex[KT_HEX_SIZE(sizeof hash->b)];
  if (truth->kept == NULL) {
    return;
  }
  kt_hex_encode((struct kt_bytes){ hash->b, sizeof hash->b }, hex);
  if (fprintf(truth->kept, "%s %" PRIu64 " %s%s%s\n", label != NULL ? "ack" : "head", number, hex,
              label != NULL ? " " : "", label != NULL ? label : "") < 0 ||
      fflush(truth->kept) != 0) {
    give_up("what the log said cannot be kept");
  }
}

static void make_room_for_size(struct crash_truth *truth, size_t size)
{
  size_t n = truth->n_roots > 0 ? truth->n_roots : 1024;
  while (n <= size) {
    n *= 2;
  }
  if (n > truth->n_roots) {
    truth->roots = grow(truth->roots, n, sizeof *truth->roots);
    memset(truth->roots + truth->n_roots, 0, (n - truth->n_roots) * sizeof *truth->roots);
    truth->n_roots = n;
  }
}

void crash_truth_add_head(struct crash_truth *truth, const char *who, uint64_t size, const struct kt_hash *root)
{
  pthread_mutex_lock(&truth->lock);
  if (size > SIZE_MAX_EXPECTED) {
    fail_locked(truth, "%s: a tree size of %llu", who, (unsigned long long)size);
  } else {
    make_room_for_size(truth, (size_t)size);
    struct crash_root *known = &truth->roots[size];
    if (!known->seen) {
      *known = (struct crash_root){ true, *root };
      truth->n_heads++;
      keep(truth, size, root, NULL);
    } else if (memcmp(known->root.b, root->b, sizeof root->b) != 0) {
      fail_locked(truth, "%s: TWO ROOTS for tree size %llu", who, (unsigned long long)size);
    }
  }
  pthread_mutex_unlock(&truth->lock);
}

void crash_truth_add_ack(struct crash_truth *truth, const struct crash_ack *ack)
{
  pthread_mutex_lock(&truth->lock);
  if (truth->n_acks == truth->acks_cap) {
    truth->acks_cap = truth->acks_cap > 0 ? 2 * truth->acks_cap : 1024;
    truth->acks = grow(truth->acks, truth->acks_cap, sizeof *truth->acks);
  }
  truth->acks[truth->n_acks++] = *ack;
  keep(truth, ack->version, &ack->value, ack->label);
  pthread_mutex_unlock(&truth->lock);
}

size_t crash_truth_count(struct crash_truth *truth)
{
  pthread_mutex_lock(&truth->lock);
  size_t n = truth->n_acks;
  pthread_mutex_unlock(&truth->lock);
  return n;
}

struct crash_ack crash_truth_ack(struct crash_truth *truth, size_t index)
{
  pthread_mutex_lock(&truth->lock);
  struct crash_ack ack = truth->acks[index];
  pthread_mutex_unlock(&truth->lock);
  return ack;
}

void crash_truth_add_failure(struct crash_truth *truth)
{
  pthread_mutex_lock(&truth->lock);
  truth->n_failures++;
  pthread_mutex_unlock(&truth->lock);
}

unsigned crash_truth_failures(struct crash_truth *truth)
{
  pthread_mutex_lock(&truth->lock);
  unsigned n = truth->n_failures;
  pthread_mutex_unlock(&truth->lock);
  return n;
}
