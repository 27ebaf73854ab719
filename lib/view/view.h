/* SPDX-License-Identifier: Apache-2.0 */
/* What an algorithm of the draft sees of the log: timestamps of entries and lookups in their prefix trees.
 *
 * Behind the view is one of two feeds: a recorder (the log: answers from its trees and appends to the proof the first
 * time something is asked for) or a replayer (the verifier: pops the proof's queues). Every rule about "first time",
 * "monotonic", "same root twice" and "matches what was retained" lives here, once for both (draft: Tree Proofs /
 * Combined Tree). A view serves one response and lives in its arena. */
#ifndef KT_VIEW_VIEW_H
#define KT_VIEW_VIEW_H

#include <kt/config.h>
#include <kt/tree_state.h>

#include <kt/arena.h>

/* A version of the label at hand: its search key and, where known, its commitment. */
struct kt_label_key {
  uint32_t version;
  struct kt_hash vrf_output;
  bool has_commitment;
  struct kt_hash commitment;
  bool seen_included; /* some lookup of this response showed inclusion */
};

/* Sorted ascending by version, each version once. */
struct kt_label_keys {
  struct kt_label_key *keys;
  size_t n;
};

struct kt_label_key *kt_label_keys_find(const struct kt_label_keys *keys, uint32_t version);

struct kt_view_feed {
  enum kt_err (*timestamp)(void *ctx, uint64_t pos, uint64_t *ret_ms);
  /* A series of lookups in one entry's prefix tree: one PrefixProof. */
  enum kt_err (*series_begin)(void *ctx, uint64_t pos);
  enum kt_err (*lookup)(void *ctx, const struct kt_label_key *key, bool *ret_included);
  enum kt_err (*series_end)(void *ctx, struct kt_hash *ret_root);
  /* Owner monitoring's stop condition: whether a series from pos is there (replayer) or wanted (recorder). */
  enum kt_err (*more)(void *ctx, uint64_t pos, bool *ret_more);
};

/* Room for every timestamp a proof can hold, plus the retained frontier. */
#define KT_VIEW_ENTRIES_MAX (255 + KT_TREE_STATE_MAX)

struct kt_view_entry {
  uint64_t pos;
  uint64_t timestamp_ms;
  struct kt_hash prefix_root;
  bool has_root;
  bool retained; /* known from an earlier response: absent from the proof, not covered by its inclusion part */
};

struct kt_view {
  const struct kt_config *config;
  uint64_t size;                 /* of the tree the response shows */
  uint64_t retained_size;        /* of the tree the user advertised; 0: none */
  uint64_t rightmost_ms;         /* timestamp of the rightmost entry, set by kt_update_view */
  struct kt_view_entry *entries; /* ascending by position */
  size_t n_entries;
  size_t cap_entries;
  uint64_t series_pos; /* entry of the series in progress */
  const struct kt_view_feed *feed;
  void *feed_ctx;
  struct kt_arena *arena;
  struct kt_reason *reason; /* may be NULL */
};

void kt_view_init(struct kt_view *view, const struct kt_config *config, uint64_t size, const struct kt_view_feed *feed,
                  void *feed_ctx, struct kt_arena *arena, struct kt_reason *reason);
/* Declare what the user retained: a frontier entry of the advertised tree. root may be NULL (recorder). */
KT_MUST_USE enum kt_err kt_view_retain(struct kt_view *view, uint64_t pos, uint64_t timestamp_ms,
                                       const struct kt_hash *root);

/* Timestamp of an entry: asked of the feed the first time, remembered after, checked against both neighbours (R8). */
KT_MUST_USE enum kt_err kt_view_timestamp(struct kt_view *view, uint64_t pos, uint64_t *ret_ms);

/* A series of lookups from one entry. The entry's timestamp is asked for first, if it is not known yet: without it the
 * leaf could not be computed. */
KT_MUST_USE enum kt_err kt_view_series_begin(struct kt_view *view, uint64_t pos);
KT_MUST_USE enum kt_err kt_view_lookup(struct kt_view *view, struct kt_label_keys *keys, uint32_t version,
                                       bool *ret_included);
KT_MUST_USE enum kt_err kt_view_series_end(struct kt_view *view);
KT_MUST_USE enum kt_err kt_view_more(struct kt_view *view, uint64_t pos, bool *ret_more);

const struct kt_view_entry *kt_view_find(const struct kt_view *view, uint64_t pos);

#endif
