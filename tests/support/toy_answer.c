/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the toy log, one function per request. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "algo/algo.h"
#include "toy_log.h"
#include "toy_suite.h"
#include "wire/distinguished.h"
#include "wire/monitor.h"
#include "wire/search.h"
#include "wire/update.h"

struct answer {
  struct toy_log *log;
  uint64_t size;
  struct kt_bytes request;
  struct kt_arena arena;
  char label[KT_LABEL_MAX + 1];
  struct kt_label_key keys[TOY_KEYS];
  struct kt_label_keys key_set;
  struct kt_record record;
  uint8_t signature[KT_SIGNATURE_MAX];
  uint8_t auditor_signature[KT_SIGNATURE_MAX];
  uint64_t auditor_size; /* 0: this answer has no auditor's head */
};

static enum kt_err begin(struct answer *a, const struct kt_optional_u64 *last, struct kt_full_tree_head *ret_head)
{
  uint64_t old = last->present ? last->value : 0;
  if (old > a->size) {
    return KT_ERR_USAGE;
  }
  toy_sign_head(a->log, a->size, a->signature);
  *ret_head = (struct kt_full_tree_head){ .type = old == a->size ? KT_HEAD_SAME : KT_HEAD_UPDATED };
  if (ret_head->type == KT_HEAD_UPDATED) {
    ret_head->tree_head = (struct kt_tree_head){ .tree_size = a->size,
                                                 .signature = { a->signature, a->log->config.suite->signature_len } };
  }
  if (ret_head->type == KT_HEAD_UPDATED && a->log->config.mode == KT_MODE_THIRD_PARTY_AUDITING) {
    ret_head->auditor_head = toy_auditor_head(a->log, a->size, a->auditor_signature);
    a->auditor_size = ret_head->auditor_head.tree_size;
  }
  enum kt_err err = kt_record_init(&a->record, &a->log->prover_config, a->size, old, &a->log->source, &a->arena, NULL);
  err = err == KT_OK ? kt_update_view(&a->record.view) : err;
  return a->log->keep_going ? KT_OK : err;
}

/* What was looked up in an entry before the algorithm ended there. */
static enum kt_err end_series(struct answer *a)
{
  struct kt_view *view = &a->record.view;
  const struct kt_view_entry *entry = kt_view_find(view, view->series_pos);
  bool is_open = a->record.n_lookups > 0 && entry != NULL && !entry->has_root;
  return is_open ? kt_view_series_end(view) : KT_OK;
}

static enum kt_err finish(struct answer *a, enum kt_err err, struct kt_combined_proof *ret_proof)
{
  if (err != KT_OK && !a->log->keep_going) {
    return err;
  }
  err = err == KT_OK ? KT_OK : end_series(a);
  return err == KT_OK ? kt_record_finish(&a->record, a->auditor_size, ret_proof) : err;
}

static void mutate(struct answer *a, void *response)
{
  if (a->log->mutate != NULL) {
    a->log->mutate(a->log, &a->arena, response);
  }
}

static void set_label(struct answer *a, struct kt_bytes label)
{
  assert_true(label.len <= KT_LABEL_MAX);
  memcpy(a->label, label.data, label.len);
  for (uint32_t version = 0; version < TOY_KEYS; version++) {
    a->keys[version].version = version;
    toy_vrf_output(a->label, version, &a->keys[version].vrf_output);
  }
  a->key_set = (struct kt_label_keys){ .keys = a->keys, .n = TOY_KEYS };
}

/* Steps for these versions; commitments for those up to `committed` (none when NULL) but `target`. */
static const struct kt_ladder_step *make_steps(struct answer *a, const uint32_t *versions, size_t n,
                                               const uint32_t *committed, const uint32_t *target)
{
  struct kt_ladder_step *steps = kt_arena_alloc(&a->arena, n, sizeof *steps);
  assert_non_null(steps);
  for (size_t i = 0; i < n; i++) {
    struct kt_hash output;
    uint8_t *proof = kt_arena_alloc(&a->arena, 1, KT_VRF_PROOF_MAX);
    assert_non_null(proof);
    toy_suite_prove(toy_log_vrf_seed(), toy_label(a->label), versions[i], proof, &output);
    steps[i].proof = proof;
    if (committed != NULL && versions[i] <= *committed && (target == NULL || versions[i] != *target)) {
      steps[i].has_commitment = true;
      steps[i].commitment = toy_version_find(a->log, a->label, versions[i])->commitment;
    }
  }
  return steps;
}

static enum kt_err greatest_at(void *ctx, uint64_t pos, bool *ret_exists, uint32_t *ret_version)
{
  const struct answer *a = ctx;
  *ret_exists = toy_greatest_at(a->log, a->label, pos, ret_version);
  return KT_OK;
}

/* --- Search --------------------------------------------------------------------------------------------------------------- */

static enum kt_err answer_absent(struct answer *a, const struct kt_search_request *request, struct kt_writer *w)
{
  static const uint8_t zero[KT_OPENING_LEN];
  static const uint32_t version;
  struct kt_found found;
  if (request->version.present) {
    return KT_ERR_ABSENT;
  }
  struct kt_search_response response = { .opening = zero,
                                         .binary_ladder = make_steps(a, &version, 1, NULL, NULL),
                                         .n_ladder = 1 };
  enum kt_err err = begin(a, &request->last, &response.full_tree_head);
  if (err == KT_OK) {
    err = kt_greatest_search(&a->record.view, &a->key_set, 0, true, &found);
    assert_true(err == KT_ERR_ABSENT || a->log->keep_going);
    err = finish(a, KT_OK, &response.search);
  }
  if (err == KT_OK) {
    mutate(a, &response);
    kt_search_response_write(w, &a->log->config, false, &response);
  }
  return err;
}

static enum kt_err answer_search(struct answer *a, struct kt_writer *w)
{
  struct kt_search_request request;
  struct kt_found found;
  uint32_t versions[KT_LADDER_MAX];
  uint32_t greatest;
  enum kt_err err = kt_search_request_decode(a->request, &request);
  assert_int_equal(err, KT_OK);
  set_label(a, request.label);
  if (!toy_greatest_at(a->log, a->label, a->size - 1, &greatest)) {
    return answer_absent(a, &request, w);
  }
  bool fixed = request.version.present;
  uint32_t target = fixed ? request.version.value : greatest;
  if (target > greatest) {
    return KT_ERR_ABSENT;
  }
  const struct toy_version *version = toy_version_find(a->log, a->label, target);
  struct kt_search_response response = { .version = target,
                                         .opening = version->opening,
                                         .value = { .value = toy_version_value(version),
                                                    .signature = toy_suffix(a->log, version) } };
  response.n_ladder = kt_ladder_base(target, versions);
  response.binary_ladder = make_steps(a, versions, response.n_ladder, &greatest, &target);
  err = begin(a, &request.last, &response.full_tree_head);
  if (err == KT_OK) {
    err = fixed ? kt_fixed_search(&a->record.view, &a->key_set, target, &found)
                : kt_greatest_search(&a->record.view, &a->key_set, target, false, &found);
    err = finish(a, err, &response.search);
  }
  if (err == KT_OK) {
    mutate(a, &response);
    kt_search_response_write(w, &a->log->config, fixed, &response);
  }
  return err;
}

/* --- Contact Monitor, Owner Monitoring ---------------------------------------------------------------------------------------- */

/* "each MonitorMapEntry in entries is sorted in ascending order by position, that no position or version is duplicate" */
static void load_map(const struct answer *a, const struct kt_monitor_map_entry *entries, size_t n,
                     struct kt_monitor_map *ret_map)
{
  ret_map->n = n;
  for (size_t i = 0; i < n; i++) {
    assert_true(i == 0 || a->log->keep_going ||
                (entries[i - 1].position < entries[i].position && entries[i - 1].version < entries[i].version));
    ret_map->entries[i] = entries[i];
  }
}

static enum kt_err answer_contact(struct answer *a, struct kt_writer *w)
{
  struct kt_contact_monitor_request request;
  struct kt_monitor_response response;
  static struct kt_monitor_map maps[2];
  enum kt_err err = kt_contact_monitor_request_decode(a->request, &a->arena, &request);
  assert_int_equal(err, KT_OK);
  set_label(a, request.label);
  load_map(a, request.entries, request.n_entries, &maps[0]);
  err = begin(a, &request.last, &response.full_tree_head);
  if (err == KT_OK) {
    err = kt_contact_monitor(&a->record.view, &a->key_set, &maps[0], NULL, &maps[1]);
    err = finish(a, err, &response.monitor);
  }
  if (err == KT_OK) {
    mutate(a, &response);
    kt_monitor_response_write(w, &a->log->config, &response);
  }
  return err;
}

/* Where the label's version above `known` was added; UINT64_MAX when there is none. */
static uint64_t first_unknown(const struct answer *a, const struct kt_optional_u32 *known)
{
  const struct toy_version *next = toy_version_find(a->log, a->label, known->present ? known->value + 1 : 0);
  return next != NULL ? next->pos : UINT64_MAX;
}

static enum kt_err answer_owner_monitor(struct answer *a, struct kt_writer *w)
{
  struct kt_owner_monitor_request request;
  struct kt_monitor_response response;
  static struct kt_monitor_map maps[2];
  struct kt_owner_progress progress;
  const struct kt_history history = { .ctx = a, .greatest_at = greatest_at };
  enum kt_err err = kt_owner_monitor_request_decode(a->request, &a->arena, &request);
  assert_int_equal(err, KT_OK);
  set_label(a, request.label);
  load_map(a, request.entries, request.n_entries, &maps[0]);
  uint64_t limit = a->log->owner_limit;
  uint64_t unknown = first_unknown(a, &request.greatest_version);
  a->log->owner_limit = unknown < limit && !a->log->keep_going ? unknown : limit;
  err = begin(a, &request.last, &response.full_tree_head);
  if (err == KT_OK) {
    err = kt_contact_monitor(&a->record.view, &a->key_set, &maps[0], &request.start, &maps[1]);
  }
  if (err == KT_OK) {
    err = kt_owner_monitor(&a->record.view, &a->key_set, request.start, &history, &progress);
  }
  a->log->owner_limit = limit;
  err = finish(a, err, &response.monitor);
  if (err == KT_OK) {
    mutate(a, &response);
    kt_monitor_response_write(w, &a->log->config, &response);
  }
  return err;
}

/* --- Owner Initialization ------------------------------------------------------------------------------------------------------ */

static enum kt_err answer_owner_init(struct answer *a, struct kt_writer *w)
{
  struct kt_owner_init_request request;
  struct kt_owner_init_response response = { 0 };
  uint64_t list[KT_IBST_DEPTH_MAX];
  uint32_t greatest[KT_IBST_DEPTH_MAX];
  static uint32_t versions[KT_OWNER_INIT_VERSIONS_MAX];
  size_t n;
  enum kt_err err = kt_owner_init_request_decode(a->request, &request);
  assert_int_equal(err, KT_OK);
  set_label(a, request.label);
  err = request.start < a->size ? begin(a, &request.last, &response.full_tree_head) : KT_ERR_USAGE;
  if (err == KT_OK) {
    err = kt_owner_init_list(&a->record.view, request.start, list, &n);
  }
  if (err != KT_OK) {
    return err;
  }
  size_t n_greatest = 0;
  while (n_greatest < n && toy_greatest_at(a->log, a->label, list[n_greatest], &greatest[n_greatest])) {
    n_greatest++;
  }
  response.greatest_versions = greatest;
  response.n_greatest_versions = n_greatest;
  response.n_ladder = kt_owner_init_versions(greatest, n_greatest, versions);
  response.binary_ladder = make_steps(a, versions, response.n_ladder, n_greatest > 0 ? &greatest[0] : NULL, NULL);
  err = kt_owner_init(&a->record.view, &a->key_set, list, n, greatest, n_greatest);
  err = finish(a, err, &response.init);
  if (err == KT_OK) {
    mutate(a, &response);
    kt_owner_init_response_write(w, &a->log->config, &response);
  }
  return err;
}

/* --- Updating a Label ----------------------------------------------------------------------------------------------------------- */

/* The versions that were added beside `first`, the skipped ones only counted; whether they are the values of the request. */
static size_t added_versions(const struct answer *a, uint32_t first, const struct kt_update_request *request,
                             struct kt_bytes *values, struct kt_update_info *info, uint32_t *ret_skipped,
                             bool *ret_requested)
{
  const struct toy_version *version = toy_version_find(a->log, a->label, first);
  const uint64_t pos = version->pos;
  size_t n = 0;
  uint32_t skipped = 0;
  *ret_requested = true;
  while (version != NULL && version->pos == pos) {
    if (version->skipped) {
      skipped++;
    } else {
      values[n] = toy_version_value(version);
      info[n] = (struct kt_update_info){ .opening = version->opening, .signature = toy_suffix(a->log, version) };
      *ret_requested = *ret_requested && n < request->n_values && request->values[n].len == values[n].len &&
                       memcmp(request->values[n].data, values[n].data, values[n].len) == 0;
      n++;
    }
    version = toy_version_find(a->log, a->label, first + skipped + (uint32_t)n);
  }
  *ret_requested = *ret_requested && n == request->n_values;
  *ret_skipped = skipped;
  return n;
}

static enum kt_err answer_update(struct answer *a, struct kt_writer *w)
{
  struct kt_update_request request;
  struct kt_update_response response = { 0 };
  struct kt_bytes values[TOY_KEYS];
  struct kt_update_info info[TOY_KEYS];
  uint32_t versions[KT_UPDATE_VERSIONS_MAX];
  bool requested;
  bool distinguished;
  const struct kt_history history = { .ctx = a, .greatest_at = greatest_at };
  enum kt_err err = kt_update_request_decode(a->request, &a->arena, &request);
  assert_int_equal(err, KT_OK);
  set_label(a, request.label);
  const struct kt_optional_u32 *known = &request.greatest_version;
  uint64_t position = first_unknown(a, known);
  if (position >= a->size) {
    return KT_ERR_ABSENT;
  }
  uint32_t skipped;
  size_t n = added_versions(a, known->present ? known->value + 1 : 0, &request, values, info, &skipped, &requested);
  uint32_t n_new = skipped + (uint32_t)n;
  const struct kt_label_update what = {
    .position = position,
    .has_previous = known->present,
    .previous = known->value,
    .previous_pos = known->present ? toy_version_find(a->log, a->label, known->value)->pos : 0,
    .n_new = n_new,
  };
  response.position = position;
  response.skipped_versions = skipped;
  response.values = values;
  response.n_values = requested ? 0 : n;
  response.info = info;
  response.n_info = n;
  response.n_ladder = kt_update_versions(known->present, known->value, n_new, versions);
  response.binary_ladder = make_steps(a, versions, response.n_ladder, NULL, NULL);
  err = begin(a, &request.last, &response.full_tree_head);
  if (err == KT_OK) {
    err = kt_update_label(&a->record.view, &a->key_set, &what, &history, &distinguished);
    err = finish(a, err, &response.update);
  }
  if (err == KT_OK) {
    mutate(a, &response);
    kt_update_response_write(w, &a->log->config, &response);
  }
  return err;
}

/* --- Walking Distinguished Heads ---------------------------------------------------------------------------------------------------- */

static enum kt_err answer_distinguished(struct answer *a, struct kt_writer *w)
{
  struct kt_distinguished_request request;
  struct kt_distinguished_response response;
  uint64_t positions[KT_RECENT_MAX];
  size_t n;
  enum kt_err err = kt_distinguished_request_decode(a->request, &request);
  assert_int_equal(err, KT_OK);
  err = begin(a, &request.last, &response.full_tree_head);
  if (err == KT_OK) {
    err = kt_walk_distinguished(&a->record.view, request.stop.present ? &request.stop.value : NULL, positions, &n);
    err = finish(a, err, &response.distinguished);
  }
  if (err == KT_OK) {
    mutate(a, &response);
    kt_distinguished_response_write(w, &a->log->config, &response);
  }
  return err;
}

enum kt_err toy_answer(struct toy_log *log, uint64_t size, enum toy_kind kind, struct kt_bytes request,
                       struct kt_writer *ret_response)
{
  static enum kt_err (*const answers[])(struct answer *, struct kt_writer *) = {
    [TOY_SEARCH] = answer_search,         [TOY_CONTACT] = answer_contact,
    [TOY_OWNER_INIT] = answer_owner_init, [TOY_OWNER_MONITOR] = answer_owner_monitor,
    [TOY_UPDATE] = answer_update,         [TOY_DISTINGUISHED] = answer_distinguished,
  };
  static struct answer a;
  assert_true(size > 0 && size <= log->size);
  memset(&a, 0, sizeof a);
  a.log = log;
  a.size = size;
  a.request = request;
  kt_arena_init(&a.arena, (size_t)4 << 20);
  enum kt_err err = answers[kind](&a, ret_response);
  kt_arena_release(&a.arena);
  return err == KT_OK ? ret_response->err : err;
}
