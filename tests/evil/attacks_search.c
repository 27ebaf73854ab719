/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on answers to searches. Where the answer then leads to some root at all, that root is signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "attacks.h"
#include "support/suite.h"

static struct kt_search_response *search(void *response)
{
  return response;
}

/* --- what was asked ------------------------------------------------------------------------------------------------------------- */

static void answer_instead(struct evil_world *world, const struct kt_search_request *request)
{
  struct kt_writer w;
  kt_writer_init(&w, KT_REQUEST_MAX);
  kt_search_request_write(&w, request);
  assert_int_equal(w.err, KT_OK);
  world->request = (struct kt_bytes){ kt_arena_copy(&world->arena, w.buf, w.len), w.len };
  assert_non_null(world->request.data);
  kt_writer_release(&w);
}

static struct kt_search_request asked(const struct evil_world *world)
{
  struct kt_search_request request;
  assert_int_equal(kt_search_request_decode(world->request, &request), KT_OK);
  return request;
}

static void swap_label(struct evil_world *world)
{
  struct kt_search_request request = asked(world);
  request.label = toy_label(EVIL_OTHER);
  answer_instead(world, &request);
}

static void swap_version(struct evil_world *world)
{
  struct kt_search_request request = asked(world);
  request.version.value = 0;
  answer_instead(world, &request);
}

/* --- value, commitments, VRF ------------------------------------------------------------------------------------------------------ */

static void show_value_of(const struct evil_world *world, void *response, const char *label, uint32_t version)
{
  const struct toy_version *other = toy_version_find(&world->log, label, version);
  assert_non_null(other);
  search(response)->value.value = toy_version_value(other);
  search(response)->value.signature = toy_suffix(&world->log, other);
  search(response)->opening = other->opening;
}

static void value_of_older_version(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  show_value_of(world, response, EVIL_VICTIM, 0);
}

static void value_of_another_label(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  show_value_of(world, response, EVIL_OTHER, 0);
}

static struct kt_ladder_step *steps(struct kt_arena *arena, void *response)
{
  struct kt_search_response *answer = search(response);
  struct kt_ladder_step *copy = evil_copy(arena, answer->binary_ladder, answer->n_ladder, sizeof *copy);
  answer->binary_ladder = copy;
  return copy;
}

/* The newest version is number 1: the ladder is 0, 1, 2, 3. */
static void commitment_of_target(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_ladder_step *ladder = steps(arena, response);
  ladder[1].has_commitment = true;
  ladder[1].commitment = evil_leaf(world, EVIL_VICTIM, 1).commitment;
}

static void commitment_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  steps(arena, response)[0].has_commitment = false;
}

static void commitment_of_no_version(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_ladder_step *ladder = steps(arena, response);
  (void)world;
  ladder[2].has_commitment = true;
  ladder[2].commitment = ladder[0].commitment;
}

static void other_commitment(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  steps(arena, response)[0].commitment.b[0] ^= 1;
}

static void step_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)world;
  (void)arena;
  search(response)->n_ladder--;
}

static void step_too_many(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_ladder_step *ladder = steps(arena, response);
  (void)world;
  ladder[search(response)->n_ladder] = ladder[search(response)->n_ladder - 1];
  search(response)->n_ladder++;
}

static void steps_swapped(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_ladder_step *ladder = steps(arena, response);
  const uint8_t *first = ladder[0].proof;
  (void)world;
  ladder[0].proof = ladder[1].proof;
  ladder[1].proof = first;
}

static void prove_first_step(struct evil_world *world, struct kt_arena *arena, void *response, const char *label,
                             const uint8_t *seed)
{
  uint8_t *proof = kt_arena_alloc(arena, 1, KT_VRF_PROOF_MAX);
  uint8_t input[KT_VRF_INPUT_MAX];
  struct kt_hash output;
  assert_non_null(proof);
  const struct kt_bytes alpha = { input, kt_vrf_input(toy_label(label), 0, input) };
  const struct kt_vrf_key key = test_vrf_key(world->log.config.suite, seed);
  assert_int_equal(world->log.config.suite->vrf_prove(&key, alpha, proof, &output), KT_OK);
  steps(arena, response)[0].proof = proof;
}

static void vrf_of_another_label(struct evil_world *world, struct kt_arena *arena, void *response)
{
  prove_first_step(world, arena, response, EVIL_OTHER, toy_log_vrf_seed());
}

static void vrf_of_another_key(struct evil_world *world, struct kt_arena *arena, void *response)
{
  prove_first_step(world, arena, response, EVIL_VICTIM, toy_auditor_seed(7));
}

/* --- the proof ------------------------------------------------------------------------------------------------------------------------ */

static void timestamp_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  evil_proof(world, response)->n_timestamps--;
}

static void timestamp_too_many(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = evil_proof(world, response);
  uint64_t *timestamps = evil_copy(arena, proof->timestamps, proof->n_timestamps, sizeof *timestamps);
  timestamps[proof->n_timestamps++] = evil_newest_ms(world);
  proof->timestamps = timestamps;
}

static void timestamps_swapped(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = evil_proof(world, response);
  uint64_t *timestamps = evil_copy(arena, proof->timestamps, proof->n_timestamps, sizeof *timestamps);
  assert_true(proof->n_timestamps > 1);
  timestamps[0] = proof->timestamps[proof->n_timestamps - 1];
  timestamps[proof->n_timestamps - 1] = proof->timestamps[0];
  proof->timestamps = timestamps;
}

static struct kt_prefix_proof *prefix_proofs(struct kt_arena *arena, struct kt_combined_proof *proof)
{
  struct kt_prefix_proof *copy = evil_copy(arena, proof->prefix_proofs, proof->n_prefix_proofs, sizeof *copy);
  assert_true(proof->n_prefix_proofs > 0);
  proof->prefix_proofs = copy;
  return copy;
}

static void prefix_proof_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  evil_proof(world, response)->n_prefix_proofs--;
}

static void prefix_proof_too_many(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = evil_proof(world, response);
  struct kt_prefix_proof *proofs = prefix_proofs(arena, proof);
  proofs[proof->n_prefix_proofs] = proofs[0];
  proof->n_prefix_proofs++;
}

static void lookup_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  prefix_proofs(arena, evil_proof(world, response))[0].n_results--;
}

static void lookup_too_many(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *first = prefix_proofs(arena, evil_proof(world, response));
  struct kt_prefix_result *results = evil_copy(arena, first->results, first->n_results, sizeof *results);
  results[first->n_results] = results[0];
  first->n_results++;
  first->results = results;
}

static void prefix_element_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *first = prefix_proofs(arena, evil_proof(world, response));
  assert_true(first->n_elements > 0);
  first->n_elements--;
}

static const struct kt_hash *one_more(struct kt_arena *arena, const struct kt_hash *hashes, size_t *n)
{
  const struct kt_hash *more = evil_copy(arena, hashes, *n, sizeof *more);
  (*n)++;
  return more;
}

static void prefix_element_too_many(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *first = prefix_proofs(arena, evil_proof(world, response));
  first->elements = one_more(arena, first->elements, &first->n_elements);
}

static void prefix_root_too_many(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = evil_proof(world, response);
  proof->prefix_roots = one_more(arena, proof->prefix_roots, &proof->n_prefix_roots);
}

static void prefix_root_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  assert_true(evil_proof(world, response)->n_prefix_roots > 0);
  evil_proof(world, response)->n_prefix_roots--;
}

static void log_element_left_out(struct evil_world *world, struct kt_arena *arena, void *response)
{
  (void)arena;
  assert_true(evil_proof(world, response)->inclusion.n_elements > 0);
  evil_proof(world, response)->inclusion.n_elements--;
}

static void log_element_too_many(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_inclusion_proof *inclusion = &evil_proof(world, response)->inclusion;
  (void)world;
  inclusion->elements = one_more(arena, inclusion->elements, &inclusion->n_elements);
}

/* --- a version that is denied ---------------------------------------------------------------------------------------------------------- */

static struct kt_prefix_leaf hidden_leaf; /* of this process's one attack */

/* In its place a neighbour, so that the tree's own answer is that another leaf is there. */
static void put_neighbour(struct evil_world *world, unsigned number)
{
  evil_append(world, 1, EVIL_STEP_MS);
  if (number > 1) {
    return;
  }
  uint32_t greatest = evil_greatest(world, EVIL_VICTIM);
  uint64_t from = toy_version_find(&world->log, EVIL_VICTIM, greatest)->pos;
  hidden_leaf = evil_leaf(world, EVIL_VICTIM, greatest);
  struct kt_prefix_leaf neighbour = hidden_leaf;
  neighbour.vrf_output.b[KT_HASH_LEN - 1] ^= 1;
  for (uint64_t pos = from; pos < world->log.size; pos++) {
    toy_log_tamper(&world->log, pos, &hidden_leaf.vrf_output, &neighbour);
  }
  evil_deny(world, EVIL_VICTIM, greatest);
}

/* The leaf as the real tree has it: every hash is that of the real tree. */
static void neighbour_is_the_leaf(struct evil_world *world, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = evil_proof(world, response);
  struct kt_prefix_proof *proofs = prefix_proofs(arena, proof);
  for (size_t i = 0; i < proof->n_prefix_proofs; i++) {
    struct kt_prefix_result *results = evil_copy(arena, proofs[i].results, proofs[i].n_results, sizeof *results);
    for (size_t k = 0; k < proofs[i].n_results; k++) {
      if (results[k].type == KT_PREFIX_NON_INCLUSION_LEAF &&
          memcmp(results[k].leaf.vrf_output.b, hidden_leaf.vrf_output.b, KT_HASH_LEN - 1) == 0) {
        results[k].leaf = hidden_leaf;
      }
    }
    proofs[i].results = results;
  }
}

#define SEARCH .kinds = EVIL_ON(TOY_SEARCH)

static const struct evil_attack list[] = {
  { "swapped-label", "Answers for another label.", SEARCH, .before = swap_label },
  { "swapped-version", "Answers for another version than was asked for.", SEARCH, .before = swap_version },
  { "swapped-older-value", "Shows the newest version with the value of the one before.", SEARCH,
    .lie = value_of_older_version },
  { "swapped-foreign-value", "Shows the newest version with another label's value.", SEARCH,
    .lie = value_of_another_label },
  { "commitment-of-target", "Hands over the commitment that the client has to compute.", SEARCH,
    .lie = commitment_of_target },
  { "commitment-left-out", "Hands over no commitment for a version that exists.", SEARCH, .lie = commitment_left_out },
  { "commitment-of-no-version", "Hands over a commitment for a version that does not exist.", SEARCH,
    .lie = commitment_of_no_version },
  { "commitment-changed", "Gives an earlier version another commitment.", SEARCH, .lie = other_commitment },
  { "vrf-proof-left-out", "Hands over one VRF proof too few.", SEARCH, .lie = step_left_out },
  { "vrf-proof-too-many", "Hands over one VRF proof too many.", SEARCH, .lie = step_too_many },
  { "vrf-proofs-swapped", "Swaps the VRF proofs of two versions.", SEARCH, .lie = steps_swapped },
  { "vrf-of-another-label", "Proves the VRF output of another label.", SEARCH, .lie = vrf_of_another_label },
  { "vrf-of-another-key", "Proves a VRF output with another key.", SEARCH, .lie = vrf_of_another_key },
  { "timestamp-left-out", "Leaves out a timestamp.", SEARCH, .lie = timestamp_left_out },
  { "timestamp-too-many", "Adds a timestamp.", SEARCH, .lie = timestamp_too_many },
  { "timestamps-swapped", "Swaps the timestamps of two entries.", SEARCH, .lie = timestamps_swapped },
  { "prefix-proof-left-out", "Leaves out the proof of one entry.", SEARCH, .lie = prefix_proof_left_out },
  { "prefix-proof-too-many", "Adds the proof of an entry that needs none.", SEARCH, .lie = prefix_proof_too_many },
  { "lookup-left-out", "Ends a binary ladder before it decides.", SEARCH, .lie = lookup_left_out },
  { "lookup-too-many", "Goes on with a binary ladder that has decided.", SEARCH, .lie = lookup_too_many },
  { "prefix-element-left-out", "Leaves out a node of a prefix tree.", SEARCH, .lie = prefix_element_left_out },
  { "prefix-element-too-many", "Adds a node of a prefix tree.", SEARCH, .lie = prefix_element_too_many },
  { "prefix-root-left-out", "Leaves out a prefix tree's root.", SEARCH, .lie = prefix_root_left_out },
  { "prefix-root-too-many", "Adds a prefix tree's root.", SEARCH, .lie = prefix_root_too_many },
  { "log-element-left-out", "Leaves out a node of the log tree.", SEARCH, .lie = log_element_left_out },
  { "log-element-too-many", "Adds a node of the log tree.", SEARCH, .lie = log_element_too_many },
  { "denied-by-its-own-leaf", "Denies the newest version, and shows its own leaf as the one that is there instead.",
    .strike = put_neighbour, SEARCH, .lie = neighbour_is_the_leaf },
};

const struct evil_attacks evil_attacks_search = { list, sizeof list / sizeof list[0] };
