/* SPDX-License-Identifier: Apache-2.0 */
/* One damaged copy of a response: a few of the ways a wire or a liar can change it, chosen by the generator alone. */
#ifndef KT_TESTS_MUTATION_MUTATE_H
#define KT_TESTS_MUTATION_MUTATE_H

#include "crash/random.h"
#include "donors.h"

#define MUTANT_MAX ((size_t)64 << 10)

struct mutant {
  uint8_t bytes[MUTANT_MAX];
  size_t len;
  const char *way; /* the last change */
};

/* parts: of the response. */
void mutate(struct crash_random *random, struct kt_bytes response, const struct part *parts, size_t n_parts,
            const struct donors *donors, struct mutant *ret_mutant);

#endif
