/* SPDX-License-Identifier: Apache-2.0 */
#include "client/check.h"

#include <string.h>

#include "base/unproven.h"
#include "wire/search.h"

#define SECTION "Full Tree Head Verification"
#define AUDITOR_SECTION "Auditor Tree Head Signature"

struct kt_optional_u64 kt_check_last(const struct kt_log_state *log)
{
  return (struct kt_optional_u64){ .present = log->tree.size > 0, .value = log->tree.size };
}

enum kt_err kt_check_malformed(struct kt_reason *reason, enum kt_err err, const char *code, const char *text,
                               const char *section)
{
  return err != KT_ERR_MEMORY ? kt_fail(reason, err, code, text, section)
                              : kt_fail(reason, err, "memory", "there is not enough memory to read it", "ours");
}

enum kt_err kt_check_format(const struct kt_client *client, enum kt_err err)
{
  return kt_check_malformed(client->reason, err, "malformed-response",
                            "the response does not have the form the protocol prescribes", "User Operations");
}

static enum kt_err shown_size(const struct kt_client *client, const struct kt_full_tree_head *head, uint64_t *ret_size)
{
  uint64_t old = client->log->tree.size;
  if (head->type == KT_HEAD_SAME) {
    if (old == 0) { /* "verify that the user advertised a previously observed tree size" (R5) */
      return kt_fail(client->reason, KT_ERR_PROOF, "head-same", "the log refers to an earlier head, but none was seen",
                     SECTION);
    }
    *ret_size = old;
    return KT_OK;
  }
  uint64_t size = head->tree_head.tree_size;
  if (size == 0 || size > INT64_MAX || size <= old) { /* "verify that TreeHead.tree_size is greater than the advertised
                                                         tree size" (R7) */
    return kt_fail(client->reason, KT_ERR_PROOF, "head-size", "the log does not grow: its new head is not larger",
                   SECTION);
  }
  *ret_size = size;
  return KT_OK;
}

static const struct kt_auditor_tree_head *auditor_head(const struct kt_check *check)
{
  bool shown = check->client->config->mode == KT_MODE_THIRD_PARTY_AUDITING && check->head->type == KT_HEAD_UPDATED;
  return shown ? &check->head->auditor_head : NULL;
}

/* What of the auditor's head needs no proof; that it is there, exactly in this mode, decided its decoding (R12). */
static enum kt_err check_auditor_size(const struct kt_client *client, const struct kt_auditor_tree_head *auditor,
                                      uint64_t size)
{
  const struct kt_log_state *log = client->log;
  if (log->tree.size > 0 && log->auditor_size < client->config->auditor_start_pos) {
    /* "verify that the tree_size of the AuditorTreeHead structure in the previous tree head (which may be from a
     * different auditor) is greater than or equal to auditor_start_pos for the current auditor" (R13) */
    return kt_fail(client->reason, KT_ERR_PROOF, "auditor-start",
                   "the log's auditor began after the last entry that was vouched for when this log was seen last",
                   AUDITOR_SECTION);
  }
  if (auditor->tree_size == 0 || auditor->tree_size > size) { /* "less than or equal to that of the TreeHead" (R16) */
    return kt_fail(client->reason, KT_ERR_PROOF, "auditor-size",
                   "the auditor's head is of no entries or of more than the log has", AUDITOR_SECTION);
  }
  return KT_OK;
}

enum kt_err kt_check_begin(struct kt_check *check, const struct kt_client *client, const struct kt_full_tree_head *head,
                           const struct kt_combined_proof *proof)
{
  uint64_t size = 0;
  enum kt_err err = shown_size(client, head, &size);
  if (err != KT_OK) {
    return err;
  }
  *check = (struct kt_check){ .client = client, .head = head };
  const struct kt_auditor_tree_head *auditor = auditor_head(check);
  err = auditor != NULL ? check_auditor_size(client, auditor, size) : KT_OK;
  if (err != KT_OK) {
    return err;
  }
  check->replay = kt_arena_alloc(client->arena, 1, sizeof *check->replay);
  if (check->replay == NULL) {
    return KT_ERR_MEMORY;
  }
  err = kt_replay_init(check->replay, client->config, size, &client->log->tree, proof, client->arena, client->reason);
  return err == KT_OK ? kt_update_view(&check->replay->view) : err;
}

enum kt_err kt_check_leaf_signature(const struct kt_client *client, struct kt_bytes label, uint32_t version,
                                    const struct kt_update_value *value)
{
  enum kt_err err = kt_update_value_verify(client->config, label, version, value);
  return err == KT_OK ? err
                      : kt_unproven(client->reason, err, "leaf-signature",
                                    "the value does not carry the Service Operator's signature for this label "
                                    "and version",
                                    "Update Format");
}

enum kt_err kt_verify_head(const struct kt_config *config, uint64_t size, const struct kt_hash *root,
                           struct kt_bytes signature)
{
  const struct kt_tree_head head = { .tree_size = size, .signature = signature };
  return kt_tree_head_verify(config, &head, root);
}

/* "how far ahead and how far behind the current time the rightmost log entry's timestamp may be" (R6, R9); written as
 * differences so that nothing wraps around. */
static enum kt_err check_clock(const struct kt_client *client, uint64_t rightmost_ms)
{
  const struct kt_config *config = client->config;
  bool ahead = rightmost_ms > client->now_ms && rightmost_ms - client->now_ms > config->max_ahead;
  bool behind = client->now_ms > rightmost_ms && client->now_ms - rightmost_ms > config->max_behind;
  if (ahead || behind) {
    bool is_first = client->reason != NULL && client->reason->code == NULL;
    enum kt_err err =
        kt_fail(client->reason, KT_ERR_STALE, "stale-or-clock",
                ahead ? "the log's newest entry is in this machine's future: one of the two clocks is wrong"
                      : "the log's newest entry is too old: the log stands still or this machine's clock is wrong",
                "Updating Views of the Tree / Algorithm");
    if (is_first) {
      client->reason->entry_ms = rightmost_ms;
      client->reason->clock_ms = client->now_ms;
      client->reason->allowed_ms = ahead ? config->max_ahead : config->max_behind;
      client->reason->has_times = true;
    }
    return err;
  }
  return KT_OK;
}

static enum kt_err check_head(const struct kt_check *check, struct kt_log_state *log)
{
  const struct kt_client *client = check->client;
  const struct kt_bytes signature = check->head->tree_head.signature;
  const enum kt_err err = kt_verify_head(client->config, log->tree.size, &log->root, signature);
  if (err != KT_OK) { /* R10, R11 */
    return kt_unproven(client->reason, err, "head-signature",
                       "the tree head's signature does not fit the log's content and the pinned configuration",
                       SECTION);
  }
  memcpy(log->signature, signature.data, signature.len);
  log->signature_len = signature.len;
  return KT_OK;
}

/* What the auditor signed is this log when it had so many entries. */
static enum kt_err check_auditor(const struct kt_check *check, const struct kt_auditor_tree_head *auditor,
                                 const struct kt_log_known *known, struct kt_log_state *log)
{
  const struct kt_client *client = check->client;
  struct kt_hash root;
  if (auditor->timestamp > check->replay->view.rightmost_ms) {
    /* "Verify that the timestamp of the rightmost log entry is greater than or equal to timestamp" (R14) */
    return kt_fail(client->reason, KT_ERR_PROOF, "auditor-time",
                   "the auditor's head is later than the log's newest entry", AUDITOR_SECTION);
  }
  enum kt_err err = kt_log_known_root(known, auditor->tree_size, &root);
  err = err == KT_OK ? kt_auditor_tree_head_verify(client->config, auditor, &root) : err;
  if (err != KT_OK) { /* R17 */
    return kt_unproven(client->reason, err, "auditor-signature",
                       "the auditor's signature does not fit the log's content and the pinned configuration",
                       AUDITOR_SECTION);
  }
  log->auditor_size = auditor->tree_size;
  return KT_OK;
}

/* "and that the difference between the two is less than or equal to Configuration.max_auditor_lag" (R15). A genuine head
 * that is too old: nothing is forged, the auditor is away. So it comes last, when everything else was right. */
static enum kt_err check_auditor_lag(const struct kt_check *check, const struct kt_auditor_tree_head *auditor)
{
  const struct kt_client *client = check->client;
  if (check->replay->view.rightmost_ms - auditor->timestamp > client->config->max_auditor_lag) {
    return kt_fail(client->reason, KT_ERR_STALE, "auditor-missing",
                   "the auditor's head is too old: nobody has vouched for the newest entries", AUDITOR_SECTION);
  }
  return KT_OK;
}

enum kt_err kt_check_end(struct kt_check *check, struct kt_log_state *ret_log, struct kt_log_known *ret_known)
{
  const struct kt_client *client = check->client;
  const struct kt_auditor_tree_head *auditor = auditor_head(check);
  const bool needs_auditor = auditor != NULL && !client->log_only;
  struct kt_log_known known;
  struct kt_log_state log = *client->log;
  enum kt_err err = kt_replay_finish(check->replay, auditor != NULL ? auditor->tree_size : 0, &known);
  if (err == KT_OK) {
    err = kt_replay_state(check->replay, &known, &log.tree);
  }
  if (err != KT_OK) {
    return err;
  }
  kt_log_root(log.tree.size, log.tree.heads, &log.root);
  if (check->head->type == KT_HEAD_UPDATED) {
    err = check_head(check, &log);
  }
  if (err == KT_OK && needs_auditor) {
    err = check_auditor(check, auditor, &known, &log);
  }
  if (err == KT_OK) {
    err = check_clock(client, check->replay->view.rightmost_ms);
  }
  if (err == KT_OK && needs_auditor) {
    err = check_auditor_lag(check, auditor);
  }
  if (err == KT_OK) {
    *ret_log = log;
    if (ret_known != NULL) {
      *ret_known = known;
    }
  }
  return err;
}
