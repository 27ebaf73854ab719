/* SPDX-License-Identifier: Apache-2.0 */
/* How far the exhaustive comparisons with tests/model go: KT_MODEL_LEVEL in the environment, 1 (seconds, the default),
 * 2 (minutes) or 3 (longer). Each test says what a level means. */
#ifndef KT_TESTS_MODEL_LEVEL_H
#define KT_TESTS_MODEL_LEVEL_H

#include <stdint.h>
#include <stdlib.h>

static inline int model_level(void)
{
  const char *text = getenv("KT_MODEL_LEVEL");
  long level = text != NULL ? strtol(text, NULL, 10) : 1;
  return level < 1 ? 1 : level > 3 ? 3 : (int)level;
}

/* The bound of the level. */
static inline uint64_t model_up_to(uint64_t level_1, uint64_t level_2, uint64_t level_3)
{
  return model_level() == 1 ? level_1 : model_level() == 2 ? level_2 : level_3;
}

#endif
