/* SPDX-License-Identifier: Apache-2.0 */
#include "toy_question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "toy_audit.h"
#include "toy_naive.h"

#define WRITER_LIMIT ((size_t)1 << 20)
#define CONSISTENCY_FROM 5
#define CREDENTIAL_NOW_MS 1150 /* the newest entry of toy_credential_log */
#define UNTOUCHED 0x5a

/* --- questions ---------------------------------------------------------------------------------------------------------- */

static struct toy_question *add(struct toy_questions *all, const char *name, enum toy_question_kind kind,
                                struct kt_bytes response)
{
  assert_true(all->n < TOY_QUESTIONS_MAX);
  struct toy_question *question = &all->questions[all->n++];
  *question = (struct toy_question){ .name = name, .kind = kind, .response = response };
  return question;
}

static struct kt_bytes keep(struct toy_questions *all, struct kt_writer *w)
{
  assert_int_equal(w->err, KT_OK);
  const struct kt_bytes bytes = { kt_arena_copy(&all->arena, w->buf, w->len), w->len };
  assert_non_null(bytes.data);
  kt_writer_release(w);
  return bytes;
}

static void add_scenes(struct toy_questions *all)
{
  for (size_t i = 0; i < toy_scene_count(); i++) {
    struct toy_scene *scene = kt_arena_alloc(&all->arena, 1, sizeof *scene);
    assert_non_null(scene);
    toy_scene_set(&all->log, i, scene);
    struct toy_question *question = add(all, scene->name, TOY_ASKS_SCENE, scene->response);
    question->scene = scene;
    question->verdict = scene->verdict;
  }
}

static struct kt_client client_of(struct toy_questions *all, uint64_t now_ms, struct kt_arena *arena,
                                  struct kt_reason *reason)
{
  static const struct kt_log_state nothing;
  return (struct kt_client){
    .config = &all->credential_log.config, .log = &nothing, .now_ms = now_ms, .arena = arena, .reason = reason
  };
}

static void add_credential(struct toy_questions *all, const char *name, uint64_t size, uint64_t position,
                           const struct kt_recent_heads *recent)
{
  struct kt_credential credential;
  toy_credential_make(&all->credential_log, size, TOY_CREDENTIAL_LABEL, position, &all->arena, &credential);
  add(all, name, TOY_ASKS_CREDENTIAL, toy_credential_encode(&all->credential_log, &credential, &all->arena))->recent =
      recent;
}

static void add_credentials(struct toy_questions *all)
{
  struct kt_credential_result result;
  struct kt_combined_proof monitor;
  toy_credential_log(&all->credential_log);
  toy_recent_heads(&all->credential_log, TOY_CREDENTIAL_SIZE, &all->arena, &all->early);
  toy_recent_heads(&all->credential_log, all->credential_log.size, &all->arena, &all->late);
  add_credential(all, "credential-provisional", TOY_CREDENTIAL_SIZE, TOY_CREDENTIAL_POSITION, &all->early);
  const struct kt_bytes provisional = all->questions[all->n - 1].response;
  add_credential(all, "credential-standard", all->credential_log.size, TOY_CREDENTIAL_NEXT, &all->late);
  const struct kt_client client = client_of(all, CREDENTIAL_NOW_MS, &all->arena, NULL);
  assert_int_equal(kt_verify_credential(&client, &all->early, provisional, &result), KT_OK);
  all->pending = result.pending;
  toy_credential_update(&all->credential_log, &all->pending, TOY_CREDENTIAL_NEXT, &all->arena, &monitor);
  add(all, "credential-update", TOY_ASKS_CREDENTIAL_UPDATE, toy_credential_update_encode(&monitor, &all->arena))
      ->recent = &all->late;
}

/* The first entry, and one in the midst; the steps between only lead there. */
static void add_audit_steps(struct toy_questions *all)
{
  struct kt_prefix_child root = { .ref = 0 };
  struct kt_audit_state state = { .size = 0 };
  for (size_t i = 0; i < TOY_FEED_LEN - 1; i++) {
    struct kt_prefix_leaf leaves[TOY_FEED_LEAVES + 1];
    struct kt_auditor_update update;
    struct kt_writer w;
    toy_feed_update(&all->log, &root, i, leaves, &all->arena, &update);
    kt_writer_init(&w, WRITER_LIMIT);
    kt_auditor_update_write(&w, &update);
    const char *name = i == 0 ? "audit-first" : "audit-step";
    struct toy_question *question = add(all, name, TOY_ASKS_AUDIT_STEP, keep(all, &w));
    question->audit = state;
    assert_int_equal(kt_audit_step(&all->log.config, &state, &update, NULL, &state, NULL), KT_OK);
    kt_audit_root(&state, &question->audit_root);
    all->n -= i == 0 || i == TOY_FEED_LEN - 2 ? 0 : 1;
  }
}

static void add_log_answers(struct toy_questions *all)
{
  struct kt_writer w;
  toy_naive_root(&all->log, all->log.size, &all->root);
  kt_writer_init(&w, WRITER_LIMIT);
  toy_consistency_write(&w, &all->log, CONSISTENCY_FROM, &all->arena);
  add(all, "consistency", TOY_ASKS_CONSISTENCY, keep(all, &w));
  kt_writer_init(&w, WRITER_LIMIT);
  toy_audit_state_write(&w, &all->log, &all->arena);
  add(all, "audit-state", TOY_ASKS_AUDIT_STATE, keep(all, &w));
}

void toy_questions_init(struct toy_questions *all, uint8_t salt, uint64_t size)
{
  memset(all, 0, sizeof *all);
  kt_arena_init(&all->arena, (size_t)512 << 20);
  toy_scene_log_other(&all->log, salt, size);
  add_scenes(all);
  add_credentials(all);
  add_audit_steps(all);
  add_log_answers(all);
}

void toy_questions_release(struct toy_questions *all)
{
  for (size_t i = 0; i < all->n; i++) {
    if (all->questions[i].kind == TOY_ASKS_SCENE) {
      toy_user_release(&all->questions[i].scene->user);
    }
  }
  toy_log_release(&all->log);
  toy_log_release(&all->credential_log);
  kt_arena_release(&all->arena);
}

/* --- attempts ----------------------------------------------------------------------------------------------------------- */

/* The states of a user are one stretch, and so are the results. */
#define STATES_AT offsetof(struct toy_user, state)
#define STATES_LEN (offsetof(struct toy_user, log_only) - STATES_AT)
#define RESULTS_AT offsetof(struct toy_user, search)
#define RESULTS_LEN (sizeof(struct toy_user) - RESULTS_AT)

void toy_attempt_begin(const struct toy_question *question, struct toy_attempt *ret_attempt)
{
  memset(ret_attempt, UNTOUCHED, sizeof *ret_attempt);
  if (question->kind == TOY_ASKS_SCENE) {
    memcpy(&ret_attempt->user, &question->scene->user, RESULTS_AT);
  }
  kt_arena_init(&ret_attempt->user.arena, KT_ARENA_CAP_DEFAULT);
  ret_attempt->user.reason = (struct kt_reason){ 0 };
}

void toy_attempt_end(struct toy_attempt *attempt)
{
  kt_arena_release(&attempt->user.arena);
}

/* An auditor's word is about a root that the log signed, so a step counts when it leads there. */
static enum kt_err verify_step(const struct toy_questions *all, const struct toy_question *question,
                               struct kt_bytes response, struct toy_attempt *attempt)
{
  static struct kt_audit_state next;
  struct kt_reason *reason = &attempt->user.reason;
  struct kt_auditor_update update;
  struct kt_hash root;
  enum kt_err err = kt_auditor_update_decode(response, &attempt->user.arena, &update);
  if (err != KT_OK) {
    return err != KT_ERR_MEMORY ? kt_fail(reason, err, "malformed-update", "", "") : err;
  }
  err = kt_audit_step(&all->log.config, &question->audit, &update, NULL, &next, reason);
  if (err != KT_OK) {
    return err;
  }
  kt_audit_root(&next, &root);
  if (memcmp(&root, &question->audit_root, sizeof root) != 0) {
    return kt_fail(reason, KT_ERR_PROOF, "audit-root", "", "");
  }
  attempt->audit = next;
  return KT_OK;
}

enum kt_err toy_attempt_verify(struct toy_questions *all, const struct toy_question *question, struct kt_bytes response,
                               struct toy_attempt *attempt)
{
  struct toy_user *user = &attempt->user;
  const struct kt_client client = client_of(all, CREDENTIAL_NOW_MS, &user->arena, &user->reason);
  switch (question->kind) {
  case TOY_ASKS_CREDENTIAL: return kt_verify_credential(&client, question->recent, response, &attempt->credential);
  case TOY_ASKS_CREDENTIAL_UPDATE:
    return kt_verify_credential_update(&client, &all->pending, question->recent, response);
  case TOY_ASKS_AUDIT_STEP: return verify_step(all, question, response, attempt);
  case TOY_ASKS_CONSISTENCY:
    return kt_verify_consistency(CONSISTENCY_FROM, all->log.size, &all->root, response, &user->arena,
                                 &attempt->old_root, &user->reason);
  case TOY_ASKS_AUDIT_STATE:
    return kt_audit_state_verify(all->log.size, &all->root, response, &user->arena, &attempt->audit, &user->reason);
  case TOY_ASKS_SCENE: break;
  }
  return toy_verify(user, &question->scene->query, response, all->log.timestamps[all->log.size - 1]);
}

static bool is_pattern(const void *data, size_t len)
{
  const uint8_t *bytes = data;
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] != UNTOUCHED) {
      return false;
    }
  }
  return true;
}

bool toy_attempt_is_untouched(const struct toy_question *question, const struct toy_attempt *attempt)
{
  const uint8_t *user = (const uint8_t *)&attempt->user;
  if (question->kind == TOY_ASKS_SCENE &&
      memcmp(user + STATES_AT, (const uint8_t *)&question->scene->user + STATES_AT, STATES_LEN) != 0) {
    return false;
  }
  return is_pattern(user + RESULTS_AT, RESULTS_LEN) &&
         is_pattern(&attempt->credential, sizeof *attempt - offsetof(struct toy_attempt, credential));
}

/* --- what an answer means ---------------------------------------------------------------------------------------------- */

static void write_states(struct kt_writer *w, const struct toy_user *user)
{
  static struct kt_log_state state;
  state = user->state;
  memset(state.signature, 0, sizeof state.signature);
  kt_log_state_write(w, &state);
  kt_contact_state_write(w, &user->contact);
  kt_owner_state_write(w, &user->owner);
}

static void write_search(struct kt_writer *w, const struct kt_search_result *search)
{
  kt_write_u32(w, search->version);
  kt_write_u64(w, search->terminal);
  kt_write_u64(w, search->terminal_ms);
  kt_write_opaque32(w, search->value);
}

static void write_update(struct kt_writer *w, const struct kt_update_result *update)
{
  kt_write_u64(w, update->position);
  kt_write_u64(w, update->position_ms);
  kt_write_u32(w, update->n_skipped);
  kt_write_u32(w, update->first_version);
  kt_write_u8(w, update->disregarded ? 1 : 0);
  kt_write_count16(w, update->n_values);
  for (size_t i = 0; i < update->n_values; i++) {
    kt_write_opaque32(w, update->values[i]);
  }
}

static void write_heads(struct kt_writer *w, const struct kt_distinguished_result *walk)
{
  kt_write_u64(w, walk->rightmost_ms);
  kt_write_count16(w, walk->n_heads);
  for (size_t i = 0; i < walk->n_heads; i++) {
    kt_write_u64(w, walk->heads[i].size);
    kt_write_u64(w, walk->heads[i].timestamp_ms);
    kt_write_bytes(w, walk->heads[i].root.b, KT_HASH_LEN);
  }
}

static void write_scene(struct kt_writer *w, enum toy_kind kind, enum kt_err verdict, const struct toy_user *user)
{
  write_states(w, user);
  if (verdict != KT_OK) {
    return; /* proven absence: nothing but the log's state */
  }
  switch (kind) {
  case TOY_SEARCH: write_search(w, &user->search); break;
  case TOY_UPDATE: write_update(w, &user->update); break;
  case TOY_DISTINGUISHED: write_heads(w, &user->distinguished); break;
  case TOY_OWNER_INIT:
  case TOY_OWNER_MONITOR: kt_write_u8(w, user->owner_result.complete ? 1 : 0); break;
  case TOY_CONTACT: break; /* the state is the result */
  }
}

static void write_credential(struct kt_writer *w, const struct kt_credential_result *credential)
{
  kt_write_u8(w, credential->is_provisional ? 1 : 0);
  kt_write_opaque8(w, credential->label);
  kt_write_u32(w, credential->version);
  kt_write_opaque32(w, credential->value);
  kt_write_u64(w, credential->position);
  kt_write_u64(w, credential->position_ms);
  kt_write_u64(w, credential->shown_ms);
  if (credential->is_provisional) {
    struct kt_credential_pending pending = credential->pending;
    memset(&pending.id, 0, sizeof pending.id);
    kt_credential_pending_write(w, &pending);
  }
}

void toy_attempt_write(const struct toy_question *question, enum kt_err verdict, const struct toy_attempt *attempt,
                       struct kt_writer *w)
{
  kt_write_u8(w, (uint8_t)verdict);
  switch (question->kind) {
  case TOY_ASKS_SCENE: write_scene(w, question->scene->query.kind, verdict, &attempt->user); break;
  case TOY_ASKS_CREDENTIAL: write_credential(w, &attempt->credential); break;
  case TOY_ASKS_CREDENTIAL_UPDATE: break; /* it is final or it is not */
  case TOY_ASKS_AUDIT_STEP:
  case TOY_ASKS_AUDIT_STATE: kt_audit_state_write(w, &attempt->audit); break;
  case TOY_ASKS_CONSISTENCY: kt_write_bytes(w, attempt->old_root.b, KT_HASH_LEN); break;
  }
}
