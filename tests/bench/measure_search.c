/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups of random labels: rate and server CPU beside libmicrohttpd alone, bytes per response, and the client's
 * verification of the same responses. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <kt/client.h>

#include "wire/search.h"
#include "searches.h"

#define PROOFS_PER_LABEL 2
#define BOUND_S 2
#define N_WARM_MIN 50000
#define N_COLD_MAX 200000
#define N_JUDGED_MIN 1000
#define VERIFY_SLICES 20
#define VERIFY_SLICE_NS UINT64_C(20000000)

/* --- what a response is made of ------------------------------------------------------------------------------------- */

struct parts {
  double bytes;
  double n_ladder;
  double n_hashes; /* of tree nodes, to verify it */
  double n_signatures;
  double fixed_bytes; /* all but the tree proofs */
  double value_len;
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
  parts->value_len += (double)response.value.value.len;
  kt_arena_release(&arena);
}

static struct parts mean_parts(const struct bench_world *world, const struct bench_searches *searches)
{
  struct parts sum = { 0 };
  double n = (double)searches->n_samples;
  for (size_t i = 0; i < searches->n_samples; i++) {
    add_parts(&world->config, searches->samples[i].body, &sum);
  }
  return (struct parts){ .bytes = sum.bytes / n,
                         .n_ladder = sum.n_ladder / n,
                         .n_hashes = sum.n_hashes / n,
                         .n_signatures = sum.n_signatures / n,
                         .fixed_bytes = sum.fixed_bytes / n,
                         .value_len = sum.value_len / n };
}

/* --- the client ------------------------------------------------------------------------------------------------------- */

static void verify(const struct bench_world *world, const struct bench_searches *searches, size_t i, uint32_t version,
                   struct kt_log_state *ret_log)
{
  static const struct kt_contact_state no_contact = { 0 };
  struct kt_arena arena;
  struct kt_reason reason = { 0 };
  const struct bench_sample *sample = &searches->samples[i];
  struct kt_search_result *result = bench_alloc(1, sizeof *result);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  const struct kt_client client = {
    .config = &world->config, .log = &searches->log, .now_ms = bench_unix_ms(), .arena = &arena, .reason = &reason
  };
  enum kt_err err = kt_verify_search(&client, bench_searches_label(searches, sample->request), NULL, NULL, &no_contact,
                                     sample->body, result);
  if (err != KT_OK || result->version != version) {
    bench_die("a lookup of %s does not verify: %s (version %lu)", searches->labels[sample->request],
              reason.text != NULL ? reason.text : kt_err_text(err), (unsigned long)result->version);
  }
  if (ret_log != NULL) {
    *ret_log = result->log;
  }
  kt_arena_release(&arena);
  free(result);
}

/* The fastest slice, in turns with the primitives of the same moment. */
static void measure_verify(struct bench_world *world, const struct bench_searches *searches, uint32_t version,
                           const struct parts *parts, const struct bench_row *row)
{
  struct bench_keys *keys = bench_keys_new();
  double us[BENCH_N_PRIMITIVES] = { 0 };
  double best_us = 0;
  for (size_t i = 0; i < bench_rounds(world->options, VERIFY_SLICES); i++) {
    uint64_t start = bench_cpu_ns();
    size_t n = 0;
    while (n < searches->n_samples || bench_cpu_ns() - start < VERIFY_SLICE_NS) {
      verify(world, searches, n % searches->n_samples, version, NULL);
      n++;
    }
    double slice_us = (double)(bench_cpu_ns() - start) / 1e3 / (double)n;
    best_us = best_us == 0 || slice_us < best_us ? slice_us : best_us;
    bench_primitive_slice(keys, BENCH_VRF_VERIFY, &us[BENCH_VRF_VERIFY]);
    bench_primitive_slice(keys, BENCH_VERIFY, &us[BENCH_VERIFY]);
    bench_primitive_slice(keys, BENCH_HASH, &us[BENCH_HASH]);
  }
  bench_keys_free(keys);
  struct bench_row with = *row;
  with.value = best_us;
  with.bound = parts->n_ladder * us[BENCH_VRF_VERIFY] + parts->n_signatures * us[BENCH_VERIFY] +
               parts->n_hashes * us[BENCH_HASH];
  bench_world_add(world, &with);
}

/* --- lookups with stored proofs --------------------------------------------------------------------------------------- */

struct names {
  const char *rate_key, *rate_text;
  const char *cpu_key, *cpu_text;
  const char *per_cpu_key, *per_cpu_text;
  const char *generator_key, *generator_text;
  const char *verify_key, *verify_text;
  const char *bytes_key, *bytes_text;
  uint32_t version;
  double rate_limit;   /* of libmicrohttpd's */
  double verify_limit; /* of the primitives */
};

static const struct names names_0 = {
  .rate_key = "search",
  .rate_text = "lookups, version 0, stored VRF proofs",
  .cpu_key = "search-cpu",
  .cpu_text = "server CPU per lookup, version 0",
  .per_cpu_key = "search-per-cpu",
  .per_cpu_text = "lookups per second of CPU, server and generator, version 0",
  .generator_key = "search-generator",
  .generator_text = "load generator's CPU per lookup, version 0",
  .verify_key = "verify-0",
  .verify_text = "client verification, version 0",
  .bytes_key = "bytes-0",
  .bytes_text = "search response, version 0",
  .version = 0,
  .rate_limit = 1.0 / 3,
  .verify_limit = 1.15,
};
static const struct names names_0_retained = {
  .rate_key = "search-retained",
  .rate_text = "lookups, version 0, client retains the head",
  .cpu_key = "search-retained-cpu",
  .cpu_text = "server CPU per lookup, version 0, head retained",
  .per_cpu_key = "search-retained-per-cpu",
  .per_cpu_text = "lookups per second of CPU, server and generator, version 0, head retained",
  .generator_key = "search-retained-generator",
  .generator_text = "load generator's CPU per lookup, version 0, head retained",
  .verify_key = "verify-0-retained",
  .verify_text = "client verification, version 0, head retained",
  .bytes_key = "bytes-0-retained",
  .bytes_text = "search response, version 0, head retained",
  .version = 0,
};
static const struct names names_5 = {
  .rate_key = "search-5",
  .rate_text = "lookups, version 5, stored VRF proofs",
  .cpu_key = "search-5-cpu",
  .cpu_text = "server CPU per lookup, version 5",
  .per_cpu_key = "search-5-per-cpu",
  .per_cpu_text = "lookups per second of CPU, server and generator, version 5",
  .generator_key = "search-5-generator",
  .generator_text = "load generator's CPU per lookup, version 5",
  .verify_key = "verify-5",
  .verify_text = "client verification, version 5",
  .bytes_key = "bytes-5",
  .bytes_text = "search response, version 5",
  .version = BENCH_HISTORY_VERSIONS - 1,
  .verify_limit = 1.15,
};
static const struct names names_5_retained = {
  .rate_key = "search-5-retained",
  .rate_text = "lookups, version 5, client retains the head",
  .cpu_key = "search-5-retained-cpu",
  .cpu_text = "server CPU per lookup, version 5, head retained",
  .per_cpu_key = "search-5-retained-per-cpu",
  .per_cpu_text = "lookups per second of CPU, server and generator, version 5, head retained",
  .generator_key = "search-5-retained-generator",
  .generator_text = "load generator's CPU per lookup, version 5, head retained",
  .verify_key = "verify-5-retained",
  .verify_text = "client verification, version 5, head retained",
  .bytes_key = "bytes-5-retained",
  .bytes_text = "search response, version 5, head retained",
  .version = BENCH_HISTORY_VERSIONS - 1,
};

/* Exchanges in a second of CPU, server and generator together: others on the machine disturb it less than a rate. */
static double per_cpu(const struct bench_turns *turns)
{
  return 1e6 / (turns->cpu_us + turns->generator_cpu_us);
}

/* libmicrohttpd alone gets the same requests and gives answers as long. */
static void take_turns(struct bench_world *world, struct bench_searches *searches, const struct names *names,
                       struct bench_turns *ret_served, struct bench_turns *ret_alone)
{
  struct bench_phase phase;
  double turn_s = world->options->seconds / BENCH_TURNS;
  *ret_served = *ret_alone = (struct bench_turns){ 0 };
  bench_searches_run(world, searches, 0, &phase); /* a server just started has nothing in its caches */
  for (size_t i = 0; i < BENCH_TURNS; i++) {
    bool is_profiled = i == BENCH_TURNS / 2;
    struct bench_profile *profile =
        is_profiled ? bench_profile_begin(world->options, world->state.n_labels, names->rate_key) : NULL;
    bench_searches_run(world, searches, turn_s, &phase);
    if (is_profiled) {
      bench_profile_end_server(profile, &world->server);
    }
    bench_turns_add(ret_served, &phase);
    bench_world_run_static(world, &searches->pool, bench_searches_connections(world), phase.body_len, turn_s, &phase);
    bench_turns_add(ret_alone, &phase);
  }
}

static void measure_rate(struct bench_world *world, struct bench_searches *searches, const struct names *names)
{
  struct bench_turns served;
  struct bench_turns alone;
  take_turns(world, searches, names, &served, &alone);
  bench_world_add(world, &(struct bench_row){ .key = names->rate_key,
                                              .text = names->rate_text,
                                              .unit = "lookups/s",
                                              .value = 1 / served.each_s,
                                              .bound = 1 / alone.each_s,
                                              .limit = names->rate_limit,
                                              .formula = "libmicrohttpd alone, requests and answers as long" });
  bench_world_add(world, &(struct bench_row){ .key = names->cpu_key,
                                              .text = names->cpu_text,
                                              .unit = "us",
                                              .value = served.cpu_us,
                                              .bound = alone.cpu_us,
                                              .formula = "libmicrohttpd alone, requests and answers as long" });
  bench_world_add(world, &(struct bench_row){ .key = names->per_cpu_key,
                                              .text = names->per_cpu_text,
                                              .unit = "lookups/s",
                                              .value = per_cpu(&served),
                                              .bound = per_cpu(&alone),
                                              .formula = "libmicrohttpd alone, requests and answers as long" });
  bench_world_add(world, &(struct bench_row){ .key = names->generator_key,
                                              .text = names->generator_text,
                                              .unit = "us",
                                              .value = served.generator_cpu_us });
}

/* Rate, verification and size; the head that the first sample leads to. */
static void measure_lookups(struct bench_world *world, struct bench_searches *searches, const struct names *names,
                            struct kt_log_state *ret_log)
{
  measure_rate(world, searches, names);
  struct parts parts = mean_parts(world, searches);
  measure_verify(world, searches, names->version, &parts,
                 &(struct bench_row){ .key = names->verify_key,
                                      .text = names->verify_text,
                                      .unit = "us",
                                      .limit = names->verify_limit,
                                      .formula = "ladder steps x VRF verify + head signature + tree hashes" });
  bench_world_add(world, &(struct bench_row){ .key = names->bytes_key,
                                              .text = names->bytes_text,
                                              .unit = "bytes",
                                              .value = parts.bytes,
                                              .bound = parts.fixed_bytes,
                                              .formula = "value, opening, head, VRF proofs, commitments (no tree)" });
  if (names == &names_0) {
    world->state.value_len = (size_t)parts.value_len;
    bench_world_add(world, &(struct bench_row){ .key = "search-hashes",
                                                .text = "tree nodes in a search response, version 0",
                                                .unit = "nodes",
                                                .value = parts.n_hashes });
  }
  if (ret_log != NULL) {
    verify(world, searches, 0, names->version, ret_log);
  }
  bench_searches_release(searches);
}

/* Labels that nobody ever asked for: the server has to make the proofs of the whole ladder. Returns the CPU that these proofs
 * oblige it to, beside the turn. */
static double take_cold_turn(struct bench_world *world, size_t n_labels, struct bench_searches *searches,
                             struct bench_turns *turns)
{
  struct bench_phase phase;
  struct bench_state *state = &world->state;
  double turn_s = world->options->seconds / 3;
  bench_searches_of_imported(searches, world, state->n_warm + state->n_cold, n_labels, NULL);
  struct bench_load load = { .n_connections = bench_searches_connections(world),
                             .pool = &searches->pool,
                             .once = true,
                             .seconds = turn_s,
                             .ctx = searches,
                             .on_response = bench_searches_keep };
  bench_world_run(world, &world->server, &load, &phase);
  phase.cpu_us += bench_world_settle(world) * 1e6 / (double)phase.result.n_ok;
  state->n_cold += phase.result.n_ok;
  bench_turns_add(turns, &phase);
  double n_ladder = mean_parts(world, searches).n_ladder;
  bench_load_release(&phase.result);
  bench_searches_release(searches);
  return n_ladder * bench_primitive_busy(BENCH_VRF_PROVE, world->n_cores, turn_s).cpu_us;
}

static void measure_cold(struct bench_world *world)
{
  const struct bench_state *state = &world->state;
  size_t n_left = state->n_labels - state->n_warm - state->n_cold;
  size_t n_turn = (n_left < N_COLD_MAX ? n_left : N_COLD_MAX) / BENCH_TURNS;
  if (n_turn == 0) {
    (void)printf("  every label of this log has its proofs: first lookups cannot be measured\n");
    return;
  }
  struct bench_searches *searches = bench_alloc(1, sizeof *searches);
  struct bench_turns turns = { 0 };
  double proofs_us = 0;
  (void)bench_world_settle(world);
  struct bench_profile *profile = bench_profile_begin(world->options, state->n_labels, "search-cold");
  for (size_t i = 0; i < BENCH_TURNS; i++) {
    proofs_us += take_cold_turn(world, n_turn, searches, &turns) / BENCH_TURNS;
  }
  bench_profile_end_server(profile, &world->server);
  free(searches);
  bench_world_add(world, &(struct bench_row){ .key = "search-cold",
                                              .text = "lookups, version 0, first of the label",
                                              .unit = "lookups/s",
                                              .value = 1 / turns.each_s,
                                              .bound = world->n_cores * 1e6 / proofs_us,
                                              .formula = "ladder steps x VRF prove one by one, all cores busy" });
  bench_world_add(world, &(struct bench_row){ .key = "search-cold-cpu",
                                              .text = "server CPU per lookup, first of the label",
                                              .unit = "us",
                                              .value = turns.cpu_us,
                                              .bound = proofs_us,
                                              .limit = 1.2,
                                              .formula = "ladder steps x VRF prove one by one, all cores busy" });
}

void bench_measure_search(struct bench_world *world)
{
  struct bench_searches *searches = bench_alloc(1, sizeof *searches);
  struct kt_log_state *log = bench_alloc(1, sizeof *log);
  size_t n_warm = world->state.n_warm;
  bench_searches_of_imported(searches, world, 0, n_warm, NULL);
  measure_lookups(world, searches, &names_0, log);
  bench_searches_of_imported(searches, world, 0, n_warm, log);
  measure_lookups(world, searches, &names_0_retained, NULL);
  bench_searches_of_history(searches, NULL);
  measure_lookups(world, searches, &names_5, log);
  bench_searches_of_history(searches, log);
  measure_lookups(world, searches, &names_5_retained, NULL);
  free(log);
  free(searches);
  measure_cold(world);
}

/* --- before ----------------------------------------------------------------------------------------------------------- */

static void make_history(struct bench_world *world)
{
  struct bench_account *history = bench_world_accounts(world, BENCH_HISTORY);
  for (size_t i = 0; i < BENCH_HISTORY_VERSIONS; i++) {
    bench_world_update(world, history, BENCH_HISTORY);
  }
  free(history);
}

/* Proofs of the first n labels, by the program that does it for operators. The log is stopped. */
static void prove(struct bench_world *world, size_t n)
{
  struct bench_state *state = &world->state;
  char limit[24];
  (void)snprintf(limit, sizeof limit, "%zu", n);
  const char *const argv[] = { "prove", world->folder, "--limit", limit, NULL };
  double bound_s = fmin(BOUND_S, world->options->seconds);
  double before = bench_primitive_busy(BENCH_VRF_PROVE, world->n_cores, bound_s).rate;
  struct bench_profile *profile = bench_profile_begin(world->options, state->n_labels, "prove");
  struct bench_cost cost = bench_run(world->options->server, world->log_path, argv);
  bench_profile_end(profile, &cost.pid, 1);
  double after = bench_primitive_busy(BENCH_VRF_PROVE, world->n_cores, bound_s).rate;
  state->n_warm = n;
  state->prove_s = cost.seconds;
  state->prove_bound = (before + after) / 2;
  state->proved_bytes = bench_folder_bytes(world->folder);
}

/* Looking up all of them must cost less than one proof each, once what is read of them is in memory. Few lookups cost more for what
 * a server does the first time. */
static void check_warm(struct bench_world *world)
{
  if (world->state.n_warm < N_JUDGED_MIN) {
    return;
  }
  struct bench_searches *searches = bench_alloc(1, sizeof *searches);
  struct bench_phase phase;
  bench_searches_of_imported(searches, world, 0, world->state.n_warm, NULL);
  bench_searches_run(world, searches, 0, &phase);
  bench_searches_run(world, searches, 0, &phase);
  bench_searches_release(searches);
  free(searches);
  if (phase.cpu_us >= world->primitives->us[BENCH_VRF_PROVE]) {
    bench_die("labels whose VRF proofs are stored are looked up at %.0f us of CPU each", phase.cpu_us);
  }
}

static size_t n_to_warm(const struct bench_world *world)
{
  size_t n_labels = world->state.n_labels;
  size_t asked = world->options->n_warm;
  size_t tenth = n_labels / 10;
  size_t n = tenth < N_WARM_MIN ? N_WARM_MIN : tenth;
  if (asked > 0) {
    return asked < n_labels ? asked : n_labels;
  }
  return n < n_labels / 2 ? n : n_labels / 2;
}

void bench_prepare_search(struct bench_world *world)
{
  struct bench_state *state = &world->state;
  bool is_new = state->n_warm == 0;
  if (is_new) {
    prove(world, n_to_warm(world));
  }
  bench_world_start(world, 0);
  if (state->n_accounts == 0) {
    make_history(world);
  }
  if (is_new) {
    check_warm(world);
  }
  bench_world_stop(world);
  bench_world_add(world, &(struct bench_row){ .key = "prove",
                                              .text = "VRF proofs ahead of lookups, durable (when they were made)",
                                              .unit = "proofs/s",
                                              .value = PROOFS_PER_LABEL * (double)state->n_warm / state->prove_s,
                                              .bound = state->prove_bound,
                                              .formula = "VRF proofs on all cores, just before and after" });
}
