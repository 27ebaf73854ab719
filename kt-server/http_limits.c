/* SPDX-License-Identifier: Apache-2.0 */
#include "http_limits.h"

#include <string.h>

#include "http_server.h"
#include "relay.h"

#define LARGE_FROM ((size_t)4 << 10) /* a body: what most requests fit into */
#define LARGE_SHARE 8                /* one address has a share of 1/8 of what large bodies may take */

/* --- connections, as libmicrohttpd reports them ------------------------------------------------------------------- */

static const struct sockaddr *counted_address(const struct kt_http *http, const struct sockaddr *from)
{
  return http->limits.counts_addresses ? from : NULL;
}

enum MHD_Result kt_http_admit(void *ctx, const struct sockaddr *from, socklen_t len)
{
  struct kt_http *http = ctx;
  (void)len;
  return kt_peers_admits(http->limits.peers, counted_address(http, from)) ? MHD_YES : MHD_NO;
}

static int socket_of(struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info != NULL ? info->connect_fd : -1;
}

void kt_http_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code)
{
  struct kt_http *http = ctx;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    kt_peers_close(http->limits.peers, *socket_context);
    *socket_context = NULL;
    return;
  }
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *from = info != NULL ? info->client_addr : NULL;
  int fd = socket_of(connection);
  *socket_context = kt_peers_open(http->limits.peers, fd, counted_address(http, from));
  if (*socket_context == NULL) {
    (void)shutdown(fd, SHUT_RDWR);
  }
}

void kt_call_join_peer(struct kt_call *call)
{
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  call->started_us = kt_monotonic_us();
  call->peer = info != NULL ? info->socket_context : NULL;
  kt_peer_expect(call->peer, KT_PHASE_BODY);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

struct kt_address kt_call_counted_as(const struct kt_call *call)
{
  struct kt_address counted = { .key = { 0 } };
  if (call->has_principal) {
    memcpy(counted.key, call->principal, sizeof call->principal); /* an address has something in its second half */
  } else if (call->peer != NULL) {
    counted = call->peer->address;
  }
  return counted;
}

static unsigned take(struct kt_http_limits *limits, const uint8_t *key, size_t len, enum kt_purpose purpose)
{
  uint64_t rate = atomic_load(&limits->rates[purpose]);
  unsigned burst_s = KT_QUOTA_BURST_S;
  if (purpose == KT_PURPOSE_RELAY) {
    rate = KT_RELAY_ADDRESS_RATE_PER_S;
    burst_s = KT_RELAY_ADDRESS_BURST_S;
  }
  return kt_quota_take(&limits->quota, key, len, rate, burst_s, kt_monotonic_ms());
}

/* Each purpose has a quota of its own: searches do not use up what monitoring needs (S11). */
bool kt_call_is_within_rate(struct kt_call *call)
{
  struct kt_http_limits *limits = &call->http->limits;
  uint8_t key[KT_ADDRESS_KEY_LEN + 1] = { 0 };
  enum kt_purpose purpose = call->route != NULL ? call->route->purpose : KT_PURPOSE_SEARCH; /* for a path: a search */
  const struct kt_address counted = kt_call_counted_as(call);
  if (!kt_address_is_counted(&counted)) {
    return true;
  }
  memcpy(key, counted.key, KT_ADDRESS_KEY_LEN);
  key[KT_ADDRESS_KEY_LEN] = (uint8_t)purpose;
  unsigned wait_s = take(limits, key, sizeof key, purpose);
  if (wait_s == 0) {
    return true;
  }
  (void)atomic_fetch_add(&limits->n_limited, 1);
  kt_problem_set(&call->problem, 429, "rate", "too many requests of this kind from your %s; wait %u s",
                 call->has_principal ? "access token" : "address", wait_s);
  call->problem.retry_after_s = wait_s;
  return false;
}

/* False, always. */
static bool refuse_full(struct kt_call *call)
{
  (void)atomic_fetch_add(&call->http->limits.n_full, 1);
  kt_problem_set(&call->problem, 503, "busy", "requests and answers under way use all the memory there is for them");
  call->problem.retry_after_s = 1;
  return false;
}

static bool take_bytes(_Atomic uint64_t *used, uint64_t max, size_t n_bytes, size_t *taken)
{
  if (atomic_fetch_add(used, n_bytes) + n_bytes > max) {
    (void)atomic_fetch_sub(used, n_bytes);
    return false;
  }
  *taken += n_bytes;
  return true;
}

bool kt_call_reserve(struct kt_call *call, size_t n_bytes)
{
  struct kt_http_limits *limits = &call->http->limits;
  if (take_bytes(&limits->n_bytes, limits->bytes_max, n_bytes, &call->n_reserved)) {
    return true;
  }
  return refuse_full(call);
}

/* False: its address holds its share, and call->problem is set. A body that is its only one is let in at any size. */
static bool take_of_share(struct kt_call *call, size_t n_bytes, uint64_t large_max)
{
  struct kt_http_limits *limits = &call->http->limits;
  const struct kt_address counted = kt_call_counted_as(call);
  if (!kt_address_is_counted(&counted)) { /* it may stand for everybody, as a proxy does */
    return true;
  }
  const uint64_t of_others = kt_tally_of(&limits->large, &counted) - call->n_large;
  if (of_others > 0 && of_others + call->n_large + n_bytes > large_max / LARGE_SHARE) {
    (void)atomic_fetch_add(&limits->n_limited, 1);
    kt_problem_set(&call->problem, 429, "rate",
                   "large requests under way from your %s use the memory that one may have",
                   call->has_principal ? "access token" : "address");
    call->problem.retry_after_s = 1;
    return false;
  }
  kt_tally_add(&limits->large, &counted, n_bytes);
  return true;
}

/* False: call->problem is set. */
static bool take_large(struct kt_call *call, size_t n_bytes)
{
  struct kt_http_limits *limits = &call->http->limits;
  const uint64_t large_max = limits->bytes_max / 2;
  if (!take_of_share(call, n_bytes, large_max)) {
    return false;
  }
  if (!take_bytes(&limits->n_large, large_max, n_bytes, &call->n_large)) {
    const struct kt_address counted = kt_call_counted_as(call);
    kt_tally_take_off(&limits->large, &counted, n_bytes);
    return refuse_full(call);
  }
  return true;
}

bool kt_call_reserve_body(struct kt_call *call, size_t cap)
{
  const size_t before = call->body_cap > LARGE_FROM ? call->body_cap : LARGE_FROM;
  return (cap <= before || take_large(call, cap - before)) && kt_call_reserve(call, cap - call->body_cap);
}

void kt_call_give_back(struct kt_call *call)
{
  struct kt_http_limits *limits = &call->http->limits;
  const struct kt_address counted = kt_call_counted_as(call);
  (void)atomic_fetch_sub(&limits->n_bytes, call->n_reserved);
  (void)atomic_fetch_sub(&limits->n_large, call->n_large);
  kt_tally_take_off(&limits->large, &counted, call->n_large);
  call->n_reserved = 0;
  call->n_large = 0;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

void kt_http_limits_reload(struct kt_http_limits *limits, const struct kt_settings *settings)
{
  for (size_t i = 0; i < KT_PURPOSES; i++) {
    atomic_store(&limits->rates[i], settings->rates[i]);
  }
}

enum kt_err kt_http_limits_init(struct kt_http *http, size_t connections, struct kt_error *error)
{
  struct kt_http_limits *limits = &http->limits;
  const struct kt_settings *settings = &http->instance->settings;
  const struct kt_peer_limits places = {
    .head_ms = settings->limits.head_ms,
    .idle_ms = settings->limits.timeout_ms,
    .body_ms = settings->limits.body_ms,
    .send_ms = settings->limits.send_ms,
    .connections = connections,
    .per_address = (size_t)settings->limits.per_address,
  };
  limits->bytes_max = settings->limits.memory_bytes;
  kt_http_limits_reload(limits, settings);
  if (kt_quota_init(&limits->quota) != KT_OK || kt_tally_init(&limits->large, connections) != KT_OK) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  return kt_peers_new(&places, http, &limits->peers, error);
}

void kt_http_limits_release(struct kt_http_limits *limits)
{
  kt_peers_free(limits->peers);
  kt_quota_release(&limits->quota);
  kt_tally_release(&limits->large);
}
