/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Credentials. What the label's owner needs to hand a proof on: a credential on a distinguished entry of their
 * choice, later the update that finally verifies it. Whoever receives them asks nothing. */
#include "log/query.h"
#include "wire/credential.h"

/* The entry must be distinguished and unexpired in the newest tree. Both questions need timestamps alone, and of those
 * only what the view's update brings: the entry is the rightmost one of the tree that `last` names. */
static enum kt_err check_position(struct kt_log_query *query, uint64_t pos)
{
  struct kt_view *view = &query->record->view;
  struct kt_path path;
  uint64_t ms = 0;
  enum kt_err err = kt_path_walk(view, pos, &path);
  if (err == KT_OK) {
    err = kt_view_timestamp(view, pos, &ms);
  }
  if (err == KT_OK && (!path.distinguished || kt_is_expired(view, ms))) {
    return kt_log_query_refuse(query, KT_ERR_USAGE, "position", "log entry %llu is not a recent distinguished one",
                               (unsigned long long)pos);
  }
  return err;
}

/* "the distinguished field … contains lookups corresponding to a search binary ladder for the target version of the
 * label in the indicated log entry": all of it, as the target is the greatest version there. */
static enum kt_err prove_standard(struct kt_log_query *query, const uint32_t *versions,
                                  struct kt_credential *credential)
{
  struct kt_record_entry entry;
  struct kt_hash keys[KT_LADDER_MAX];
  enum kt_err err = query->source.entry(query->source.ctx, credential->position, &entry);
  for (size_t i = 0; err == KT_OK && i < credential->n_ladder; i++) {
    keys[i] = kt_label_keys_find(&query->keys, versions[i])->vrf_output;
  }
  return err == KT_OK ? kt_prefix_prove(&query->source.prefix_nodes, entry.prefix_root, keys, credential->n_ladder,
                                        query->arena, &credential->distinguished)
                      : err;
}

/* "The search field contains the output of updating the user's view of the tree from a tree size of position+1 to
 * TreeHead.tree_size, followed by a greatest-version search for label": `last` of this query is position+1. No
 * auditor's head goes with it, so nothing is proven for one. */
static enum kt_err prove_provisional(struct kt_log_query *query, struct kt_credential *credential)
{
  struct kt_found found;
  enum kt_err err = kt_greatest_search(&query->record->view, &query->keys, credential->version, false, &found);
  credential->tree_head =
      (struct kt_tree_head){ .tree_size = query->head.size,
                             .signature = { query->head.signature, query->config->suite->signature_len } };
  return err == KT_OK ? kt_record_finish(query->record, 0, &credential->search) : err;
}

static enum kt_err load_value(struct kt_log_query *query, struct kt_credential *credential)
{
  struct kt_store_payload payload;
  enum kt_err err =
      kt_store_get_payload(query->reader->conn, query->label_id, credential->version, query->arena, &payload);
  if (err != KT_OK) {
    return err == KT_ERR_EXPIRED ? kt_log_query_refuse(query, err, "erased", "version %lu of the label was erased",
                                                       (unsigned long)credential->version)
                                 : KT_ERR_STORE;
  }
  credential->opening = kt_arena_copy(query->arena, payload.opening, sizeof payload.opening);
  credential->value = (struct kt_update_value){ .value = payload.value, .signature = payload.suffix };
  return credential->opening != NULL ? KT_OK : KT_ERR_MEMORY;
}

/* Standard when the greatest version is in the entry; otherwise what the receiver would refuse as provisional. */
static enum kt_err choose_type(struct kt_log_query *query, struct kt_credential *credential)
{
  bool exists = false;
  uint32_t version = 0;
  enum kt_err err = kt_log_query_greatest_at(query, credential->position, &exists, &version);
  if (err == KT_OK) {
    credential->type = exists && version == credential->version ? KT_CREDENTIAL_STANDARD : KT_CREDENTIAL_PROVISIONAL;
  }
  return err;
}

static enum kt_err answer_credential(struct kt_log_query *query, const void *ctx)
{
  const struct kt_credential_request *request = ctx;
  uint32_t versions[KT_LADDER_MAX];
  enum kt_err err = check_position(query, request->position);
  if (err == KT_OK) {
    err = kt_log_query_label(query, request->label);
  }
  if (err == KT_OK && !query->exists) {
    return kt_log_query_refuse(query, KT_ERR_ABSENT, "no-such-label", "the label has no version to prove");
  }
  struct kt_credential credential = { .label = request->label,
                                      .version = query->greatest,
                                      .position = request->position };
  credential.n_ladder = kt_ladder_base(query->greatest, versions);
  if (err == KT_OK) {
    err = load_value(query, &credential);
  }
  if (err == KT_OK) {
    err = kt_log_query_steps(query, versions, credential.n_ladder, &query->greatest, &credential.version,
                             &credential.binary_ladder);
  }
  if (err == KT_OK) {
    err = choose_type(query, &credential);
  }
  if (err == KT_OK) {
    err = credential.type == KT_CREDENTIAL_STANDARD ? prove_standard(query, versions, &credential)
                                                    : prove_provisional(query, &credential);
  }
  if (err == KT_OK) {
    kt_credential_write(query->w, query->config, &credential);
  }
  return err;
}

enum kt_err kt_log_credential(struct kt_log_reader *reader, const struct kt_credential_request *request,
                              struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  const struct kt_optional_u64 last = { .present = true, .value = request->position + 1 };
  if (request->position >= INT64_MAX) {
    return kt_log_refuse(ret_problem, KT_ERR_USAGE, "position", "the log has no entry %llu",
                         (unsigned long long)request->position);
  }
  return kt_log_query_run(reader, &last, arena, w, ret_problem, answer_credential, request);
}

/* --- the update --------------------------------------------------------------------------------------------------- */

static enum kt_err check_update(struct kt_log_query *query, const struct kt_credential_update_request *request)
{
  struct kt_path path;
  enum kt_err err = kt_path_walk(&query->record->view, request->distinguished, &path);
  if (err == KT_OK &&
      (!path.distinguished || request->distinguished < request->tree_size || request->terminal >= request->tree_size)) {
    return kt_log_query_refuse(query, KT_ERR_USAGE, "position",
                               "log entry %llu is not a distinguished one right of the credential's tree",
                               (unsigned long long)request->distinguished);
  }
  return err;
}

/* "The proof in monitor contains the result of updating the user's view of the tree from a size of
 * Credential.tree_head.tree_size to a size of distinguished+1", and the contact algorithm in contact-monitoring mode: a
 * tree that the log had, not the newest one. */
static enum kt_err answer_update(struct kt_log_query *query, const void *ctx)
{
  const struct kt_credential_update_request *request = ctx;
  const struct kt_monitor_map_entry entry = { .position = request->terminal, .version = request->version };
  struct kt_combined_proof monitor;
  enum kt_err err = check_update(query, request);
  if (err == KT_OK) {
    err = kt_log_query_label(query, request->label);
  }
  if (err == KT_OK) {
    err = kt_record_init(query->record, query->config, request->distinguished + 1, request->tree_size, &query->source,
                         query->arena, &query->reason);
  }
  if (err == KT_OK) {
    err = kt_update_view(&query->record->view);
  }
  if (err == KT_OK && query->config->mode == KT_MODE_CONTACT_MONITORING) {
    err = kt_log_query_monitor(query, &entry, 1, NULL);
  }
  if (err == KT_OK) {
    err = kt_record_finish(query->record, 0, &monitor);
  }
  if (err == KT_OK) {
    kt_credential_update_write(query->w, &monitor);
  }
  return err;
}

enum kt_err kt_log_credential_update(struct kt_log_reader *reader, const struct kt_credential_update_request *request,
                                     struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  const struct kt_optional_u64 last = { .present = true, .value = request->distinguished + 1 };
  if (request->distinguished >= INT64_MAX || request->tree_size == 0) {
    return kt_log_refuse(ret_problem, KT_ERR_USAGE, "position", "there is no such tree");
  }
  return kt_log_query_run(reader, &last, arena, w, ret_problem, answer_update, request);
}
