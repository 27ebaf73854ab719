/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Binary Ladder, over a view. */
#include "algo/algo.h"

#define SECTION "Greatest-Version Search / Binary Ladder"

static struct kt_shown_version *shown_slot(struct kt_shown *shown, uint32_t version)
{
  for (size_t i = 0; i < shown->n; i++) {
    if (shown->versions[i].version == version) {
      return &shown->versions[i];
    }
  }
  struct kt_shown_version *slot = &shown->versions[shown->n++];
  *slot = (struct kt_shown_version){ .version = version };
  return slot;
}

static void show(struct kt_shown_version *slot, uint64_t pos, bool included)
{
  if (included) {
    slot->included_pos = slot->included && slot->included_pos < pos ? slot->included_pos : pos;
    slot->included = true;
  } else {
    slot->missing_pos = slot->missing && slot->missing_pos > pos ? slot->missing_pos : pos;
    slot->missing = true;
  }
}

/* Whether the lookup may be omitted at pos, and its outcome then. */
static bool is_omitted(const struct kt_shown_version *slot, uint64_t pos, bool *ret_included)
{
  if (slot->included && slot->included_pos < pos) {
    *ret_included = true;
    return true;
  }
  if (slot->missing && slot->missing_pos > pos) {
    *ret_included = false;
    return true;
  }
  return false;
}

static enum kt_err look(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos, uint32_t version,
                        struct kt_shown *shown, bool *ret_included)
{
  struct kt_shown_version *slot = shown != NULL ? shown_slot(shown, version) : NULL;
  if (slot != NULL && is_omitted(slot, pos, ret_included)) {
    return KT_OK;
  }
  enum kt_err err = kt_view_lookup(view, keys, version, ret_included);
  if (err == KT_OK && slot != NULL) {
    show(slot, pos, *ret_included);
  }
  return err;
}

/* "the series of lookups ends after the first inclusion proof for a version greater than the target version, or the
 * first non-inclusion proof for a version less than or equal to the target version." (R19) The series stays open. */
static enum kt_err look_until_decided(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos, uint32_t target,
                                      struct kt_shown *shown, enum kt_verdict *ret_verdict)
{
  uint32_t versions[KT_LADDER_MAX];
  size_t n = kt_ladder_base(target, versions);
  enum kt_verdict verdict = KT_EQUAL;
  enum kt_err err = kt_view_series_begin(view, pos);
  for (size_t i = 0; err == KT_OK && verdict == KT_EQUAL && i < n; i++) {
    bool included;
    err = look(view, keys, pos, versions[i], shown, &included);
    if (err == KT_OK && included != (versions[i] <= target)) {
      verdict = included ? KT_ABOVE : KT_BELOW;
    }
  }
  if (err == KT_OK) {
    *ret_verdict = verdict;
  }
  return err;
}

enum kt_err kt_search_ladder(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos, uint32_t target,
                             struct kt_shown *shown, enum kt_verdict *ret_verdict)
{
  enum kt_verdict verdict;
  enum kt_err err = look_until_decided(view, keys, pos, target, shown, &verdict);
  if (err == KT_OK) {
    err = kt_view_series_end(view);
  }
  if (err == KT_OK) {
    *ret_verdict = verdict;
  }
  return err;
}

static enum kt_err refuse(const struct kt_view *view, uint64_t pos, const struct kt_refusal *refusal)
{
  return kt_fail_at(view->reason, KT_ERR_PROOF, refusal->code, refusal->text, refusal->section, pos);
}

enum kt_err kt_bounded_ladder(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos, uint32_t target,
                              struct kt_shown *shown, const struct kt_refusal *above, enum kt_verdict *ret_verdict)
{
  enum kt_verdict verdict;
  enum kt_err err = look_until_decided(view, keys, pos, target, shown, &verdict);
  if (err == KT_OK && verdict == KT_ABOVE) {
    return refuse(view, pos, above);
  }
  if (err == KT_OK) {
    err = kt_view_series_end(view);
  }
  if (err == KT_OK) {
    *ret_verdict = verdict;
  }
  return err;
}

enum kt_err kt_absence_ladder(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos,
                              const struct kt_refusal *present)
{
  bool included;
  enum kt_err err = kt_view_series_begin(view, pos);
  if (err == KT_OK) {
    err = kt_view_lookup(view, keys, 0, &included);
  }
  if (err == KT_OK && included) {
    return refuse(view, pos, present);
  }
  return err == KT_OK ? kt_view_series_end(view) : err;
}

void kt_shown_assume(struct kt_shown *shown, uint64_t pos, uint32_t target, bool exists, uint32_t greatest)
{
  uint32_t versions[KT_LADDER_MAX];
  size_t n = kt_ladder_base(target, versions);
  for (size_t i = 0; i < n; i++) {
    bool included = exists && versions[i] <= greatest;
    struct kt_shown_version *slot = shown_slot(shown, versions[i]);
    bool known;
    if (!is_omitted(slot, pos, &known)) {
      show(slot, pos, included);
    }
    if (included != (versions[i] <= target)) {
      return;
    }
  }
}

enum kt_err kt_inclusion_series(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos,
                                const uint32_t *versions, size_t n)
{
  enum kt_err err = kt_view_series_begin(view, pos);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    bool included;
    err = kt_view_lookup(view, keys, versions[i], &included);
    if (err == KT_OK && !included) {
      err = kt_fail_at(view->reason, KT_ERR_PROOF, "version-missing",
                       "a version that exists is missing from a log entry", SECTION, pos);
    }
  }
  return err == KT_OK ? kt_view_series_end(view) : err;
}

enum kt_err kt_monitoring_ladder(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos, uint32_t target)
{
  uint32_t versions[KT_LADDER_MAX];
  return kt_inclusion_series(view, keys, pos, versions, kt_ladder_monitoring(target, versions));
}
