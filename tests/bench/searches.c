/* SPDX-License-Identifier: Apache-2.0 */
#include "searches.h"

#include <stdlib.h>
#include <string.h>

#include <kt/writer.h>

#define SPREAD UINT64_C(2654435761) /* a prime, larger than any number of labels */
#define ONCE_MAX_S 600

/* The k-th label to be looked up: each label once, the same ones in every run, first those with stored proofs, spread over
 * them, then the others, spread over these. */
static size_t spread(const struct bench_world *world, size_t k)
{
  const struct bench_state *state = &world->state;
  size_t begin = k < state->n_warm ? 0 : state->n_warm;
  size_t end = k < state->n_warm ? state->n_warm : state->n_labels;
  return begin + (size_t)((uint64_t)(k - begin) * SPREAD % (end - begin));
}

size_t bench_searches_connections(const struct bench_world *world)
{
  return world->options->connections / 4;
}

struct kt_bytes bench_searches_label(const struct bench_searches *searches, size_t i)
{
  return (struct kt_bytes){ (const uint8_t *)searches->labels[i], strlen(searches->labels[i]) };
}

static void searches_init(struct bench_searches *searches, size_t n, const struct kt_log_state *log)
{
  *searches = (struct bench_searches){ .n = n, .labels = bench_alloc(n, BENCH_LABEL_SIZE) };
  if (log != NULL) {
    searches->log = *log;
  }
  bench_pool_init(&searches->pool);
}

void bench_searches_release(struct bench_searches *searches)
{
  for (size_t i = 0; i < searches->n_samples; i++) {
    bench_bytes_free(searches->samples[i].body);
  }
  bench_pool_release(&searches->pool);
  free(searches->labels);
}

/* The labels are set: make the requests. */
static void searches_write(struct bench_searches *searches)
{
  for (size_t i = 0; i < searches->n; i++) {
    struct kt_writer w;
    kt_writer_init(&w, 4096);
    kt_request_search(&w, &searches->log, bench_searches_label(searches, i), NULL);
    bench_require(w.err, "search request");
    bench_pool_post(&searches->pool, "/v1/search", (struct kt_bytes){ w.buf, w.len });
    kt_writer_release(&w);
  }
}

/* n labels from the k-th on. */
void bench_searches_of_imported(struct bench_searches *searches, const struct bench_world *world, size_t k, size_t n,
                                const struct kt_log_state *log)
{
  searches_init(searches, n, log);
  for (size_t i = 0; i < n; i++) {
    (void)bench_label(spread(world, k + i), searches->labels[i]);
  }
  searches_write(searches);
}

/* Of those with several versions. */
void bench_searches_of_history(struct bench_searches *searches, const struct kt_log_state *log)
{
  searches_init(searches, BENCH_HISTORY, log);
  for (size_t i = 0; i < BENCH_HISTORY; i++) {
    struct bench_account account;
    bench_account_init(&account, i);
    memcpy(searches->labels[i], account.label, BENCH_LABEL_SIZE);
  }
  searches_write(searches);
}

void bench_searches_keep(void *ctx, size_t request, unsigned status, struct kt_bytes body)
{
  struct bench_searches *searches = ctx;
  if (status == 200 && searches->n_samples < BENCH_SAMPLES_MAX) {
    searches->samples[searches->n_samples++] = (struct bench_sample){ request, bench_bytes_copy(body) };
  }
}

void bench_searches_run(struct bench_world *world, struct bench_searches *searches, double seconds,
                        struct bench_phase *ret_phase)
{
  struct bench_load load = { .n_connections = bench_searches_connections(world),
                             .pool = &searches->pool,
                             .once = seconds == 0,
                             .seconds = seconds == 0 ? ONCE_MAX_S : seconds,
                             .ctx = searches,
                             .on_response = bench_searches_keep };
  bench_world_run(world, &world->server, &load, ret_phase);
  bench_load_release(&ret_phase->result);
}
