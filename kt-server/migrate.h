/* SPDX-License-Identifier: Apache-2.0 */
/* A log that can sign no more goes on as a new one (docs/operations.md, Migration): the newest value of each
 * label goes over as an unsigned set that names the label's account key, and a statement of the old log's last
 * head is signed by both keys.
 *
 * A set's own signature names its log, so it cannot go over; with the key named, only its owner can claim the label.
 * The new log is stopped, and labels that it has are left alone: doing it again goes on where it was interrupted. */
#ifndef KT_SERVER_MIGRATE_H
#define KT_SERVER_MIGRATE_H

#include <stdio.h>

#include "import.h"
#include "wire/migration.h"

struct kt_migrate_request {
  const char *old_dir; /* stopped, or served read only; afterwards marked, so that it never signs again */
  const char *new_dir; /* an initialised log, stopped */
  const char *statement;
  const char *old_key;       /* NULL: signing.key in old_dir, if there is one */
  const char *new_key;       /* NULL: that of new_dir */
  bool guard_may_be_missing; /* it is gone for good: nothing that was lost is stated */
  bool states_fork;          /* a guard that contradicts the data is the old log's own: the statement has both heads */
};

struct kt_migrate_report {
  struct kt_hash old_log_id;
  struct kt_hash new_log_id;
  struct kt_log_head head; /* the old log's last */
  bool has_lost;           /* the guard knows of a head that the data does not have */
  bool is_fork;            /* and that the last head does not lead to: two histories were signed */
  uint64_t lost_size;
  struct kt_hash lost_root;
  bool is_guard_missing;   /* as was accepted: nobody knows whether the last head is the last one */
  bool has_signer_service; /* whose folder is not marked */
  bool is_signed_by_old;
  uint64_t n_carried;
  uint64_t n_there;  /* in the new log already */
  uint64_t n_erased; /* whose newest value was erased */
  uint64_t n_left;   /* that cannot be carried: said on stderr */
};

/* KT_ERR_CONFLICT: the guard is an old copy, or contradicts the data. KT_ERR_UNDETERMINED: one of the logs is running;
 * KT_ERR_UNSUPPORTED: a Service Operator's folder. Every failure to read the head guard, or to ask the signer that has
 * it, is an error, before anything is done. What was carried stays when it fails later; the statement is written last.
 * KT_ERR_USAGE: its file is there already. */
KT_MUST_USE enum kt_err kt_migrate(const struct kt_migrate_request *request, struct kt_migrate_report *ret_report,
                                   struct kt_error *error);

/* migrate_labels.c: the lines of an import, of each label of old_conn's first `size` entries that new_conn does not
 * have. */
KT_MUST_USE enum kt_err kt_migrate_write_labels(struct kt_store_conn *old_conn, uint64_t size,
                                                struct kt_store_conn *new_conn, FILE *file,
                                                struct kt_migrate_report *report, struct kt_error *error);

#endif
