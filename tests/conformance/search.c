/* SPDX-License-Identifier: Apache-2.0 */
/* search: each response three times. Against its parts as broken out; against what our algorithm asks for when it runs
 * over the log described; and verified, as a client would where nothing was retained, by consumption where it was. */
#include <kt/client.h>

#include <string.h>

#include "client/known.h"
#include "response.h"
#include "wire/search.h"

struct search {
  struct conf_case *c;
  struct kt_config config;
  struct conf_world *world;
  uint64_t last; /* 0: none */
  struct kt_bytes label;
  bool fixed;
  uint32_t target;
  struct kt_bytes encoded;
  struct kt_search_response response;
};

static bool exists(const struct search *s)
{
  return s->target < s->world->n_versions[s->world->n - 1];
}

static enum kt_err run(const struct search *s, struct kt_view *view, struct kt_label_keys *keys,
                       struct kt_found *ret_found)
{
  return s->fixed ? kt_fixed_search(view, keys, s->target, ret_found)
                  : kt_greatest_search(view, keys, s->target, !exists(s), ret_found);
}

static struct kt_label_keys blank_ladder(const struct search *s)
{
  uint32_t versions[KT_LADDER_MAX];
  return conf_blank_keys(s->c, versions, kt_ladder_base(s->target, versions));
}

/* What the log's algorithm does on the log described; its view, for counting. */
static enum kt_err run_world(const struct search *s, struct kt_view *ret_view, struct kt_found *ret_found)
{
  struct kt_label_keys keys = blank_ladder(s);
  *ret_view = conf_view(s->world, &s->config, s->last);
  conf_err(s->c, kt_update_view(ret_view), KT_OK, "updating the view");
  return run(s, ret_view, &keys, ret_found);
}

static void check_parts(struct search *s)
{
  struct conf_case *c = s->c;
  const struct kt_search_response *response = &s->response;
  struct kt_writer w = conf_writer(c);
  kt_search_response_write(&w, &s->config, s->fixed, response);
  conf_same_bytes(c, conf_written(c, &w), s->encoded, "response, decoded and encoded");
  conf_same_head(c, &s->config, &response->full_tree_head);
  conf_same_ladder(c, &s->config, response->binary_ladder, response->n_ladder);
  conf_same_bytes(c, (struct kt_bytes){ response->opening, KT_OPENING_LEN }, conf_hex(c, c->expect, "opening"),
                  "opening");
  conf_same_combined(c, c->expect, &response->search);
  if (!s->fixed) {
    conf_same_u64(c, response->version, conf_u64(c, c->expect, "version"), "version");
  }
  if (exists(s)) {
    conf_same_bytes(c, response->value.value, s->world->values[s->target], "value");
  }
}

/* Leftmost entry that shows the claimed version, among those the search inspects. */
static uint64_t naive_terminal(const struct search *s)
{
  uint64_t terminal = UINT64_MAX;
  for (size_t i = 0; i < s->world->n_series; i++) {
    uint64_t pos = s->world->series[i].pos;
    if (s->world->n_versions[pos] > s->target && pos < terminal) {
      terminal = pos;
    }
  }
  return terminal;
}

static void check_result(const struct search *s, const struct kt_search_result *result)
{
  struct conf_case *c = s->c;
  const bool *distinguished =
      conf_naive_distinguished(c, s->world->timestamps, s->world->n, s->config.reasonable_monitoring_window);
  uint64_t terminal = naive_terminal(s);
  bool monitor = true; /* unless a distinguished entry is at or right of the terminal one */
  for (uint64_t i = terminal; i < s->world->n; i++) {
    monitor = monitor && !distinguished[i];
  }
  conf_same_u64(c, result->version, s->target, "version found");
  conf_same_bytes(c, result->value, s->world->values[s->target], "value found");
  conf_same_u64(c, result->terminal, terminal, "terminal entry");
  conf_same_u64(c, result->terminal_ms, s->world->timestamps[terminal], "timestamp of the terminal entry");
  conf_same_u64(c, result->log.tree.size, s->world->n, "size of the state");
  conf_same_u64(c, result->contact.n_map, monitor ? 1 : 0, "obligation to monitor");
  if (monitor) {
    conf_same_u64(c, result->contact.map[0].position, terminal, "position to monitor");
    conf_same_u64(c, result->contact.map[0].version, s->target, "version to monitor");
  }
}

static struct kt_label_keys verified_keys(struct search *s)
{
  struct conf_case *c = s->c;
  const struct kt_client client = conf_client(c, &s->config, s->world);
  uint32_t versions[KT_LADDER_MAX];
  struct kt_label_keys keys;
  size_t n = kt_ladder_base(s->target, versions);
  conf_same_u64(c, s->response.n_ladder, n, "length of the binary ladder");
  conf_err(c, kt_known_keys(&client, s->label, s->response.binary_ladder, versions, n, NULL, 0, &keys), KT_OK,
           "VRF proofs");
  struct kt_label_key *target = kt_label_keys_find(&keys, s->target);
  conf_err(c,
           kt_commitment(&s->config, s->response.opening, s->label, s->target, &s->response.value, &target->commitment),
           KT_OK, "commitment");
  target->has_commitment = true;
  return keys;
}

/* The negative answer is the one thing wrong: the proof is consumed and leads to the signed root. */
static void check_only_absent(struct search *s, struct kt_label_keys keys)
{
  struct conf_case *c = s->c;
  struct kt_found found;
  struct kt_hash root;
  enum kt_err err;
  c->reason = (struct kt_reason){ 0 };
  struct kt_replay *replayed = conf_replay(s->world, &s->config, 0, &s->response.search, &err);
  conf_err(c, err, KT_OK, "updating the view");
  conf_err(c, run(s, &replayed->view, &keys, &found), KT_ERR_ABSENT, "replaying");
  conf_err(c, conf_replay_end(s->world, replayed, &root), KT_OK, "consuming the proof");
  conf_err(c, kt_tree_head_verify(&s->config, &s->response.full_tree_head.tree_head, &root), KT_OK, "head signature");
}

/* As a client that has retained nothing: VRF proofs, commitments, head signature, clock. */
static void verify(struct search *s)
{
  struct conf_case *c = s->c;
  const struct kt_contact_state no_contact = { .n_map = 0 };
  const struct kt_client client = conf_client(c, &s->config, s->world);
  struct kt_search_result result;
  enum kt_err err =
      kt_verify_search(&client, s->label, s->fixed ? &s->target : NULL, NULL, &no_contact, s->encoded, &result);
  if (exists(s)) {
    conf_err(c, err, KT_OK, "verifying");
    check_result(s, &result);
  } else if (s->fixed) {
    /* "Clients MUST consider a proof … as invalid": a negative answer is none (R22). */
    conf_err(c, err, KT_ERR_PROOF, "verifying");
    conf_require(c, strcmp(c->reason.code, "version-absent") == 0, "refused for another reason");
    check_only_absent(s, verified_keys(s));
  } else {
    conf_err(c, err, KT_ERR_ABSENT, "verifying");
    conf_same_u64(c, result.log.tree.size, s->world->n, "size of the state");
  }
}

/* As a client that advertised a size, of whose retained heads only the timestamps are known. */
static void replay(struct search *s, const struct kt_combined_proof *proof)
{
  struct conf_case *c = s->c;
  struct kt_label_keys keys = verified_keys(s);
  struct kt_found found;
  struct kt_hash root;
  enum kt_err err;
  struct kt_replay *replayed = conf_replay(s->world, &s->config, s->last, proof, &err);
  conf_err(c, err, KT_OK, "updating the view");
  conf_err(c, run(s, &replayed->view, &keys, &found), KT_OK, "replaying");
  conf_err(c, conf_replay_end(s->world, replayed, &root), KT_OK, "consuming the proof");
}

static uint64_t asked_ms(const struct search *s, size_t i)
{
  return s->world->timestamps[s->world->asked[i]];
}

/* The peer predates the restart of the view's update: it asks for the rightmost entry's timestamp only when it needs it
 * for expiry, and never for the frontier entry before that. With that one timestamp put where the draft has it, the
 * proof replays; what is left is one root too few. */
static void check_old_order(struct search *s)
{
  struct conf_case *c = s->c;
  const struct kt_combined_proof *old = &s->response.search;
  struct kt_view view;
  struct kt_found found;
  enum kt_err err;
  conf_err(c, run_world(s, &view, &found), KT_OK, "searching the log described");
  conf_require(c, s->world->n_asked == 4 && old->n_timestamps == 3, "not the one timestamp too few");
  conf_same_u64(c, s->world->asked[0], s->world->n - 2, "the entry that was left out");
  for (size_t i = 0; i < old->n_timestamps; i++) {
    conf_same_u64(c, old->timestamps[i], asked_ms(s, i + 1), "timestamps but the first");
  }
  conf_replay(s->world, &s->config, s->last, old, &err);
  conf_err(c, err, KT_ERR_PROOF, "updating the view");
  conf_require(c, strcmp(c->reason.code, "timestamp-order") == 0, "refused for another reason");
  c->reason = (struct kt_reason){ 0 };

  uint64_t timestamps[4];
  for (size_t i = 0; i < s->world->n_asked; i++) {
    timestamps[i] = asked_ms(s, i);
  }
  struct kt_combined_proof draft = *old;
  draft.timestamps = timestamps;
  draft.n_timestamps = s->world->n_asked;
  struct kt_label_keys keys = verified_keys(s);
  struct kt_replay *replayed = conf_replay(s->world, &s->config, s->last, &draft, &err);
  conf_err(c, err, KT_OK, "updating the view with the timestamp");
  conf_err(c, run(s, &replayed->view, &keys, &found), KT_OK, "replaying with the timestamp");
  conf_same_u64(c, replayed->next_timestamp, draft.n_timestamps, "consumed timestamps");
  conf_same_u64(c, replayed->next_prefix_proof, draft.n_prefix_proofs, "consumed prefix_proofs");
  size_t n_roots = 0;
  for (size_t i = 0; i < replayed->view.n_entries; i++) {
    const struct kt_view_entry *entry = &replayed->view.entries[i];
    n_roots += entry->retained || entry->has_root ? 0 : 1;
  }
  conf_same_u64(c, old->n_prefix_roots + 1, n_roots, "roots that the draft has");
}

static void check_refusal(struct search *s)
{
  struct kt_view view;
  struct kt_found found;
  conf_text(s->c, s->c->expect, "error");
  conf_require(s->c, conf_is(s->c, "fixed-version-expired-target"), "no response, and no known reason for it");
  conf_err(s->c, run_world(s, &view, &found), KT_ERR_EXPIRED, "searching the log described");
}

void conf_search(struct conf_case *c)
{
  struct search s = { .c = c,
                      .config = conf_config(c, c->input),
                      .world = conf_world_read(c),
                      .last = conf_u64_or_zero(c, c->input, "last"),
                      .label = conf_hex(c, c->input, "label"),
                      .fixed = conf_has(c->input, "version") };
  s.target = s.fixed ? conf_u32(c, c->input, "version") : 0;
  if (conf_has(c->expect, "error")) {
    check_refusal(&s);
    return;
  }
  const struct kt_optional_u32 requested = { .present = s.fixed, .value = s.target };
  s.encoded = conf_hex(c, c->expect, "response");
  conf_err(c, kt_search_response_decode(s.encoded, &s.config, requested, &c->arena, &s.response), KT_OK, "decoding");
  s.target = s.response.version;
  conf_same_u64(c, conf_u64(c, c->expect, "tree_size"), s.world->n, "tree_size");
  check_parts(&s);
  if (conf_is(c, "fixed-version-with-advertised-size")) {
    check_old_order(&s);
    return;
  }
  struct kt_view view;
  struct kt_found found;
  conf_err(c, run_world(&s, &view, &found), exists(&s) ? KT_OK : KT_ERR_ABSENT, "searching the log described");
  conf_same_trace(s.world, &view, &s.response.search);
  c->reason = (struct kt_reason){ 0 };
  if (s.last > 0) {
    replay(&s, &s.response.search);
  } else {
    verify(&s);
  }
}
