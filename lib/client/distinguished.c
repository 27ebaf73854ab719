/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Walking Distinguished Heads; and the comparison of two heads (ours). */
#include "wire/distinguished.h"

#include "client/check.h"
#include "crypto/hash.h"

_Static_assert(KT_HEADS_MAX == KT_RECENT_MAX, "one notion of recent");

void kt_request_distinguished(struct kt_writer *w, const struct kt_log_state *log, const uint64_t *stop)
{
  const struct kt_distinguished_request request = {
    .last = kt_check_last(log), .stop = { .present = stop != NULL, .value = stop != NULL ? *stop : 0 }
  };
  kt_distinguished_request_write(w, &request);
}

/* "The user then computes the log tree root value at each point where one of the recent distinguished log entries is
 * the rightmost log entry." The left copath of a proven leaf is what such a root is made of; the frontier at that point
 * is what the walk passed on its way from the root. */
static enum kt_err head_points(const struct kt_check *check, const struct kt_log_known *known,
                               const uint64_t *positions, size_t n, struct kt_distinguished_result *result)
{
  struct kt_tree_state *states = kt_arena_alloc(check->client->arena, n, sizeof *states);
  if (states == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    struct kt_head_point *head = &result->heads[i];
    head->size = positions[i] + 1;
    head->timestamp_ms = kt_view_find(&check->replay->view, positions[i])->timestamp_ms;
    if (kt_replay_state_at(check->replay, known, head->size, &states[i]) != KT_OK) {
      return kt_fail_at(check->client->reason, KT_ERR_PROOF, "distinguished-root",
                        "the proof does not establish a distinguished head", "Walking Distinguished Heads",
                        positions[i]);
    }
    kt_log_root(head->size, states[i].heads, &head->root);
  }
  result->states = states;
  result->n_heads = n;
  result->rightmost_ms = check->replay->view.rightmost_ms;
  return KT_OK;
}

enum kt_err kt_verify_distinguished(const struct kt_client *client, const uint64_t *stop, struct kt_bytes encoded,
                                    struct kt_distinguished_result *ret_result)
{
  struct kt_distinguished_response response;
  struct kt_check check;
  struct kt_log_known known;
  uint64_t positions[KT_RECENT_MAX];
  size_t n;
  struct kt_distinguished_result *result = kt_arena_alloc(client->arena, 1, sizeof *result);
  if (result == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = kt_distinguished_response_decode(encoded, client->config, client->arena, &response);
  if (err != KT_OK) {
    return kt_check_format(client, err);
  }
  err = kt_check_begin(&check, client, &response.full_tree_head, &response.distinguished);
  if (err == KT_OK) {
    err = kt_walk_distinguished(&check.replay->view, stop, positions, &n);
  }
  if (err == KT_OK) {
    err = kt_check_end(&check, &result->log, &known);
  }
  if (err == KT_OK) {
    err = head_points(&check, &known, positions, n, result);
  }
  if (err == KT_OK) {
    *ret_result = *result;
  }
  return err;
}

enum kt_err kt_verify_consistency(uint64_t old_size, uint64_t new_size, const struct kt_hash *new_root,
                                  struct kt_bytes response, struct kt_arena *arena, struct kt_hash *ret_old_root,
                                  struct kt_reason *reason)
{
  struct kt_reader r;
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  kt_reader_init(&r, response.data, response.len);
  size_t n_heads = kt_read_count8(&r, KT_HASH_LEN);
  const struct kt_hash *heads = (const struct kt_hash *)kt_read_bytes(&r, n_heads * KT_HASH_LEN);
  size_t n_elements = kt_read_count16(&r, KT_HASH_LEN);
  const struct kt_hash *elements = (const struct kt_hash *)kt_read_bytes(&r, n_elements * KT_HASH_LEN);
  enum kt_err err = kt_reader_end(&r);
  if (err != KT_OK || old_size == 0 || old_size > new_size || kt_log_full_subtrees(old_size, nodes) != n_heads) {
    return kt_fail(reason, KT_ERR_FORMAT, "malformed-response", "the consistency proof does not have the right form",
                   "Tree Proofs / Log Tree");
  }
  const struct kt_log_request request = { .size = new_size, .retained_size = old_size };
  struct kt_log_known known;
  struct kt_hash root;
  err = kt_log_evaluate(&request, NULL, heads, elements, n_elements, arena, &known, reason);
  if (err == KT_OK) {
    err = kt_log_known_root(&known, new_size, &root);
  }
  if (err == KT_OK && !kt_hash_equal(&root, new_root)) {
    err = kt_fail(reason, KT_ERR_PROOF, "consistency", "the consistency proof does not lead to the log's root",
                  "Tree Proofs / Log Tree");
  }
  if (err == KT_OK) {
    kt_log_root(old_size, heads, ret_old_root);
  }
  return err;
}
