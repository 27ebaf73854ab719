/* SPDX-License-Identifier: Apache-2.0 */
#include "heads.h"

#include <inttypes.h>
#include <stdio.h>

#include "state_credentials.h"

/* --- the newest head ------------------------------------------------------------------------------------------------ */

static void request_heads(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  (void)ctx;
  kt_request_distinguished(w, log, NULL);
}

static enum kt_err verify_heads(void *ctx, const struct kt_client *client, struct kt_bytes response,
                                struct kt_log_state *ret_log)
{
  struct kt_distinguished_result *result = ctx;
  enum kt_err err = kt_verify_distinguished(client, NULL, response, result);
  if (err == KT_OK) {
    *ret_log = result->log;
  }
  return err;
}

/* Credentials from others are verified against these heads, without asking the log then. */
static enum kt_err commit_heads(void *ctx, struct kt_session *session)
{
  const struct kt_distinguished_result *result = ctx;
  return kt_state_learn(&session->state, result, kt_now_ms(), &session->arena);
}

enum kt_exit kt_heads_refresh(struct kt_session *session, const struct kt_distinguished_result **ret_result)
{
  struct kt_distinguished_result *result = kt_arena_alloc(&session->arena, 1, sizeof *result);
  if (result == NULL) {
    return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  struct kt_query query = { .path = "/v1/distinguished",
                            .what = "asking for the newest head",
                            .ctx = result,
                            .request = request_heads,
                            .verify = verify_heads,
                            .commit = commit_heads };
  enum kt_exit code = kt_session_query(session, &query);
  if (code == KT_EXIT_OK) {
    *ret_result = result;
  }
  return code;
}

/* --- an earlier root ------------------------------------------------------------------------------------------------- */

enum kt_exit kt_heads_root_under(struct kt_session *session, uint64_t newest_size, const struct kt_hash *newest_root,
                                 uint64_t size, struct kt_arena *arena, struct kt_hash *ret_root,
                                 struct kt_bytes *ret_consistency)
{
  if (size == newest_size) {
    *ret_root = *newest_root;
    *ret_consistency = (struct kt_bytes){ NULL, 0 };
    return KT_EXIT_OK;
  }
  char path[128];
  struct kt_reply reply;
  struct kt_reason reason = { .code = NULL };
  snprintf(path, sizeof path, "/v1/log/consistency?old=%" PRIu64 "&size=%" PRIu64, size, newest_size);
  kt_transport_get(session->transport, path, &reply);
  if (reply.kind != KT_REPLY_OK) {
    enum kt_exit code = kt_session_refused(session, &reply, "consistency of two heads");
    kt_reply_release(&reply);
    return code;
  }
  struct kt_bytes body = { kt_arena_copy(arena, reply.body, reply.len), reply.len };
  kt_reply_release(&reply);
  if (body.data == NULL) {
    return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  enum kt_err err = kt_verify_consistency(size, newest_size, newest_root, body, arena, ret_root, &reason);
  if (err != KT_OK) {
    return kt_output_fail_reason(session->out, err, &reason, "consistency of two heads");
  }
  *ret_consistency = body;
  return KT_EXIT_OK;
}

enum kt_exit kt_heads_root_at(struct kt_session *session, uint64_t size, struct kt_arena *arena,
                              struct kt_hash *ret_root, struct kt_bytes *ret_consistency)
{
  const struct kt_log_state *log = &session->pinned->log;
  return kt_heads_root_under(session, log->tree.size, &log->root, size, arena, ret_root, ret_consistency);
}

/* --- what to exchange ----------------------------------------------------------------------------------------------- */

static void add_newest(const struct kt_session *session, struct kt_heads_file *file)
{
  const struct kt_log_state *log = &session->pinned->log;
  const struct kt_tree_state *tree = &log->tree;
  file->heads[file->n++] = (struct kt_exchanged_head){
    .size = tree->size, .root = log->root, .timestamp_ms = tree->frontier[tree->n_frontier - 1].timestamp_ms
  };
  file->heads[file->n++] = (struct kt_exchanged_head){ .size = tree->size,
                                                       .root = log->root,
                                                       .signature = { log->signature, log->signature_len },
                                                       .config = session->pinned->config };
}

/* "in left-to-right order" */
static void add_distinguished(const struct kt_distinguished_result *result, struct kt_heads_file *file)
{
  for (size_t i = result->n_heads; i-- > 0;) {
    const struct kt_head_point *head = &result->heads[i];
    if (head->size != result->log.tree.size) { /* the newest head is added anyway */
      file->heads[file->n++] =
          (struct kt_exchanged_head){ .size = head->size, .root = head->root, .timestamp_ms = head->timestamp_ms };
    }
  }
}

void kt_heads_collect(const struct kt_session *session, const struct kt_distinguished_result *result,
                      struct kt_heads_file *ret_file)
{
  ret_file->n = 0;
  ret_file->log_id = session->log_id;
  if (result != NULL) {
    add_distinguished(result, ret_file);
  }
  add_newest(session, ret_file);
}
