/* SPDX-License-Identifier: Apache-2.0 */
/* Following one's own label: "for each own label: contact and owner monitoring, then a greatest-version search of the
 * label itself; when that shows more than is known, every new version is fetched with an empty UpdateRequest and
 * judged" (how the owner finds out). Each step is one query; what it verified and judged is committed together. */
#ifndef KT_VERIFY_OWNER_H
#define KT_VERIFY_OWNER_H

#include "session.h"
#include "state_accounts.h"

/* Versions judged by one answer, waiting to be committed with it. */
struct kt_judged {
  struct kt_owner_verdict verdict;
  struct kt_bytes value;
};

struct kt_own_label {
  struct kt_session *session;
  struct kt_bytes label;
  char name[4 * KT_LABEL_MAX + 8]; /* clean, for people */
  /* Taking over what was there before this home knew the account: versions signed by our key count as ours, and only
   * the newest version is worth alerts. */
  bool baseline;
  /* Not checked for so long that the log may have removed versions: they are left out, which is told. */
  bool is_late;
  uint32_t n_skipped; /* versions left out before the one asked for */
  bool transient;     /* only looking: nothing of the account is kept but here, in `kept` */
  struct kt_own_account kept;
  struct kt_own_account account;   /* as loaded by the last query, then as it committed it */
  struct kt_owner_knowledge known; /* approvals and own values */
  uint64_t start;                  /* of an owner initialization */
  bool has_shown;                  /* what the last greatest-version search showed */
  uint32_t shown;
  struct kt_judged *judged;
  size_t n_judged;
};

/* KT_EXIT_ABSENT, with nothing said: no such account in this home. */
enum kt_exit kt_own_open(struct kt_own_label *own, struct kt_session *session, struct kt_bytes label);
/* A new account with this key: owner initialization at the rightmost distinguished entry. */
enum kt_exit kt_own_create(struct kt_own_label *own, struct kt_session *session, struct kt_bytes label,
                           const struct kt_account_key *key);

/* The whole history of a label that is no account here, keeping nothing but the log's head. */
enum kt_exit kt_own_peek(struct kt_own_label *own, struct kt_session *session, struct kt_bytes label);
/* From now on the owner stands by this key: one that was lost and made anew, or brought here from another client. */
enum kt_exit kt_own_stand_by(struct kt_own_label *own, const struct kt_account_key *key);

/* The whole check. KT_EXIT_OK when everything was verified, whatever alerts it raised (they are in the ledger). */
enum kt_exit kt_own_check(struct kt_own_label *own);
/* Only: does the log show versions we have not judged? Fetch and judge them. */
enum kt_exit kt_own_refresh(struct kt_own_label *own);

/* --- parts shared with owner_start.c and publish.c ------------------------------------------------------------------------ */

/* No account yet. */
void kt_own_init(struct kt_own_label *own, struct kt_session *session, struct kt_bytes label);
/* Owner initialization at the rightmost distinguished entry. */
enum kt_exit kt_own_initialize(struct kt_own_label *own);
/* "Offline beyond the lifetime: … the owner initializes anew": the same for an account that exists, and the gap is told.
 * Only for who was away that long, by our clock; `code` is the refusal's otherwise, and for a second refusal. */
enum kt_exit kt_own_initialize_anew(struct kt_own_label *own, enum kt_exit code);

/* kt_query.load: the account and its approvals. KT_ERR_ABSENT: no such account. */
enum kt_err kt_own_load(void *ctx, struct kt_session *session);
/* Judge values first_version … as they follow on what is judged; others are left for later. Updates account. */
KT_MUST_USE enum kt_err kt_own_judge(struct kt_own_label *own, uint32_t first_version, const struct kt_bytes *values,
                                     size_t n_values, uint64_t position, uint64_t time_ms);
/* Third-party management: versions that hold nothing, as an answer proved. Nothing is judged for them. */
void kt_own_unused(struct kt_own_label *own, uint32_t first_version, uint32_t n);
/* kt_query.commit: the account, its own values, the alerts. */
enum kt_err kt_own_commit(void *ctx, struct kt_session *session);
/* The set in a value; false when it is absent or not one. */
bool kt_own_set(struct kt_session *session, struct kt_bytes value, struct kt_device_set *ret_set);

#endif
