/* SPDX-License-Identifier: Apache-2.0 */
/* What a world says: honest answers of the toy log, changed by the attack, signed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <kt/client.h>

#include "crypto/secret.h"
#include "support/toy_naive.h"
#include "tree/ibst.h"
#include "tree/log_tree.h"
#include "wire/distinguished.h"
#include "wire/monitor.h"
#include "wire/update.h"
#include "world.h"

#define RESPONSE_MAX ((size_t)4 << 20)
#define SIGNATURE_AT (1 + 8 + 2) /* FullTreeHead: type, tree_size, length of the signature */

/* --- signing what a client will compute -------------------------------------------------------------------------------------- */

/* The client's own algorithm tells which root a changed answer leads to: it runs here with a suite that takes every
 * signature and writes down what the log's should have been over. */
static struct kt_suite recording_suite;
static const struct kt_config *recording_config;
static uint8_t recorded[KT_HEAD_TBS_MAX];
static size_t recorded_len;

static enum kt_err record_message(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  const struct kt_bytes ours = recording_config->signature_public_key;
  (void)signature;
  if (recorded_len == 0 && public_key.len == ours.len && memcmp(public_key.data, ours.data, ours.len) == 0) {
    assert_true(message.len <= sizeof recorded);
    memcpy(recorded, message.data, message.len);
    recorded_len = message.len;
  }
  return KT_OK;
}

static enum kt_err run_search(struct evil_world *world, const struct kt_client *client, struct kt_bytes response)
{
  static const struct kt_contact_state nothing;
  struct kt_search_request request;
  struct kt_search_result result;
  enum kt_err err = kt_search_request_decode(world->request, &request);
  assert_int_equal(err, KT_OK);
  const uint32_t *version = request.version.present ? &request.version.value : NULL;
  return kt_verify_search(client, request.label, version, NULL, &nothing, response, &result);
}

static enum kt_err run_owner_init(struct evil_world *world, const struct kt_client *client, struct kt_bytes response)
{
  struct kt_owner_init_request request;
  struct kt_owner_result result;
  assert_int_equal(kt_owner_init_request_decode(world->request, &request), KT_OK);
  return kt_verify_owner_init(client, request.label, request.start, response, &result);
}

static enum kt_err run_distinguished(struct evil_world *world, const struct kt_client *client, struct kt_bytes response)
{
  struct kt_distinguished_request request;
  struct kt_distinguished_result result;
  assert_int_equal(kt_distinguished_request_decode(world->request, &request), KT_OK);
  return kt_verify_distinguished(client, request.stop.present ? &request.stop.value : NULL, response, &result);
}

/* What an owner who made or saw all of these versions knows. */
static void owner_of(struct evil_world *world, const struct kt_update_request *request, struct kt_arena *arena,
                     struct kt_owner_state *ret_owner)
{
  struct kt_known_version *versions = kt_arena_alloc(arena, TOY_KEYS, sizeof *versions);
  struct kt_version_at *upcoming = kt_arena_alloc(arena, TOY_KEYS, sizeof *upcoming);
  char label[KT_LABEL_MAX + 1] = "";
  size_t n = 0;
  assert_true(versions != NULL && upcoming != NULL);
  memcpy(label, request->label.data, request->label.len);
  for (uint32_t version = 0; version < TOY_KEYS; version++) {
    bool is_known = request->greatest_version.present && version <= request->greatest_version.value;
    versions[version] = (struct kt_known_version){ .version = version, .has_commitment = is_known };
    toy_vrf_output(label, version, &versions[version].vrf_output);
    if (is_known) {
      const struct toy_version *found = toy_version_find(&world->log, label, version);
      versions[version].commitment = found->commitment;
      upcoming[n++] = (struct kt_version_at){ .position = found->pos, .version = version };
    }
  }
  *ret_owner = (struct kt_owner_state){ .upcoming = upcoming,
                                        .n_upcoming = n,
                                        .contact = { .known = versions, .n_known = TOY_KEYS } };
}

static enum kt_err run_update(struct evil_world *world, const struct kt_client *client, struct kt_bytes response)
{
  struct kt_update_request request;
  struct kt_update_result result;
  struct kt_owner_state owner;
  assert_int_equal(kt_update_request_decode(world->request, client->arena, &request), KT_OK);
  owner_of(world, &request, client->arena, &owner);
  return kt_verify_update(client, request.label, &owner, request.values, request.n_values, response, &result);
}

void evil_sign_again(struct evil_world *world, struct kt_bytes response)
{
  static enum kt_err (*const runs[])(struct evil_world *, const struct kt_client *, struct kt_bytes) = {
    [TOY_SEARCH] = run_search,
    [TOY_OWNER_INIT] = run_owner_init,
    [TOY_UPDATE] = run_update,
    [TOY_DISTINGUISHED] = run_distinguished,
  };
  struct kt_config config = world->log.config;
  struct kt_log_state log = { .auditor_size = 0 };
  struct kt_arena arena;
  bool has_run = world->kind < sizeof runs / sizeof runs[0] && runs[world->kind] != NULL;
  bool shows_head = response.len > SIGNATURE_AT && response.data[0] == KT_HEAD_UPDATED;
  if (!has_run || !shows_head || (world->last.present && world->last.value > world->log.size)) {
    return;
  }
  recording_suite = *config.suite;
  recording_suite.verify = record_message;
  config.suite = &recording_suite;
  recording_config = &config;
  recorded_len = 0;
  if (world->last.present) {
    toy_naive_state(&world->log, world->last.value, &log.tree);
    kt_log_root(log.tree.size, log.tree.heads, &log.root);
    log.auditor_size = world->last.value;
  }
  kt_arena_init(&arena, (size_t)64 << 20);
  const struct kt_client client = {
    .config = &config, .log = &log, .now_ms = evil_newest_ms(world), .arena = &arena, .reason = NULL
  };
  (void)runs[world->kind](world, &client, response);
  if (recorded_len > 0) {
    uint8_t signature[KT_SIGNATURE_MAX];
    const struct kt_bytes message = { recorded, recorded_len };
    assert_int_equal(kt_sign_once(world->log.config.suite, toy_log_sign_seed(), message, signature), KT_OK);
    memcpy((uint8_t *)(uintptr_t)response.data + SIGNATURE_AT, signature, world->log.config.suite->signature_len);
  }
  kt_arena_release(&arena);
}

/* --- parts of answers ---------------------------------------------------------------------------------------------------------- */

struct kt_full_tree_head *evil_head(void *response)
{
  return response; /* the first member of each */
}

struct kt_combined_proof *evil_proof(const struct evil_world *world, void *response)
{
  switch (world->kind) {
  case TOY_SEARCH: return &((struct kt_search_response *)response)->search;
  case TOY_OWNER_INIT: return &((struct kt_owner_init_response *)response)->init;
  case TOY_UPDATE: return &((struct kt_update_response *)response)->update;
  case TOY_DISTINGUISHED: return &((struct kt_distinguished_response *)response)->distinguished;
  case TOY_CONTACT:
  case TOY_OWNER_MONITOR: break;
  }
  return &((struct kt_monitor_response *)response)->monitor;
}

void *evil_copy(struct kt_arena *arena, const void *array, size_t n, size_t size)
{
  uint8_t *copy = kt_arena_alloc(arena, n + 1, size);
  assert_non_null(copy);
  memset(copy, 0, (n + 1) * size);
  if (array != NULL) {
    memcpy(copy, array, n * size);
  }
  return copy;
}

/* --- answers ------------------------------------------------------------------------------------------------------------------- */

static void lie(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct evil_world *world = log->mutate_ctx;
  world->attack->lie(world, arena, response);
}

/* The version counter a client sends decides whether its values are new. */
static void insert_values(struct evil_world *world)
{
  struct kt_update_request request;
  char label[KT_LABEL_MAX + 1] = "";
  uint32_t greatest = 0;
  struct kt_arena arena;
  kt_arena_init(&arena, (size_t)4 << 20);
  if (kt_update_request_decode(world->request, &arena, &request) == KT_OK && request.n_values > 0) {
    memcpy(label, request.label.data, request.label.len);
    bool exists = toy_greatest_at(&world->log, label, UINT64_MAX, &greatest);
    bool is_newest = exists ? request.greatest_version.present && request.greatest_version.value == greatest
                            : !request.greatest_version.present;
    if (is_newest) {
      evil_append_value(world, label, request.values[0]);
    }
  }
  kt_arena_release(&arena);
}

/* The first answer of a kind again and again. */
static void replay(struct evil_world *world, struct kt_bytes *response)
{
  if (!world->attack->replays || (world->attack->kinds & (1u << world->kind)) == 0) {
    return;
  }
  if (world->strikes == 0) {
    world->replay = *response;
  } else if (world->replay.data != NULL) {
    *response = world->replay;
  }
}

/* Every request begins with optional<uint64> last. */
static struct kt_optional_u64 advertised(struct kt_bytes request)
{
  struct kt_reader r;
  kt_reader_init(&r, request.data, request.len);
  return kt_read_optional_u64(&r);
}

enum kt_err evil_answer(struct evil_world *world, enum toy_kind kind, struct kt_bytes request,
                        struct kt_bytes *ret_response)
{
  const struct evil_attack *attack = world->attack;
  bool lies = world->strikes > 0 && attack->lie != NULL && (attack->kinds & (1u << kind)) != 0;
  struct kt_writer w;
  world->kind = kind;
  world->request = request;
  world->last = advertised(request);
  if (kind == TOY_UPDATE) {
    insert_values(world);
  }
  if (world->strikes > 0 && attack->before != NULL && (attack->kinds & (1u << kind)) != 0) {
    attack->before(world);
  }
  world->log.mutate = lies ? lie : NULL;
  world->log.mutate_ctx = world;
  kt_writer_init(&w, RESPONSE_MAX);
  enum kt_err err = toy_answer(&world->log, world->log.size, kind, world->request, &w);
  if (err == KT_OK) {
    *ret_response = (struct kt_bytes){ kt_arena_copy(&world->arena, w.buf, w.len), w.len };
    assert_non_null(ret_response->data);
    if (lies && !attack->is_unsigned) {
      evil_sign_again(world, *ret_response);
    }
    replay(world, ret_response);
  }
  kt_writer_release(&w);
  return err;
}

/* --- what auditors are handed ----------------------------------------------------------------------------------------------------- */

static bool same_leaf(const struct kt_prefix_leaf *a, const struct kt_prefix_leaf *b)
{
  return memcmp(a, b, sizeof *a) == 0;
}

/* Leaves of `in` that are not in `out`; both ascending by key, at most one of a key. */
static size_t difference(const struct kt_prefix_leaf *in, size_t n_in, const struct kt_prefix_leaf *out, size_t n_out,
                         struct kt_prefix_leaf *ret)
{
  size_t n = 0;
  for (size_t i = 0; i < n_in; i++) {
    bool found = false;
    for (size_t k = 0; k < n_out && !found; k++) {
      found = same_leaf(&in[i], &out[k]);
    }
    if (!found) {
      ret[n++] = in[i];
    }
  }
  return n;
}

/* Results for all of added, then for all of removed; a key in both has the same result twice. */
static void prove_changes(struct evil_world *world, uint64_t pos, struct kt_arena *arena,
                          struct kt_auditor_update *update)
{
  const struct kt_prefix_child none = { 0 };
  size_t n_all = update->n_added + update->n_removed;
  struct kt_hash *keys = kt_arena_alloc(arena, n_all, sizeof *keys);
  size_t *result_of = kt_arena_alloc(arena, n_all, sizeof *result_of);
  struct kt_prefix_result *results = kt_arena_alloc(arena, n_all, sizeof *results);
  assert_true(keys != NULL && result_of != NULL && results != NULL);
  size_t n = 0;
  for (size_t i = 0; i < n_all; i++) {
    const struct kt_prefix_leaf *leaf = i < update->n_added ? &update->added[i] : &update->removed[i - update->n_added];
    size_t at = 0;
    while (at < n && memcmp(keys[at].b, leaf->vrf_output.b, KT_HASH_LEN) != 0) {
      at++;
    }
    keys[at] = leaf->vrf_output;
    n = at == n ? n + 1 : n;
    result_of[i] = at;
  }
  assert_int_equal(kt_prefix_prove(&world->log.source.prefix_nodes, pos > 0 ? world->log.prefix_roots[pos - 1] : none,
                                   keys, n, arena, &update->proof),
                   KT_OK);
  for (size_t i = 0; i < n_all; i++) {
    results[i] = update->proof.results[result_of[i]];
  }
  update->proof.results = results;
  update->proof.n_results = n_all;
}

static void write_update(struct evil_world *world, uint64_t pos, struct kt_writer *w)
{
  struct kt_arena arena;
  kt_arena_init(&arena, (size_t)8 << 20);
  struct kt_prefix_leaf *leaves[4];
  for (size_t i = 0; i < 4; i++) {
    leaves[i] = kt_arena_alloc(&arena, TOY_LEAVES_MAX, sizeof *leaves[i]);
    assert_non_null(leaves[i]);
  }
  size_t n_before = pos > 0 ? toy_log_leaves(&world->log, pos - 1, leaves[0]) : 0;
  size_t n_after = toy_log_leaves(&world->log, pos, leaves[1]);
  struct kt_auditor_update update = { .timestamp = world->log.timestamps[pos],
                                      .added = leaves[2],
                                      .removed = leaves[3] };
  update.n_added = difference(leaves[1], n_after, leaves[0], n_before, leaves[2]);
  update.n_removed = difference(leaves[0], n_before, leaves[1], n_after, leaves[3]);
  prove_changes(world, pos, &arena, &update);
  if (world->strikes > 0 && world->attack->feed != NULL) {
    world->attack->feed(world, &arena, pos, &update);
  }
  kt_auditor_update_write(w, &update);
  kt_arena_release(&arena);
}

void evil_audit_page(struct evil_world *world, uint64_t start, uint64_t limit, struct kt_writer *w)
{
  uint64_t left = start < world->log.size ? world->log.size - start : 0;
  uint64_t n = limit < left ? limit : left;
  kt_write_u32(w, (uint32_t)n);
  for (uint64_t i = 0; i < n; i++) {
    write_update(world, start + i, w);
  }
}

bool evil_consistency(struct evil_world *world, uint64_t old_size, uint64_t size, struct kt_writer *w)
{
  struct kt_log_node *nodes;
  struct kt_tree_state state;
  struct kt_arena arena;
  struct kt_hash value;
  size_t n = 0;
  if (old_size == 0 || old_size > size || size > world->log.size) {
    return false;
  }
  kt_arena_init(&arena, (size_t)1 << 20);
  toy_naive_state(&world->log, old_size, &state);
  kt_write_count8(w, state.n_heads);
  kt_write_bytes(w, state.heads, state.n_heads * sizeof state.heads[0]);
  const struct kt_log_request request = { .size = size, .retained_size = old_size };
  assert_int_equal(kt_log_copath(&request, &arena, &nodes, &n), KT_OK);
  kt_write_count16(w, n);
  for (size_t i = 0; i < n; i++) {
    toy_naive_subtree(&world->log, nodes[i].start, nodes[i].level, &value);
    kt_write_bytes(w, value.b, sizeof value.b);
  }
  kt_arena_release(&arena);
  return true;
}
