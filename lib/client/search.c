/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Search. */
#include <string.h>

#include "client/check.h"
#include "client/known.h"
#include "client/search.h"
#include "crypto/hash.h"
#include "wire/search.h"

#define SECTION "User Operations / Search"

void kt_request_search(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label,
                       const uint32_t *version)
{
  const struct kt_search_request request = {
    .last = kt_check_last(log),
    .label = label,
    .version = { .present = version != NULL, .value = version != NULL ? *version : 0 },
  };
  kt_search_request_write(w, &request);
}

struct search {
  const struct kt_client *client;
  struct kt_bytes label;
  const uint32_t *version;
  const uint32_t *known_greatest;
  const struct kt_contact_state *contact;
  struct kt_search_response response;
  struct kt_label_keys keys;
  bool absent;
  bool skipped;
};

/* Zero opening, no value, no signature: there is nothing at the version. */
static bool is_empty(const struct kt_search_response *response)
{
  static const uint8_t zero[KT_OPENING_LEN];
  return response->value.value.len == 0 && response->value.signature.len == 0 &&
         memcmp(response->opening, zero, sizeof zero) == 0;
}

/* The form of proven absence (ours): version 0, empty, one step without commitment. */
static bool claims_absence(const struct kt_search_response *response, bool fixed)
{
  return !fixed && response->version == 0 && response->n_ladder == 1 && !response->binary_ladder[0].has_commitment &&
         is_empty(response);
}

/* The form of a proven skipped version (ours): a fixed-version search in third-party management mode, empty. The tree then
 * has to hold the all-zero commitment, which opens to nothing. */
static bool claims_skipped(const struct kt_config *config, const struct kt_search_response *response, bool fixed)
{
  return fixed && config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT && is_empty(response);
}

/* Number of steps, and commitments where they have to be (R43, R44). In a greatest-version search every version below
 * the target is shown by some lookup of the ladder and none above it exists, so presence is fully determined. */
static enum kt_err check_steps(const struct kt_client *client, const struct kt_search_response *response, bool fixed,
                               const uint32_t *versions, size_t n)
{
  if (response->n_ladder != n) {
    return kt_fail(client->reason, KT_ERR_PROOF, "ladder-count", "the binary ladder has the wrong number of versions",
                   SECTION);
  }
  for (size_t i = 0; i < n; i++) {
    bool has = response->binary_ladder[i].has_commitment;
    if (has && versions[i] == response->version) {
      return kt_fail(client->reason, KT_ERR_PROOF, "ladder-commitment",
                     "a commitment is given for the version searched for", SECTION);
    }
    if (!fixed && versions[i] != response->version && has != (versions[i] < response->version)) {
      return kt_fail(client->reason, KT_ERR_PROOF, "ladder-commitment",
                     "a commitment is missing for a version that exists, or given for one that does not", SECTION);
    }
  }
  return KT_OK;
}

/* Verify the binary ladder and put the target's commitment, computed from what was served (R42), beside its key. */
static enum kt_err make_keys(struct search *search)
{
  const struct kt_client *client = search->client;
  const struct kt_search_response *response = &search->response;
  uint32_t versions[KT_LADDER_MAX];
  size_t n = kt_ladder_base(response->version, versions);
  if (search->absent) {
    n = 1; /* version 0 alone */
  }
  enum kt_err err = check_steps(client, response, search->version != NULL || search->absent, versions, n);
  if (err == KT_OK) {
    err = kt_known_keys(client, search->label, response->binary_ladder, versions, n, search->contact->known,
                        search->contact->n_known, &search->keys);
  }
  if (err != KT_OK || search->absent) {
    return err;
  }
  struct kt_hash commitment = { { 0 } };
  struct kt_label_key *target = kt_label_keys_find(&search->keys, response->version);
  if (!search->skipped) {
    err = kt_commitment(client->config, response->opening, search->label, response->version, &response->value,
                        &commitment);
  }
  if (err == KT_OK && target->has_commitment && !kt_hash_equal(&target->commitment, &commitment)) {
    /* Known from an earlier response: monitoring goes on for the value that was shown then (R29). */
    return kt_fail(client->reason, KT_ERR_PROOF, "commitment-changed",
                   "this version of the label had another value when it was shown before", SECTION);
  }
  if (err == KT_OK) {
    target->has_commitment = true;
    target->commitment = commitment;
  }
  return err;
}

enum kt_err kt_search_keys(const struct kt_client *client, struct kt_bytes label,
                           const struct kt_search_response *response, struct kt_label_keys *ret_keys)
{
  static const struct kt_contact_state nothing;
  struct search search = { .client = client, .label = label, .contact = &nothing, .response = *response };
  enum kt_err err = make_keys(&search);
  if (err == KT_OK) {
    *ret_keys = search.keys;
  }
  return err;
}

static enum kt_err rollback(const struct search *search)
{
  return kt_fail(search->client->reason, KT_ERR_PROOF, "version-rollback",
                 "the log shows an older state of this label than it did before", SECTION);
}

static enum kt_err check_known_greatest(const struct search *search)
{
  const struct kt_contact_state *contact = search->contact;
  uint32_t monitored = contact->n_map > 0 ? contact->map[contact->n_map - 1].version : 0;
  uint32_t known =
      search->known_greatest != NULL && *search->known_greatest > monitored ? *search->known_greatest : monitored;
  bool any_known = search->known_greatest != NULL || contact->n_map > 0;
  if (any_known && search->version == NULL && (search->absent || search->response.version < known)) {
    return rollback(search);
  }
  return KT_OK;
}

/* Every entry right of one that showed a version has it too, so a lesser version cannot be found there: its duty would
 * be lost in the map beside the greater one (R29). */
static enum kt_err check_monitored(const struct search *search, const struct kt_version_at *entry)
{
  for (size_t i = 0; i < search->contact->n_map; i++) {
    const struct kt_version_at *known = &search->contact->map[i];
    if (known->position < entry->position && known->version > entry->version) {
      return rollback(search);
    }
  }
  return KT_OK;
}

/* A fixed-version search stops as soon as the target is decided, so it may pass over versions that the target's
 * monitoring ladder looks up. Their commitments come with this response or never: require and keep them (R44), the first
 * monitoring ladder authenticates them. */
static enum kt_err keep_monitored_commitments(struct search *search, uint32_t target)
{
  uint32_t versions[KT_LADDER_MAX];
  size_t n = kt_ladder_monitoring(target, versions);
  for (size_t i = 0; i < n; i++) {
    struct kt_label_key *key = kt_label_keys_find(&search->keys, versions[i]);
    if (!key->has_commitment) {
      return kt_fail(search->client->reason, KT_ERR_PROOF, "ladder-commitment",
                     "a commitment that monitoring will need is missing", SECTION);
    }
    key->seen_included = true;
  }
  return KT_OK;
}

static enum kt_err monitor_found(struct search *search, struct kt_version_at entry,
                                 struct kt_contact_state *ret_contact)
{
  const struct kt_contact_state *old = search->contact;
  struct kt_arena *arena = search->client->arena;
  struct kt_contact_state contact;
  enum kt_err err = keep_monitored_commitments(search, entry.version);
  if (err == KT_OK) {
    err = kt_map_insert(search->client, old->map, old->n_map, entry, &contact.map, &contact.n_map);
  }
  if (err == KT_OK) {
    err = kt_known_retain(arena, &search->keys, kt_contact_wants, &contact, &contact.known, &contact.n_known);
  }
  if (err == KT_OK) {
    *ret_contact = contact;
  }
  return err;
}

/* The proof part: draft's steps 4 to 6, absence included. */
static enum kt_err run_search(struct search *search, struct kt_found *ret_found, struct kt_search_result *ret_result)
{
  struct kt_check check;
  enum kt_err err = kt_check_begin(&check, search->client, &search->response.full_tree_head, &search->response.search);
  if (err != KT_OK) {
    return err;
  }
  struct kt_view *view = &check.replay->view;
  enum kt_err found = search->version != NULL ? kt_fixed_search(view, &search->keys, *search->version, ret_found)
                                              : kt_greatest_search(view, &search->keys, search->response.version,
                                                                   search->absent, ret_found);
  bool absence_shown = search->absent && found == KT_ERR_ABSENT;
  if (found != KT_OK && !absence_shown) {
    /* A negative result that is not our proven absence is "invalid and having failed validation" (R22). */
    return found == KT_ERR_ABSENT ? KT_ERR_PROOF : found;
  }
  err = kt_check_end(&check, &ret_result->log, NULL);
  if (err != KT_OK) {
    return err;
  }
  if (absence_shown || search->skipped) {
    return KT_ERR_ABSENT;
  }
  ret_result->terminal = ret_found->terminal;
  ret_result->terminal_ms = kt_view_find(view, ret_found->terminal)->timestamp_ms;
  return KT_OK;
}

enum kt_err kt_verify_search(const struct kt_client *client, struct kt_bytes label, const uint32_t *version,
                             const uint32_t *known_greatest, const struct kt_contact_state *contact,
                             struct kt_bytes response, struct kt_search_result *ret_result)
{
  struct search search = {
    .client = client, .label = label, .version = version, .known_greatest = known_greatest, .contact = contact
  };
  const struct kt_optional_u32 requested = { .present = version != NULL, .value = version != NULL ? *version : 0 };
  enum kt_err err = kt_search_response_decode(response, client->config, requested, client->arena, &search.response);
  if (err != KT_OK) {
    return kt_check_format(client, err);
  }
  search.absent = claims_absence(&search.response, version != NULL);
  search.skipped = claims_skipped(client->config, &search.response, version != NULL);
  if (!search.absent && !search.skipped) {
    err = kt_check_leaf_signature(client, label, search.response.version, &search.response.value);
  }
  if (err == KT_OK) {
    err = check_known_greatest(&search);
  }
  if (err == KT_OK) {
    err = make_keys(&search);
  }
  struct kt_search_result result = { 0 };
  struct kt_found found;
  if (err == KT_OK) {
    err = run_search(&search, &found, &result);
  }
  if (err == KT_ERR_ABSENT) {
    *ret_result = (struct kt_search_result){ .log = result.log };
    return err;
  }
  if (err != KT_OK) {
    return err;
  }
  result.version = search.response.version;
  result.value = search.response.value.value;
  result.contact = *contact;
  if (found.monitor) {
    const struct kt_version_at entry = { .position = found.terminal, .version = result.version };
    err = check_monitored(&search, &entry);
    err = err == KT_OK ? monitor_found(&search, entry, &result.contact) : err;
  }
  if (err == KT_OK) {
    *ret_result = result;
  }
  return err;
}
