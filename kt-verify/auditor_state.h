/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's memory: home/auditor.db (SQLite), locked for as long as the process runs (docs/formats.md, Auditor state).
 *
 * What it holds was confirmed against a head the log signed: the state between two entries, the leaves that no
 * distinguished entry has published (step 5), that head, and the last tree that was, or was about to be, signed. A page of
 * entries is one transaction; every commit is durable before it returns. KT_ERR_STORE: db.error says how. */
#ifndef KT_VERIFY_AUDITOR_STATE_H
#define KT_VERIFY_AUDITOR_STATE_H

#include <kt/audit.h>

#include "audit_recent.h"
#include "state.h"

struct kt_auditor_progress {
  uint64_t from; /* first entry */
  uint64_t leaves;
  uint64_t complete_from; /* kt_audit_recent */
  struct kt_audit_state audit;
  struct kt_seen_head head; /* the log's head that confirmed it; borrows */
};

struct kt_auditor_state {
  struct kt_state db;
  int lock_fd; /* -1: not held */
};

/* KT_ERR_UNDETERMINED: another process holds the folder. KT_ERR_DENIED: it cannot be used (errno), or is
 * open to others (db.error). KT_ERR_UNSUPPORTED: written by a newer version. kt_auditor_state_close is needed in any case. */
KT_MUST_USE enum kt_err kt_auditor_state_open(const char *home, struct kt_auditor_state *ret_state);
void kt_auditor_state_close(struct kt_auditor_state *state);

/* KT_ERR_ABSENT: nothing audited. KT_ERR_CONFLICT: it is another log's. recent is to be empty, and filled. */
KT_MUST_USE enum kt_err kt_auditor_state_load(struct kt_auditor_state *state, const struct kt_hash *log_id,
                                              struct kt_arena *arena, struct kt_auditor_progress *ret_progress,
                                              struct kt_audit_recent *recent);

/* One page: begin, the leaves of each entry, then commit with what it led to; or rollback. */
KT_MUST_USE enum kt_err kt_auditor_state_begin(struct kt_auditor_state *state);
KT_MUST_USE enum kt_err kt_auditor_state_add(struct kt_auditor_state *state, uint64_t pos,
                                             const struct kt_auditor_update *update, const uint64_t *published);
KT_MUST_USE enum kt_err kt_auditor_state_commit(struct kt_auditor_state *state, const struct kt_hash *log_id,
                                                const struct kt_auditor_progress *progress);
void kt_auditor_state_rollback(struct kt_auditor_state *state);

/* The tree that this home signed last, or was about to. KT_ERR_ABSENT: none. */
KT_MUST_USE enum kt_err kt_auditor_state_intended(struct kt_auditor_state *state, uint64_t *ret_size,
                                                  struct kt_hash *ret_root);
/* Before a signature is made: this tree is going to be signed. KT_ERR_CONFLICT: another root of this size, or a larger
 * tree, was signed. Durable on return. */
KT_MUST_USE enum kt_err kt_auditor_state_intend(struct kt_auditor_state *state, uint64_t size,
                                                const struct kt_hash *root);

#endif
