/* SPDX-License-Identifier: Apache-2.0 */
/* The log's feed for auditors (draft: Auditing), page by page in constant memory: every AuditorUpdate verified, and after
 * each page the tree that the entries lead to compared with one the log signed. What audit and the auditor share.
 *
 * The first failure is said through the session's output; callers hand the exit code up. */
#ifndef KT_VERIFY_AUDIT_FEED_H
#define KT_VERIFY_AUDIT_FEED_H

#include <kt/audit.h>

#include "audit_ahead.h"
#include "audit_recent.h"
#include "session.h"

struct kt_audit_feed {
  struct kt_session *session;
  struct kt_audit_ahead *ahead; /* several threads; NULL: page by page */
  /* The signed tree that the entries have to lead to. */
  uint64_t newest_size;
  struct kt_hash newest_root;
  /* Where the audit is. */
  struct kt_audit_state state;
  uint64_t from;   /* first entry of the audit, which may have begun in an earlier run */
  uint64_t leaves; /* added since */
  struct kt_audit_recent recent;
  /* After each entry, with state behind it; published: the rightmost distinguished entry, NULL when there is none. */
  enum kt_exit (*reached)(void *ctx, const struct kt_auditor_update *update, const uint64_t *published);
  void (*interrupt)(void *ctx); /* before a failure is said, to end a line of progress; may be NULL */
  void *ctx;
  bool stands; /* what failed does not pass by itself: asking again will not help */
};

/* --jobs of the command line, or as many threads as there are cores; one is the caller's own. */
enum kt_exit kt_audit_feed_open(struct kt_audit_feed *feed, const struct kt_cli *cli, struct kt_output *out);
/* Its threads and its memory of leaves; also of a feed that was not opened. */
void kt_audit_feed_release(struct kt_audit_feed *feed);

/* Begin at entry feed->from, which is right of 0: the log's word for the state there, checked against the signed tree. */
enum kt_exit kt_audit_feed_start(struct kt_audit_feed *feed);
/* The next page of entries, up to `target` (at most newest_size), verified one by one. They are not confirmed yet. */
enum kt_exit kt_audit_feed_page(struct kt_audit_feed *feed, uint64_t target);
/* The tree so far is the signed one's beginning. first: of the entries in question. */
enum kt_exit kt_audit_feed_confirm(struct kt_audit_feed *feed, uint64_t first);

#endif
