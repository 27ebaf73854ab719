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
void kt_log_config_hash(const struct kt_config *config, struct kt_hash *ret_hash);
/* Under meta "log/config": the Configuration that heads are signed under, and one that is about to take its place (NULL:
 * none), each as its SHA-256. In the writer's transaction. */
KT_MUST_USE enum kt_err kt_log_config_put(struct kt_store_conn *writer, const struct kt_config *config,
                                          const struct kt_config *successor);
/* KT_OK: it is the one that is named there; KT_ERR_ABSENT: another could be, too: there is none, or a successor was
 * announced; KT_ERR_PROOF: others are named; KT_ERR_STORE, KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_log_config_check(struct kt_store_conn *conn, const struct kt_config *config);
/* May a log with these entries go on signing after the head of this guard? KT_ERR_CONFLICT "guard-behind": they are an
 * old copy; "guard-contradicts": of another log, or of a fork; "guard-old": the guard is an old copy itself. */
KT_MUST_USE enum kt_err kt_log_guard_judge(struct kt_store_conn *conn, const struct kt_config *config,
                                           const struct kt_log_guard *guard, struct kt_log_problem *ret_problem);

#endif
