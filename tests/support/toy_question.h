/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a client verifies, each once at the moment when the bytes arrive: the responses of toy_scene.h, credentials
 * of both types, a credential's update, a step of an audit, consistency and the state an audit begins with. For programs
 * that damage the bytes, or the machine, and compare what comes of it.
 *
 * Numbers stay, new questions go last. What cannot be made fails the running cmocka test. */
#ifndef KT_TESTS_TOY_QUESTION_H
#define KT_TESTS_TOY_QUESTION_H

#include <kt/audit.h>

#include "toy_credential.h"
#include "toy_scene.h"

enum toy_question_kind {
  TOY_ASKS_SCENE,
  TOY_ASKS_CREDENTIAL,
  TOY_ASKS_CREDENTIAL_UPDATE,
  TOY_ASKS_AUDIT_STEP,
  TOY_ASKS_CONSISTENCY,
  TOY_ASKS_AUDIT_STATE,
};

#define TOY_QUESTIONS_MAX 40

struct toy_question {
  const char *name;
  enum toy_question_kind kind;
  struct kt_bytes response; /* as an honest log answers */
  enum kt_err verdict;      /* on that */
  struct toy_scene *scene;
  const struct kt_recent_heads *recent;
  struct kt_audit_state audit; /* before the step */
  struct kt_hash audit_root;   /* after it, as the log signed it */
};

/* The logs behind the questions, and what they borrow from. */
struct toy_questions {
  struct toy_log log;
  struct toy_log credential_log;
  struct kt_arena arena;
  struct kt_hash root; /* of log */
  struct kt_recent_heads early;
  struct kt_recent_heads late;
  struct kt_credential_pending pending;
  struct toy_question questions[TOY_QUESTIONS_MAX];
  size_t n;
};

/* salt, size: of toy_scene_log_other. In static storage: it is large. */
void toy_questions_init(struct toy_questions *all, uint8_t salt, uint64_t size);
void toy_questions_release(struct toy_questions *all);

/* One verification: what is retained and what came out. */
struct toy_attempt {
  struct toy_user user; /* its arena serves every kind */
  struct kt_credential_result credential;
  struct kt_audit_state audit;
  struct kt_hash old_root;
};

/* The user is as at the moment when the response arrives; toy_attempt_end releases what verification allocated. */
void toy_attempt_begin(const struct toy_question *question, struct toy_attempt *ret_attempt);
void toy_attempt_end(struct toy_attempt *attempt);
/* The reason is in attempt->user.reason. */
KT_MUST_USE enum kt_err toy_attempt_verify(struct toy_questions *all, const struct toy_question *question,
                                           struct kt_bytes response, struct toy_attempt *attempt);
/* R59: neither states nor results were touched. */
bool toy_attempt_is_untouched(const struct toy_question *question, const struct toy_attempt *attempt);
/* All that the answer means: verdict, states, results. Not part of it: the bytes of the head's signature, since ECDSA has
 * two for one statement, and the id of a credential, which names its bytes. */
void toy_attempt_write(const struct toy_question *question, enum kt_err verdict, const struct toy_attempt *attempt,
                       struct kt_writer *w);

#endif
