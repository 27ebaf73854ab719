/* SPDX-License-Identifier: Apache-2.0 */
/* Written from the draft's sentences, over ranges of entries, without the library. */
#include "world.h"

/* "the greatest power of two, minus one, that is less than the size of the log", for the entries [low, high). */
static uint64_t naive_root(uint64_t low, uint64_t high)
{
  uint64_t power = 1;
  while (power <= (high - low) / 2) {
    power *= 2;
  }
  return low + power - 1;
}

size_t conf_naive_path(uint64_t size, uint64_t pos, uint64_t ret_path[static KT_IBST_DEPTH_MAX])
{
  uint64_t low = 0;
  uint64_t high = size;
  size_t n = 0;
  for (uint64_t root = naive_root(low, high); root != pos; root = naive_root(low, high)) {
    ret_path[n++] = root;
    if (pos < root) {
      high = root;
    } else {
      low = root + 1;
    }
  }
  return n;
}

size_t conf_naive_frontier(uint64_t size, uint64_t ret_frontier[static KT_IBST_DEPTH_MAX])
{
  size_t n = conf_naive_path(size, size - 1, ret_frontier);
  ret_frontier[n] = size - 1;
  return n + 1;
}

struct range {
  uint64_t low;
  uint64_t high;
  uint64_t left_ms;
  uint64_t right_ms;
};

/* NOLINTNEXTLINE(misc-no-recursion) */
static void declare(const uint64_t *timestamps, uint64_t window, struct range at, bool *distinguished)
{
  if (at.low == at.high || at.right_ms - at.left_ms < window) {
    return;
  }
  uint64_t root = naive_root(at.low, at.high);
  distinguished[root] = true;
  declare(timestamps, window, (struct range){ at.low, root, at.left_ms, timestamps[root] }, distinguished);
  declare(timestamps, window, (struct range){ root + 1, at.high, timestamps[root], at.right_ms }, distinguished);
}

bool *conf_naive_distinguished(struct conf_case *c, const uint64_t *timestamps, size_t n, uint64_t window)
{
  bool *distinguished = conf_alloc(c, n, sizeof *distinguished);
  if (n > 0) {
    declare(timestamps, window, (struct range){ 0, n, 0, timestamps[n - 1] }, distinguished);
  }
  return distinguished;
}
