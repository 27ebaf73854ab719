/* SPDX-License-Identifier: Apache-2.0 */
/* The next device set of one's own account: what the owner approved, signed with the account key, published, verified.
 *
 * A set never carries a device that the owner did not approve: signing it would endorse it. The value's hash is kept
 * before it is sent, so that after a crash it is still known as ours. */
#ifndef KT_VERIFY_PUBLISH_H
#define KT_VERIFY_PUBLISH_H

#include <kt/ledger.h>

#include "crypto/secret.h"
#include "owner.h"

enum kt_publish_outcome {
  KT_PUBLISH_FAILED, /* and why was said */
  KT_PUBLISH_DONE,
  KT_PUBLISH_NOT_FIRST, /* the log has a version that raised alerts; nothing was published, and nothing was said */
  KT_PUBLISH_UNDECIDED, /* the list shows what nobody decided about (publish_set.h); likewise */
};

/* What the person asked for; decided anew when the log turns out to have versions we did not know. */
struct kt_publication {
  struct kt_own_label *own;
  const struct kt_secret *secret;   /* signs the set */
  const struct kt_secret *endorser; /* NULL, or what vouches for `secret` as the successor of the established key */
  const char *token;
  const struct kt_device *add; /* NULL: none; approved by being here */
  const struct kt_device_id *remove;
  size_t n_remove;
  const struct kt_account_key *add_recovery;    /* NULL: none; approved by being here */
  const struct kt_account_key *remove_recovery; /* NULL: none */
  enum kt_settlement settlement;                /* of alerts that are about no device: APPROVED or REMOVED */
  struct kt_bytes value;                        /* being published */
  uint32_t version;                             /* it got */
  uint64_t position;
  bool disregarded;
  enum kt_publish_outcome outcome;
};

/* Every device the account has or had lately, by id: in the newest version, in our newest one, in the newest that is
 * not ours. For resolving DEVICE arguments. */
KT_MUST_USE enum kt_err kt_publish_candidates(struct kt_own_label *own, struct kt_device_set *ret_set);

/* Take back every approval of this device, that of its keys included. Inside a transaction, after kt_own_load. */
KT_MUST_USE enum kt_err kt_publish_disown(struct kt_own_label *own, const struct kt_device_id *id);

/* KT_EXIT_OK: published and verified, and alerts it answers are settled. Versions of other clients that come first and raise
 * no alert are built upon; publication->outcome tells the rest. */
enum kt_exit kt_publish(struct kt_publication *publication);

#endif
