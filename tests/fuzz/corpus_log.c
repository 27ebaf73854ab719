/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of what a log says: requests, responses, states, its feed, evidence, credentials. */
#include "corpus.h"

#include <kt/audit.h>
#include <kt/evidence.h>

#include "support/toy_naive.h"
#include "support/toy_credential.h"
#include "support/toy_scene.h"
#include "tree/ibst.h"
#include "tree/log_tree.h"
#include "wire/audit_head.h"
#include "wire/auditor.h"
#include "wire/tree_head.h"

#define FILE_LIMIT ((size_t)1 << 20)
#define CONSISTENCY_FROM 5

/* --- requests, responses, states ---------------------------------------------------------------------------------------- */

/* Numbers of fuzz_wire.c. */
static void wire_numbers(const struct toy_query *query, int *ret_request, int *ret_response)
{
  static const struct {
    int request;
    int response;
  } numbers[] = {
    [TOY_SEARCH] = { 0, 1 },        [TOY_CONTACT] = { 3, 6 }, [TOY_OWNER_INIT] = { 4, 7 },
    [TOY_OWNER_MONITOR] = { 5, 6 }, [TOY_UPDATE] = { 8, 9 },  [TOY_DISTINGUISHED] = { 10, 11 },
  };
  *ret_request = numbers[query->kind].request;
  *ret_response = numbers[query->kind].response + (query->kind == TOY_SEARCH && query->version != NULL);
}

static void put_states(const char *name, const struct toy_user *user)
{
  struct kt_writer w;
  char path[128];
  (void)snprintf(path, sizeof path, "log-after-%s", name);
  kt_writer_init(&w, FILE_LIMIT);
  kt_log_state_write(&w, &user->state);
  corpus_put_written("state", path, 0, &w);
  if (user->contact.n_map > 0) {
    (void)snprintf(path, sizeof path, "contact-after-%s", name);
    kt_writer_init(&w, FILE_LIMIT);
    kt_contact_state_write(&w, &user->contact);
    corpus_put_written("state", path, 1, &w);
  }
  if (user->owner.has_version_at_start || user->owner.n_upcoming > 0) {
    (void)snprintf(path, sizeof path, "owner-after-%s", name);
    kt_writer_init(&w, FILE_LIMIT);
    kt_owner_state_write(&w, &user->owner);
    corpus_put_written("state", path, 2, &w);
  }
}

/* An answer that refers to the head the user has, as one that claims a new head of the same size: further than mutations
 * get by themselves. */
static void put_as_updated(struct toy_log *log, size_t index, const struct toy_scene *scene)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_writer w;
  char name[128];
  toy_sign_head(log, log->size, signature);
  const struct kt_full_tree_head head = {
    .type = KT_HEAD_UPDATED,
    .tree_head = { .tree_size = log->size, .signature = { signature, log->config.suite->signature_len } }
  };
  kt_writer_init(&w, FILE_LIMIT);
  kt_full_tree_head_write(&w, &log->config, &head);
  kt_write_bytes(&w, scene->response.data + 1, scene->response.len - 1);
  (void)snprintf(name, sizeof name, "%s-as-updated", scene->name);
  corpus_put_written("verify", name, (int)index, &w);
}

void corpus_put_scene(struct toy_log *log, size_t index)
{
  static struct toy_scene scene;
  char name[128];
  int request;
  int response;
  toy_scene_set(log, index, &scene);
  wire_numbers(&scene.query, &request, &response);
  corpus_put("verify", scene.name, (int)index, scene.response);
  if (scene.response.data[0] == KT_HEAD_SAME) {
    put_as_updated(log, index, &scene);
  }
  (void)snprintf(name, sizeof name, "%s-request", scene.name);
  corpus_put("wire", name, request, scene.request);
  (void)snprintf(name, sizeof name, "%s-response", scene.name);
  corpus_put("wire", name, response, scene.response);
  FUZZ_CHECK(toy_verify(&scene.user, &scene.query, scene.response, log->timestamps[log->size - 1]) == scene.verdict);
  put_states(scene.name, &scene.user);
  toy_user_release(&scene.user);
}

/* --- what is ours around the log tree ------------------------------------------------------------------------------------ */

static void write_nodes(struct kt_writer *w, const struct toy_log *log, const struct kt_log_node *nodes, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    struct kt_hash value;
    toy_naive_subtree(log, nodes[i].start, nodes[i].level, &value);
    kt_write_bytes(w, value.b, KT_HASH_LEN);
  }
}

static void write_copath(struct kt_writer *w, const struct toy_log *log, const struct kt_log_request *request,
                         struct kt_arena *arena)
{
  struct kt_log_node *nodes = NULL;
  size_t n = 0;
  FUZZ_CHECK(kt_log_copath(request, arena, &nodes, &n) == KT_OK);
  kt_write_count16(w, n);
  write_nodes(w, log, nodes, n);
}

static void write_consistency(struct kt_writer *w, const struct toy_log *log, struct kt_arena *arena)
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  size_t n = kt_log_full_subtrees(CONSISTENCY_FROM, nodes);
  const struct kt_log_request request = { .size = log->size, .retained_size = CONSISTENCY_FROM };
  kt_write_count8(w, n);
  write_nodes(w, log, nodes, n);
  write_copath(w, log, &request, arena);
}

static void write_audit_state(struct kt_writer *w, const struct toy_log *log, struct kt_arena *arena)
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  size_t n = kt_log_full_subtrees(log->size, nodes);
  size_t n_frontier = kt_ibst_frontier(log->size, frontier);
  const struct kt_log_request request = {
    .size = log->size, .leaves = frontier, .n_leaves = n_frontier, .retained_size = log->size
  };
  kt_write_u64(w, log->size);
  kt_write_count8(w, n);
  write_nodes(w, log, nodes, n);
  kt_write_count8(w, n_frontier);
  for (size_t i = 0; i < n_frontier; i++) {
    kt_write_u64(w, log->timestamps[frontier[i]]);
    kt_write_bytes(w, log->prefix_roots[frontier[i]].hash.b, KT_HASH_LEN);
  }
  write_copath(w, log, &request, arena);
}

void corpus_put_log_answers(const struct toy_log *log, struct kt_arena *arena)
{
  struct kt_writer w;
  struct kt_reason reason = { 0 };
  struct kt_hash root;
  struct kt_hash old_root;
  struct kt_audit_state state;
  toy_naive_root(log, log->size, &root);
  kt_writer_init(&w, FILE_LIMIT);
  write_consistency(&w, log, arena);
  FUZZ_CHECK(kt_verify_consistency(CONSISTENCY_FROM, log->size, &root, (struct kt_bytes){ w.buf, w.len }, arena,
                                   &old_root, &reason) == KT_OK);
  corpus_put("json", "consistency", 'c', (struct kt_bytes){ w.buf, w.len });
  corpus_put_written("verify", "consistency", 0xf0, &w);
  kt_writer_init(&w, FILE_LIMIT);
  write_audit_state(&w, log, arena);
  FUZZ_CHECK(kt_audit_state_verify(log->size, &root, (struct kt_bytes){ w.buf, w.len }, arena, &state, &reason) ==
             KT_OK);
  corpus_put("json", "audit-state", 't', (struct kt_bytes){ w.buf, w.len });
  corpus_put_written("verify", "audit-state", 0xf1, &w);
  kt_writer_init(&w, FILE_LIMIT);
  kt_audit_state_write(&w, &state);
  corpus_put_written("state", "audit", 3, &w);
}

/* --- the auditor's feed ---------------------------------------------------------------------------------------------------- */

#define FEED_LEN 6
#define FEED_LEAVES 3

/* Entry i adds three leaves; the last one also removes one. */
static size_t feed_leaves(size_t i, struct kt_prefix_leaf ret_leaves[static FEED_LEAVES])
{
  for (size_t k = 0; k < FEED_LEAVES; k++) {
    memset(&ret_leaves[k], 0, sizeof ret_leaves[k]);
    ret_leaves[k].vrf_output.b[0] = (uint8_t)(0x50 * k + 0x11 * i);
    ret_leaves[k].commitment.b[0] = (uint8_t)(i + 1);
  }
  return FEED_LEAVES;
}

static void make_update(const struct kt_prefix_nodes *nodes, struct kt_prefix_child *root, size_t i,
                        struct kt_prefix_leaf leaves[static FEED_LEAVES + 1], struct kt_arena *arena,
                        struct kt_auditor_update *ret_update)
{
  struct kt_hash keys[FEED_LEAVES + 1];
  size_t n = feed_leaves(i, leaves);
  size_t n_removed = i == FEED_LEN - 1 ? 1 : 0;
  if (n_removed > 0) {
    struct kt_prefix_leaf first[FEED_LEAVES];
    (void)feed_leaves(0, first);
    leaves[n] = first[0];
  }
  for (size_t k = 0; k < n + n_removed; k++) {
    keys[k] = leaves[k].vrf_output;
  }
  *ret_update = (struct kt_auditor_update){
    .timestamp = 1000 + 10 * i, .added = leaves, .n_added = n, .removed = leaves + n, .n_removed = n_removed
  };
  FUZZ_CHECK(kt_prefix_prove(nodes, *root, keys, n + n_removed, arena, &ret_update->proof) == KT_OK);
  FUZZ_CHECK(kt_prefix_insert(nodes, *root, leaves, n, root) == KT_OK);
}

static void put_audit_head(struct toy_log *log)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_audit_head head = { .tree_head = { log->size, { signature, log->config.suite->signature_len } } };
  struct kt_writer w;
  toy_sign_head(log, log->size, signature);
  toy_naive_root(log, log->size, &head.root);
  kt_writer_init(&w, FILE_LIMIT);
  kt_audit_head_write(&w, &head);
  corpus_put_written("wire", "audit-head", 14, &w);
  kt_writer_init(&w, FILE_LIMIT);
  head.has_auditor = true;
  head.auditor = (struct kt_auditor_tree_head){ 1000, 1, head.tree_head.signature };
  kt_audit_head_write(&w, &head);
  corpus_put_written("wire", "audit-head-vouched", 14, &w);
}

void corpus_put_audit_feed(struct toy_log *log, struct kt_arena *arena)
{
  struct kt_prefix_child root = { .ref = 0 };
  struct kt_audit_state state = { .size = 0 };
  struct kt_writer feed;
  struct kt_writer page;
  kt_writer_init(&feed, FILE_LIMIT);
  kt_writer_init(&page, FILE_LIMIT);
  kt_write_u32(&page, FEED_LEN);
  for (size_t i = 0; i < FEED_LEN; i++) {
    struct kt_prefix_leaf leaves[FEED_LEAVES + 1];
    struct kt_auditor_update update;
    struct kt_reason reason = { 0 };
    struct kt_writer one;
    char name[32];
    make_update(&log->source.prefix_nodes, &root, i, leaves, arena, &update);
    enum kt_err err = kt_audit_step(&log->config, &state, &update, NULL, &state, &reason);
    FUZZ_CHECK(err == KT_OK || (update.n_removed > 0 && err == KT_ERR_UNDETERMINED));
    kt_writer_init(&one, FILE_LIMIT);
    kt_auditor_update_write(&one, &update);
    kt_auditor_update_write(&feed, &update);
    kt_auditor_update_write(&page, &update);
    (void)snprintf(name, sizeof name, "auditor-update-%zu", i);
    corpus_put("prefix", name, 'p', (struct kt_bytes){ one.buf, one.len });
    corpus_put_written("wire", name, 12, &one);
  }
  put_audit_head(log);
  corpus_put_written("verify", "audit-feed", 0xf2, &feed);
  corpus_put_written("json", "audit-page", 'a', &page);
}

/* --- evidence ---------------------------------------------------------------------------------------------------------------- */

static struct kt_signed_head signed_head(struct toy_log *log, uint64_t size, struct kt_bytes config,
                                         struct kt_arena *arena)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_signed_head head = { .config = config, .received_ms = 2000 + size, .size = size };
  toy_naive_root(log, size, &head.root);
  toy_sign_head(log, size, signature);
  const size_t len = log->config.suite->signature_len;
  head.signature = (struct kt_bytes){ kt_arena_copy(arena, signature, len), len };
  return head;
}

static void put_evidence_file(const char *name, const struct kt_evidence *evidence)
{
  struct kt_writer w;
  char body[64];
  kt_writer_init(&w, FILE_LIMIT);
  kt_evidence_write(&w, evidence);
  FUZZ_CHECK(w.err == KT_OK);
  (void)snprintf(body, sizeof body, "%s-body", name);
  corpus_put("state", body, 6, (struct kt_bytes){ w.buf, w.len - KT_HASH_LEN });
  corpus_put_written("state", name, 5, &w);
}

void corpus_put_evidence(struct toy_log *log, struct kt_arena *arena)
{
  uint8_t encoded[KT_CONFIG_MAX];
  const struct kt_bytes config = { encoded, kt_config_encode(&log->config, encoded) };
  struct kt_writer w;
  struct kt_evidence evidence = { .first = signed_head(log, CONSISTENCY_FROM, config, arena),
                                  .second = signed_head(log, log->size, config, arena) };
  kt_config_log_id(&log->config, &evidence.log_id);
  kt_writer_init(&w, FILE_LIMIT);
  write_consistency(&w, log, arena);
  evidence.kind = KT_EVIDENCE_INCONSISTENT;
  evidence.consistency = (struct kt_bytes){ w.buf, w.len };
  put_evidence_file("evidence-inconsistent", &evidence);
  kt_writer_release(&w);
  struct kt_evidence fork = { .kind = KT_EVIDENCE_FORK, .log_id = evidence.log_id };
  fork.first = evidence.second;
  fork.second = evidence.second;
  put_evidence_file("evidence-fork", &fork);
  fork.kind = KT_EVIDENCE_ROLLBACK;
  fork.second = evidence.first;
  put_evidence_file("evidence-rollback", &fork);
  fork.kind = KT_EVIDENCE_FAILED;
  fork.has_retained = true;
  fork.failed = (struct kt_failed_response){ .received_ms = 3000,
                                             .code = toy_label("head-signature"),
                                             .request = toy_label("GET /v1/config"),
                                             .response = toy_label("nonsense") };
  put_evidence_file("evidence-failed", &fork);
  static struct toy_scene scene;
  toy_scene_set(log, 0, &scene);
  struct kt_evidence answer = { .kind = KT_EVIDENCE_ANSWER, .log_id = evidence.log_id };
  answer.answer = (struct kt_signed_answer){ .config = config,
                                             .received_ms = log->timestamps[log->size - 1],
                                             .label = toy_label(scene.query.label),
                                             .response = scene.response };
  put_evidence_file("evidence-answer", &answer);
  toy_user_release(&scene.user);
  corpus_put("wire", "configuration", 13, config);
}

/* --- credentials -------------------------------------------------------------------------------------------------------- */

static void put_credential(struct toy_log *log, uint64_t size, const char *name, uint64_t position,
                           struct kt_arena *arena, const struct kt_recent_heads *recent,
                           struct kt_credential_result *ret_result)
{
  static const struct kt_log_state nothing;
  struct kt_credential credential;
  struct kt_reason reason = { .code = NULL };
  const struct kt_client client = {
    .config = &log->config, .log = &nothing, .now_ms = log->timestamps[size - 1], .arena = arena, .reason = &reason
  };
  toy_credential_make(log, size, TOY_CREDENTIAL_LABEL, position, arena, &credential);
  const struct kt_bytes encoded = toy_credential_encode(log, &credential, arena);
  FUZZ_CHECK(kt_verify_credential(&client, recent, encoded, ret_result) == KT_OK);
  corpus_put("credential", name, 0, encoded);
}

/* Selectors are those of fuzz_credential.c. */
void corpus_put_credentials(struct kt_arena *arena)
{
  static struct toy_log log;
  struct kt_recent_heads recent;
  struct kt_credential_result result;
  struct kt_combined_proof monitor;
  struct kt_writer w;
  toy_credential_log(&log);
  toy_recent_heads(&log, TOY_CREDENTIAL_SIZE, arena, &recent);
  put_credential(&log, TOY_CREDENTIAL_SIZE, "provisional", TOY_CREDENTIAL_POSITION, arena, &recent, &result);
  toy_credential_update(&log, &result.pending, TOY_CREDENTIAL_NEXT, arena, &monitor);
  corpus_put("credential", "update", 1, toy_credential_update_encode(&monitor, arena));
  kt_writer_init(&w, (size_t)1 << 20);
  kt_credential_pending_write(&w, &result.pending);
  corpus_put_written("credential", "pending", 2, &w);
  kt_writer_init(&w, (size_t)1 << 20);
  kt_recent_heads_write(&w, &recent);
  corpus_put_written("credential", "recent-heads", 3, &w);
  kt_writer_init(&w, (size_t)1 << 20);
  kt_request_credential(&w, result.label, result.position);
  corpus_put_written("credential", "request", 4, &w);
  kt_writer_init(&w, (size_t)1 << 20);
  kt_request_credential_update(&w, &result.pending, TOY_CREDENTIAL_NEXT);
  corpus_put_written("credential", "update-request", 5, &w);
  toy_recent_heads(&log, log.size, arena, &recent);
  put_credential(&log, log.size, "standard", TOY_CREDENTIAL_NEXT, arena, &recent, &result);
  toy_log_release(&log);
}
