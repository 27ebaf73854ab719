/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Greatest-Version Search, Fixed-Version Search. */
#include "algo/algo.h"

#define GREATEST "Greatest-Version Search / Algorithm"
#define FIXED "Fixed-Version Search / Algorithm"

/* "If … the terminal log entry of the search is to the right of the rightmost distinguished log entry, the user MUST
 * monitor the label". */
static bool needs_monitoring(bool any_distinguished, uint64_t rightmost_distinguished, uint64_t terminal)
{
  return !any_distinguished || terminal > rightmost_distinguished;
}

/* Steps 1 and 2 at one entry. */
static enum kt_err inspect_greatest(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos, uint32_t target,
                                    bool allow_absent, struct kt_shown *shown, enum kt_verdict *ret_verdict)
{
  static const struct kt_refusal above = { /* "every lookup for a version greater than the target version results in a
                                              non-inclusion proof" (R20) */
                                           "greater-version", "a version above the claimed greatest one exists",
                                           GREATEST
  };
  enum kt_err err = kt_bounded_ladder(view, keys, pos, target, shown, &above, ret_verdict);
  if (err == KT_OK && *ret_verdict == KT_BELOW && pos == view->size - 1) { /* "If this is the rightmost log entry …"
                                                                              (R21) */
    return allow_absent
               ? KT_ERR_ABSENT
               : kt_fail_at(view->reason, KT_ERR_PROOF, "greatest-missing",
                            "the claimed greatest version is missing from the newest log entry", GREATEST, pos);
  }
  return err;
}

enum kt_err kt_greatest_search(struct kt_view *view, struct kt_label_keys *keys, uint32_t target, bool allow_absent,
                               struct kt_found *ret_found)
{
  bool any_distinguished;
  uint64_t rightmost;
  enum kt_err err = kt_rightmost_distinguished(view, &any_distinguished, &rightmost);
  if (err != KT_OK) {
    return err;
  }
  struct kt_shown shown = { 0 };
  struct kt_found found = { 0 };
  bool has_terminal = false;
  uint64_t pos = any_distinguished ? rightmost : kt_ibst_root(view->size);
  do {
    enum kt_verdict verdict;
    err = inspect_greatest(view, keys, pos, target, allow_absent && target == 0, &shown, &verdict);
    if (err != KT_OK) {
      return err;
    }
    if (verdict == KT_EQUAL && !has_terminal) {
      found.terminal = pos;
      has_terminal = true;
    }
  } while (kt_ibst_right(pos, view->size, &pos)); /* step 3 */
  found.monitor = needs_monitoring(any_distinguished, rightmost, found.terminal);
  *ret_found = found;
  return KT_OK;
}

struct fixed {
  struct kt_view *view;
  struct kt_label_keys *keys;
  uint32_t target;
  struct kt_shown shown;
  bool expired_met; /* some inspected entry is expired */
  bool has_above;   /* leftmost inspected entry whose ladder shows a greater version */
  uint64_t above;
  bool has_distinguished; /* leftmost inspected entry that is unexpired and distinguished */
  uint64_t distinguished;
};

static enum kt_err version_expired(const struct fixed *search, uint64_t pos)
{
  return kt_fail_at(search->view->reason, KT_ERR_EXPIRED, "version-expired", "this version of the label has expired",
                    FIXED, pos);
}

static enum kt_err version_absent(const struct fixed *search, uint64_t pos)
{
  return kt_fail_at(search->view->reason, KT_ERR_ABSENT, "version-absent", "this version of the label does not exist",
                    FIXED, pos);
}

/* Step 5: the ladder at pos shows that the target is the greatest version there. The entries of its direct path are
 * those inspected before it. */
static enum kt_err found_equal(const struct fixed *search, uint64_t pos)
{
  if (!search->expired_met || (search->has_distinguished && search->distinguished <= pos)) {
    return KT_OK;
  }
  return version_expired(search, pos); /* R23 */
}

/* Step 6: no unexpired entry has the target as its greatest version. */
static enum kt_err found_above(struct fixed *search)
{
  if (!search->has_above) { /* 6.1 */
    return version_absent(search, search->view->size - 1);
  }
  uint64_t pos = search->above;
  /* 6.2, with "Clients MUST NOT accept a proof where the identified log entry is itself the leftmost unexpired and
   * distinguished log entry" (R24): hence strictly to the left. */
  if (search->expired_met && !(search->has_distinguished && search->distinguished < pos)) {
    return version_expired(search, pos);
  }
  bool included = false; /* 6.3 */
  enum kt_err err = kt_view_series_begin(search->view, pos);
  if (err == KT_OK) {
    err = kt_view_lookup(search->view, search->keys, search->target, &included);
  }
  if (err == KT_OK) {
    err = kt_view_series_end(search->view);
  }
  if (err == KT_OK && !included) { /* R26 */
    return version_absent(search, pos);
  }
  return err;
}

/* Steps 2 to 4 at an unexpired entry. */
static enum kt_err inspect(struct fixed *search, uint64_t pos, bool distinguished, enum kt_verdict *ret_verdict)
{
  if (distinguished && (!search->has_distinguished || pos < search->distinguished)) {
    search->has_distinguished = true;
    search->distinguished = pos;
  }
  enum kt_err err = kt_search_ladder(search->view, search->keys, pos, search->target, &search->shown, ret_verdict);
  if (err == KT_OK && *ret_verdict == KT_ABOVE && (!search->has_above || pos < search->above)) {
    search->has_above = true;
    search->above = pos;
  }
  return err;
}

/* Walk down from the root until step 5 or 6; ret_terminal is the entry that decided. */
static enum kt_err descend(struct fixed *search, uint64_t *ret_terminal)
{
  struct kt_view *view = search->view;
  uint64_t pos = kt_ibst_root(view->size);
  uint64_t left = 0;
  uint64_t right = view->rightmost_ms;
  bool distinguished = true; /* of every entry above; whether an entry is follows from the path's own timestamps */
  for (;;) {
    uint64_t ms;
    enum kt_verdict verdict = KT_BELOW; /* step 1: an expired entry is passed on its right without a ladder (R25) */
    enum kt_err err = kt_view_timestamp(view, pos, &ms);
    distinguished = distinguished && kt_is_wide(view, left, right);
    if (err == KT_OK && kt_is_expired(view, ms)) {
      search->expired_met = true;
    } else if (err == KT_OK) {
      err = inspect(search, pos, distinguished, &verdict);
    }
    if (err != KT_OK) {
      return err;
    }
    if (verdict == KT_EQUAL) {
      *ret_terminal = pos;
      return found_equal(search, pos);
    }
    uint64_t child;
    bool has_child = verdict == KT_ABOVE ? kt_ibst_left(pos, &child) : kt_ibst_right(pos, view->size, &child);
    if (!has_child) {
      *ret_terminal = search->above;
      return found_above(search);
    }
    if (verdict == KT_ABOVE) {
      right = ms;
    } else {
      left = ms;
    }
    pos = child;
  }
}

enum kt_err kt_fixed_search(struct kt_view *view, struct kt_label_keys *keys, uint32_t target,
                            struct kt_found *ret_found)
{
  struct fixed search = { .view = view, .keys = keys, .target = target };
  bool any_distinguished;
  uint64_t rightmost;
  uint64_t terminal;
  enum kt_err err = kt_rightmost_distinguished(view, &any_distinguished, &rightmost);
  if (err == KT_OK) {
    err = descend(&search, &terminal);
  }
  if (err == KT_OK) {
    *ret_found =
        (struct kt_found){ .terminal = terminal, .monitor = needs_monitoring(any_distinguished, rightmost, terminal) };
  }
  return err;
}
