/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Monitoring the Tree / Owner Algorithm (initialization and monitoring). */
#include "algo/algo.h"

#define SECTION "Monitoring the Tree / Owner Algorithm"

enum kt_err kt_owner_init_list(struct kt_view *view, uint64_t start, uint64_t ret_list[static KT_IBST_DEPTH_MAX],
                               size_t *ret_n)
{
  struct kt_path path;
  uint64_t start_ms;
  enum kt_err err = kt_path_walk(view, start, &path);
  if (err == KT_OK && !path.distinguished) { /* R30, S5 */
    return kt_fail_at(view->reason, KT_ERR_PROOF, "start-not-distinguished",
                      "the starting position is not a distinguished log entry", SECTION, start);
  }
  if (err == KT_OK) {
    err = kt_view_timestamp(view, start, &start_ms);
  }
  if (err != KT_OK) {
    return err;
  }
  if (kt_is_expired(view, start_ms)) { /* R30, S5 */
    return kt_fail_at(view->reason, KT_ERR_EXPIRED, "start-expired", "the starting position has expired", SECTION,
                      start);
  }
  /* "starts with the log entry at the requested starting position, followed by the log entries that are on the starting
   * position's direct path and to its left, ending just before the first expired log entry" */
  size_t n = 0;
  ret_list[n++] = start;
  for (size_t i = path.n; i-- > 0;) {
    uint64_t ms;
    if (path.nodes[i] > start) {
      continue;
    }
    err = kt_view_timestamp(view, path.nodes[i], &ms);
    if (err != KT_OK) {
      return err;
    }
    if (kt_is_expired(view, ms)) {
      break;
    }
    ret_list[n++] = path.nodes[i];
  }
  *ret_n = n;
  return KT_OK;
}

/* A full ladder that must show exactly what is expected: `version` as the greatest, or no version at all. */
static enum kt_err expect(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos, bool exists, uint32_t version,
                          const struct kt_refusal *above, const struct kt_refusal *below)
{
  if (!exists) {
    return kt_absence_ladder(view, keys, pos, above);
  }
  enum kt_verdict verdict;
  enum kt_err err = kt_bounded_ladder(view, keys, pos, version, NULL, above, &verdict);
  if (err == KT_OK && verdict == KT_BELOW) {
    err = kt_fail_at(view->reason, KT_ERR_PROOF, below->code, below->text, below->section, pos);
  }
  return err;
}

enum kt_err kt_owner_init(struct kt_view *view, struct kt_label_keys *keys, const uint64_t *list, size_t n,
                          const uint32_t *greatest, size_t n_greatest)
{
  static const struct kt_refusal other = { "owner-ladder",
                                           "a log entry does not show the greatest version claimed for it", SECTION };
  if (n_greatest > n) { /* R31 */
    return kt_fail(view->reason, KT_ERR_PROOF, "greatest-versions", "more greatest versions than log entries", SECTION);
  }
  for (size_t i = 1; i < n_greatest; i++) {
    if (greatest[i] > greatest[i - 1]) { /* "Verify that each version is less than or equal to the one prior" (R31) */
      return kt_fail_at(view->reason, KT_ERR_PROOF, "greatest-versions", "greatest versions increase towards the past",
                        SECTION, list[i]);
    }
  }
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    bool exists = i < n_greatest;
    err = expect(view, keys, list[i], exists, exists ? greatest[i] : 0, &other, &other);
  }
  return err;
}

struct owner {
  struct kt_view *view;
  struct kt_label_keys *keys;
  uint64_t start;
  const struct kt_history *history;
  struct kt_owner_progress progress;
  bool stopped;
};

/* Step 5 at one distinguished entry. */
static enum kt_err inspect(struct owner *owner, uint64_t pos)
{
  static const struct kt_refusal unexpected = {
    /* R33 */
    "owner-unexpected-version", "a log entry shows a version of the label that its owner does not know", SECTION
  };
  static const struct kt_refusal missing = { "owner-version-missing",
                                             "a version of the label is missing from a log entry that must have it",
                                             SECTION };
  bool exists;
  uint32_t version = 0;
  enum kt_err err = owner->history->greatest_at(owner->history->ctx, pos, &exists, &version);
  if (err == KT_OK) {
    err = expect(owner->view, owner->keys, pos, exists, version, &unexpected, &missing);
  }
  if (err == KT_OK) {
    owner->progress.verified = pos;
  }
  return err;
}

/* The numbered steps are the draft's. Depth is bounded by the tree's (64). */
/* NOLINTNEXTLINE(misc-no-recursion) */
static enum kt_err monitor(struct owner *owner, uint64_t pos, uint64_t left, uint64_t right)
{
  struct kt_view *view = owner->view;
  if (!kt_is_wide(view, left, right)) { /* 1 */
    return KT_OK;
  }
  uint64_t left_child;
  uint64_t right_child;
  uint64_t ms;
  bool has_left = pos > owner->start && kt_ibst_left(pos, &left_child);
  bool has_right = kt_ibst_right(pos, view->size, &right_child);
  enum kt_err err = KT_OK;
  if (has_left) { /* 3 */
    err = kt_view_timestamp(view, pos, &ms);
    if (err == KT_OK) {
      err = monitor(owner, left_child, left, ms);
    }
  }
  if (err == KT_OK && pos > owner->start && !owner->stopped) { /* 4 */
    bool more;
    err = kt_view_more(view, pos, &more);
    owner->stopped = err == KT_OK && !more;
    if (err == KT_OK && more) { /* 5 */
      err = inspect(owner, pos);
    }
  }
  if (err != KT_OK || owner->stopped || !has_right) {
    return err;
  }
  err = kt_view_timestamp(view, pos, &ms); /* 6, and 2.1 where pos is at or left of the start */
  return err == KT_OK ? monitor(owner, right_child, ms, right) : err;
}

enum kt_err kt_owner_monitor(struct kt_view *view, struct kt_label_keys *keys, uint64_t start,
                             const struct kt_history *history, struct kt_owner_progress *ret_progress)
{
  struct owner owner = {
    .view = view, .keys = keys, .start = start, .history = history, .progress = { .verified = start }
  };
  enum kt_err err = monitor(&owner, kt_ibst_root(view->size), 0, view->rightmost_ms);
  owner.progress.complete = err == KT_OK && !owner.stopped;
  *ret_progress = owner.progress;
  return err;
}
