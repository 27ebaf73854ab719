/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a long run, by subject and outcome, kept in a file: a run that was interrupted goes on where it was. The
 * file is text, one "SUBJECT<tab>OUTCOME<tab>COUNT" a line, and is replaced as a whole, also in a power cut. Errors and a
 * file that is damaged or empty end the program: numbers that were not kept would be told as if they had been. */
#ifndef KT_TESTS_TALLY_H
#define KT_TESTS_TALLY_H

#include <stdint.h>
#include <stdio.h>

#define TALLY_MAX 1024
#define TALLY_NAME_MAX 64

struct tally_count {
  char subject[TALLY_NAME_MAX];
  char outcome[TALLY_NAME_MAX];
  uint64_t count;
};

struct tally {
  const char *path;
  struct tally_count counts[TALLY_MAX]; /* in the order of their first appearance */
  size_t n;
};

/* Begins at zero when there is no such file. path has to outlive the tally. */
void tally_open(struct tally *tally, const char *path);
/* Without any counter there is nothing to save, and no file. */
void tally_save(const struct tally *tally);
void tally_add(struct tally *tally, const char *subject, const char *outcome, uint64_t count);
/* Of one outcome over all subjects. */
uint64_t tally_sum(const struct tally *tally, const char *outcome);
/* One line per subject with its outcomes, all but those of the subject `hidden` (may be NULL). */
void tally_print(const struct tally *tally, const char *hidden, FILE *out);

#endif
