/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a question, for those who ask one (session.c) and those who ask many at once (session_batch.c). */
#ifndef KT_VERIFY_SESSION_PARTS_H
#define KT_VERIFY_SESSION_PARTS_H

#include "session.h"

#define KT_SESSION_REQUEST_MAX ((size_t)1 << 20)
#define KT_SESSION_CONFLICTS_MAX 8 /* then somebody else is always faster */

/* Inside a transaction: what is retained of the log, into session->pinned. KT_ERR_CONFLICT: another configuration was
 * pinned meanwhile. */
KT_MUST_USE enum kt_err kt_session_load_log(struct kt_session *session);
/* Inside a transaction: a verified head is the one to go on from. */
KT_MUST_USE enum kt_err kt_session_commit_head(struct kt_session *session, const struct kt_log_state *log,
                                               uint64_t now_ms);
/* Borrows. */
struct kt_seen_head kt_session_head_of(const struct kt_session *session, const struct kt_log_state *log,
                                       uint64_t now_ms);

/* Verify against session->pinned->log: query->err and query->reason. It touches nothing else of the session, so with an
 * arena and a query of its own another thread may do it. */
void kt_query_verify(const struct kt_session *session, struct kt_query *query, struct kt_bytes response,
                     uint64_t now_ms, struct kt_arena *arena, struct kt_log_state *ret_log);
/* Say how that ended; after a refuted answer find out whether there is more to it, and keep it. */
enum kt_exit kt_query_report(struct kt_session *session, const struct kt_query *query, struct kt_bytes request,
                             struct kt_bytes response);

#endif
