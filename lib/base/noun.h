/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for people: "1 entry", "2 entries". */
#ifndef KT_BASE_NOUN_H
#define KT_BASE_NOUN_H

#include <stdint.h>

/* What stands behind the number n: both are static. */
static inline const char *kt_noun(uint64_t n, const char *one, const char *several)
{
  return n == 1 ? one : several;
}

static inline const char *kt_noun_entries(uint64_t n)
{
  return kt_noun(n, "entry", "entries");
}

#endif
