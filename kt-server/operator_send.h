/* SPDX-License-Identifier: Apache-2.0 */
/* What a Service Operator sends to its Manager: values under its signature (draft: Third Parties / Management). */
#ifndef KT_SERVER_OPERATOR_SEND_H
#define KT_SERVER_OPERATOR_SEND_H

#include <kt/account_policy.h>

#include "operator.h"
#include "wire/leaf.h"
#include "wire/manager.h"

/* A failure of operator.db as a problem; said on stderr, but what ended the signing was said there already. Returns
 * err. */
enum kt_err kt_opsend_db_failed(const struct kt_operator *op, enum kt_err err, const struct kt_error *error,
                                struct kt_problem *ret_problem);
struct kt_opsend_values {
  struct kt_bytes label;
  uint32_t first_version; /* of values[0] */
  const struct kt_bytes *values;
  size_t n_values;
};
/* All of them recorded before; that the guard holds the records is seen to here. The signatures live in the arena. The
 * problem is set on every error. */
KT_MUST_USE enum kt_err kt_opsend_sign(const struct kt_operator *op, const struct kt_opsend_values *values,
                                       struct kt_arena *arena, struct kt_update_value *ret_values,
                                       struct kt_problem *ret_problem);
/* Release the reply, whatever came. */
void kt_opsend_request(const struct kt_instance *instance, struct kt_upstream *upstream,
                       const struct kt_manager_update_request *request, struct kt_upstream_reply *ret_reply);
/* The Manager has the signed version, or a later one, already (S13). */
bool kt_opsend_is_there(const struct kt_upstream_reply *reply);

struct kt_opsend_label {
  struct kt_operator *op;
  struct kt_upstream *upstream;
  struct kt_bytes label;
  const struct kt_opdb_label *row;
  const struct kt_account_terms *terms; /* on which a value is admitted */
};

/* A label has as many recorded versions that the Manager does not have as one update can skip. Another value would get
 * a version that could never be published; so one that was recorded is published first: the newest that the Manager
 * takes. KT_OK: ask what there is now. Otherwise the problem is set: KT_ERR_UNDETERMINED: the Manager took none;
 * KT_ERR_STORE, _MEMORY. */
KT_MUST_USE enum kt_err kt_opsend_recorded(const struct kt_opsend_label *send, struct kt_problem *ret_problem);

#endif
