/* SPDX-License-Identifier: Apache-2.0 */
/* The next device set of one's own account: which devices and recovery keys it lists, and what the owner has to decide
 * before anything is signed.
 *
 * "A set never carries a device that the owner did not approve: signing it would endorse it." The other way round, a
 * device that another client of the owner's added must not be dropped by a client that merely does not know it. So
 * nothing is signed over the head of a list made with our own key as long as it shows something nobody decided about.
 * The functions read what kt_own_load loaded. */
#ifndef KT_VERIFY_PUBLISH_SET_H
#define KT_VERIFY_PUBLISH_SET_H

#include "publish.h"

const struct kt_device *kt_publish_find(const struct kt_device *devices, size_t n, const struct kt_device_id *id);

/* The newest version carries our signature, in its place: contacts trust it already. */
bool kt_publish_is_ours(const struct kt_own_label *own);
/* Approved here, by its fingerprint as a device's key is. */
bool kt_publish_knows_recovery_key(const struct kt_own_label *own, const struct kt_account_key *key);

bool kt_publish_removes(const struct kt_publication *publication, const struct kt_device_id *id);
/* The new set would leave out this device, or this recovery key, without having been told to. */
bool kt_publish_leaves_out(const struct kt_publication *publication, const struct kt_device *device);
bool kt_publish_drops_recovery_key(const struct kt_publication *publication, const struct kt_account_key *key);
/* Something of a list made with our own key would be left out unasked. A replaced account key does not wait for that: it
 * may be all that stops somebody who has a copy of the old one. */
bool kt_publish_is_undecided(const struct kt_publication *publication);

/* publication->value: signed and encoded, in the session's arena. */
KT_MUST_USE enum kt_err kt_publish_make(struct kt_publication *publication);

#endif
