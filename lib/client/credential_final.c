/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Credentials / Provisional; final verification, and what is kept until then. */
#include <kt/credential.h>

#include "client/known.h"
#include "client/check.h"
#include "client/recent.h"
#include "client/state.h"
#include "crypto/hash.h"
#include "view/replay.h"
#include "wire/common.h"
#include "wire/credential.h"

#define SECTION "Credentials / Provisional"

void kt_request_credential_update(struct kt_writer *w, const struct kt_credential_pending *pending,
                                  uint64_t distinguished)
{
  const struct kt_credential_update_request request = { .label = pending->label,
                                                        .version = pending->version,
                                                        .terminal = pending->terminal,
                                                        .tree_size = pending->tree->size,
                                                        .distinguished = distinguished };
  kt_credential_update_request_write(w, &request);
}

/* "the first distinguished log entry issued to the right of the terminal log entry". It is an ancestor of the terminal
 * entry, which the credential's tree still has on its frontier, so it is right of that tree. Somebody who missed it
 * takes the next one: the monitoring path ends at the same entry, and the tree is compared further right. */
static const struct kt_tree_state *head_beyond(const struct kt_credential_pending *pending,
                                               const struct kt_recent_heads *recent)
{
  const struct kt_tree_state *first = NULL;
  for (size_t i = 0; i < recent->n; i++) {
    const struct kt_tree_state *head = &recent->heads[i];
    if (head->size > pending->tree->size && (first == NULL || head->size < first->size)) {
      first = head;
    }
  }
  return first;
}

enum kt_credential_stage kt_credential_stage(const struct kt_credential_pending *pending,
                                             const struct kt_recent_heads *recent, uint64_t *ret_distinguished)
{
  const struct kt_tree_state *head = kt_recent_find(recent, pending->terminal);
  enum kt_credential_stage stage = KT_CREDENTIAL_BY_HEAD;
  if (head == NULL) {
    head = head_beyond(pending, recent);
    stage = head != NULL ? KT_CREDENTIAL_BY_UPDATE : KT_CREDENTIAL_WAITING;
  }
  if (head != NULL && ret_distinguished != NULL) {
    *ret_distinguished = head->size - 1;
  }
  return stage;
}

bool kt_credential_is_expired(const struct kt_credential_pending *pending, const struct kt_recent_heads *recent,
                              const struct kt_config *config)
{
  return kt_recent_usable(recent, config, pending->position) == NULL;
}

/* "compute the prefix tree root value of the terminal log entry. Verify that this matches the user's retained state …
 * for the distinguished log entry at that position" (R65). Ours is stricter: the whole log up to there, of which that
 * value is part. */
enum kt_err kt_verify_credential_head(const struct kt_client *client, const struct kt_credential_pending *pending,
                                      const struct kt_recent_heads *recent)
{
  struct kt_hash root;
  const struct kt_tree_state *head = kt_recent_find(recent, pending->terminal);
  if (head == NULL) {
    return kt_fail_at(client->reason, KT_ERR_UNDETERMINED, "credential-waiting",
                      "the entry that has the version is not known to be distinguished", SECTION, pending->terminal);
  }
  kt_log_root(head->size, head->heads, &root);
  if (!kt_hash_equal(&root, &pending->terminal_root)) {
    return kt_fail_at(client->reason, KT_ERR_PROOF, "credential-head",
                      "the log is not the one that the credential shows, at the entry that has the version", SECTION,
                      pending->terminal);
  }
  return KT_OK;
}

/* "If the Transparency Log is deployed in Contact Monitoring mode, the proof in monitor then contains the output of
 * executing the algorithm in Contact Algorithm". */
static enum kt_err follow_path(const struct kt_client *client, const struct kt_credential_pending *pending,
                               struct kt_view *view)
{
  if (client->config->mode != KT_MODE_CONTACT_MONITORING) {
    return KT_OK;
  }
  struct kt_monitor_map *map = kt_arena_alloc(client->arena, 2, sizeof *map);
  struct kt_label_keys keys;
  if (map == NULL) {
    return KT_ERR_MEMORY;
  }
  kt_map_load(&pending->contact, &map[0]);
  enum kt_err err =
      kt_known_keys(client, pending->label, NULL, NULL, 0, pending->contact.known, pending->contact.n_known, &keys);
  return err == KT_OK ? kt_contact_monitor(view, &keys, &map[0], NULL, &map[1]) : err;
}

/* "Compute a candidate root value for the log tree with the proof in monitor.inclusion and the full subtrees of the tree
 * at size tree_size … Verify that this matches the user's retained state for the distinguished log entry at
 * distinguished" (R65). */
static enum kt_err verify_update(const struct kt_client *client, const struct kt_credential_pending *pending,
                                 const struct kt_tree_state *head, const struct kt_combined_proof *monitor)
{
  struct kt_log_known known;
  struct kt_hash want;
  struct kt_hash got;
  struct kt_replay *replay = kt_arena_alloc(client->arena, 1, sizeof *replay);
  if (replay == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err =
      kt_replay_init(replay, client->config, head->size, pending->tree, monitor, client->arena, client->reason);
  if (err == KT_OK) {
    err = kt_update_view(&replay->view);
  }
  if (err == KT_OK) {
    err = follow_path(client, pending, &replay->view);
  }
  if (err == KT_OK) {
    err = kt_replay_finish(replay, 0, &known);
  }
  if (err != KT_OK) {
    return err;
  }
  kt_log_root(head->size, head->heads, &want);
  if (kt_log_known_root(&known, head->size, &got) != KT_OK || !kt_hash_equal(&got, &want)) {
    return kt_fail_at(client->reason, KT_ERR_PROOF, "credential-head",
                      "the log that the credential and its update show is not the log that this user knows", SECTION,
                      head->size - 1);
  }
  return KT_OK;
}

enum kt_err kt_verify_credential_update(const struct kt_client *client, const struct kt_credential_pending *pending,
                                        const struct kt_recent_heads *recent, struct kt_bytes update)
{
  struct kt_combined_proof monitor;
  enum kt_err err = kt_credential_update_decode(update, client->arena, &monitor);
  if (err != KT_OK) {
    return kt_check_malformed(client->reason, err, "malformed-credential",
                              "it does not have the form of a credential update", SECTION);
  }
  /* "Verify that the user is aware of a recently issued distinguished log entry with an index greater than or equal to
   * that of the provisional credential's terminal log entry … a verification failure at this point MUST NOT prompt a
   * request" (R62). */
  const struct kt_tree_state *head = head_beyond(pending, recent);
  if (head == NULL) {
    return kt_fail_at(client->reason, KT_ERR_UNDETERMINED, "credential-waiting",
                      "no distinguished log entry that could decide is known here", SECTION, pending->terminal);
  }
  return verify_update(client, pending, head, &monitor);
}

/* --- as bytes --------------------------------------------------------------------------------------------------------- */

void kt_credential_pending_write(struct kt_writer *w, const struct kt_credential_pending *pending)
{
  kt_write_u8(w, KT_STATE_FORMAT);
  kt_write_bytes(w, pending->id.b, KT_HASH_LEN);
  kt_write_opaque8(w, pending->label);
  kt_write_u64(w, pending->position);
  kt_write_bytes(w, pending->terminal_root.b, KT_HASH_LEN);
  kt_tree_state_write(w, pending->tree);
  kt_contact_body_write(w, &pending->contact);
}

enum kt_err kt_credential_pending_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                         struct kt_credential_pending *ret_pending)
{
  struct kt_reader r;
  struct kt_credential_pending pending = { 0 };
  struct kt_tree_state *tree = kt_arena_alloc(arena, 1, sizeof *tree);
  if (tree == NULL) {
    return KT_ERR_MEMORY;
  }
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_state_format_read(&r);
  pending.id = kt_read_hash(&r);
  pending.label = kt_read_opaque8(&r);
  pending.position = kt_read_u64(&r);
  pending.terminal_root = kt_read_hash(&r);
  kt_tree_state_read(&r, tree);
  kt_contact_body_read(&r, arena, &pending.contact);
  if (r.err == KT_OK && (pending.contact.n_map != 1 || pending.contact.map[0].position >= tree->size)) {
    kt_reader_fail(&r, KT_ERR_FORMAT);
  }
  enum kt_err err = kt_reader_end(&r);
  if (err != KT_OK) {
    return err;
  }
  pending.tree = tree;
  pending.terminal = pending.contact.map[0].position;
  pending.version = pending.contact.map[0].version;
  *ret_pending = pending;
  return KT_OK;
}
