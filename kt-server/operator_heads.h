/* SPDX-License-Identifier: Apache-2.0 */
/* The Service Operator's watch over its Manager's log: "The service operator MUST implement some mechanism to detect
 * when forks are presented by the third-party manager" (architecture draft: Third-Party Management).
 *
 * No head reaches a user before the operator verified that it belongs to the one log it has followed since it began:
 * the operator keeps a verifier's state of its own, asks for what is missing, and checks the head's signature over its
 * own root of that size. A new head is durable here before it is handed on. When the Manager shows another log or an
 * older one, evidence is written to DIR/evidence and nothing is handed on any more until a person has moved it away.
 *
 * Thread-safe; calls may wait for the Manager. Problems are set on every error:
 *   KT_ERR_UNDETERMINED  503: the Manager cannot be asked now, or its newest entry is outside the clock's bounds
 *   KT_ERR_PROOF         503: what it answered does not verify; "manager-fork", "manager-rollback": for good
 *   KT_ERR_STORE, _MEMORY */
#ifndef KT_SERVER_OPERATOR_HEADS_H
#define KT_SERVER_OPERATOR_HEADS_H

#include <kt/client.h>

#include "operator_db.h"
#include "upstream.h"

struct kt_opheads;

struct kt_opheads_options {
  const struct kt_config *config; /* all borrowed */
  struct kt_bytes config_bytes;
  const char *dir;
  struct kt_opdb *db;
};

/* KT_ERR_PROOF: there is evidence against the Manager, or the last verified head is damaged. */
KT_MUST_USE enum kt_err kt_opheads_open(const struct kt_opheads_options *options, struct kt_opheads **ret_heads,
                                        struct kt_error *error);
void kt_opheads_close(struct kt_opheads *heads); /* NULL is allowed */

/* Follow the log to its newest head. */
KT_MUST_USE enum kt_err kt_opheads_refresh(struct kt_opheads *heads, struct kt_upstream *upstream,
                                           struct kt_problem *ret_problem);
struct kt_opheads_answer {
  uint64_t size_before; /* kt_opheads_status when the request was sent */
  uint64_t last;        /* of the request; 0: none */
  struct kt_bytes response;
};
/* May this response, which begins with a FullTreeHead, be handed on? Not when it shows an older log than the operator
 * had seen when it asked, even where that is what the user has seen. */
KT_MUST_USE enum kt_err kt_opheads_check(struct kt_opheads *heads, struct kt_upstream *upstream,
                                         const struct kt_opheads_answer *answer, struct kt_problem *ret_problem);

struct kt_opheads_status {
  uint64_t size; /* 0: no head was verified yet */
  struct kt_hash root;
  uint64_t timestamp_ms; /* of the rightmost entry */
  bool is_halted;
};
void kt_opheads_status(struct kt_opheads *heads, struct kt_opheads_status *ret_status);

#endif
