/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "instance.h"
#include "tally.h"

#define LOOK_EVERY_MS 250
/* Of so many connections the one that waits longest is close enough to the longest of all. */
#define EVICTION_LOOKS 64

struct kt_peers {
  struct kt_peer_limits limits;
  void *owner;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_t thread;
  bool is_stopping;
  struct kt_peer *places;
  size_t n_places;
  size_t *free_places; /* a stack of indexes */
  size_t n_free;
  size_t hand; /* where the next eviction looks */
  struct kt_tally by_address;
  struct kt_peers_count count;
};

void kt_peer_expect(struct kt_peer *peer, enum kt_phase phase)
{
  if (peer != NULL) {
    atomic_store(&peer->since_ms, kt_monotonic_ms());
    atomic_store(&peer->phase, (int)phase);
  }
}

/* --- deadlines ---------------------------------------------------------------------------------------------------- */

static uint64_t allowed_ms(const struct kt_peer_limits *limits, enum kt_phase phase)
{
  switch (phase) {
  case KT_PHASE_HEAD: return limits->head_ms;
  case KT_PHASE_IDLE: return limits->idle_ms;
  case KT_PHASE_BODY: return limits->body_ms;
  case KT_PHASE_SEND: return limits->send_ms;
  case KT_PHASE_WORK: break;
  }
  return UINT64_MAX;
}

static void end(struct kt_peer *peer, uint64_t *counter)
{
  (void)shutdown(peer->fd, SHUT_RDWR);
  /* Once is enough: what is left is the library's turn. */
  atomic_store(&peer->phase, (int)KT_PHASE_WORK);
  (*counter)++;
}

static void look(struct kt_peers *peers, uint64_t now_ms)
{
  for (size_t i = 0; i < peers->n_places; i++) {
    struct kt_peer *peer = &peers->places[i];
    enum kt_phase phase = (enum kt_phase)atomic_load(&peer->phase);
    uint64_t since_ms = atomic_load(&peer->since_ms);
    if (peer->fd >= 0 && now_ms > since_ms && now_ms - since_ms > allowed_ms(&peers->limits, phase)) {
      end(peer, &peers->count.n_expired);
    }
  }
}

static void *watch(void *ctx)
{
  struct kt_peers *peers = ctx;
  (void)pthread_mutex_lock(&peers->lock);
  while (!peers->is_stopping) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_EVERY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&peers->wake, &peers->lock, &until);
    look(peers, kt_monotonic_ms());
  }
  (void)pthread_mutex_unlock(&peers->lock);
  return NULL;
}

/* --- places ------------------------------------------------------------------------------------------------------- */

static bool is_short_of_places(const struct kt_peers *peers)
{
  return peers->n_free < peers->n_places / 4;
}

/* Whoever has kept us waiting longest, among the next few. */
static void evict(struct kt_peers *peers)
{
  struct kt_peer *oldest = NULL;
  size_t n_looked = 0;
  for (size_t i = 0; i < peers->n_places && n_looked < EVICTION_LOOKS; i++) {
    struct kt_peer *peer = &peers->places[peers->hand];
    peers->hand = (peers->hand + 1) % peers->n_places;
    if (peer->fd < 0 || atomic_load(&peer->phase) == (int)KT_PHASE_WORK) {
      continue;
    }
    n_looked++;
    if (oldest == NULL || atomic_load(&peer->since_ms) < atomic_load(&oldest->since_ms)) {
      oldest = peer;
    }
  }
  if (oldest != NULL) {
    end(oldest, &peers->count.n_evicted);
  }
}

/* Has this address as many connections as one may? peers->lock is held. */
static bool has_enough(const struct kt_peers *peers, const struct kt_address *address)
{
  return peers->limits.per_address > 0 && kt_tally_of(&peers->by_address, address) >= peers->limits.per_address;
}

bool kt_peers_admits(struct kt_peers *peers, const struct sockaddr *from)
{
  const struct kt_address address = kt_address_of(from);
  (void)pthread_mutex_lock(&peers->lock);
  bool admitted = !has_enough(peers, &address);
  peers->count.n_refused += admitted ? 0 : 1;
  (void)pthread_mutex_unlock(&peers->lock);
  return admitted;
}

struct kt_peer *kt_peers_open(struct kt_peers *peers, int fd, const struct sockaddr *from)
{
  struct kt_peer *peer = NULL;
  const struct kt_address address = kt_address_of(from);
  (void)pthread_mutex_lock(&peers->lock);
  if (is_short_of_places(peers)) {
    evict(peers);
  }
  /* Another thread may have let in one more of this address since it was asked. */
  if (has_enough(peers, &address)) {
    peers->count.n_refused++;
  } else if (peers->n_free > 0) {
    peer = &peers->places[peers->free_places[--peers->n_free]];
    peer->owner = peers->owner;
    peer->fd = fd;
    peer->address = address;
    kt_tally_add(&peers->by_address, &peer->address, 1);
    kt_peer_expect(peer, KT_PHASE_HEAD);
    peers->count.n_open++;
  }
  (void)pthread_mutex_unlock(&peers->lock);
  return peer;
}

void kt_peers_close(struct kt_peers *peers, struct kt_peer *peer)
{
  if (peer == NULL) {
    return;
  }
  (void)pthread_mutex_lock(&peers->lock);
  kt_tally_take_off(&peers->by_address, &peer->address, 1);
  peer->fd = -1;
  peers->free_places[peers->n_free++] = (size_t)(peer - peers->places);
  peers->count.n_open--;
  (void)pthread_mutex_unlock(&peers->lock);
}

void kt_peers_count(struct kt_peers *peers, struct kt_peers_count *ret_count)
{
  (void)pthread_mutex_lock(&peers->lock);
  *ret_count = peers->count;
  (void)pthread_mutex_unlock(&peers->lock);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void destroy(struct kt_peers *peers)
{
  free(peers->places);
  free(peers->free_places);
  kt_tally_release(&peers->by_address);
  free(peers);
}

static bool make_tables(struct kt_peers *peers, size_t n)
{
  peers->places = calloc(n, sizeof peers->places[0]);
  peers->free_places = calloc(n, sizeof peers->free_places[0]);
  if (peers->places == NULL || peers->free_places == NULL || kt_tally_init(&peers->by_address, n) != KT_OK) {
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    peers->places[i].fd = -1;
    peers->free_places[i] = n - 1 - i;
  }
  peers->n_places = peers->n_free = n;
  return true;
}

/* The deadlines are the monotonic clock's, so the waiting is too. */
static bool start_thread(struct kt_peers *peers)
{
  pthread_condattr_t attributes;
  if (pthread_condattr_init(&attributes) != 0) {
    return false;
  }
  bool started =
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&peers->wake, &attributes) == 0;
  (void)pthread_condattr_destroy(&attributes);
  if (!started || pthread_mutex_init(&peers->lock, NULL) != 0) {
    return false;
  }
  return pthread_create(&peers->thread, NULL, watch, peers) == 0;
}

enum kt_err kt_peers_new(const struct kt_peer_limits *limits, void *owner, struct kt_peers **ret_peers,
                         struct kt_error *error)
{
  struct kt_peers *peers = calloc(1, sizeof *peers);
  if (peers == NULL || !make_tables(peers, limits->connections)) {
    if (peers != NULL) {
      destroy(peers);
    }
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  peers->limits = *limits;
  peers->owner = owner;
  if (!start_thread(peers)) {
    destroy(peers);
    return kt_error_set(error, KT_ERR_STORE, "starting the thread that watches connections failed");
  }
  *ret_peers = peers;
  return KT_OK;
}

void kt_peers_free(struct kt_peers *peers)
{
  if (peers == NULL) {
    return;
  }
  (void)pthread_mutex_lock(&peers->lock);
  peers->is_stopping = true;
  (void)pthread_cond_signal(&peers->wake);
  (void)pthread_mutex_unlock(&peers->lock);
  (void)pthread_join(peers->thread, NULL);
  (void)pthread_cond_destroy(&peers->wake);
  (void)pthread_mutex_destroy(&peers->lock);
  destroy(peers);
}
