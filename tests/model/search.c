/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Greatest-Version Search / Algorithm, Fixed-Version Search / Algorithm. */
#include "model.h"

/* "the terminal log entry of the search is to the right of the rightmost distinguished log entry" */
static void set_found(const struct model_run *run, uint64_t terminal, struct model_found *ret_found)
{
  uint64_t rightmost = model_rightmost_distinguished(run);
  ret_found->terminal = terminal;
  ret_found->monitor = rightmost == MODEL_NONE || terminal > rightmost;
}

enum model_outcome model_greatest_search(struct model_run *run, struct model_found *ret_found)
{
  int64_t greatest = model_greatest_at(run->log, run->size - 1);
  uint32_t target = greatest < 0 ? 0 : (uint32_t)greatest;
  uint64_t terminal = MODEL_NONE;
  uint64_t pos = model_rightmost_distinguished(run);
  for (pos = pos == MODEL_NONE ? run->bst.root : pos; pos != MODEL_NONE; pos = run->bst.right[pos]) {
    model_look_search(run, pos, target, true, true);
    /* "the leftmost log entry inspected that contains the greatest version of the label" */
    if (terminal == MODEL_NONE && model_greatest_at(run->log, pos) == greatest) {
      terminal = pos;
    }
  }
  if (greatest < 0) {
    return MODEL_ABSENT;
  }
  set_found(run, terminal, ret_found);
  return MODEL_OK;
}

static enum model_outcome step_5(const struct model_run *run, uint64_t pos)
{
  uint64_t path[MODEL_ENTRIES_MAX];
  size_t n = model_direct_path(&run->bst, pos, path);
  bool any_expired = false;
  bool any_checked = run->distinguished[pos];
  for (size_t i = 0; i < n; i++) {
    any_expired = any_expired || run->expired[path[i]];
    any_checked = any_checked || (path[i] < pos && run->distinguished[path[i]] && !run->expired[path[i]]);
  }
  return !any_expired || any_checked ? MODEL_OK : MODEL_EXPIRED;
}

/* inspected: every entry the search came to, expired ones too. */
static enum model_outcome step_6(struct model_run *run, uint32_t target, const uint64_t *inspected, size_t n,
                                 uint64_t *ret_terminal)
{
  uint64_t identified = MODEL_NONE;
  for (size_t i = 0; i < n; i++) {
    if (!run->expired[inspected[i]] && model_indicates(run, inspected[i], target) > 0 && inspected[i] < identified) {
      identified = inspected[i];
    }
  }
  if (identified == MODEL_NONE) { /* 6.1 */
    return MODEL_ABSENT;
  }
  bool any_expired = false;
  bool any_checked = false;
  for (size_t i = 0; i < n; i++) { /* 6.2 */
    uint64_t pos = inspected[i];
    any_expired = any_expired || run->expired[pos];
    any_checked = any_checked || (!run->expired[pos] && run->distinguished[pos] && pos < identified);
  }
  if (any_expired && !any_checked) {
    return MODEL_EXPIRED;
  }
  model_lookups(run, identified, &target, 1); /* 6.3 */
  *ret_terminal = identified;
  return target <= model_greatest_at(run->log, identified) ? MODEL_OK : MODEL_ABSENT;
}

enum model_outcome model_fixed_search(struct model_run *run, uint32_t target, struct model_found *ret_found)
{
  uint64_t inspected[MODEL_ENTRIES_MAX];
  size_t n = 0;
  uint64_t pos = run->bst.root;
  uint64_t terminal = MODEL_NONE;
  enum model_outcome outcome = MODEL_REFUSED;
  while (pos != MODEL_NONE && terminal == MODEL_NONE) {
    int indicates = -1; /* 1: to the right, without a ladder */
    inspected[n++] = pos;
    (void)model_timestamp(run, pos);
    if (!run->expired[pos]) { /* 2 */
      model_look_search(run, pos, target, true, true);
      indicates = model_indicates(run, pos, target);
    }
    if (indicates == 0) { /* 5 */
      terminal = pos;
      outcome = step_5(run, pos);
    }
    pos = indicates < 0 ? run->bst.right[pos] : run->bst.left[pos]; /* 3, 4 */
  }
  if (terminal == MODEL_NONE) {
    outcome = step_6(run, target, inspected, n, &terminal);
  }
  if (outcome == MODEL_OK) {
    set_found(run, terminal, ret_found);
  }
  return outcome;
}
