/* SPDX-License-Identifier: Apache-2.0 */
/* VRF proofs and outputs of a label's versions: from the store's cache, or computed (draft: Verifiable Random
 * Function). They dominate every other cost, so each is computed once. */
#ifndef KT_LOG_VRF_H
#define KT_LOG_VRF_H

#include "log/engine.h"

/* The proof of each list[i].version, with its output. */
KT_MUST_USE enum kt_err kt_log_vrf_prove(const struct kt_log *log, struct kt_bytes label,
                                         struct kt_store_new_proof *list, size_t n);
KT_MUST_USE enum kt_err kt_log_vrf_output(const struct kt_log *log, struct kt_bytes label, uint32_t version,
                                          struct kt_hash *ret_output);
/* Adds those of the versions that are not stored, without their proofs. label_id 0: the label does not exist, so none
 * is. The list has room. */
KT_MUST_USE enum kt_err kt_log_vrf_unstored(struct kt_store_conn *conn, uint64_t label_id, const uint32_t *versions,
                                            size_t n, struct kt_store_new_proof *list, size_t *n_list);

/* These proofs, and those that wait for a transaction, in one of their own. The caller holds round_lock; sorts the
 * list. A failure for good ends the log, so that it need not be looked at. */
enum kt_err kt_log_put_more(struct kt_log *log, struct kt_store_new_proof *list, size_t n,
                            struct kt_log_problem *problem);
/* Those that wait alone. The caller holds round_lock. Those that cannot be
 * stored are dropped. */
void kt_log_store_proofs(struct kt_log *log);

#endif
