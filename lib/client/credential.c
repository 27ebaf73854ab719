/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Credentials; initial verification. */
#include <kt/credential.h>

#include "base/unproven.h"
#include "client/check.h"
#include "client/recent.h"
#include "client/search.h"
#include "crypto/hash.h"
#include "wire/credential.h"

#define SECTION "Credentials"
#define STANDARD "Credentials / Standard"
#define PROVISIONAL "Credentials / Provisional"

void kt_request_credential(struct kt_writer *w, struct kt_bytes label, uint64_t position)
{
  const struct kt_credential_request request = { .label = label, .position = position };
  kt_credential_request_write(w, &request);
}

struct verification {
  const struct kt_client *client;
  const struct kt_recent_heads *recent;
  const struct kt_tree_state *head; /* the log at `position` */
  struct kt_credential credential;
  struct kt_label_keys keys;
  struct kt_replay *replay;
};

/* "Verify that the user is aware of a recently issued distinguished log entry at position … implementations MUST NOT use
 * a verification failure at this point as a prompt to request updates from the Transparency Log" (R62). Nothing is asked
 * here, and the three cases are told apart only to be told to a person. */
static enum kt_err find_head(struct verification *v)
{
  const struct kt_recent_heads *recent = v->recent;
  struct kt_reason *reason = v->client->reason;
  uint64_t pos = v->credential.position;
  v->head = kt_recent_usable(recent, v->client->config, pos);
  if (v->head != NULL) {
    return KT_OK;
  }
  if (recent->n_recent == 0 || pos >= recent->heads[0].size) {
    return kt_fail_at(reason, KT_ERR_UNDETERMINED, "unknown-position",
                      "it rests on a log entry that was not among the log's distinguished heads when they were learned",
                      SECTION, pos);
  }
  if (pos < recent->heads[recent->n_recent - 1].size || kt_recent_find(recent, pos) != NULL) {
    return kt_fail_at(reason, KT_ERR_EXPIRED, "credential-expired",
                      "it rests on a log entry that is not recent any more", SECTION, pos);
  }
  return kt_fail_at(reason, KT_ERR_PROOF, "credential-position", "it rests on a log entry that is not distinguished",
                    SECTION, pos);
}

/* Steps 2 to 4 of every credential: those of a search response with the same fields. */
static enum kt_err make_keys(struct verification *v)
{
  const struct kt_credential *credential = &v->credential;
  /* "Verify value as described in Update Format" (R38) */
  enum kt_err err = kt_check_leaf_signature(v->client, credential->label, credential->version, &credential->value);
  if (err != KT_OK) {
    return err;
  }
  const struct kt_search_response response = { .version = credential->version,
                                               .opening = credential->opening,
                                               .value = credential->value,
                                               .binary_ladder = credential->binary_ladder,
                                               .n_ladder = credential->n_ladder };
  return kt_search_keys(v->client, credential->label, &response, &v->keys);
}

static enum kt_err replay_begin(struct verification *v, uint64_t size, const struct kt_combined_proof *proof)
{
  const struct kt_client *client = v->client;
  v->replay = kt_arena_alloc(client->arena, 1, sizeof *v->replay);
  return v->replay == NULL
             ? KT_ERR_MEMORY
             : kt_replay_init(v->replay, client->config, size, v->head, proof, client->arena, client->reason);
}

/* "Verify that the binary ladder in distinguished terminates in a way that is consistent with version being the greatest
 * version of the label that exists. Verify that the prefix tree root value produced by evaluating distinguished matches
 * that of the recently issued distinguished log entry at position" (R63): that entry is retained, so the view compares. */
static enum kt_err verify_standard(struct verification *v)
{
  static const struct kt_refusal above = { "greater-version", "a version above the claimed greatest one exists",
                                           STANDARD };
  const struct kt_credential *credential = &v->credential;
  const struct kt_combined_proof proof = { .prefix_proofs = &credential->distinguished, .n_prefix_proofs = 1 };
  enum kt_verdict verdict = KT_BELOW;
  enum kt_err err = replay_begin(v, v->head->size, &proof);
  if (err == KT_OK) {
    err = kt_bounded_ladder(&v->replay->view, &v->keys, credential->position, credential->version, NULL, &above,
                            &verdict);
  }
  if (err == KT_OK && verdict != KT_EQUAL) {
    err = kt_fail_at(v->client->reason, KT_ERR_PROOF, "greatest-missing",
                     "the claimed version is missing from the distinguished log entry", STANDARD, credential->position);
  }
  return err;
}

/* Steps 1 and 2. The view's update comes first, as in every combined proof. */
static enum kt_err run_search(struct verification *v, struct kt_found *ret_found)
{
  const struct kt_credential *credential = &v->credential;
  struct kt_reason *reason = v->client->reason;
  uint64_t size = credential->tree_head.tree_size;
  if (size <= credential->position || size > INT64_MAX) { /* "Verify that TreeHead.tree_size is greater than position"
                                                             (R64) */
    return kt_fail(reason, KT_ERR_PROOF, "credential-size", "its tree head does not reach beyond its position",
                   PROVISIONAL);
  }
  enum kt_err err = replay_begin(v, size, &credential->search);
  if (err == KT_OK) {
    err = kt_update_view(&v->replay->view);
  }
  if (err == KT_OK) {
    err = kt_greatest_search(&v->replay->view, &v->keys, credential->version, false, ret_found);
  }
  if (err == KT_OK &&
      ret_found->terminal <= credential->position) { /* "Verify that the terminal log entry of the search
                                                                        is to the right of position" (R64) */
    err = kt_fail_at(reason, KT_ERR_PROOF, "credential-terminal",
                     "the version was there at its position already: the credential should have been a standard one",
                     PROVISIONAL, ret_found->terminal);
  }
  return err;
}

/* Steps 3 and 4. */
static enum kt_err verify_head(struct verification *v, uint64_t terminal, struct kt_tree_state *tree,
                               struct kt_hash *ret_terminal_root)
{
  const struct kt_client *client = v->client;
  struct kt_log_known known;
  struct kt_hash root;
  enum kt_err err = kt_replay_finish(v->replay, 0, &known);
  if (err == KT_OK) {
    err = kt_replay_state(v->replay, &known, tree);
  }
  if (err != KT_OK) {
    return err;
  }
  kt_log_root(tree->size, tree->heads, &root);
  err = kt_verify_head(client->config, tree->size, &root, v->credential.tree_head.signature);
  if (err != KT_OK) { /* R64 */
    return kt_unproven(client->reason, err, "head-signature",
                       "the tree head's signature does not fit the log's content and the pinned configuration",
                       PROVISIONAL);
  }
  if (kt_log_known_root(&known, terminal + 1, ret_terminal_root) != KT_OK) {
    return kt_fail_at(client->reason, KT_ERR_PROOF, "terminal-root",
                      "the proof does not establish the log up to the entry that has the version", PROVISIONAL,
                      terminal);
  }
  /* How old the head may be is for the expiry of `position` to say; ahead of this clock it can never rightly be. */
  if (v->replay->view.rightmost_ms > client->now_ms &&
      v->replay->view.rightmost_ms - client->now_ms > client->config->max_ahead) {
    return kt_fail(client->reason, KT_ERR_STALE, "stale-or-clock",
                   "it shows a log entry in this machine's future: one of the clocks is wrong", PROVISIONAL);
  }
  return KT_OK;
}

/* What final verification takes: the tree, and the label's keys for the monitoring path from the terminal entry. */
static enum kt_err verify_provisional(struct verification *v, struct kt_credential_pending *pending)
{
  struct kt_arena *arena = v->client->arena;
  struct kt_tree_state *tree = kt_arena_alloc(arena, 1, sizeof *tree);
  struct kt_version_at *entry = kt_arena_alloc(arena, 1, sizeof *entry);
  struct kt_found found = { 0 };
  if (tree == NULL || entry == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = run_search(v, &found);
  if (err == KT_OK) {
    err = verify_head(v, found.terminal, tree, &pending->terminal_root);
  }
  if (err != KT_OK) {
    return err;
  }
  *entry = (struct kt_version_at){ .position = found.terminal, .version = v->credential.version };
  pending->label = v->credential.label;
  pending->version = v->credential.version;
  pending->position = v->credential.position;
  pending->terminal = found.terminal;
  pending->tree = tree;
  pending->contact = (struct kt_contact_state){ .map = entry, .n_map = 1 };
  return kt_known_retain(arena, &v->keys, kt_contact_wants, &pending->contact, &pending->contact.known,
                         &pending->contact.n_known);
}

static void fill_result(const struct verification *v, struct kt_bytes encoded, struct kt_credential_result *result)
{
  const struct kt_credential *credential = &v->credential;
  result->is_provisional = credential->type == KT_CREDENTIAL_PROVISIONAL;
  kt_sha256(encoded.data, encoded.len, &result->id);
  result->pending.id = result->id;
  result->label = credential->label;
  result->version = credential->version;
  result->value = credential->value.value;
  result->position = credential->position;
  result->position_ms = kt_recent_timestamp(v->head);
  result->shown_ms = result->is_provisional ? v->replay->view.rightmost_ms : result->position_ms;
}

enum kt_err kt_verify_credential(const struct kt_client *client, const struct kt_recent_heads *recent,
                                 struct kt_bytes encoded, struct kt_credential_result *ret_result)
{
  struct verification v = { .client = client, .recent = recent };
  struct kt_credential_result result = { 0 };
  enum kt_err err = kt_credential_decode(encoded, client->config, client->arena, &v.credential);
  if (err != KT_OK) {
    return kt_check_malformed(client->reason, err, "malformed-credential", "it does not have the form of a credential",
                              SECTION);
  }
  err = find_head(&v);
  if (err == KT_OK) {
    err = make_keys(&v);
  }
  if (err == KT_OK) {
    err = v.credential.type == KT_CREDENTIAL_STANDARD ? verify_standard(&v) : verify_provisional(&v, &result.pending);
  }
  if (err == KT_OK) {
    fill_result(&v, encoded, &result);
    *ret_result = result;
  }
  return err;
}
