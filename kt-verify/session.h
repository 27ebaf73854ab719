/* SPDX-License-Identifier: Apache-2.0 */
/* One verb's conversation with the log, and the only place where the retained state changes:
 *
 *   load state → request → verify → (all fine) write new states, if nobody else did meanwhile; otherwise again.
 *
 * When verification fails against what is retained, or the log claims to be smaller, the log is asked once more
 * without `last`, state untouched, to tell a failure, a fork and a rollback apart (session_fork.c). A failure is said
 * through the session's output, so callers only hand the exit code up. */
#ifndef KT_VERIFY_SESSION_H
#define KT_VERIFY_SESSION_H

#include <kt/writer.h>
#include "cli.h"
#include "output.h"
#include "state.h"
#include "transport.h"

struct kt_session {
  const struct kt_cli *cli;
  struct kt_output *out;
  struct kt_state state;
  struct kt_transport *transport;
  struct kt_arena pinned_arena; /* the configuration and the URL */
  struct kt_arena arena;        /* everything else; emptied by kt_session_forget */
  struct kt_pinned_log *pinned; /* as last loaded or committed; in pinned_arena */
  struct kt_config config;
  struct kt_hash log_id;
  uint64_t started_ms;    /* alerts raised since then are news */
  bool news_only;         /* say nothing of older alerts: they were reported */
  uint32_t retry_after_s; /* the log asked for so much patience (429, 503); 0: it did not */
  bool is_unanswered;     /* a request got no complete answer: the next ones may cost a time-out each as well */
};

/* One question to the log. load and commit run inside a transaction and read or write records of the question's own;
 * the session takes care of the log's. load may be NULL, as may commit. */
struct kt_query {
  const char *path;  /* "/v1/search" */
  const char *what;  /* for people: "looking up alice" */
  const char *token; /* NULL: none */
  void *ctx;
  enum kt_err (*load)(void *ctx, struct kt_session *session);
  void (*request)(void *ctx, const struct kt_log_state *log, struct kt_writer *w);
  /* KT_ERR_ABSENT counts as verified and is committed as well. Nothing but memory may change. */
  enum kt_err (*verify)(void *ctx, const struct kt_client *client, struct kt_bytes response,
                        struct kt_log_state *ret_log);
  enum kt_err (*commit)(void *ctx, struct kt_session *session);
  /* How the query ended, beyond its exit code. */
  int status;      /* HTTP status of a refusal, otherwise 0 */
  enum kt_err err; /* of the verification */
  struct kt_reason reason;
  bool expired;       /* the refusal: the answer needs what is past the log's maximum lifetime */
  bool quiet_expiry;  /* … which is the caller's to explain */
  bool quiet_refusal; /* a refusal (status 4xx other than 409) is the caller's to explain */
};

/* An empty session, for who pins a log. */
enum kt_exit kt_session_begin(struct kt_session *session, const struct kt_cli *cli, struct kt_output *out);
/* The transport, with the access token and the certificates that the options name. */
enum kt_exit kt_session_connect(struct kt_session *session, const char *url);
/* Opens the home, the pinned log, the transport. */
enum kt_exit kt_session_open(struct kt_session *session, const struct kt_cli *cli, struct kt_output *out);
/* Also for a session that could not be opened. Fills `log` of the JSON object. */
void kt_session_close(struct kt_session *session);
/* Empty the arena between labels. */
void kt_session_forget(struct kt_session *session);

/* KT_EXIT_OK or KT_EXIT_ABSENT: verified and committed. */
enum kt_exit kt_session_query(struct kt_session *session, struct kt_query *query);

/* A change without a question: read and write in one transaction. An error of fn undoes everything and is handed out
 * in ret_err; the exit code tells only of failures of the database. */
typedef enum kt_err (*kt_session_change)(void *ctx, struct kt_session *session);
enum kt_exit kt_session_write(struct kt_session *session, kt_session_change fn, void *ctx, enum kt_err *ret_err);
/* Only reading. */
enum kt_exit kt_session_read(struct kt_session *session, kt_session_change fn, void *ctx, enum kt_err *ret_err);

/* Read what a record needs; says so when the database fails. */
enum kt_exit kt_session_store_failed(struct kt_session *session, enum kt_err err);
/* Open the state of `home`; says so when it cannot be. */
enum kt_exit kt_session_open_state(const struct kt_cli *cli, bool create, struct kt_output *out,
                                   struct kt_state *ret_state);
/* A reply that is not an answer: say so. It is undecided: a log must not pass off a refusal as our mistake. */
enum kt_exit kt_session_refused(struct kt_session *session, const struct kt_reply *reply, const char *what);

/* session_expired.c: is it that long ago by our clock that the log may have removed what there was to see then? */
bool kt_session_is_late(const struct kt_session *session, uint64_t since_ms);
/* Does the log say that the answer needs what it removed with its lifetime? An erased value is another matter. */
bool kt_session_has_expired(const struct kt_reply *reply);
/* Say what cannot be checked any more and what it means: a note, and in `gaps` of the JSON object. The exit code stays. */
__attribute__((format(printf, 3, 4))) void kt_session_tell_gap(struct kt_session *session, const char *what,
                                                               const char *format, ...);
/* The log refuses to go on from the head retained here, and that head is old enough: forget it in memory and say so. */
bool kt_session_restart_view(struct kt_session *session, const struct kt_reply *reply);

/* session_fork.c: ask once more without `last`, state untouched. */
enum kt_fork_found {
  KT_FORK_NONE,     /* nothing more against the log, or no answer */
  KT_FORK_REPORTED, /* a fork or a rollback: evidence, alert and reason are done */
  KT_FORK_INVALID,  /* what it shows to somebody who remembers nothing does not verify either: *ret_reason */
};
enum kt_fork_found kt_session_fork_check(struct kt_session *session, struct kt_reason *ret_reason);
/* Whether two heads, the larger not before the smaller, are of one log: by the consistency the log proves, which is left in
 * the arena. Nothing is said. */
enum kt_heads_relation { KT_HEADS_UNKNOWN, KT_HEADS_ONE_LOG, KT_HEADS_FORKED };
enum kt_heads_relation kt_session_relate_heads(struct kt_session *session, const struct kt_seen_head *older,
                                               const struct kt_seen_head *newer, struct kt_bytes *ret_consistency);
/* Two heads that contradict each other, found by other means: save evidence (unless a head is unsigned), raise the alert,
 * say so. consistency: from the smaller size to the larger, empty for one size. */
enum kt_exit kt_session_report_fork(struct kt_session *session, const struct kt_seen_head *ours,
                                    const struct kt_seen_head *theirs, struct kt_bytes consistency);
/* session_failed.c: keep an answer that does not verify, with what was asked and the head retained now, for whoever looks
 * into it; the same answer to the same request once. request: as in <kt/evidence.h>. Says where, or why not. */
void kt_session_keep_failed(struct kt_session *session, const char *code, struct kt_bytes request,
                            struct kt_bytes response);
/* There are as many files of evidence as are kept without being asked for. */
bool kt_session_evidence_is_full(struct kt_session *session);
/* session_answer.c: ask what the log says about somebody and keep the signed answer, because a comparison with the person
 * (name, clean) spoke against it. Says where, or why not; changes nothing else. */
void kt_session_keep_answer(struct kt_session *session, struct kt_bytes label, const char *name);
/* "POST path", a line break, the body; in the arena, empty when memory runs out. */
struct kt_bytes kt_session_request_text(struct kt_session *session, const char *path, struct kt_bytes body);
/* The head accepted at exactly this size, with the signature and configuration of that time; false: none. */
bool kt_session_seen_head(struct kt_session *session, uint64_t size, struct kt_seen_head *ret_head);

/* Unix milliseconds of this machine's clock. */
uint64_t kt_now_ms(void);

/* An argument as bytes. */
struct kt_bytes kt_text_bytes(const char *text);

#endif
