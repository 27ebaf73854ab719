/* SPDX-License-Identifier: Apache-2.0 */
/* monitor: contact, owner-init, owner-monitor; each response three times, as in search. */
#include <string.h>

#include "client/owner.h"
#include "crypto/hash.h"
#include "response.h"
#include "wire/monitor.h"

struct monitor {
  struct conf_case *c;
  struct kt_config config;
  struct conf_world *world;
  const bool *distinguished;
  uint64_t last; /* 0: none */
  uint64_t start;
  struct kt_bytes label;
  struct kt_bytes encoded;
  struct kt_owner_state owner; /* its contact part alone for a contact */
  struct kt_label_keys keys;   /* of the known versions */
};

/* --- what the draft says comes out ------------------------------------------------------------------------------------ */

static bool naive_provided(const struct kt_version_at *ladders, size_t n, uint64_t pos, uint32_t *ret_version)
{
  for (size_t i = 0; i < n; i++) {
    if (ladders[i].position == pos) {
      *ret_version = ladders[i].version;
      return true;
    }
  }
  return false;
}

/* Contact Algorithm, steps 1 to 3 for one map entry, moved; false when it leaves the map. */
static bool naive_move(const struct monitor *m, const uint64_t *owner_start, struct kt_version_at *entry,
                       struct kt_version_at *ladders, size_t *n_ladders)
{
  uint64_t path[KT_IBST_DEPTH_MAX];
  uint64_t from = entry->position;
  if (m->distinguished[from]) {
    return true;
  }
  for (size_t i = conf_naive_path(m->world->n, from, path); i-- > 0;) {
    bool final = m->distinguished[path[i]];
    uint32_t before;
    if (path[i] < from) {
      continue;
    }
    if (final && owner_start != NULL && from >= *owner_start) {
      return true;
    }
    if (naive_provided(ladders, *n_ladders, path[i], &before)) {
      conf_require(m->c, before > entry->version, "a ladder with an earlier target was provided");
      return false;
    }
    entry->position = path[i];
    ladders[(*n_ladders)++] = *entry;
    if (final) {
      return true;
    }
  }
  return true;
}

/* The map after the algorithm, without entries that a distinguished one covers. */
static size_t naive_map(const struct monitor *m, const uint64_t *owner_start, struct kt_version_at *ret_map)
{
  struct conf_case *c = m->c;
  const struct kt_contact_state *contact = &m->owner.contact;
  struct kt_version_at *ladders = conf_alloc(c, contact->n_map * KT_IBST_DEPTH_MAX, sizeof *ladders);
  struct kt_version_at *kept = conf_alloc(c, contact->n_map, sizeof *kept);
  size_t n_ladders = 0;
  size_t n = 0;
  for (size_t i = contact->n_map; i-- > 0;) {
    struct kt_version_at entry = contact->map[i];
    bool stays = naive_move(m, owner_start, &entry, ladders, &n_ladders) && !m->distinguished[entry.position];
    if (stays && (n == 0 || kept[n - 1].position != entry.position)) { /* a map: the greater version came first */
      kept[n++] = entry;
    }
  }
  for (size_t i = 0; i < n; i++) {
    ret_map[i] = kept[n - 1 - i];
  }
  return n;
}

static uint64_t naive_rightmost(const struct monitor *m)
{
  uint64_t pos = m->start;
  for (uint64_t i = m->start; i < m->world->n; i++) {
    pos = m->distinguished[i] ? i : pos;
  }
  return pos;
}

static void same_map(const struct monitor *m, const struct kt_contact_state *contact, const uint64_t *owner_start)
{
  struct kt_version_at *wanted = conf_alloc(m->c, m->owner.contact.n_map, sizeof *wanted);
  size_t n = naive_map(m, owner_start, wanted);
  conf_same_u64(m->c, contact->n_map, n, "size of the map");
  for (size_t i = 0; i < n; i++) {
    conf_same_u64(m->c, contact->map[i].position, wanted[i].position, "position in the map");
    conf_same_u64(m->c, contact->map[i].version, wanted[i].version, "version in the map");
  }
}

/* --- the user's state ---------------------------------------------------------------------------------------------------- */

static void read_contact(struct monitor *m)
{
  struct conf_case *c = m->c;
  const json_t *entries = conf_array(c, c->input, "entries");
  size_t n_map = json_array_size(entries);
  struct kt_version_at *map = conf_alloc(c, n_map, sizeof *map);
  for (size_t i = 0; i < n_map; i++) {
    const json_t *entry = json_array_get(entries, i);
    map[i] = (struct kt_version_at){ conf_u64(c, entry, "position"), conf_u32(c, entry, "version") };
    conf_require(c, map[i].position < m->world->n, "a map entry outside the log");
    conf_require(c, i == 0 || map[i - 1].position < map[i].position, "the map is not ascending");
  }
  m->keys = conf_keys(c, c->input, "known_versions");
  struct kt_known_version *known = conf_alloc(c, m->keys.n, sizeof *known);
  for (size_t i = 0; i < m->keys.n; i++) {
    const struct kt_label_key *key = &m->keys.keys[i];
    known[i] = (struct kt_known_version){ .version = key->version,
                                          .vrf_output = key->vrf_output,
                                          .has_commitment = key->has_commitment,
                                          .commitment = key->commitment };
  }
  m->owner.contact = (struct kt_contact_state){ .map = map, .n_map = n_map, .known = known, .n_known = m->keys.n };
}

/* Greatest version as of start, and every entry right of it that added one. */
static void read_owner(struct monitor *m)
{
  const struct conf_world *world = m->world;
  struct kt_version_at *upcoming = conf_alloc(m->c, world->n, sizeof *upcoming);
  size_t n = 0;
  conf_require(m->c, m->start < world->n, "the start is outside the log");
  m->owner.start = m->start;
  m->owner.has_version_at_start = world->n_versions[m->start] > 0;
  m->owner.version_at_start = m->owner.has_version_at_start ? (uint32_t)world->n_versions[m->start] - 1 : 0;
  for (uint64_t i = m->start + 1; i < world->n; i++) {
    if (world->n_versions[i] > world->n_versions[i - 1]) {
      upcoming[n++] = (struct kt_version_at){ .position = i, .version = (uint32_t)world->n_versions[i] - 1 };
    }
  }
  m->owner.upcoming = upcoming;
  m->owner.n_upcoming = n;
}

/* --- the three operations ---------------------------------------------------------------------------------------------------- */

static struct kt_monitor_response decode(const struct monitor *m)
{
  struct conf_case *c = m->c;
  struct kt_monitor_response response;
  conf_err(c, kt_monitor_response_decode(m->encoded, &m->config, &c->arena, &response), KT_OK, "decoding");
  struct kt_writer w = conf_writer(c);
  kt_monitor_response_write(&w, &m->config, &response);
  conf_same_bytes(c, conf_written(c, &w), m->encoded, "response, decoded and encoded");
  conf_same_head(c, &m->config, &response.full_tree_head);
  conf_same_combined(c, c->expect, &response.monitor);
  return response;
}

static struct kt_view updated_view(const struct monitor *m)
{
  struct kt_view view = conf_view(m->world, &m->config, m->last);
  conf_err(m->c, kt_update_view(&view), KT_OK, "updating the view");
  return view;
}

static void run_contact(const struct monitor *m, struct kt_view *view, const uint64_t *owner_start)
{
  struct kt_monitor_map *map = conf_alloc(m->c, 2, sizeof *map);
  struct kt_label_keys keys = m->keys;
  kt_map_load(&m->owner.contact, &map[0]);
  conf_err(m->c, kt_contact_monitor(view, &keys, &map[0], owner_start, &map[1]), KT_OK, "contact monitoring");
}

static void check_contact(struct monitor *m)
{
  struct conf_case *c = m->c;
  const struct kt_monitor_response response = decode(m);
  struct kt_view view = updated_view(m);
  run_contact(m, &view, NULL);
  conf_same_trace(m->world, &view, &response.monitor);
  if (m->last > 0) {
    struct kt_hash root;
    enum kt_err err;
    struct kt_replay *replay = conf_replay(m->world, &m->config, m->last, &response.monitor, &err);
    conf_err(c, err, KT_OK, "updating the view");
    run_contact(m, &replay->view, NULL);
    conf_err(c, conf_replay_end(m->world, replay, &root), KT_OK, "consuming the proof");
    return;
  }
  const struct kt_client client = conf_client(c, &m->config, m->world);
  struct kt_contact_result result;
  conf_err(c, kt_verify_contact(&client, &m->owner.contact, m->encoded, &result), KT_OK, "verifying");
  conf_same_u64(c, result.log.tree.size, m->world->n, "size of the state");
  same_map(m, &result.contact, NULL);
}

static void check_owner_monitor(struct monitor *m)
{
  struct conf_case *c = m->c;
  const struct kt_monitor_response response = decode(m);
  read_owner(m);
  uint32_t greatest = 0;
  bool any = kt_owner_greatest(&m->owner, &greatest);
  conf_same_u64(c, any, conf_has(c->input, "greatest_version"), "presence of a greatest version");
  conf_same_u64(c, greatest, conf_u64_or_zero(c, c->input, "greatest_version"), "greatest_version");

  struct kt_view view = updated_view(m);
  struct kt_label_keys keys = m->keys;
  struct kt_owner_progress progress;
  const struct kt_history history = kt_owner_history(&m->owner);
  run_contact(m, &view, &m->start);
  conf_err(c, kt_owner_monitor(&view, &keys, m->start, &history, &progress), KT_OK, "owner monitoring");
  conf_same_trace(m->world, &view, &response.monitor);

  const struct kt_client client = conf_client(c, &m->config, m->world);
  struct kt_owner_result result;
  conf_require(c, m->last == 0, "owner monitoring against a retained tree is not in the files");
  conf_err(c, kt_verify_owner_monitor(&client, &m->owner, m->encoded, &result), KT_OK, "verifying");
  conf_same_u64(c, result.log.tree.size, m->world->n, "size of the state");
  conf_same_u64(c, result.owner.start, naive_rightmost(m), "rightmost entry verified");
  conf_require(c, result.complete, "a distinguished entry is left");
  same_map(m, &result.owner.contact, &m->start);
}

/* Step 1 of the Owner Algorithm's initialization, and step 2 from the log described. */
static size_t naive_greatest(const struct monitor *m, uint32_t *ret_versions)
{
  const struct conf_world *world = m->world;
  uint64_t list[KT_IBST_DEPTH_MAX + 1];
  uint64_t path[KT_IBST_DEPTH_MAX];
  size_t n = 0;
  list[n++] = m->start;
  for (size_t i = conf_naive_path(world->n, m->start, path); i-- > 0;) {
    bool expired = m->config.has_maximum_lifetime &&
                   conf_rightmost_ms(world) - world->timestamps[path[i]] >= m->config.maximum_lifetime;
    if (path[i] < m->start && expired) {
      break;
    }
    if (path[i] < m->start) {
      list[n++] = path[i];
    }
  }
  size_t n_versions = 0;
  for (size_t i = 0; i < n && world->n_versions[list[i]] > 0; i++) {
    ret_versions[n_versions++] = (uint32_t)world->n_versions[list[i]] - 1;
  }
  return n_versions;
}

static void check_init_parts(const struct monitor *m, const struct kt_owner_init_response *response)
{
  struct conf_case *c = m->c;
  struct kt_writer w = conf_writer(c);
  kt_owner_init_response_write(&w, &m->config, response);
  conf_same_bytes(c, conf_written(c, &w), m->encoded, "response, decoded and encoded");
  conf_same_head(c, &m->config, &response->full_tree_head);
  conf_same_ladder(c, &m->config, response->binary_ladder, response->n_ladder);
  conf_same_combined(c, c->expect, &response->init);
  uint32_t naive[KT_IBST_DEPTH_MAX + 1] = { 0 };
  size_t n_naive = naive_greatest(m, naive);
  size_t n;
  const uint32_t *greatest = conf_u32s(c, c->expect, "greatest_versions", &n);
  conf_same_u64(c, response->n_greatest_versions, n, "number of greatest_versions");
  conf_same_u64(c, n_naive, n, "number of greatest_versions in the log described");
  for (size_t i = 0; i < n; i++) {
    conf_same_u64(c, response->greatest_versions[i], greatest[i], "greatest_versions");
    conf_same_u64(c, naive[i], greatest[i], "greatest_versions in the log described");
  }
}

/* The versions that are known beforehand have the VRF outputs and commitments that the response proves. */
static void check_known(const struct monitor *m, const struct kt_owner_state *owner)
{
  for (size_t i = 0; i < m->keys.n; i++) {
    const struct kt_label_key *key = &m->keys.keys[i];
    for (size_t k = 0; k < owner->contact.n_known; k++) {
      const struct kt_known_version *known = &owner->contact.known[k];
      if (known->version == key->version) {
        conf_same_hash(m->c, &known->vrf_output, &key->vrf_output, "vrf_output of a known version");
      }
      if (known->version == key->version && key->has_commitment) {
        conf_require(m->c, known->has_commitment, "the commitment of a known version is missing");
        conf_same_hash(m->c, &known->commitment, &key->commitment, "commitment of a known version");
      }
    }
  }
}

static void check_owner_init(struct monitor *m)
{
  struct conf_case *c = m->c;
  struct kt_owner_init_response response;
  conf_err(c, kt_owner_init_response_decode(m->encoded, &m->config, &c->arena, &response), KT_OK, "decoding");
  check_init_parts(m, &response);

  struct kt_view view = updated_view(m);
  uint64_t list[KT_IBST_DEPTH_MAX];
  uint32_t *versions = conf_alloc(c, KT_OWNER_INIT_VERSIONS_MAX, sizeof *versions);
  size_t n;
  size_t n_greatest = response.n_greatest_versions;
  conf_err(c, kt_owner_init_list(&view, m->start, list, &n), KT_OK, "entries to inspect");
  struct kt_label_keys keys =
      conf_blank_keys(c, versions, kt_owner_init_versions(response.greatest_versions, n_greatest, versions));
  conf_same_u64(c, response.n_ladder, keys.n, "length of the binary ladder");
  conf_err(c, kt_owner_init(&view, &keys, list, n, response.greatest_versions, n_greatest), KT_OK, "initialization");
  conf_same_trace(m->world, &view, &response.init);

  const struct kt_client client = conf_client(c, &m->config, m->world);
  struct kt_owner_result result;
  conf_require(c, m->last == 0, "owner initialization against a retained tree is not in the files");
  conf_err(c, kt_verify_owner_init(&client, m->label, m->start, m->encoded, &result), KT_OK, "verifying");
  conf_same_u64(c, result.log.tree.size, m->world->n, "size of the state");
  conf_same_u64(c, result.owner.start, m->start, "start");
  conf_same_u64(c, result.owner.has_version_at_start, n_greatest > 0, "presence of a version at the start");
  conf_same_u64(c, result.owner.version_at_start, n_greatest > 0 ? response.greatest_versions[0] : 0,
                "version at the start");
  check_known(m, &result.owner);
}

void conf_monitor(struct conf_case *c)
{
  struct monitor m = { .c = c,
                       .config = conf_config(c, c->input),
                       .world = conf_world_read(c),
                       .last = conf_u64_or_zero(c, c->input, "last"),
                       .start = conf_u64(c, c->input, "start"),
                       .label = conf_hex(c, c->input, "label"),
                       .encoded = conf_hex(c, c->expect, "response") };
  const char *operation = conf_text(c, c->input, "operation");
  m.distinguished = conf_naive_distinguished(c, m.world->timestamps, m.world->n, m.config.reasonable_monitoring_window);
  conf_same_u64(c, conf_u64(c, c->expect, "tree_size"), m.world->n, "tree_size");
  read_contact(&m);
  if (strcmp(operation, "contact") == 0) {
    check_contact(&m);
  } else if (strcmp(operation, "owner-init") == 0) {
    check_owner_init(&m);
  } else if (strcmp(operation, "owner-monitor") == 0) {
    check_owner_monitor(&m);
  } else {
    conf_fail(c, "unknown operation \"%s\"", operation);
  }
}
