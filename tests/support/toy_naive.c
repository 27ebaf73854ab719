/* SPDX-License-Identifier: Apache-2.0 */
#include "toy_naive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

/* --- Log Tree --------------------------------------------------------------------------------------------------------- */

static void leaf_value(const struct toy_log *log, uint64_t pos, struct kt_hash *ret_value)
{
  uint8_t entry[8 + KT_HASH_LEN];
  for (unsigned i = 0; i < 8; i++) {
    entry[i] = (uint8_t)(log->timestamps[pos] >> (56 - 8 * i));
  }
  memcpy(entry + 8, log->prefix_roots[pos].hash.b, KT_HASH_LEN);
  crypto_hash_sha256(ret_value->b, entry, sizeof entry);
}

static uint64_t power_below(uint64_t n)
{
  uint64_t power = 1;
  while (2 * power < n) {
    power *= 2;
  }
  return power;
}

/* Tree over entries [start, start + n). */
static void subtree(const struct toy_log *log, uint64_t start, uint64_t n, struct kt_hash *ret_value)
{
  if (n == 1) {
    leaf_value(log, start, ret_value);
    return;
  }
  uint64_t n_left = power_below(n);
  struct kt_hash left;
  struct kt_hash right;
  subtree(log, start, n_left, &left);
  subtree(log, start + n_left, n - n_left, &right);
  uint8_t content[2 * (1 + KT_HASH_LEN)];
  content[0] = n_left > 1;
  memcpy(content + 1, left.b, KT_HASH_LEN);
  content[1 + KT_HASH_LEN] = n - n_left > 1;
  memcpy(content + 2 + KT_HASH_LEN, right.b, KT_HASH_LEN);
  crypto_hash_sha256(ret_value->b, content, sizeof content);
}

void toy_naive_subtree(const struct toy_log *log, uint64_t start, unsigned level, struct kt_hash *ret_value)
{
  assert_true(start + ((uint64_t)1 << level) <= log->size);
  subtree(log, start, (uint64_t)1 << level, ret_value);
}

void toy_naive_root(const struct toy_log *log, uint64_t size, struct kt_hash *ret_root)
{
  assert_true(size > 0 && size <= log->size);
  subtree(log, 0, size, ret_root);
}

/* --- Implicit Binary Search Tree ------------------------------------------------------------------------------------------ */

/* "The index of the root … is the greatest power of two, minus one, that is less than the size"; start is the offset. */
static uint64_t root_of(uint64_t start, uint64_t n)
{
  uint64_t power = 1;
  while (2 * power <= n) {
    power *= 2;
  }
  return start + power - 1;
}

/* Entries [start, start + n) of the subtree that holds pos, and its parent, walking down until pos is its root. */
bool toy_naive_parent(uint64_t size, uint64_t pos, uint64_t *ret_parent)
{
  uint64_t start = 0;
  uint64_t n = size;
  bool has_parent = false;
  for (uint64_t root = root_of(start, n); root != pos; root = root_of(start, n)) {
    *ret_parent = root;
    has_parent = true;
    if (pos < root) {
      n = root - start;
    } else {
      n = start + n - root - 1;
      start = root + 1;
    }
  }
  return has_parent;
}

bool toy_naive_is_ancestor(uint64_t size, uint64_t a, uint64_t pos)
{
  uint64_t parent = pos;
  while (toy_naive_parent(size, parent, &parent)) {
    if (parent == a) {
      return true;
    }
  }
  return false;
}

/* --- Reasonable Monitoring Window, Maximum Lifetime -------------------------------------------------------------------------- */

static bool distinguished(const struct toy_log *log, uint64_t start, uint64_t n, uint64_t left, uint64_t right,
                          uint64_t pos)
{
  if (n == 0 || right - left < log->config.reasonable_monitoring_window) {
    return false;
  }
  uint64_t root = root_of(start, n);
  return root == pos || distinguished(log, start, root - start, left, log->timestamps[root], pos) ||
         distinguished(log, root + 1, start + n - root - 1, log->timestamps[root], right, pos);
}

bool toy_naive_distinguished(const struct toy_log *log, uint64_t size, uint64_t pos)
{
  return distinguished(log, 0, size, 0, log->timestamps[size - 1], pos);
}

bool toy_naive_rightmost_distinguished(const struct toy_log *log, uint64_t size, uint64_t *ret_pos)
{
  for (uint64_t pos = size; pos-- > 0;) {
    if (toy_naive_distinguished(log, size, pos)) {
      *ret_pos = pos;
      return true;
    }
  }
  return false;
}

bool toy_naive_expired(const struct toy_log *log, uint64_t size, uint64_t pos)
{
  return log->config.has_maximum_lifetime &&
         log->timestamps[size - 1] - log->timestamps[pos] >= log->config.maximum_lifetime;
}

/* --- Updating Views of the Tree ------------------------------------------------------------------------------------------------ */

void toy_naive_state(const struct toy_log *log, uint64_t size, struct kt_tree_state *ret_state)
{
  struct kt_tree_state state = { .size = size };
  uint64_t start = 0;
  for (unsigned level = 64; level-- > 0;) {
    if ((size >> level & 1) != 0) {
      toy_naive_subtree(log, start, level, &state.heads[state.n_heads++]);
      start += (uint64_t)1 << level;
    }
  }
  for (start = 0; start < size; start = state.frontier[state.n_frontier++].pos + 1) {
    uint64_t pos = root_of(start, size - start);
    state.frontier[state.n_frontier] = (struct kt_frontier_entry){ .pos = pos,
                                                                   .timestamp_ms = log->timestamps[pos],
                                                                   .prefix_root = log->prefix_roots[pos].hash };
  }
  *ret_state = state;
}

/* --- searches ------------------------------------------------------------------------------------------------------------------ */

uint64_t toy_naive_greatest_terminal(const struct toy_log *log, uint64_t size, const char *label)
{
  uint32_t greatest;
  uint64_t pos = 0;
  assert_true(toy_greatest_at(log, label, size - 1, &greatest));
  const uint64_t inserted = toy_version_find(log, label, greatest)->pos;
  /* "starts at the rightmost distinguished log entry, or the root …, and then recurses down the remainder of the
   * frontier": the terminal entry is the first of these that has the version. */
  if (!toy_naive_rightmost_distinguished(log, size, &pos)) {
    pos = root_of(0, size);
  }
  while (pos < inserted) {
    pos = root_of(pos + 1, size - pos - 1);
  }
  return pos;
}

struct fixed {
  bool expired_met;
  bool has_above;
  uint64_t above;
  uint64_t inspected[64];
  size_t n_inspected;
};

/* Whether an inspected entry at or left of limit is unexpired and distinguished. */
static bool any_reference(const struct toy_log *log, uint64_t size, const struct fixed *search, uint64_t limit)
{
  for (size_t i = 0; i < search->n_inspected; i++) {
    uint64_t pos = search->inspected[i];
    if (pos <= limit && !toy_naive_expired(log, size, pos) && toy_naive_distinguished(log, size, pos)) {
      return true;
    }
  }
  return false;
}

static enum kt_err step_6(const struct toy_log *log, uint64_t size, const char *label, uint32_t target,
                          const struct fixed *search, uint64_t *ret_terminal)
{
  if (!search->has_above) { /* 6.1 */
    return KT_ERR_ABSENT;
  }
  if (search->expired_met && (search->above == 0 || !any_reference(log, size, search, search->above - 1))) { /* 6.2 */
    return KT_ERR_EXPIRED;
  }
  if (toy_version_find(log, label, target)->pos > search->above) { /* 6.3 */
    return KT_ERR_ABSENT;
  }
  *ret_terminal = search->above;
  return KT_OK;
}

enum kt_err toy_naive_fixed(const struct toy_log *log, uint64_t size, const char *label, uint32_t target,
                            uint64_t *ret_terminal)
{
  struct fixed search = { 0 };
  uint64_t start = 0;
  uint64_t n = size;
  while (n > 0) {
    uint64_t pos = root_of(start, n);
    uint32_t greatest = 0;
    bool exists = toy_greatest_at(log, label, pos, &greatest);
    bool expired = toy_naive_expired(log, size, pos);
    search.inspected[search.n_inspected++] = pos;
    search.expired_met = search.expired_met || expired;
    if (!expired && exists && greatest == target) { /* 5 */
      if (search.expired_met && !any_reference(log, size, &search, pos)) {
        return KT_ERR_EXPIRED;
      }
      *ret_terminal = pos;
      return KT_OK;
    }
    if (!expired && exists && greatest > target) { /* 4 */
      search.above = search.has_above && search.above < pos ? search.above : pos;
      search.has_above = true;
      n = pos - start;
    } else { /* 1, 3 */
      n = start + n - pos - 1;
      start = pos + 1;
    }
  }
  return step_6(log, size, label, target, &search, ret_terminal);
}
