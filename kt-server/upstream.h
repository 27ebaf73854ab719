/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP from the Service Operator to its Third-Party Manager, through libcurl: one request, one answer, nothing
 * believed.
 *
 * The address is http://, https:// or unix:PATH. No redirects; answers up to the configured response size. One
 * kt_upstream is used by one thread at a time and keeps its connection open. */
#ifndef KT_SERVER_UPSTREAM_H
#define KT_SERVER_UPSTREAM_H

#include <stdatomic.h>

#include <kt/bytes.h>

#include "http_problem.h"

struct kt_upstream;

struct kt_upstream_reply {
  unsigned status; /* 0: no complete answer, `text` says why */
  uint8_t *body;
  size_t len;
  unsigned retry_after_s;
  char code[48]; /* of the problem document of another status than 200; empty: there was none */
  char text[256];
};

/* KT_ERR_USAGE: not an address we speak. token: for "Authorization: Bearer". Both are copied. Once *is_aborted, which
 * is borrowed, exchanges under way end without an answer. */
KT_MUST_USE enum kt_err kt_upstream_new(const char *url, const char *token, size_t answer_max,
                                        const atomic_bool *is_aborted, struct kt_upstream **ret_upstream);
void kt_upstream_free(struct kt_upstream *upstream); /* NULL is allowed */

/* path begins with "/v1/". body NULL: GET, otherwise POST. Release the reply. */
void kt_upstream_send(struct kt_upstream *upstream, const char *path, const struct kt_bytes *body,
                      struct kt_upstream_reply *ret_reply);
void kt_upstream_reply_release(struct kt_upstream_reply *reply);
static inline struct kt_bytes kt_upstream_body(const struct kt_upstream_reply *reply)
{
  return (struct kt_bytes){ reply->body, reply->len };
}

/* Fill `code` and `text` from the body, which should be a problem document (RFC 9457). A code that has not the
 * form of ours is dropped. */
void kt_upstream_problem_read(struct kt_upstream_reply *reply);
/* A reply that is not 200, for the client: what the Manager refused is handed on; that it cannot be reached, or is in
 * trouble, is a 503 with Retry-After. */
void kt_upstream_problem(const struct kt_upstream_reply *reply, struct kt_problem *ret_problem);

#endif
