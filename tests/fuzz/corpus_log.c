/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of what a log says: requests, responses, states, its feed, evidence, credentials. */
#include "corpus.h"

#include <kt/audit.h>
#include <kt/evidence.h>

#include "support/toy_audit.h"
#include "support/toy_naive.h"
#include "support/toy_credential.h"
#include "support/toy_migration.h"
#include "support/toy_scene.h"
#include "wire/audit_head.h"
#include "wire/auditor.h"
#include "wire/manager.h"
#include "wire/tree_head.h"

#define FILE_LIMIT ((size_t)1 << 20)
#define CONSISTENCY_FROM 5
#define IN_MANAGEMENT 16 /* high parts of the first byte of fuzz_wire.c */
#define FROM_16 96

/* --- requests, responses, states ---------------------------------------------------------------------------------- */

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

/* An answer that refers to the head the user has, as one that claims a new head of the same size: further than
 * mutations get by themselves. */
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

/* The answers alone, of a log of any mode and suite; numbers of fuzz_verify.c. */
void corpus_put_answers(const char *target, const char *mode, int first)
{
  static struct toy_log log;
  static struct toy_scene scene;
  char name[128];
  FUZZ_CHECK(setenv("KT_TEST_MODE", mode, 1) == 0);
  toy_scene_log(&log);
  for (size_t i = 0; i < toy_scene_count(); i++) {
    toy_scene_set(&log, i, &scene);
    FUZZ_CHECK(toy_verify(&scene.user, &scene.query, scene.response, log.timestamps[log.size - 1]) == scene.verdict);
    (void)snprintf(name, sizeof name, "%s-%s", mode, scene.name);
    corpus_put(target, name, first + (int)i, scene.response);
    toy_user_release(&scene.user);
  }
  toy_log_release(&log);
  FUZZ_CHECK(unsetenv("KT_TEST_MODE") == 0);
}

/* --- what is ours around the log tree ----------------------------------------------------------------------------- */

void corpus_put_log_answers(const struct toy_log *log, struct kt_arena *arena)
{
  struct kt_writer w;
  struct kt_reason reason = { 0 };
  struct kt_hash root;
  struct kt_hash old_root;
  struct kt_audit_state state;
  toy_naive_root(log, log->size, &root);
  kt_writer_init(&w, FILE_LIMIT);
  toy_consistency_write(&w, log, CONSISTENCY_FROM, arena);
  FUZZ_CHECK(kt_verify_consistency(CONSISTENCY_FROM, log->size, &root, (struct kt_bytes){ w.buf, w.len }, arena,
                                   &old_root, &reason) == KT_OK);
  corpus_put("json", "consistency", 'c', (struct kt_bytes){ w.buf, w.len });
  corpus_put_written("verify", "consistency", 0xf0, &w);
  kt_writer_init(&w, FILE_LIMIT);
  toy_audit_state_write(&w, log, arena);
  FUZZ_CHECK(kt_audit_state_verify(log->size, &root, (struct kt_bytes){ w.buf, w.len }, arena, &state, &reason) ==
             KT_OK);
  corpus_put("json", "audit-state", 't', (struct kt_bytes){ w.buf, w.len });
  corpus_put_written("verify", "audit-state", 0xf1, &w);
  kt_writer_init(&w, FILE_LIMIT);
  kt_audit_state_write(&w, &state);
  corpus_put_written("state", "audit", 3, &w);
}

/* --- third-party management --------------------------------------------------------------------------------------- */

void corpus_put_manager_request(void)
{
  const struct kt_config config = { .suite = fuzz_suite(false), .mode = KT_MODE_THIRD_PARTY_MANAGEMENT };
  const uint8_t signature[KT_SIGNATURE_MAX] = { 1, 2, 3 };
  const struct kt_bytes signed_by = { signature, config.suite->signature_len };
  const struct kt_update_value values[] = { { toy_label("one"), signed_by }, { toy_label("two"), signed_by } };
  const struct kt_manager_update_request request = { .last = { true, 7 },
                                                     .label = toy_label("alice"),
                                                     .greatest_version = { true, 2 },
                                                     .values = values,
                                                     .n_values = 2,
                                                     .signed_version = 3 };
  struct kt_writer w;
  kt_writer_init(&w, FILE_LIMIT);
  kt_manager_update_request_write(&w, &config, &request);
  corpus_put_written("wire", "manager-update-request", 15 + IN_MANAGEMENT, &w);
}

/* --- migration statements ----------------------------------------------------------------------------------------- */

/* What fuzz_state.c signs anew. */
static void put_migration_sizes(const char *name, uint64_t size, uint64_t lost_size, bool has_old_key)
{
  struct kt_writer w;
  kt_writer_init(&w, FILE_LIMIT);
  kt_write_u64(&w, size);
  kt_write_u64(&w, lost_size);
  kt_write_u8(&w, has_old_key ? 3 : 1);
  kt_write_u16(&w, 200);
  kt_write_u8(&w, 3);
  corpus_put_written("state", name, 9, &w);
}

void corpus_put_migrations(void)
{
  static struct toy_migration migration;
  struct kt_writer w;
  toy_migration_init(&migration, fuzz_suite(false));
  toy_migration_write(&migration, true, &w);
  corpus_put_written("state", "migration", 8, &w);
  toy_migration_write(&migration, false, &w);
  corpus_put_written("state", "migration-without-old-key", 8, &w);
  put_migration_sizes("migration-sizes", 7, 8, true);
  put_migration_sizes("migration-sizes-without-old-key", 7, 8, false);
  put_migration_sizes("migration-sizes-that-make-no-sense", 8, 0, true);
  put_migration_sizes("migration-sizes-of-a-fork", 8, 8, true);
}

/* --- the auditor's feed ------------------------------------------------------------------------------------------- */

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
  head.has_auditor = true;
  head.auditor = (struct kt_auditor_tree_head){ 1000, 1, head.tree_head.signature };
  kt_writer_init(&w, FILE_LIMIT);
  kt_auditor_tree_head_write(&w, &head.auditor);
  corpus_put_written("wire", "auditor-tree-head", FROM_16 + 0, &w);
  kt_writer_init(&w, FILE_LIMIT);
  kt_audit_head_write(&w, &head);
  corpus_put_written("wire", "audit-head-vouched", 14, &w);
}

/* As kt-verify reads it, which asked for so many entries. */
static void put_asked_page(const char *name, uint8_t limit, const struct kt_writer *page)
{
  struct kt_writer w;
  kt_writer_init(&w, FILE_LIMIT);
  kt_write_u8(&w, limit);
  kt_write_bytes(&w, page->buf, page->len);
  corpus_put_written("client", name, 'a', &w);
}

void corpus_put_audit_feed(struct toy_log *log, struct kt_arena *arena)
{
  struct kt_prefix_child root = { .ref = 0 };
  struct kt_audit_state state = { .size = 0 };
  struct kt_writer feed;
  struct kt_writer page;
  kt_writer_init(&feed, FILE_LIMIT);
  kt_writer_init(&page, FILE_LIMIT);
  kt_write_u32(&page, TOY_FEED_LEN);
  for (size_t i = 0; i < TOY_FEED_LEN; i++) {
    struct kt_prefix_leaf leaves[TOY_FEED_LEAVES + 1];
    struct kt_auditor_update update;
    struct kt_reason reason = { 0 };
    struct kt_writer one;
    char name[32];
    toy_feed_update(log, &root, i, leaves, arena, &update);
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
  corpus_put("json", "audit-page", 'a', (struct kt_bytes){ page.buf, page.len });
  put_asked_page("audit-page", TOY_FEED_LEN, &page);
  put_asked_page("audit-page-too-long", TOY_FEED_LEN - 1, &page);
  kt_writer_release(&page);
}

/* --- evidence ----------------------------------------------------------------------------------------------------- */

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
  toy_consistency_write(&w, log, CONSISTENCY_FROM, arena);
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

/* --- credentials -------------------------------------------------------------------------------------------------- */

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
