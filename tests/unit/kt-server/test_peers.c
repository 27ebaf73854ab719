/* SPDX-License-Identifier: Apache-2.0 */
/* Open connections: deadlines that no activity moves, the limit of an address, who goes when places run short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "peers.h"

#define N 16
#define LONG_MS 600000

/* One end is the server's, the other the client's. */
struct pair {
  int server;
  int client;
  struct kt_peer *peer;
};

static struct pair connect_pair(struct kt_peers *peers, const struct sockaddr *from)
{
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  return (struct pair){ fds[0], fds[1], kt_peers_open(peers, fds[0], from) };
}

static void close_pair(struct kt_peers *peers, struct pair *pair)
{
  kt_peers_close(peers, pair->peer);
  assert_int_equal(close(pair->server), 0);
  assert_int_equal(close(pair->client), 0);
}

/* Has the server ended it, within so many milliseconds? */
static int is_ended(const struct pair *pair, int wait_ms)
{
  char byte;
  struct pollfd fd = { .fd = pair->client, .events = POLLIN };
  return poll(&fd, 1, wait_ms) == 1 && recv(pair->client, &byte, 1, MSG_DONTWAIT) == 0;
}

static struct kt_peers *start(const struct kt_peer_limits *limits)
{
  struct kt_peers *peers = NULL;
  struct kt_error error;
  assert_int_equal(kt_peers_new(limits, NULL, &peers, &error), KT_OK);
  return peers;
}

static void each_phase_has_its_deadline(void **state)
{
  static const enum kt_phase phases[] = { KT_PHASE_HEAD, KT_PHASE_IDLE, KT_PHASE_BODY, KT_PHASE_SEND };
  (void)state;
  for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
    struct kt_peer_limits limits = { LONG_MS, LONG_MS, LONG_MS, LONG_MS, N, 0 };
    uint64_t *const of_phase[] = { &limits.head_ms, &limits.idle_ms, &limits.body_ms, &limits.send_ms };
    *of_phase[i] = 50;
    struct kt_peers *peers = start(&limits);
    struct pair late = connect_pair(peers, NULL);
    struct pair working = connect_pair(peers, NULL);
    struct pair other = connect_pair(peers, NULL);
    kt_peer_expect(late.peer, phases[i]);
    kt_peer_expect(working.peer, KT_PHASE_WORK);
    kt_peer_expect(other.peer, phases[(i + 1) % 4]);
    assert_true(is_ended(&late, 5000));
    assert_false(is_ended(&working, 0));
    assert_false(is_ended(&other, 0));
    struct kt_peers_count count;
    kt_peers_count(peers, &count);
    assert_true(count.n_open == 3 && count.n_expired == 1 && count.n_evicted == 0);
    close_pair(peers, &late);
    close_pair(peers, &working);
    close_pair(peers, &other);
    kt_peers_free(peers);
  }
}

/* Traffic is not progress: a byte now and then does not keep a connection. */
static void a_trickle_does_not_help(void **state)
{
  const struct kt_peer_limits limits = { 100, LONG_MS, LONG_MS, LONG_MS, N, 0 };
  int ended = 0;
  (void)state;
  struct kt_peers *peers = start(&limits);
  struct pair slow = connect_pair(peers, NULL);
  for (int i = 0; i < 500 && !ended; i++) {
    (void)send(slow.client, "x", 1, MSG_NOSIGNAL);
    ended = is_ended(&slow, 10);
  }
  assert_true(ended);
  close_pair(peers, &slow);
  kt_peers_free(peers);
}

static void an_address_has_its_limit(void **state)
{
  const struct kt_peer_limits limits = { LONG_MS, LONG_MS, LONG_MS, LONG_MS, N, 2 };
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) };
  struct sockaddr_in other = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000202) };
  const struct sockaddr *from = (const struct sockaddr *)&in;
  struct kt_peers_count count;
  (void)state;
  struct kt_peers *peers = start(&limits);
  assert_true(kt_peers_admits(peers, from));
  struct pair first = connect_pair(peers, from);
  struct pair second = connect_pair(peers, from);
  assert_false(kt_peers_admits(peers, from));
  assert_null(kt_peers_open(peers, -1, from)); /* let in by another thread that asked before */
  assert_true(kt_peers_admits(peers, (const struct sockaddr *)&other));
  assert_true(kt_peers_admits(peers, NULL));
  close_pair(peers, &first);
  assert_true(kt_peers_admits(peers, from));
  kt_peers_count(peers, &count);
  assert_true(count.n_refused == 2 && count.n_open == 1);
  close_pair(peers, &second);
  kt_peers_free(peers);
}

/* Three quarters full: whoever waits longest makes room, and nobody who is being served. */
static void the_one_that_waits_longest_goes(void **state)
{
  const struct kt_peer_limits limits = { LONG_MS, LONG_MS, LONG_MS, LONG_MS, N, 0 };
  struct pair pairs[N];
  struct kt_peers_count count;
  (void)state;
  struct kt_peers *peers = start(&limits);
  for (size_t i = 0; i < N - 3; i++) {
    pairs[i] = connect_pair(peers, NULL);
    const struct timespec nap = { .tv_nsec = 2000000 };
    assert_int_equal(nanosleep(&nap, NULL), 0);
  }
  kt_peer_expect(pairs[0].peer, KT_PHASE_WORK);
  kt_peer_expect(pairs[1].peer, KT_PHASE_IDLE); /* just now */
  pairs[N - 3] = connect_pair(peers, NULL);
  assert_true(is_ended(&pairs[2], 1000));
  for (size_t i = 0; i < N - 2; i++) {
    assert_int_equal(is_ended(&pairs[i], 0), i == 2);
  }
  kt_peers_count(peers, &count);
  assert_true(count.n_evicted == 1);
  for (size_t i = 0; i < N - 2; i++) {
    close_pair(peers, &pairs[i]);
  }
  kt_peers_free(peers);
}

static void there_are_so_many_places(void **state)
{
  const struct kt_peer_limits limits = { LONG_MS, LONG_MS, LONG_MS, LONG_MS, N, 0 };
  struct pair pairs[N + 1];
  (void)state;
  struct kt_peers *peers = start(&limits);
  for (size_t i = 0; i < N + 1; i++) {
    pairs[i] = connect_pair(peers, NULL);
    assert_int_equal(pairs[i].peer != NULL, i < N);
  }
  for (size_t i = 0; i < N + 1; i++) {
    close_pair(peers, &pairs[i]);
  }
  struct pair again = connect_pair(peers, NULL);
  assert_non_null(again.peer);
  close_pair(peers, &again);
  kt_peers_free(peers);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_phase_has_its_deadline), cmocka_unit_test(a_trickle_does_not_help),
    cmocka_unit_test(an_address_has_its_limit),    cmocka_unit_test(the_one_that_waits_longest_goes),
    cmocka_unit_test(there_are_so_many_places),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
