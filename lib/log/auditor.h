/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's newest head inside the engine: stored under the Configuration it was made for, loaded at opening,
 * demanded of every answer to a client (draft: Auditor Tree Head Signature). */
#ifndef KT_LOG_AUDITOR_H
#define KT_LOG_AUDITOR_H

#include "log/engine.h"

/* Into log->auditor; one that was made for another Configuration is left out. log->tip is loaded. */
KT_MUST_USE enum kt_err kt_log_auditor_load(struct kt_log *log, struct kt_log_problem *problem);
/* In the writer's transaction. */
KT_MUST_USE enum kt_err kt_log_auditor_put(struct kt_log *log, const struct kt_log_auditor_head *head);
/* What is wrong with a head of a log of `size` entries (static text), NULL: nothing. */
const char *kt_log_auditor_check(struct kt_store_conn *conn, const struct kt_config *config,
                                 const struct kt_log_auditor_head *head, uint64_t size);
/* "In auditing mode the server answers 503 until the first auditor head is there." */
KT_MUST_USE enum kt_err kt_log_auditor_require(const struct kt_log *log, const struct kt_log_head *head,
                                               struct kt_log_problem *problem);

#endif
