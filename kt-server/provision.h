/* SPDX-License-Identifier: Apache-2.0 */
/* Operator insertion into an open log (design: Authorisation): from a device set to an update that can be queued, in
 * the caller's thread. One provisioner is used by one thread at a time. */
#ifndef KT_SERVER_PROVISION_H
#define KT_SERVER_PROVISION_H

#include "instance.h"
#include "json/device_set.h"

/* At a label that others change at the same time. */
#define KT_PROVISION_ATTEMPTS_MAX 4
#define KT_PROVISION_CROWDED "somebody else changes the label at the same time"

struct kt_provisioner {
  struct kt_log *log;
  struct kt_log_reader *reader;
  struct kt_hash log_id;
};

/* The log is the instance's, which stays open until close. */
KT_MUST_USE enum kt_err kt_provisioner_open(struct kt_provisioner *provisioner, const struct kt_instance *instance,
                                            struct kt_log_problem *ret_problem);
void kt_provisioner_close(struct kt_provisioner *provisioner);

/* One set, and its label as the log has it. */
struct kt_provision {
  struct kt_json_provision set;
  struct kt_log_account account;
  struct kt_bytes latest_value; /* empty: none, or erased */
};

/* Fill account and latest_value of provision->set.label; they are the arena's. */
KT_MUST_USE enum kt_err kt_provision_look(const struct kt_provisioner *provisioner, struct kt_arena *arena,
                                          struct kt_provision *provision, struct kt_log_problem *ret_problem);
/* *ret_pending is NULL when the set says what the latest one says and skip_unchanged is set. */
KT_MUST_USE enum kt_err kt_provision_prepare(const struct kt_provisioner *provisioner,
                                             const struct kt_provision *provision, bool skip_unchanged,
                                             struct kt_arena *arena, struct kt_log_pending **ret_pending,
                                             struct kt_log_problem *ret_problem);

#endif
