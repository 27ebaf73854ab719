/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP to the log, through libcurl: one request, one answer, nothing believed. Bodies are bytes to verify.
 *
 * The address is http://, https:// or unix:PATH. No redirects, answers up to 16 MiB, 10 s to connect and 60 s in all.
 * A reply's body belongs to the reply (kt_reply_release). */
#ifndef KT_VERIFY_TRANSPORT_H
#define KT_VERIFY_TRANSPORT_H

#include <kt/bytes.h>
#include <kt/err.h>

#include <stddef.h>
#include <sys/un.h>

#define KT_REPLY_MAX ((size_t)16 << 20)
#define KT_TOKEN_MAX 256
#define KT_SOCKET_PATH_MAX (sizeof((struct sockaddr_un *)NULL)->sun_path - 1)

enum kt_reply_kind {
  KT_REPLY_OK,      /* 200: body; 204 to a PUT: there is none */
  KT_REPLY_PROBLEM, /* any other status: status, problem fields where the server sent a problem document */
  KT_REPLY_NETWORK, /* no complete answer: error says why */
};

struct kt_reply {
  enum kt_reply_kind kind;
  int status;
  uint8_t *body;
  size_t len;
  char error[384];   /* of the network, or the problem's title and detail, cleaned */
  char type[128];    /* of the problem */
  int retry_after_s; /* 0: not said */
  uint64_t size;     /* member of the problem; 0: none */
};

struct kt_transport;

/* KT_ERR_USAGE: not an address we speak; KT_ERR_LIMIT: the path of a socket is longer than KT_SOCKET_PATH_MAX bytes. */
KT_MUST_USE enum kt_err kt_transport_new(const char *url, struct kt_transport **ret_transport);
void kt_transport_free(struct kt_transport *transport);
/* Who asks: the file's first line goes with every request, as KT-Access-Token. KT_ERR_DENIED: others may read the file;
 * KT_ERR_FORMAT: its first line is no token; KT_ERR_ABSENT, KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_transport_use_token(struct kt_transport *transport, const char *path);
/* Trust the certificates in this file instead of the system's. KT_ERR_ABSENT: there is none; KT_ERR_USAGE: a path too long. */
KT_MUST_USE enum kt_err kt_transport_use_ca(struct kt_transport *transport, const char *path);

/* path begins with "/v1/". token: NULL, or visible ASCII of at most KT_TOKEN_MAX characters. */
void kt_transport_post(struct kt_transport *transport, const char *path, struct kt_bytes body, const char *token,
                       struct kt_reply *ret_reply);
void kt_transport_put(struct kt_transport *transport, const char *path, struct kt_bytes body,
                      struct kt_reply *ret_reply);
void kt_transport_get(struct kt_transport *transport, const char *path, struct kt_reply *ret_reply);

/* Several at once: at most under_way_max at any moment, on connections that are kept for the next. After an answer that
 * does not come, or that asks for patience (429, 503), no more are begun: those replies are KT_REPLY_NETWORK. */
struct kt_post {
  const char *path;
  struct kt_bytes body;
  struct kt_reply reply;
};
void kt_transport_post_all(struct kt_transport *transport, struct kt_post *posts, size_t n, size_t under_way_max);

void kt_reply_release(struct kt_reply *reply);
/* Fill `type`, `error` and `size` from the body, which should be a problem document (RFC 9457). A person will read it. */
void kt_reply_problem_read(struct kt_reply *reply);
static inline struct kt_bytes kt_reply_body(const struct kt_reply *reply)
{
  return (struct kt_bytes){ reply->body, reply->len };
}

#endif
