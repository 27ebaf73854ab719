/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Updating a Label. The numbered steps are those of its verification. */
#include <string.h>

#include "client/check.h"
#include "client/owner.h"
#include "wire/update.h"

#define SECTION "User Operations / Updating a Label"

void kt_request_update(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label,
                       const struct kt_owner_state *owner, const struct kt_bytes *values, size_t n_values)
{
  struct kt_update_request request = {
    .last = kt_check_last(log), .label = label, .values = values, .n_values = n_values
  };
  request.greatest_version.present = kt_owner_greatest(owner, &request.greatest_version.value);
  kt_update_request_write(w, &request);
}

struct update {
  const struct kt_client *client;
  struct kt_bytes label;
  struct kt_owner_state owner; /* the old state */
  struct kt_update_response response;
  const struct kt_bytes *values; /* what was logged: the response's, or ours */
  size_t n_values;
  struct kt_label_update what;
  struct kt_label_keys keys;
};

static enum kt_err refuse(const struct update *update, const char *code, const char *text)
{
  return kt_fail(update->client->reason, KT_ERR_PROOF, code, text, SECTION);
}

/* Steps 1 and 2. */
static enum kt_err check_form(struct update *update)
{
  const struct kt_owner_state *owner = &update->owner;
  const struct kt_update_response *response = &update->response;
  if (response->n_info == 0 || response->n_info != update->n_values) { /* R36 */
    return refuse(update, "update-info", "the response does not say how each new version was inserted");
  }
  if (response->skipped_versions > UINT8_MAX - response->n_info) { /* ours: more could not be listed in one response */
    return refuse(update, "update-skipped", "more versions were skipped than one response can prove");
  }
  update->what = (struct kt_label_update){
    .position = response->position,
    .previous_pos = owner->n_upcoming > 0 ? owner->upcoming[owner->n_upcoming - 1].position : owner->start,
    .n_new = response->skipped_versions + (uint32_t)response->n_info,
  };
  update->what.has_previous = kt_owner_greatest(owner, &update->what.previous);
  if (response->position <= update->what.previous_pos) { /* R35 */
    return refuse(update, "update-position", "the new version is not right of the previous one");
  }
  if (update->what.has_previous && update->what.previous >= UINT32_MAX - update->what.n_new) { /* R18 */
    return refuse(update, "version-overflow", "the version counter is at its end");
  }
  return KT_OK;
}

static uint32_t first_new_version(const struct update *update)
{
  return update->what.has_previous ? update->what.previous + 1 : 0;
}

/* Of values[i]: "skipped versions … are given lower version counters than any unskipped versions". */
static uint32_t version_of_value(const struct update *update, size_t i)
{
  return first_new_version(update) + update->response.skipped_versions + (uint32_t)i;
}

/* What was served or sent, with what the response says about it. */
static struct kt_update_value value_at(const struct update *update, size_t i)
{
  return (struct kt_update_value){ .value = update->values[i], .signature = update->response.info[i].signature };
}

/* Step 3: "If a Third-Party Manager is present, verify that the signatures provided in each element of info are valid"
 * (R38). */
static enum kt_err check_signatures(const struct update *update)
{
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < update->n_values; i++) {
    const struct kt_update_value value = value_at(update, i);
    err = kt_check_leaf_signature(update->client, update->label, version_of_value(update, i), &value);
  }
  return err;
}

/* Commitments of the new versions, computed from what was served or sent (R42). They are ours, not the log's claim.
 * "Skipped versions are added to the prefix tree with an all-zero commitment value". */
static enum kt_err commit_new_versions(struct update *update)
{
  for (uint32_t i = 0; i < update->what.n_new; i++) {
    uint32_t skipped = update->response.skipped_versions;
    uint32_t version = first_new_version(update) + i;
    struct kt_label_key *key = kt_label_keys_find(&update->keys, version);
    enum kt_err err = KT_OK;
    if (key == NULL) { /* cannot happen: kt_update_versions lists every new version the owner does not know */
      return refuse(update, "ladder-count", "the VRF proof of a new version is missing");
    }
    key->commitment = (struct kt_hash){ 0 };
    if (i >= skipped) {
      const struct kt_update_value value = value_at(update, i - skipped);
      err = kt_commitment(update->client->config, update->response.info[i - skipped].opening, update->label, version,
                          &value, &key->commitment);
    }
    if (err != KT_OK) {
      return err;
    }
    key->has_commitment = true;
    key->seen_included = true;
  }
  return KT_OK;
}

/* Step 4 (R39). The ladder of a new greatest version looks up no earlier version that the ladder of the previous one
 * does not, so no commitment is ever needed here. */
static enum kt_err make_keys(struct update *update)
{
  const struct kt_update_response *response = &update->response;
  uint32_t versions[KT_UPDATE_VERSIONS_MAX];
  size_t n = kt_update_versions(update->what.has_previous, update->what.previous, update->what.n_new, versions);
  if (n != response->n_ladder) {
    return refuse(update, "ladder-count", "the binary ladder has the wrong number of versions");
  }
  for (size_t i = 0; i < n; i++) {
    if (response->binary_ladder[i].has_commitment) {
      return refuse(update, "ladder-commitment", "a commitment is given for a version above the one known");
    }
  }
  enum kt_err err = kt_known_keys(update->client, update->label, response->binary_ladder, versions, n,
                                  update->owner.contact.known, update->owner.contact.n_known, &update->keys);
  return err == KT_OK ? commit_new_versions(update) : err;
}

/* "the label owner retains the position and new greatest version of the label", and monitors it unless the entry is
 * distinguished. */
static enum kt_err next_state(const struct update *update, bool distinguished, struct kt_owner_state *ret_owner)
{
  struct kt_arena *arena = update->client->arena;
  struct kt_owner_state owner = update->owner;
  const struct kt_version_at entry = { .position = update->what.position,
                                       .version = first_new_version(update) + update->what.n_new - 1 };
  struct kt_version_at *upcoming = kt_arena_alloc(arena, owner.n_upcoming + 1, sizeof *upcoming);
  if (upcoming == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < owner.n_upcoming; i++) {
    upcoming[i] = owner.upcoming[i];
  }
  upcoming[owner.n_upcoming++] = entry;
  owner.upcoming = upcoming;
  enum kt_err err = KT_OK;
  if (!distinguished) {
    err = kt_map_insert(update->client, owner.contact.map, owner.contact.n_map, entry, &owner.contact.map,
                        &owner.contact.n_map);
  }
  if (err == KT_OK) {
    err = kt_known_retain(arena, &update->keys, kt_owner_wants, &owner, &owner.contact.known, &owner.contact.n_known);
  }
  if (err == KT_OK) {
    *ret_owner = owner;
  }
  return err;
}

/* Timestamp of the first entry at or right of pos that the response shows. */
static uint64_t shown_time(const struct kt_view *view, uint64_t pos)
{
  size_t i = 0;
  while (i + 1 < view->n_entries && view->entries[i].pos < pos) {
    i++;
  }
  return view->entries[i].timestamp_ms;
}

/* Steps 5 to 7. */
static enum kt_err verify_proof(struct update *update, struct kt_update_result *result)
{
  struct kt_check check;
  bool distinguished;
  const struct kt_history history = kt_owner_history(&update->owner);
  enum kt_err err = kt_check_begin(&check, update->client, &update->response.full_tree_head, &update->response.update);
  if (err == KT_OK) {
    err = kt_update_label(&check.replay->view, &update->keys, &update->what, &history, &distinguished);
  }
  if (err == KT_OK) {
    err = kt_check_end(&check, &result->log, NULL);
  }
  if (err == KT_OK) {
    result->position_ms = shown_time(&check.replay->view, update->what.position);
    err = next_state(update, distinguished, &result->owner);
  }
  return err;
}

/* Whether the log returned something other than what was sent. A repeated request gets its own values back. */
static bool differs(const struct update *update, const struct kt_bytes *values, size_t n_values)
{
  bool same = update->n_values == n_values;
  for (size_t i = 0; same && i < n_values; i++) {
    same = update->values[i].len == values[i].len &&
           (values[i].len == 0 || memcmp(update->values[i].data, values[i].data, values[i].len) == 0);
  }
  return !same;
}

enum kt_err kt_verify_update(const struct kt_client *client, struct kt_bytes label, const struct kt_owner_state *owner,
                             const struct kt_bytes *values, size_t n_values, struct kt_bytes encoded,
                             struct kt_update_result *ret_result)
{
  struct update update = { .client = client, .label = label, .owner = *owner };
  struct kt_update_result *result = kt_arena_alloc(client->arena, 1, sizeof *result);
  if (result == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = kt_update_response_decode(encoded, client->config, client->arena, &update.response);
  if (err != KT_OK) {
    return kt_check_format(client, err);
  }
  bool returned = update.response.n_values > 0;
  update.values = returned ? update.response.values : values;
  update.n_values = returned ? update.response.n_values : n_values;
  err = check_form(&update);
  if (err == KT_OK) {
    err = check_signatures(&update);
  }
  if (err == KT_OK) {
    err = make_keys(&update);
  }
  if (err == KT_OK) {
    err = verify_proof(&update, result);
  }
  if (err != KT_OK) {
    return err;
  }
  result->position = update.what.position;
  result->n_skipped = update.response.skipped_versions;
  result->first_version = version_of_value(&update, 0);
  result->values = update.values;
  result->n_values = update.n_values;
  result->disregarded = returned && differs(&update, values, n_values);
  *ret_result = *result;
  return KT_OK;
}
