/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/ibst.h"

/* Level of a node: leaves are 0, even positions; otherwise the number of trailing one bits. */
static unsigned level(uint64_t pos)
{
  return pos == UINT64_MAX ? 64u : (unsigned)__builtin_ctzll(~pos);
}

uint64_t kt_ibst_root(uint64_t size)
{
  /* "The index of the root log entry [...] is the greatest power of two, minus one, that is less than the size" */
  unsigned log2 = 63u - (unsigned)__builtin_clzll(size | 1);
  return ((uint64_t)1 << log2) - 1;
}

bool kt_ibst_left(uint64_t pos, uint64_t *ret_left)
{
  unsigned k = level(pos);
  if (k == 0) {
    return false;
  }
  *ret_left = pos ^ ((uint64_t)1 << (k - 1));
  return true;
}

bool kt_ibst_right(uint64_t pos, uint64_t size, uint64_t *ret_right)
{
  unsigned k = level(pos);
  if (k == 0 || size == 0 || pos >= size - 1) {
    return false;
  }
  /* The right child in a full tree; where the log ends before it, the first left descendant inside the log. It exists,
   * because the leftmost of them is pos + 1. */
  uint64_t right = pos ^ ((uint64_t)3 << (k - 1));
  while (right >= size && kt_ibst_left(right, &right)) {
  }
  *ret_right = right;
  return true;
}

uint64_t kt_ibst_toward(uint64_t pos, uint64_t target, uint64_t size)
{
  uint64_t child = pos;
  if (target < pos) {
    (void)kt_ibst_left(pos, &child);
  } else {
    (void)kt_ibst_right(pos, size, &child);
  }
  return child;
}

size_t kt_ibst_frontier(uint64_t size, uint64_t ret_frontier[static KT_IBST_DEPTH_MAX])
{
  size_t n = 0;
  uint64_t pos = kt_ibst_root(size);
  do {
    ret_frontier[n++] = pos;
  } while (kt_ibst_right(pos, size, &pos));
  return n;
}

size_t kt_ibst_path(uint64_t pos, uint64_t size, uint64_t ret_path[static KT_IBST_DEPTH_MAX])
{
  size_t n = 0;
  for (uint64_t at = kt_ibst_root(size); at != pos && n < KT_IBST_DEPTH_MAX; at = kt_ibst_toward(at, pos, size)) {
    ret_path[n++] = at;
  }
  return n;
}
