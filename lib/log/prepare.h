/* SPDX-License-Identifier: Apache-2.0 */
/* An update between its request and the queue: what pending.c and authorise.c share. */
#ifndef KT_LOG_PREPARE_H
#define KT_LOG_PREPARE_H

#include "log/query.h"
#include "wire/leaf.h"

/* Who vouches for the values. */
enum kt_log_author {
  KT_LOG_BY_OWNER,    /* the label's account key */
  KT_LOG_BY_OPERATOR, /* whoever holds the log's folder */
  KT_LOG_BY_SIGNER,   /* the Service Operator's signature over each value */
};

struct kt_log_prepare {
  struct kt_log_reader *reader;
  struct kt_log *log;
  struct kt_log_problem *problem;
  struct kt_log_pending *pending;
  struct kt_arena *scratch; /* what the pending update does not have to keep while it waits: the account's, or */
  struct kt_arena own;
  struct kt_store_label row; /* label_id 0: the label does not exist; in the scratch arena */
  enum kt_log_author author;
  const struct kt_log_account *account; /* what row and account state are known from; NULL: they are read */
  const struct kt_update_value *values;
  size_t n_values;
  size_t n_skipped;                    /* versions without a value before them */
  struct kt_log_new_version *versions; /* pending->versions, while they are made */
};

/* May these versions be added? Account keys and tokens, or the Service Operator's signatures;
 * pending->state is made. */
KT_MUST_USE enum kt_err kt_log_authorise(struct kt_log_prepare *p);

enum kt_err kt_log_no_memory(const struct kt_log_prepare *p);
KT_MUST_USE enum kt_err kt_log_check_label(struct kt_bytes label, struct kt_log_problem *problem);

#endif
