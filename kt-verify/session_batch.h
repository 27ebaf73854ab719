/* SPDX-License-Identifier: Apache-2.0 */
/* Many questions at once, with what one question has (session.h): the answers are all verified against the same retained
 * state, on several threads, and then change it once, if nobody else did meanwhile.
 *
 * Answers come in any order, and the log may grow between them. So each is verified on its own first; then all heads have
 * to be of one log, the largest, by the consistency the log proves; only then anything is kept. An answer that does not
 * verify is kept out, and the others go on. Two heads that contradict each other discredit all answers: nothing of them
 * is kept. A question that got no answer is left open: ask it alone. */
#ifndef KT_VERIFY_SESSION_BATCH_H
#define KT_VERIFY_SESSION_BATCH_H

#include "session.h"

enum kt_batch_outcome {
  KT_BATCH_OPEN,     /* refused, not answered, or nothing could be kept */
  KT_BATCH_VERIFIED, /* and kept; the query's err may be KT_ERR_ABSENT */
  KT_BATCH_REFUTED,  /* did not verify */
  KT_BATCH_FORKED,   /* verified, but the log showed two histories meanwhile */
};

struct kt_batch_item {
  struct kt_query query; /* set by the caller */
  enum kt_batch_outcome outcome;
  /* Behind it. */
  struct kt_bytes request; /* as it was sent, in the session's arena */
  struct kt_reply reply;
  uint64_t received_ms;
  struct kt_arena arena;       /* of the verification: results point into it and into the reply */
  struct kt_log_state log;     /* shown by the answer */
  struct kt_log_state against; /* the retained state it is an answer to */
};

struct kt_batch {
  struct kt_session *session;
  struct kt_batch_item *items;
  size_t n;
  struct kt_log_state before;          /* what the answers are verified against */
  const struct kt_batch_item *largest; /* its head is the one kept */
  const struct kt_batch_item *forked;  /* its head is not of that log; NULL: there is none */
  struct kt_bytes consistency;         /* which shows it */
  bool fork_told;
};

/* Zeroed items; kt_batch_release frees what is behind them. NULL: out of memory. */
struct kt_batch *kt_batch_new(struct kt_session *session, size_t n);
void kt_batch_free(struct kt_batch *batch);
/* Ask all; every item has an outcome then. Nothing is said. */
void kt_batch_ask(struct kt_batch *batch);
/* Say how the item's question ended, as kt_session_query would have, and hand out the same code. Not for an open one. */
enum kt_exit kt_batch_report(struct kt_batch *batch, size_t i);

#endif
