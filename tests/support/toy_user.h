/* SPDX-License-Identifier: Apache-2.0 */
/* A user of a toy log: makes the request, lets the log answer at a size, verifies. States change only on success, as an
 * application would keep them; everything borrows from the user's arena until toy_user_release. */
#ifndef KT_TESTS_TOY_USER_H
#define KT_TESTS_TOY_USER_H

#include "toy_log.h"

struct toy_user {
  struct toy_log *log;
  struct kt_log_state state;
  struct kt_contact_state contact;
  struct kt_owner_state owner;
  bool log_only; /* struct kt_client's */
  bool has_now;
  uint64_t now_ms; /* when has_now; otherwise the timestamp of the newest entry the log shows */
  struct kt_arena arena;
  struct kt_reason reason;  /* of the last verification */
  struct kt_bytes request;  /* the last one, and */
  struct kt_bytes response; /* its answer */
  /* Results of the last successful verification. */
  struct kt_search_result search;
  struct kt_owner_result owner_result;
  struct kt_update_result update;
  struct kt_distinguished_result distinguished;
};

void toy_user_init(struct toy_user *user, struct toy_log *log);
void toy_user_release(struct toy_user *user);

/* What is asked: one of these per kind. */
struct toy_query {
  enum toy_kind kind;
  const char *label;
  const uint32_t *version;        /* search */
  const uint32_t *known_greatest; /* search, verification only */
  uint64_t start;                 /* owner initialization */
  const struct kt_bytes *values;  /* update */
  size_t n_values;
  const uint64_t *stop; /* distinguished */
};

/* Request and answer: user->request and user->response are set. */
KT_MUST_USE enum kt_err toy_ask(struct toy_user *user, uint64_t size, const struct toy_query *query);
/* Verify a response to the query with the user's states, which change on success only. */
KT_MUST_USE enum kt_err toy_verify(struct toy_user *user, const struct toy_query *query, struct kt_bytes response,
                                   uint64_t now_ms);
/* Both, at the time of the newest entry. */
KT_MUST_USE enum kt_err toy_run(struct toy_user *user, uint64_t size, const struct toy_query *query);

/* Both, and it has to succeed; says why it did not. */
void toy_run_ok(struct toy_user *user, uint64_t size, const struct toy_query *query);

/* All retained states as bytes, in the arena: to compare before and after. */
struct kt_bytes toy_user_encode(struct toy_user *user);
void toy_assert_bytes_equal(struct kt_bytes a, struct kt_bytes b);

/* See the tree of `size` entries through a verified response. */
void toy_user_observe(struct toy_user *user, uint64_t size);

#endif
