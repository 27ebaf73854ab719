/* SPDX-License-Identifier: Apache-2.0 */
/* The open connections, each with what it is waited for and until when: a slow client has an absolute deadline, which
 * no trickle of bytes moves, and when places run short the connection that has kept us waiting longest goes first.
 *
 * A connection that is over is shut down at its socket; the HTTP library sees the end and closes it. Times are
 * milliseconds of CLOCK_MONOTONIC. kt_peer_expect may be called from any thread without a lock; the others take one,
 * once for each connection and never for each request. */
#ifndef KT_SERVER_PEERS_H
#define KT_SERVER_PEERS_H

#include <stdatomic.h>

#include "address.h"
#include "cli.h"

/* What happens on a connection. */
enum kt_phase {
  KT_PHASE_HEAD, /* its first request's head is awaited */
  KT_PHASE_IDLE, /* the next request's head is awaited */
  KT_PHASE_BODY, /* the request's body is awaited */
  KT_PHASE_SEND, /* the answer is being read */
  KT_PHASE_WORK, /* the server's turn: no deadline */
};

struct kt_peer_limits {
  uint64_t head_ms;
  uint64_t idle_ms;
  uint64_t body_ms;
  uint64_t send_ms;
  size_t connections;
  size_t per_address; /* 0: no limit */
};

struct kt_peer {
  void *owner; /* of the kt_peers */
  int fd;      /* -1: a free place */
  struct kt_address address;
  _Atomic uint64_t since_ms;
  _Atomic int phase;
};

struct kt_peers;

/* owner: for whoever has a peer only. */
KT_MUST_USE enum kt_err kt_peers_new(const struct kt_peer_limits *limits, void *owner, struct kt_peers **ret_peers,
                                     struct kt_error *error);
/* All connections must be closed. NULL is allowed. */
void kt_peers_free(struct kt_peers *peers);

/* May this address have one more connection? */
bool kt_peers_admits(struct kt_peers *peers, const struct sockaddr *from);
/* A new connection, in KT_PHASE_HEAD; NULL when there is no place for it, or its address has enough: shut it down.
 * May shut down another. */
struct kt_peer *kt_peers_open(struct kt_peers *peers, int fd, const struct sockaddr *from);
/* Before its socket is closed: afterwards the number may be another connection's. */
void kt_peers_close(struct kt_peers *peers, struct kt_peer *peer);
void kt_peer_expect(struct kt_peer *peer, enum kt_phase phase);

struct kt_peers_count {
  uint64_t n_open;
  uint64_t n_refused; /* over the limit of an address */
  uint64_t n_expired; /* over a deadline */
  uint64_t n_evicted; /* gave their place to somebody else */
};
void kt_peers_count(struct kt_peers *peers, struct kt_peers_count *ret_count);

#endif
