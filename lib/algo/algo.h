/* SPDX-License-Identifier: Apache-2.0 */
/* The draft's algorithms, each written once over a view: the log runs them recording, the verifier replaying.
 *
 * kt_update_view runs first, always. Errors: KT_ERR_PROOF where a verifier has to refuse, KT_ERR_ABSENT where the
 * label or version is shown not to exist, KT_ERR_EXPIRED where a version or entry is over its lifetime, or whatever the
 * feed returned. Positions are log entries, times milliseconds. */
#ifndef KT_ALGO_ALGO_H
#define KT_ALGO_ALGO_H

#include "tree/ibst.h"
#include "tree/ladder.h"
#include "view/view.h"
#include "wire/monitor.h"

/* --- Updating Views of the Tree ------------------------------------------------------------------------------- */

KT_MUST_USE enum kt_err kt_update_view(struct kt_view *view);

/* --- Reasonable Monitoring Window, Maximum Lifetime ------------------------------------------------------------- */

/* "If the right timestamp minus the left timestamp is less than the Reasonable Monitoring Window, terminate". */
bool kt_is_wide(const struct kt_view *view, uint64_t left_ms, uint64_t right_ms);
bool kt_is_expired(const struct kt_view *view, uint64_t timestamp_ms);

/* The way from the root to an entry, and which entries on it are distinguished. Timestamps are asked for down to the
 * parent, "stopping if a non-distinguished log entry is established": below one, nothing is distinguished. */
struct kt_path {
  uint64_t nodes[KT_IBST_DEPTH_MAX]; /* root first, parent of the entry last */
  size_t n;
  size_t n_distinguished; /* nodes[0 .. n_distinguished) are distinguished */
  bool distinguished;     /* the entry itself */
};
KT_MUST_USE enum kt_err kt_path_walk(struct kt_view *view, uint64_t pos, struct kt_path *ret_path);

/* The rightmost distinguished entry; false when there is none. Needs nothing beyond the frontier's timestamps. */
KT_MUST_USE enum kt_err kt_rightmost_distinguished(struct kt_view *view, bool *ret_exists, uint64_t *ret_pos);

/* --- Binary Ladder ------------------------------------------------------------------------------------------------ */

/* Which lookups were already provided in this response, and where: an inclusion may be omitted to its right, a
 * non-inclusion to its left (draft: Greatest-Version Search / Binary Ladder). */
struct kt_shown {
  struct kt_shown_version {
    uint32_t version;
    bool included;
    bool missing;
    uint64_t included_pos; /* leftmost entry that showed inclusion */
    uint64_t missing_pos;  /* rightmost entry that showed non-inclusion */
  } versions[2 * KT_LADDER_MAX];
  size_t n;
};

/* What a search ladder says about the greatest version in its entry. */
enum kt_verdict {
  KT_BELOW = -1, /* the greatest version there is below the target */
  KT_EQUAL = 0,
  KT_ABOVE = 1,
};

/* A search binary ladder from pos. shown NULL: no omission. */
KT_MUST_USE enum kt_err kt_search_ladder(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos,
                                         uint32_t target, struct kt_shown *shown, enum kt_verdict *ret_verdict);
/* What to say when an entry shows a version it must not have. */
struct kt_refusal {
  const char *code;
  const char *text;
  const char *section;
};

/* The same where no version above the target may exist: refused as soon as one is shown, because its commitment is not
 * known and so nothing more could be said about it. Never gives KT_ABOVE. */
KT_MUST_USE enum kt_err kt_bounded_ladder(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos,
                                          uint32_t target, struct kt_shown *shown, const struct kt_refusal *above,
                                          enum kt_verdict *ret_verdict);
/* A full search ladder from an entry where the label has no version: version 0, not included. */
KT_MUST_USE enum kt_err kt_absence_ladder(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos,
                                          const struct kt_refusal *present);
/* Count as shown what a ladder from pos would have shown, whose greatest version there is known without it. */
void kt_shown_assume(struct kt_shown *shown, uint64_t pos, uint32_t target, bool exists, uint32_t greatest);
/* A monitoring binary ladder: every lookup shows inclusion (R27). */
KT_MUST_USE enum kt_err kt_monitoring_ladder(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos,
                                             uint32_t target);
/* A PrefixProof of exactly these versions, all included. */
KT_MUST_USE enum kt_err kt_inclusion_series(struct kt_view *view, struct kt_label_keys *keys, uint64_t pos,
                                            const uint32_t *versions, size_t n);

/* --- Greatest-Version Search, Fixed-Version Search ------------------------------------------------------------------ */

struct kt_found {
  uint64_t terminal; /* the search's terminal log entry */
  bool monitor;      /* terminal is right of the rightmost distinguished entry: contact monitoring is required */
};

/* target: the claimed greatest version. allow_absent (with target 0): KT_ERR_ABSENT when every inspected entry shows
 * that version 0 does not exist, the proven absence of protocol-notes. */
KT_MUST_USE enum kt_err kt_greatest_search(struct kt_view *view, struct kt_label_keys *keys, uint32_t target,
                                           bool allow_absent, struct kt_found *ret_found);
KT_MUST_USE enum kt_err kt_fixed_search(struct kt_view *view, struct kt_label_keys *keys, uint32_t target,
                                        struct kt_found *ret_found);

/* --- Monitoring the Tree ---------------------------------------------------------------------------------------------- */

struct kt_monitor_map {
  struct kt_monitor_map_entry entries[UINT8_MAX]; /* ascending by position */
  size_t n;
};

/* One step of contact monitoring: map → ret_map. In the context of owner monitoring, owner_start points to the
 * advertised start position: the final distinguished entry is then left to the owner algorithm for entries at or right
 * of it, and the entry stays in the map until kt_owner_monitor has passed that distinguished entry. */
KT_MUST_USE enum kt_err kt_contact_monitor(struct kt_view *view, struct kt_label_keys *keys,
                                           const struct kt_monitor_map *map, const uint64_t *owner_start,
                                           struct kt_monitor_map *ret_map);

/* Greatest version of the label as of an entry, from what the caller knows (the owner's state, the log's index). */
struct kt_history {
  void *ctx;
  enum kt_err (*greatest_at)(void *ctx, uint64_t pos, bool *ret_exists, uint32_t *ret_version);
};

/* Owner initialization: the entries to inspect (start first, then leftwards), R30. */
KT_MUST_USE enum kt_err kt_owner_init_list(struct kt_view *view, uint64_t start,
                                           uint64_t ret_list[static KT_IBST_DEPTH_MAX], size_t *ret_n);
/* … and their ladders against the greatest version in each; entries from n_greatest on have none (R31). */
KT_MUST_USE enum kt_err kt_owner_init(struct kt_view *view, struct kt_label_keys *keys, const uint64_t *list, size_t n,
                                      const uint32_t *greatest, size_t n_greatest);

struct kt_owner_progress {
  uint64_t verified; /* rightmost distinguished entry verified: the new start */
  bool complete;     /* no distinguished entry is left to verify */
};
/* Owner monitoring from the advertised start. A version above the one expected ends it with KT_ERR_PROOF and the reason
 * "owner-unexpected-version" (R33). */
KT_MUST_USE enum kt_err kt_owner_monitor(struct kt_view *view, struct kt_label_keys *keys, uint64_t start,
                                         const struct kt_history *history, struct kt_owner_progress *ret_progress);

/* --- Updating a Label --------------------------------------------------------------------------------------------------- */

struct kt_label_update {
  uint64_t position; /* entry where the new versions were inserted */
  bool has_previous;
  uint32_t previous;     /* greatest version before */
  uint64_t previous_pos; /* where it was inserted, or the owner's start if that is further right */
  uint32_t n_new;        /* new versions, skipped ones included, > 0 */
};
/* ret_distinguished: whether `position` is distinguished in the current tree (then no contact monitoring follows). */
KT_MUST_USE enum kt_err kt_update_label(struct kt_view *view, struct kt_label_keys *keys,
                                        const struct kt_label_update *update, const struct kt_history *history,
                                        bool *ret_distinguished);

/* --- Walking Distinguished Heads ------------------------------------------------------------------------------------------ */

/* "Recent" (ours): the 8 rightmost unexpired distinguished entries. */
#define KT_RECENT_MAX 8

/* stop may be NULL. ret_positions right to left. */
KT_MUST_USE enum kt_err kt_walk_distinguished(struct kt_view *view, const uint64_t *stop,
                                              uint64_t ret_positions[static KT_RECENT_MAX], size_t *ret_n);

/* --- Which versions a response's binary_ladder lists ----------------------------------------------------------------------- */

/* Sets of versions, ascending (search: in ladder order, kt_ladder_base). The count; at most the stated bound. */
#define KT_OWNER_INIT_VERSIONS_MAX (1 + KT_IBST_DEPTH_MAX * KT_LADDER_MAX)
#define KT_UPDATE_VERSIONS_MAX (UINT8_MAX + KT_LADDER_MAX)
size_t kt_owner_init_versions(const uint32_t *greatest, size_t n_greatest,
                              uint32_t ret_versions[static KT_OWNER_INIT_VERSIONS_MAX]);
size_t kt_update_versions(bool has_previous, uint32_t previous, uint32_t n_new,
                          uint32_t ret_versions[static KT_UPDATE_VERSIONS_MAX]);
/* Sort and drop repetitions; the count that is left. */
size_t kt_versions_sort_unique(uint32_t *versions, size_t n);

#endif
