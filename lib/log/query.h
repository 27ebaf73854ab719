/* SPDX-License-Identifier: Apache-2.0 */
/* What answering any request begins and ends with: the snapshot, `last`, the view's update; then errors as problems.
 *
 * kt_log_query_run calls the answer in between: label, keys, the algorithm over query.record->view, kt_log_query_proof,
 * write. */
#ifndef KT_LOG_QUERY_H
#define KT_LOG_QUERY_H

#include "algo/algo.h"
#include "log/engine.h"
#include "view/record.h"
#include "wire/tree_head.h"

struct kt_log_query {
  struct kt_log_reader *reader;
  const struct kt_config *config;
  struct kt_log_head head; /* the snapshot: nothing right of it is looked at */
  struct kt_arena *arena;
  struct kt_writer *w;
  size_t w_start;
  struct kt_log_problem *problem;
  struct kt_reason reason;
  struct kt_full_tree_head full_tree_head;
  struct kt_log_nodes nodes;
  struct kt_record_source source;
  struct kt_record *record;

  uint64_t generation; /* of what is kept of labels, from before the snapshot */
  struct kt_bytes label;
  uint64_t label_id; /* 0: the label does not exist */
  uint64_t n_versions;
  bool exists; /* a version exists in the snapshot */
  uint32_t greatest;
  bool has_proofs; /* what the store had of the version pair that was asked for last */
  uint32_t proofs_version;
  struct kt_store_proof_pair proofs;
  bool has_row; /* the version whose value is shown was read */
  uint32_t row_version;
  struct kt_store_version row;
  struct kt_label_keys keys;
  size_t cap_keys;

  const struct kt_log_ahead *ahead; /* an update: VRF proofs at hand; may be NULL */
  const struct kt_log_made *made;   /* an update: what it inserted; NULL: it is read */
  uint64_t made_pos;

  struct kt_optional_u32 owner_version; /* owner monitoring: what the owner knows */
  size_t n_ladders;
};

/* What a response begins with. Borrows the signatures from the head. */
struct kt_full_tree_head kt_log_full_tree_head(const struct kt_config *config, const struct kt_log_head *head,
                                               const struct kt_optional_u64 *last);

/* S2: `last` 0 is malformed, larger than the log a conflict. A log without the auditor's head answers nobody. */
KT_MUST_USE enum kt_err kt_log_check_last(const struct kt_log *log, const struct kt_optional_u64 *last,
                                          struct kt_log_problem *problem);

typedef enum kt_err (*kt_log_answer)(struct kt_log_query *query, const void *request);
/* Gives answer's error, or a failure of the writer (S10), and the problem, unless kt_log_query_refuse filled it; what
 * was written is taken back then. */
KT_MUST_USE enum kt_err kt_log_query_run(struct kt_log_reader *reader, const struct kt_optional_u64 *last,
                                         struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *problem,
                                         kt_log_answer answer, const void *request);
/* The same at a head that is not published yet: its entries are durable, its signature is not looked at. */
KT_MUST_USE enum kt_err kt_log_query_run_at(struct kt_log_reader *reader, const struct kt_log_head *head,
                                            const struct kt_optional_u64 *last, struct kt_arena *arena,
                                            struct kt_writer *w, struct kt_log_problem *problem, kt_log_answer answer,
                                            const void *request);
/* S10, "refuse, never truncate": what was written from start on when err is KT_OK, or nothing of it: err, the writer's
 * error, or KT_ERR_LIMIT when it is longer than any response. */
KT_MUST_USE enum kt_err kt_log_response_keep(const struct kt_log *log, struct kt_writer *w, size_t start,
                                             enum kt_err err);
/* Refuse with this query's problem. */
__attribute__((format(printf, 4, 5))) enum kt_err kt_log_query_refuse(struct kt_log_query *query, enum kt_err err,
                                                                      const char *code, const char *format, ...);

/* An update that was inserted, and what was kept of it: what it made need not be read. Its response is about the tree
 * of the entry that it went into, so versions that came later do not matter. */
void kt_log_query_use(struct kt_log_query *query, const struct kt_log_outcome *outcome,
                      const struct kt_log_ahead *ahead);
/* Among what was kept; NULL: it has to be read. */
const struct kt_log_new_version *kt_log_query_made(const struct kt_log_query *query, uint32_t version);
/* Greatest version in the snapshot; a label that never existed is fine, KT_ERR_EXPIRED one that was erased. */
KT_MUST_USE enum kt_err kt_log_query_label(struct kt_log_query *query, struct kt_bytes label);
/* The label has no row: refuse when it was erased. Called by kt_log_query_label. */
KT_MUST_USE enum kt_err kt_log_query_absent(struct kt_log_query *query);
/* Greatest version as of an entry; a kt_history callback with ctx a kt_log_query. */
enum kt_err kt_log_query_greatest_at(void *query, uint64_t pos, bool *ret_exists, uint32_t *ret_version);

/* The payload of this version was erased, or pruned with its lifetime: refuse accordingly. */
enum kt_err kt_log_query_gone(struct kt_log_query *query, uint32_t version);

/* The entry of an existing version, and its leaf in the prefix tree; a missing one is KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_log_query_version(struct kt_log_query *query, uint32_t version, uint64_t *ret_pos,
                                             struct kt_prefix_leaf *ret_leaf);
/* Make the search keys of these versions, none of them twice, available to the algorithms. */
KT_MUST_USE enum kt_err kt_log_query_keys(struct kt_log_query *query, const uint32_t *versions, size_t n);
/* The BinaryLadderSteps of these versions, none twice, keys included. Commitments for versions up to *commit_max (NULL:
 * none) that exist in the snapshot, except *commit_not (NULL: no exception). */
KT_MUST_USE enum kt_err kt_log_query_steps(struct kt_log_query *query, const uint32_t *versions, size_t n,
                                           const uint32_t *commit_max, const uint32_t *commit_not,
                                           const struct kt_ladder_step **ret_steps);
/* Check a monitoring map (S4) and monitor it. owner_start: as kt_contact_monitor has it. */
KT_MUST_USE enum kt_err kt_log_query_monitor(struct kt_log_query *query, const struct kt_monitor_map_entry *entries,
                                             size_t n, const uint64_t *owner_start);

/* "auditor-missing" when there is no auditor's head for the answer to carry. */
KT_MUST_USE enum kt_err kt_log_query_proof(struct kt_log_query *query, struct kt_combined_proof *ret_proof);

#endif
