/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups: rate and server CPU, bytes per response, and the client's verification of the same responses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kt/client.h>

#include <kt/writer.h>
#include "wire/search.h"
#include "world.h"

#define N_WARM 400   /* their proofs fit the server's list of proofs to store */
#define N_HISTORY 64 /* labels with HISTORY_VERSIONS versions */
#define HISTORY_VERSIONS 6
#define N_COLD_MAX 100000
#define N_SAMPLES 32
#define VERIFY_NS UINT64_C(1000000000)
#define STORE_ROUNDS 3

/* Requests for labels, and the first responses to them. */
struct searches {
  struct bench_pool pool;
  struct kt_log_state log; /* what the client retained when it asked; size 0: nothing */
  size_t n;
  char (*labels)[BENCH_LABEL_SIZE];
  struct kt_bytes samples[N_SAMPLES];
};

static struct kt_bytes label_of(const struct searches *searches, size_t i)
{
  return (struct kt_bytes){ (const uint8_t *)searches->labels[i], strlen(searches->labels[i]) };
}

static void searches_init(struct searches *searches, size_t n, const struct kt_log_state *log)
{
  *searches = (struct searches){ .n = n, .labels = bench_alloc(n, BENCH_LABEL_SIZE) };
  if (log != NULL) {
    searches->log = *log;
  }
  bench_pool_init(&searches->pool);
}

static void searches_release(struct searches *searches)
{
  for (size_t i = 0; i < N_SAMPLES; i++) {
    bench_bytes_free(searches->samples[i]);
  }
  bench_pool_release(&searches->pool);
  free(searches->labels);
}

/* The labels are set: make the requests. */
static void searches_write(struct searches *searches)
{
  for (size_t i = 0; i < searches->n; i++) {
    struct kt_writer w;
    kt_writer_init(&w, 4096);
    kt_request_search(&w, &searches->log, label_of(searches, i), NULL);
    bench_require(w.err, "search request");
    bench_pool_post(&searches->pool, "/v1/search", (struct kt_bytes){ w.buf, w.len });
    kt_writer_release(&w);
  }
}

static void searches_of_imported(struct searches *searches, const size_t *order, size_t n,
                                 const struct kt_log_state *log)
{
  searches_init(searches, n, log);
  for (size_t i = 0; i < n; i++) {
    (void)bench_label(order[i], searches->labels[i]);
  }
  searches_write(searches);
}

static void searches_of_accounts(struct searches *searches, const struct bench_account *accounts, size_t n,
                                 const struct kt_log_state *log)
{
  searches_init(searches, n, log);
  for (size_t i = 0; i < n; i++) {
    memcpy(searches->labels[i], accounts[i].label, BENCH_LABEL_SIZE);
  }
  searches_write(searches);
}

static void keep_sample(void *ctx, size_t request, unsigned status, struct kt_bytes body)
{
  struct searches *searches = ctx;
  if (status == 200 && request < N_SAMPLES && searches->samples[request].data == NULL) {
    searches->samples[request] = bench_bytes_copy(body);
  }
}

static void run(struct bench_world *world, struct searches *searches, bool once, struct bench_phase *ret_phase)
{
  struct bench_load load = { .n_connections = BENCH_CONNECTIONS,
                             .pool = &searches->pool,
                             .once = once,
                             .ctx = searches,
                             .on_response = keep_sample };
  bench_world_run(world, &load, ret_phase);
}

/* --- what a response is made of ------------------------------------------------------------------------------------- */

struct parts {
  double bytes;
  double n_ladder;
  double n_hashes; /* of tree nodes, to verify it */
  double n_signatures;
  double fixed_bytes; /* all but the tree proofs */
  double value_bytes;
};

/* Every result and every element of a prefix proof is one input of a hash, and so is every element of the inclusion
 * proof; an entry's leaf takes one more; the commitment as much as two nodes. */
static void add_parts(const struct kt_config *config, struct kt_bytes sample, struct parts *parts)
{
  struct kt_arena arena;
  struct kt_search_response response;
  const struct kt_optional_u32 greatest = { .present = false };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  bench_require(kt_search_response_decode(sample, config, greatest, &arena, &response), "search response");
  const struct kt_combined_proof *proof = &response.search;
  double updated = response.full_tree_head.type == KT_HEAD_UPDATED ? 1 : 0;
  size_t n_hashes = 2 + proof->inclusion.n_elements + proof->n_prefix_proofs + proof->n_prefix_roots;
  for (size_t i = 0; i < proof->n_prefix_proofs; i++) {
    n_hashes += proof->prefix_proofs[i].n_results + proof->prefix_proofs[i].n_elements;
  }
  size_t fixed = 1 + 4 + KT_OPENING_LEN + 4 + response.value.value.len + 1;
  for (size_t i = 0; i < response.n_ladder; i++) {
    fixed += config->suite->vrf_proof_len + 1 + (response.binary_ladder[i].has_commitment ? KT_HASH_LEN : 0);
  }
  parts->bytes += (double)sample.len;
  parts->n_ladder += (double)response.n_ladder;
  parts->n_hashes += (double)n_hashes;
  parts->n_signatures += updated;
  parts->fixed_bytes += (double)fixed + updated * (double)(8 + 2 + config->suite->signature_len);
  parts->value_bytes += (double)response.value.value.len;
  kt_arena_release(&arena);
}

static struct parts mean_parts(const struct bench_world *world, const struct searches *searches)
{
  struct parts sum = { 0 };
  double n = 0;
  for (size_t i = 0; i < N_SAMPLES; i++) {
    if (searches->samples[i].data != NULL) {
      add_parts(&world->config, searches->samples[i], &sum);
      n++;
    }
  }
  return (struct parts){ .bytes = sum.bytes / n,
                         .n_ladder = sum.n_ladder / n,
                         .n_hashes = sum.n_hashes / n,
                         .n_signatures = sum.n_signatures / n,
                         .fixed_bytes = sum.fixed_bytes / n,
                         .value_bytes = sum.value_bytes / n };
}

/* --- the client ------------------------------------------------------------------------------------------------------- */

static void verify(const struct bench_world *world, const struct searches *searches, size_t i, uint32_t version,
                   struct kt_log_state *ret_log)
{
  static const struct kt_contact_state no_contact = { 0 };
  struct kt_arena arena;
  struct kt_reason reason = { 0 };
  struct kt_search_result *result = bench_alloc(1, sizeof *result);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  const struct kt_client client = {
    .config = &world->config, .log = &searches->log, .now_ms = bench_unix_ms(), .arena = &arena, .reason = &reason
  };
  enum kt_err err =
      kt_verify_search(&client, label_of(searches, i), NULL, NULL, &no_contact, searches->samples[i], result);
  if (err != KT_OK || result->version != version) {
    bench_die("a lookup of %s does not verify: %s (version %lu)", searches->labels[i],
              reason.text != NULL ? reason.text : kt_err_text(err), (unsigned long)result->version);
  }
  if (ret_log != NULL) {
    *ret_log = result->log;
  }
  kt_arena_release(&arena);
  free(result);
}

static double verify_us(const struct bench_world *world, const struct searches *searches, uint32_t version)
{
  uint64_t start = bench_cpu_ns();
  uint64_t n = 0;
  while (bench_cpu_ns() - start < VERIFY_NS) {
    verify(world, searches, (size_t)(n % N_SAMPLES), version, NULL);
    n++;
  }
  return (double)(bench_cpu_ns() - start) / 1e3 / (double)n;
}

static double verify_base_us(const struct bench_world *world, const struct parts *parts)
{
  const struct bench_primitives *p = world->primitives;
  return parts->n_ladder * p->vrf_verify_us + parts->n_signatures * p->verify_us + parts->n_hashes * p->hash_us;
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

struct names {
  const char *rate_key, *rate_text;
  const char *cpu_key, *cpu_text;
  const char *verify_key, *verify_text;
  const char *bytes_key, *bytes_text;
};

static void add_rows(struct bench_world *world, const struct searches *searches, const struct bench_phase *phase,
                     uint32_t version, const struct names *names)
{
  struct parts parts = mean_parts(world, searches);
  bench_world_add(world, names->rate_key, names->rate_text, "lookups/s", bench_load_rate(&phase->result),
                  world->http_rate, "HTTP exchange");
  bench_world_add(world, names->cpu_key, names->cpu_text, "us", phase->cpu_us, world->http_us, "HTTP exchange");
  bench_world_add(world, names->verify_key, names->verify_text, "us", verify_us(world, searches, version),
                  verify_base_us(world, &parts), "ladder steps x VRF verify + head signature + tree hashes");
  bench_world_add(world, names->bytes_key, names->bytes_text, "bytes", parts.bytes, parts.fixed_bytes,
                  "value, opening, head, VRF proofs, commitments (all but tree proofs)");
}

static const struct names names_0 = {
  "search",     "lookups, version 0, stored VRF proofs",
  "search-cpu", "server CPU per lookup, version 0, stored VRF proofs",
  "verify-0",   "client verification, version 0",
  "bytes-0",    "search response, version 0",
};
static const struct names names_0_retained = {
  "search-retained",     "lookups, version 0, stored VRF proofs, client retains the head",
  "search-retained-cpu", "server CPU per lookup, version 0, client retains the head",
  "verify-0-retained",   "client verification, version 0, head retained",
  "bytes-0-retained",    "search response, version 0, head retained",
};
static const struct names names_5 = {
  "search-5",     "lookups, version 5, stored VRF proofs",
  "search-5-cpu", "server CPU per lookup, version 5, stored VRF proofs",
  "verify-5",     "client verification, version 5",
  "bytes-5",      "search response, version 5",
};
static const struct names names_5_retained = {
  "search-5-retained",     "lookups, version 5, stored VRF proofs, client retains the head",
  "search-5-retained-cpu", "server CPU per lookup, version 5, client retains the head",
  "verify-5-retained",     "client verification, version 5, head retained",
  "bytes-5-retained",      "search response, version 5, head retained",
};

/* --- the measurements ------------------------------------------------------------------------------------------------- */

static void update_once(struct bench_world *world, struct bench_account *accounts, size_t n)
{
  struct bench_pool pool;
  struct bench_phase phase;
  bench_pool_init(&pool);
  for (size_t i = 0; i < n; i++) {
    bench_world_add_update(world, &accounts[i], &pool);
  }
  struct bench_load load = { .n_connections = BENCH_CONNECTIONS, .pool = &pool, .once = true, .seconds = 60 };
  bench_world_run(world, &load, &phase);
  bench_load_release(&phase.result);
  bench_pool_release(&pool);
}

/* Look them up; the next commit, that of a registration, stores the proofs computed meanwhile. Several times, because
 * the server may forget some. */
static void store_proofs(struct bench_world *world, struct searches *searches)
{
  for (size_t i = 0; i < STORE_ROUNDS; i++) {
    struct bench_phase phase;
    run(world, searches, true, &phase);
    bench_load_release(&phase.result);
    struct bench_account *account = bench_world_accounts(world, 1);
    update_once(world, account, 1);
    free(account);
  }
}

/* Both searches twice: as a client that knows nothing, and as one that has verified the newest head. */
static void measure_stored(struct bench_world *world, const size_t *order, size_t n_warm,
                           const struct bench_account *history)
{
  struct searches *searches = bench_alloc(1, sizeof *searches);
  struct kt_log_state *log = bench_alloc(1, sizeof *log);
  struct bench_phase phase;
  searches_of_imported(searches, order, n_warm, NULL);
  store_proofs(world, searches);
  for (size_t i = 0; i < N_SAMPLES; i++) { /* from before the registration */
    bench_bytes_free(searches->samples[i]);
    searches->samples[i] = (struct kt_bytes){ NULL, 0 };
  }
  run(world, searches, false, &phase);
  add_rows(world, searches, &phase, 0, &names_0);
  verify(world, searches, 0, 0, log);
  bench_load_release(&phase.result);
  searches_release(searches);

  searches_of_imported(searches, order, n_warm, log);
  run(world, searches, false, &phase);
  add_rows(world, searches, &phase, 0, &names_0_retained);
  bench_load_release(&phase.result);
  searches_release(searches);

  searches_of_accounts(searches, history, N_HISTORY, NULL);
  run(world, searches, false, &phase);
  add_rows(world, searches, &phase, HISTORY_VERSIONS - 1, &names_5);
  bench_load_release(&phase.result);
  searches_release(searches);

  searches_of_accounts(searches, history, N_HISTORY, log);
  run(world, searches, false, &phase);
  add_rows(world, searches, &phase, HISTORY_VERSIONS - 1, &names_5_retained);
  bench_load_release(&phase.result);
  searches_release(searches);
  free(log);
  free(searches);
}

/* Labels that nobody ever asked for: the server has to make the proofs of the whole ladder. */
static void measure_cold(struct bench_world *world, const size_t *order, size_t n)
{
  struct searches *searches = bench_alloc(1, sizeof *searches);
  struct bench_phase phase;
  searches_of_imported(searches, order, n < N_COLD_MAX ? n : N_COLD_MAX, NULL);
  run(world, searches, true, &phase);
  struct parts parts = mean_parts(world, searches);
  double proofs_us = parts.n_ladder * world->primitives->vrf_prove_us;
  bench_world_add(world, "search-cold", "lookups, version 0, first of the label (VRF proofs computed)", "lookups/s",
                  bench_load_rate(&phase.result), bench_world_rate(world, proofs_us),
                  "HTTP exchange + ladder steps x VRF prove, all cores");
  bench_world_add(world, "search-cold-cpu", "server CPU per lookup, version 0, first of the label", "us", phase.cpu_us,
                  world->http_us + proofs_us, "HTTP exchange + ladder steps x VRF prove");
  world->value_bytes += (uint64_t)(parts.value_bytes * (double)world->n_labels); /* of the import: all as long */
  bench_load_release(&phase.result);
  searches_release(searches);
  free(searches);
}

void bench_measure_search(struct bench_world *world)
{
  size_t *order = bench_permutation(world->n_labels, &world->random);
  size_t n_warm = world->n_labels / 2 < N_WARM ? world->n_labels / 2 : N_WARM;
  struct bench_account *history = bench_world_accounts(world, N_HISTORY);
  for (size_t i = 0; i < HISTORY_VERSIONS; i++) {
    update_once(world, history, N_HISTORY);
  }
  measure_stored(world, order, n_warm, history);
  measure_cold(world, order + n_warm, world->n_labels - n_warm);
  free(history);
  free(order);
}
