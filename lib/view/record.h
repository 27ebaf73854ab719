/* SPDX-License-Identifier: Apache-2.0 */
/* The log's feed: answers from its trees and appends to the proof the first time something is asked for (draft:
 * CombinedTreeProof Implementation). */
#ifndef KT_VIEW_RECORD_H
#define KT_VIEW_RECORD_H

#include "tree/log_tree.h"
#include "tree/prefix_tree.h"
#include "view/view.h"
#include "wire/proof.h"

struct kt_record_entry {
  uint64_t timestamp_ms;
  struct kt_prefix_child prefix_root;
};

/* Where the log's data comes from. */
struct kt_record_source {
  void *ctx;
  enum kt_err (*entry)(void *ctx, uint64_t pos, struct kt_record_entry *ret_entry);
  enum kt_err (*log_node)(void *ctx, struct kt_log_node node, struct kt_hash *ret_value);
  /* Owner monitoring may stop before pos (a newer version exists there, or the response is long enough); NULL: never. */
  enum kt_err (*more)(void *ctx, uint64_t pos, bool *ret_more);
  struct kt_prefix_nodes prefix_nodes;
};

struct kt_record {
  struct kt_view view;
  const struct kt_record_source *source;
  struct kt_prefix_child root; /* of the tree that is looked into */
  struct kt_prefix_lookup *lookups;
  size_t n_lookups;
  size_t cap_lookups;
  uint64_t *timestamps;
  size_t n_timestamps;
  size_t cap_timestamps;
  struct kt_prefix_proof *prefix_proofs;
  size_t n_prefix_proofs;
  size_t cap_prefix_proofs;
};

/* retained_size: what the user advertised, 0 for nothing. */
KT_MUST_USE enum kt_err kt_record_init(struct kt_record *record, const struct kt_config *config, uint64_t size,
                                       uint64_t retained_size, const struct kt_record_source *source,
                                       struct kt_arena *arena, struct kt_reason *reason);
/* The finished proof; borrows from record and arena. */
KT_MUST_USE enum kt_err kt_record_finish(struct kt_record *record, uint64_t auditor_size,
                                         struct kt_combined_proof *ret_proof);

#endif
