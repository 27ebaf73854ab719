/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier's feed: a received CombinedTreeProof consumed as queues (draft: Tree Proofs / Combined Tree). */
#ifndef KT_VIEW_REPLAY_H
#define KT_VIEW_REPLAY_H

#include "tree/log_tree.h"
#include "tree/prefix_tree.h"
#include "view/view.h"
#include "wire/proof.h"

struct kt_replay {
  struct kt_view view; /* what the algorithms get */
  const struct kt_combined_proof *proof;
  const struct kt_tree_state *retained;
  size_t next_timestamp;
  size_t next_prefix_proof;
  size_t next_result; /* in the series in progress */
  struct kt_prefix_search searches[UINT8_MAX];
};

/* retained: the user's state, NULL or size 0 for a first contact; borrowed, as proof, config and arena are. */
KT_MUST_USE enum kt_err kt_replay_init(struct kt_replay *replay, const struct kt_config *config, uint64_t size,
                                       const struct kt_tree_state *retained, const struct kt_combined_proof *proof,
                                       struct kt_arena *arena, struct kt_reason *reason);

/* After the algorithms: every queue exactly consumed (R56), leaf values of all entries computed, the inclusion part
 * evaluated against what was retained (R47-R49). auditor_size: also establish that tree's root; 0 for none. On success
 * every entry of the view has its prefix root, and ret_known the node values that follow. */
KT_MUST_USE enum kt_err kt_replay_finish(struct kt_replay *replay, uint64_t auditor_size,
                                         struct kt_log_known *ret_known);

/* The state that somebody retains who saw the log at `size`, as far as a finished replay established it. */
KT_MUST_USE enum kt_err kt_replay_state_at(const struct kt_replay *replay, const struct kt_log_known *known,
                                           uint64_t size, struct kt_tree_state *ret_state);
/* The state to retain after a finished replay: that of the tree it shows. */
KT_MUST_USE enum kt_err kt_replay_state(const struct kt_replay *replay, const struct kt_log_known *known,
                                        struct kt_tree_state *ret_state);

#endif
