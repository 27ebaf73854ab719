/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps one client from taking the server away from the others: places for connections, deadlines, requests per
 * second, memory. */
#ifndef KT_SERVER_HTTP_LIMITS_H
#define KT_SERVER_HTTP_LIMITS_H

#include "peers.h"
#include "quota.h"
#include "settings.h"
#include "tally.h"

struct kt_http;
struct kt_call;
struct MHD_Connection;

struct kt_http_limits {
  struct kt_peers *peers; /* their owner is the kt_http */
  struct kt_quota quota;
  bool counts_addresses; /* no: everything comes through one machine, a Manager's Service Operator */
  _Atomic uint64_t rates[KT_PURPOSES];
  uint64_t bytes_max;
  _Atomic uint64_t n_bytes;   /* of bodies and answers under way */
  _Atomic uint64_t n_large;   /* of these, of bodies beyond their first KiB: at most half */
  struct kt_tally large;      /* of these, for each address or token: a share */
  _Atomic uint64_t n_limited; /* requests over a rate */
  _Atomic uint64_t n_full;    /* requests without memory left for them */
};

/* After http->instance. */
KT_MUST_USE enum kt_err kt_http_limits_init(struct kt_http *http, size_t connections, struct kt_error *error);
void kt_http_limits_release(struct kt_http_limits *limits);
/* What SIGHUP may change. */
void kt_http_limits_reload(struct kt_http_limits *limits, const struct kt_settings *settings);

/* The call belongs to this connection from here on. */
void kt_call_join_peer(struct kt_call *call);
/* False: call->problem is set to 429. The route is known. */
bool kt_call_is_within_rate(struct kt_call *call);
/* Whom its requests count for: the holder of its access token, or its address. */
struct kt_address kt_call_counted_as(const struct kt_call *call);
/* Room for so many bytes until the call is over. False: call->problem is set to 503. */
bool kt_call_reserve(struct kt_call *call, size_t n_bytes);
/* The body is going to have room for cap bytes, from call->body_cap on. Bodies that are sent half and held, by
 * clients that nobody knows, get no further than half of the memory: searches, monitoring and answers find room
 * in the other half. An address has a share of that half (429), so that a handful of them leave room for
 * everybody else's updates. */
bool kt_call_reserve_body(struct kt_call *call, size_t cap);
void kt_call_give_back(struct kt_call *call);

#endif
