/* SPDX-License-Identifier: Apache-2.0 */
/* Valid responses of every kind, with their parts, from logs of all suites and modes: what is spliced into responses. A
 * process has one suite and one mode, so each writes a file of its own and reads all of them. */
#ifndef KT_TESTS_MUTATION_DONORS_H
#define KT_TESTS_MUTATION_DONORS_H

#include "parts.h"

#define DONORS_MAX 1024

struct donor {
  struct kt_bytes response;
  struct part parts[PARTS_MAX];
  size_t n_parts;
};

struct donors {
  struct donor at[DONORS_MAX];
  size_t n;
  struct kt_arena arena;
};

/* Append what the questions' logs answer. */
void donors_put(const struct toy_questions *all, struct kt_writer *w);
/* Files one after the other; ends the program when one is damaged. */
void donors_read(struct donors *donors, const char *path);
void donors_release(struct donors *donors);

#endif
