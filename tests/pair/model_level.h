/* SPDX-License-Identifier: Apache-2.0 */
/* How far the exhaustive comparisons with tests/model go: KT_MODEL_LEVEL in the environment, 1 (seconds, the default),
 * 2 (minutes) or 3 (longer). Each test says what a level means. */
#ifndef KT_TESTS_MODEL_LEVEL_H
#define KT_TESTS_MODEL_LEVEL_H

#include <stdlib.h>

static inline int model_level(void)
{
  const char *level = getenv("KT_MODEL_LEVEL");
  return level != NULL ? atoi(level) : 1;
}

#endif
