/* SPDX-License-Identifier: Apache-2.0 */
/* The Service Operator of a log with a Third-Party Manager (draft: Third Parties / Management): "The Service Operator
 * serves only to enforce access control, authorize the addition of new versions of labels, and prevent the creation of
 * forks by the Third-Party Manager."
 *
 * It holds the leaf signing key and operator.db, and none of the log: every query is handed on to the Manager, byte for
 * byte, and answered when the head in the answer was verified (operator_heads.h). Waiting for the Manager happens in
 * workers, each with a connection of its own. */
#ifndef KT_SERVER_OPERATOR_H
#define KT_SERVER_OPERATOR_H

#include <jansson.h>

#include "operator_heads.h"
#include "wire/update.h"

struct kt_instance;
struct kt_operator;

/* instance: loaded and locked; borrowed. Errors of kt_opdb_open and kt_opheads_open. */
KT_MUST_USE enum kt_err kt_operator_open(struct kt_instance *instance, bool guard_may_be_missing,
                                         struct kt_operator **ret_operator, struct kt_error *error);
void kt_operator_close(struct kt_operator *op); /* stops first; NULL is allowed */
/* The workers, and the thread that follows the log. */
KT_MUST_USE enum kt_err kt_operator_start(struct kt_operator *op, struct kt_error *error);
/* Wait for the Manager no longer: what is under way ends as if it did not answer. From any thread. */
void kt_operator_abort(struct kt_operator *op);
/* After the work that waits. Idempotent. */
void kt_operator_stop(struct kt_operator *op);

/* In a worker's thread. */
typedef void (*kt_operator_work)(void *ctx, struct kt_upstream *upstream);
/* KT_ERR_MEMORY: it will not be done. */
KT_MUST_USE enum kt_err kt_operator_submit(struct kt_operator *op, kt_operator_work work, void *ctx);
/* A connection for somebody who is no worker. */
KT_MUST_USE enum kt_err kt_operator_connect(struct kt_operator *op, struct kt_upstream **ret_upstream);

struct kt_opheads *kt_operator_heads(struct kt_operator *op);

/* --- handing on --------------------------------------------------------------------------------------------------- */

/* body NULL: GET. has_head: the answer begins with a FullTreeHead. The answer is appended to w. */
KT_MUST_USE enum kt_err kt_operator_forward(struct kt_operator *op, struct kt_upstream *upstream, const char *path,
                                            const struct kt_bytes *body, bool has_head, struct kt_writer *w,
                                            struct kt_problem *ret_problem);

/* --- updates ------------------------------------------------------------------------------------------------------ */

struct kt_operator_order {
  const struct kt_update_request *request;
  struct kt_bytes token; /* registration token; data NULL: none */
  bool by_operator;      /* values of the operator's own, which need no account key */
};

struct kt_operator_result {
  bool inserted; /* the order's values; otherwise the answer says what exists */
  uint32_t first_version;
  uint64_t position;
};

/* Authorise (S14), record, sign, hand on, verify. The UpdateResponse is appended to w. On a failure the Manager may or
 * may not have the values: the same order again finds out, and no other value is ever signed for the same versions. */
KT_MUST_USE enum kt_err kt_operator_update(struct kt_operator *op, struct kt_upstream *upstream,
                                           const struct kt_operator_order *order, struct kt_arena *arena,
                                           struct kt_writer *w, struct kt_operator_result *ret_result,
                                           struct kt_problem *ret_problem);

/* --- administration ----------------------------------------------------------------------------------------------- */

/* How many versions the Manager is known to have, the account state after them, and the newest value (empty: none). */
KT_MUST_USE enum kt_err kt_operator_latest(struct kt_operator *op, struct kt_bytes label, struct kt_arena *arena,
                                           uint64_t *ret_n_versions, struct kt_account_state *ret_state,
                                           struct kt_bytes *ret_value, struct kt_error *error);

struct kt_opdb *kt_operator_db(struct kt_operator *op);

/* The operator's own insertions, one after the other. */
struct kt_operator_session {
  struct kt_operator *op;
  struct kt_upstream *upstream;
  struct kt_hash log_id;
};
KT_MUST_USE enum kt_err kt_operator_session_open(struct kt_operator_session *session,
                                                 const struct kt_instance *instance);
void kt_operator_session_close(struct kt_operator_session *session);
/* A new reference to {"result":…} as in operate.h, or {"result":"unchanged"}: it would say what the latest set says,
 * and skip_unchanged is set. */
json_t *kt_operator_session_insert(const struct kt_operator_session *session, const json_t *item, bool skip_unchanged);

/* kt_operate of this role (operate.h). */
json_t *kt_operator_operate(struct kt_instance *instance, const json_t *request);

#endif
