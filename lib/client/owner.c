/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Owner Initialization, / Owner Monitoring. */
#include "client/owner.h"

#include "client/check.h"
#include "wire/monitor.h"

bool kt_owner_greatest(const struct kt_owner_state *owner, uint32_t *ret_version)
{
  if (owner->n_upcoming > 0) {
    *ret_version = owner->upcoming[owner->n_upcoming - 1].version;
    return true;
  }
  if (owner->has_version_at_start) {
    *ret_version = owner->version_at_start;
  }
  return owner->has_version_at_start;
}

static enum kt_err greatest_at(void *ctx, uint64_t pos, bool *ret_exists, uint32_t *ret_version)
{
  const struct kt_owner_state *owner = ctx;
  *ret_exists = owner->has_version_at_start;
  *ret_version = owner->version_at_start;
  for (size_t i = 0; i < owner->n_upcoming && owner->upcoming[i].position <= pos; i++) {
    *ret_exists = true;
    *ret_version = owner->upcoming[i].version;
  }
  return KT_OK;
}

struct kt_history kt_owner_history(struct kt_owner_state *owner)
{
  return (struct kt_history){ .ctx = owner, .greatest_at = greatest_at };
}

bool kt_owner_wants(const void *ctx, uint32_t version)
{
  const struct kt_owner_state *owner = ctx;
  if (version == 0 || (owner->has_version_at_start && kt_ladder_contains(owner->version_at_start, version))) {
    return true;
  }
  for (size_t i = 0; i < owner->n_upcoming; i++) {
    if (kt_ladder_contains(owner->upcoming[i].version, version)) {
      return true;
    }
  }
  return kt_contact_wants(&owner->contact, version);
}

/* --- Owner Initialization ------------------------------------------------------------------------------------------ */

void kt_request_owner_init(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label, uint64_t start)
{
  const struct kt_owner_init_request request = { .last = kt_check_last(log), .label = label, .start = start };
  kt_owner_init_request_write(w, &request);
}

/* "Verify that the expected number of entries is present in binary_ladder and that a commitment is provided for each
 * version" understood to exist (R32), and for no other. */
static enum kt_err init_keys(const struct kt_client *client, struct kt_bytes label,
                             const struct kt_owner_init_response *response, struct kt_label_keys *ret_keys)
{
  uint32_t *versions = kt_arena_alloc(client->arena, KT_OWNER_INIT_VERSIONS_MAX, sizeof *versions);
  if (versions == NULL) {
    return KT_ERR_MEMORY;
  }
  if (response->n_greatest_versions > KT_IBST_DEPTH_MAX) { /* R31: no path is longer */
    return kt_fail(client->reason, KT_ERR_PROOF, "greatest-versions", "more greatest versions than log entries",
                   "User Operations / Owner Initialization");
  }
  size_t n = kt_owner_init_versions(response->greatest_versions, response->n_greatest_versions, versions);
  bool match = n == response->n_ladder;
  for (size_t i = 0; match && i < n; i++) {
    bool exists = response->n_greatest_versions > 0 && versions[i] <= response->greatest_versions[0];
    match = response->binary_ladder[i].has_commitment == exists;
  }
  if (!match) {
    return kt_fail(client->reason, KT_ERR_PROOF, "ladder-commitment",
                   "the binary ladder lists the wrong versions or commitments",
                   "User Operations / Owner Initialization");
  }
  return kt_known_keys(client, label, response->binary_ladder, versions, n, NULL, 0, ret_keys);
}

static enum kt_err verify_init(const struct kt_client *client, struct kt_bytes label, uint64_t start,
                               const struct kt_owner_init_response *response, struct kt_owner_result *result)
{
  struct kt_label_keys keys;
  struct kt_check check;
  uint64_t list[KT_IBST_DEPTH_MAX];
  size_t n;
  enum kt_err err = init_keys(client, label, response, &keys);
  if (err == KT_OK) {
    err = kt_check_begin(&check, client, &response->full_tree_head, &response->init);
  }
  if (err == KT_OK && start >= check.replay->view.size) {
    err = kt_fail_at(client->reason, KT_ERR_PROOF, "start", "the starting position is outside the log",
                     "Monitoring the Tree / Owner Algorithm", start);
  }
  if (err == KT_OK) {
    err = kt_owner_init_list(&check.replay->view, start, list, &n);
  }
  if (err == KT_OK) {
    err =
        kt_owner_init(&check.replay->view, &keys, list, n, response->greatest_versions, response->n_greatest_versions);
  }
  if (err == KT_OK) {
    err = kt_check_end(&check, &result->log, NULL);
  }
  if (err != KT_OK) {
    return err;
  }
  result->owner.start = start;
  result->owner.has_version_at_start = response->n_greatest_versions > 0;
  result->owner.version_at_start = response->n_greatest_versions > 0 ? response->greatest_versions[0] : 0;
  result->complete = true;
  return kt_known_retain(client->arena, &keys, kt_owner_wants, &result->owner, &result->owner.contact.known,
                         &result->owner.contact.n_known);
}

enum kt_err kt_verify_owner_init(const struct kt_client *client, struct kt_bytes label, uint64_t start,
                                 struct kt_bytes encoded, struct kt_owner_result *ret_result)
{
  struct kt_owner_init_response response;
  struct kt_owner_result *result = kt_arena_alloc(client->arena, 1, sizeof *result);
  if (result == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = kt_owner_init_response_decode(encoded, client->config, client->arena, &response);
  if (err != KT_OK) {
    return kt_check_format(client, err);
  }
  err = verify_init(client, label, start, &response, result);
  if (err == KT_OK) {
    *ret_result = *result;
  }
  return err;
}

/* --- Owner Monitoring ------------------------------------------------------------------------------------------------ */

void kt_request_owner_monitor(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label,
                              const struct kt_owner_state *owner)
{
  struct kt_monitor_map map;
  kt_map_load(&owner->contact, &map);
  struct kt_owner_monitor_request request = {
    .last = kt_check_last(log), .label = label, .entries = map.entries, .n_entries = map.n, .start = owner->start
  };
  request.greatest_version.present = kt_owner_greatest(owner, &request.greatest_version.value);
  kt_owner_monitor_request_write(w, &request);
}

/* Advance the start: what happened up to it is summed up in version_at_start, and a map entry at or left of it has been
 * proven to be included in a distinguished entry. */
static enum kt_err advance(struct kt_arena *arena, const struct kt_owner_state *old, const struct kt_monitor_map *map,
                           uint64_t verified, struct kt_owner_state *ret_owner)
{
  struct kt_owner_state owner = *old;
  owner.start = verified;
  while (owner.n_upcoming > 0 && owner.upcoming[0].position <= verified) {
    owner.has_version_at_start = true;
    owner.version_at_start = owner.upcoming[0].version;
    owner.upcoming++;
    owner.n_upcoming--;
  }
  enum kt_err err = kt_map_store(arena, map, &owner.contact.map, &owner.contact.n_map);
  while (err == KT_OK && owner.contact.n_map > 0 && owner.contact.map[0].position <= verified) {
    owner.contact.map++;
    owner.contact.n_map--;
  }
  if (err == KT_OK) {
    *ret_owner = owner;
  }
  return err;
}

static enum kt_err verify_monitor(const struct kt_client *client, const struct kt_owner_state *owner,
                                  const struct kt_monitor_response *response, struct kt_owner_result *result)
{
  struct kt_monitor_map *map = kt_arena_alloc(client->arena, 2, sizeof *map);
  struct kt_owner_state old = *owner;
  const struct kt_history history = kt_owner_history(&old);
  struct kt_owner_progress progress;
  struct kt_label_keys keys;
  struct kt_check check;
  if (map == NULL) {
    return KT_ERR_MEMORY;
  }
  kt_map_load(&owner->contact, &map[0]);
  enum kt_err err =
      kt_known_keys(client, (struct kt_bytes){ 0 }, NULL, NULL, 0, owner->contact.known, owner->contact.n_known, &keys);
  if (err == KT_OK) {
    err = kt_check_begin(&check, client, &response->full_tree_head, &response->monitor);
  }
  if (err == KT_OK) {
    err = kt_contact_monitor(&check.replay->view, &keys, &map[0], &owner->start, &map[1]);
  }
  if (err == KT_OK) {
    err = kt_owner_monitor(&check.replay->view, &keys, owner->start, &history, &progress);
  }
  if (err == KT_OK) {
    err = kt_check_end(&check, &result->log, NULL);
  }
  if (err == KT_OK) {
    err = advance(client->arena, owner, &map[1], progress.verified, &result->owner);
  }
  if (err == KT_OK) {
    result->complete = progress.complete;
    err = kt_known_retain(client->arena, &keys, kt_owner_wants, &result->owner, &result->owner.contact.known,
                          &result->owner.contact.n_known);
  }
  return err;
}

enum kt_err kt_verify_owner_monitor(const struct kt_client *client, const struct kt_owner_state *owner,
                                    struct kt_bytes encoded, struct kt_owner_result *ret_result)
{
  struct kt_monitor_response response;
  struct kt_owner_result *result = kt_arena_alloc(client->arena, 1, sizeof *result);
  if (result == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = kt_monitor_response_decode(encoded, client->config, client->arena, &response);
  if (err != KT_OK) {
    return kt_check_format(client, err);
  }
  err = verify_monitor(client, owner, &response, result);
  if (err == KT_OK) {
    *ret_result = *result;
  }
  return err;
}
