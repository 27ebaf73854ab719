/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9457 problem documents: every refusal over HTTP has a status, a stable type "urn:kt:problem:CODE", and a sentence
 * that says what and where. */
#ifndef KT_SERVER_HTTP_PROBLEM_H
#define KT_SERVER_HTTP_PROBLEM_H

#include <jansson.h>

#include "log/log.h"

struct kt_problem {
  unsigned status; /* 0: none */
  char code[48];
  char detail[400];
  unsigned retry_after_s; /* 0: no such header */
  uint64_t current_size;  /* member "size" of the document; 0: none */
  const char *allow;      /* 405: the methods; static */
  bool ask_for_token;     /* 401: WWW-Authenticate */
  bool close;             /* what follows on the connection cannot be trusted */
};

/* Fills *problem; the code is a short stable word. */
__attribute__((format(printf, 4, 5))) void kt_problem_set(struct kt_problem *problem, unsigned status, const char *code,
                                                          const char *format, ...);
/* The engine's refusal as HTTP (log/log.h gives the table). */
void kt_problem_from_log(struct kt_problem *problem, enum kt_err err, const struct kt_log_problem *log_problem);

/* The document; title is the reason phrase of the status. A new reference, or NULL. */
json_t *kt_problem_document(const struct kt_problem *problem, const char *title, const char *request_id);

#endif
