/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Updating a Label / Algorithm. */
#include "algo/algo.h"

#define SECTION "Updating a Label / Algorithm"

struct update {
  struct kt_view *view;
  struct kt_label_keys *keys;
  const struct kt_label_update *what;
  const struct kt_history *history;
  struct kt_shown shown;
};

static enum kt_err inconsistent(const struct update *update, uint64_t pos)
{
  return kt_fail_at(update->view->reason, KT_ERR_PROOF, "update-frontier",
                    "a log entry before the update does not show the version that was the greatest then", SECTION, pos);
}

/* Count as shown what the greatest-version search would have looked up at pos, without the log providing it. */
static enum kt_err assume_inspected(struct update *update, uint64_t pos)
{
  const struct kt_label_update *what = update->what;
  bool exists;
  uint32_t greatest = 0;
  enum kt_err err = update->history->greatest_at(update->history->ctx, pos, &exists, &greatest);
  if (err == KT_OK) {
    kt_shown_assume(&update->shown, pos, what->has_previous ? what->previous : 0, exists, greatest);
  }
  return err;
}

/* Step 2 at one frontier entry of the previous tree. */
static enum kt_err inspect_previous(struct update *update, uint64_t pos)
{
  const struct kt_label_update *what = update->what;
  uint32_t target = what->has_previous ? what->previous : 0;
  if (what->has_previous && pos <= what->previous_pos) { /* 2.1; "lookups that would occur in log entries that were
                                                            skipped … will still be omitted" */
    return assume_inspected(update, pos);
  }
  enum kt_verdict verdict; /* 2.2, 2.3 (R40) */
  enum kt_err err = kt_search_ladder(update->view, update->keys, pos, target, &update->shown, &verdict);
  if (err == KT_OK && verdict != (what->has_previous ? KT_EQUAL : KT_BELOW)) {
    return inconsistent(update, pos);
  }
  return err;
}

/* Steps 1 and 2: a greatest-version search in the previous tree, below what is distinguished now. */
static enum kt_err check_previous_tree(struct update *update)
{
  uint64_t size = update->what->position; /* of the previous tree */
  struct kt_path path;
  enum kt_err err = kt_path_walk(update->view, size - 1, &path);
  if (err != KT_OK) {
    return err;
  }
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  size_t n = kt_ibst_frontier(size, frontier);
  bool before_distinguished = false; /* frontier[i - 1] is */
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    /* Every frontier entry but the last is on the path to the last. */
    bool distinguished = i + 1 == n && path.distinguished;
    for (size_t k = 0; k < path.n_distinguished; k++) {
      distinguished = distinguished || path.nodes[k] == frontier[i];
    }
    if (!distinguished && before_distinguished) {
      /* "Lookups that would be omitted in a greatest-version search for the label are also omitted here": that search
       * would have started at the rightmost distinguished entry. */
      err = assume_inspected(update, frontier[i - 1]);
    }
    if (!distinguished && err == KT_OK) {
      err = inspect_previous(update, frontier[i]);
    }
    before_distinguished = distinguished;
  }
  return err;
}

/* New versions that the ladder of the new greatest version does not look up, ascending. */
static size_t unladdered_versions(const struct kt_label_update *what, uint32_t greatest,
                                  uint32_t ret_versions[static UINT8_MAX])
{
  size_t n = 0;
  for (uint32_t i = what->n_new; i-- > 0 && n < UINT8_MAX;) {
    if (!kt_ladder_contains(greatest, greatest - i)) {
      ret_versions[n++] = greatest - i;
    }
  }
  return n;
}

/* Steps 3 and 4 (R41). */
static enum kt_err check_new_versions(struct update *update, bool distinguished)
{
  const struct kt_label_update *what = update->what;
  uint32_t greatest = what->has_previous ? what->previous + what->n_new : what->n_new - 1;
  enum kt_err err = KT_OK;
  if (!distinguished) { /* 4 */
    enum kt_verdict verdict;
    err = kt_search_ladder(update->view, update->keys, what->position, greatest, &update->shown, &verdict);
    if (err == KT_OK && verdict != KT_EQUAL) {
      return kt_fail_at(update->view->reason, KT_ERR_PROOF, "update-missing",
                        "the new version is not the greatest one in the log entry that added it", SECTION,
                        what->position);
    }
  }
  uint32_t versions[UINT8_MAX];
  size_t n = unladdered_versions(what, greatest, versions);
  if (err == KT_OK && n > 0) {
    err = kt_inclusion_series(update->view, update->keys, what->position, versions, n);
  }
  return err;
}

enum kt_err kt_update_label(struct kt_view *view, struct kt_label_keys *keys, const struct kt_label_update *what,
                            const struct kt_history *history, bool *ret_distinguished)
{
  if (what->n_new == 0 || what->n_new > UINT8_MAX ||
      (what->has_previous && what->previous > UINT32_MAX - what->n_new)) { /* R18 */
    return kt_fail(view->reason, KT_ERR_PROOF, "version-overflow", "the number of new versions is impossible", SECTION);
  }
  if (what->position == 0 || what->position >= view->size) {
    return kt_fail(view->reason, KT_ERR_PROOF, "update-position", "the update's position is outside the log", SECTION);
  }
  struct update update = { .view = view, .keys = keys, .what = what, .history = history };
  struct kt_path path;
  enum kt_err err = check_previous_tree(&update);
  if (err == KT_OK) {
    err = kt_path_walk(view, what->position, &path);
  }
  if (err == KT_OK) {
    err = check_new_versions(&update, path.distinguished);
  }
  if (err == KT_OK) {
    *ret_distinguished = path.distinguished;
  }
  return err;
}
