/* SPDX-License-Identifier: Apache-2.0 */
/* The published head as the store keeps it, with its signature: each commit puts the head that was published before it,
 * so that a copy of the store can be served by somebody who cannot sign (kt_log_options.read_only).
 *
 *   struct { uint64 size; uint64 timestamp; HashValue root; opaque signature<0..2^16-1>; } StoredHead;
 *   under meta "log/head" */
#ifndef KT_LOG_PUBLISHED_H
#define KT_LOG_PUBLISHED_H

#include "log/log.h"

/* In the writer's transaction. Without head->auditor, which is stored on its own. */
KT_MUST_USE enum kt_err kt_log_head_put(struct kt_store_conn *writer, const struct kt_config *config,
                                        const struct kt_log_head *head);
/* The stored head, once it fits the stored entries (size, timestamp, root) and its signature is by the Configuration's
 * key. KT_ERR_ABSENT: there is none; KT_ERR_PROOF: it does not fit, *ret_what is the reason (static text);
 * KT_ERR_STORE, KT_ERR_MEMORY: *ret_what is NULL. */
KT_MUST_USE enum kt_err kt_log_head_get(struct kt_store_conn *conn, const struct kt_config *config,
                                        struct kt_log_head *ret_head, const char **ret_what);
/* May a log with these entries go on signing after the head of this guard? KT_ERR_CONFLICT "guard-behind": they are an
 * old copy; "guard-contradicts": of another log, or of a fork; "guard-old": the guard is an old copy itself. */
KT_MUST_USE enum kt_err kt_log_guard_judge(struct kt_store_conn *conn, const struct kt_config *config,
                                           const struct kt_log_guard *guard, struct kt_log_problem *ret_problem);

#endif
