/* SPDX-License-Identifier: Apache-2.0 */
/* Updates before they are queued: limits, VRF outputs, commitments; all in the caller's thread. authorise.c decides who
 * may. */
#include <stdlib.h>
#include <string.h>

#include "algo/algo.h"
#include "base/noun.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "log/prepare.h"
#include "log/vrf.h"

_Static_assert(KT_LOG_SKIPPING_MAX + KT_LADDER_MAX <= UINT8_MAX, "a response lists every new version");

#define VERSIONS_MAX UINT32_MAX /* "versions < 2^32-1 (our limit)" (S9) */

/* S9 */
static enum kt_err check_limits(const struct kt_log_prepare *p)
{
  const struct kt_log_limits *limits = &p->log->options.limits;
  if (p->n_values > limits->values_max) {
    return kt_log_refuse(p->problem, KT_ERR_LIMIT, "too-many-values", "%zu values are over the limit of %zu",
                         p->n_values, limits->values_max);
  }
  for (size_t i = 0; i < p->n_values; i++) {
    if (p->values[i].value.len > limits->value_max) {
      return kt_log_refuse(p->problem, KT_ERR_LIMIT, "value-too-large",
                           "value %zu has %zu bytes, over the limit of %zu", i, p->values[i].value.len,
                           limits->value_max);
    }
  }
  if (p->row.n_versions + p->n_skipped + p->n_values > VERSIONS_MAX) {
    return kt_log_refuse(p->problem, KT_ERR_LIMIT, "version-overflow", "the label has no version numbers left");
  }
  return KT_OK;
}

static enum kt_err read_row(struct kt_log_prepare *p)
{
  if (p->account != NULL) {
    p->row = p->account->row;
    return KT_OK;
  }
  enum kt_err err = kt_store_get_label(p->reader->conn, p->pending->label, p->scratch, &p->row);
  if (err == KT_ERR_ABSENT) {
    p->row = (struct kt_store_label){ 0 };
    return KT_OK;
  }
  return err == KT_OK ? KT_OK : kt_log_store_problem(p->problem, err, p->reader->conn);
}

/* --- new versions ------------------------------------------------------------------------------------------------- */

bool kt_log_is_skipped(const struct kt_hash *commitment)
{
  return kt_hash_is_zero(commitment);
}

/* Each is used once: two commitments with one opening would tell who knows one value whether the other is the same. */
static enum kt_err draw_opening(struct kt_log_reader *reader, uint8_t ret_opening[static KT_OPENING_LEN])
{
  const struct kt_log_options *options = &reader->log->options;
  enum kt_err err = KT_OK;
  if (reader->n_openings == 0) {
    err = options->random(options->ctx, reader->openings, sizeof reader->openings);
    reader->n_openings = err == KT_OK ? KT_LOG_OPENINGS_AHEAD : 0;
  }
  if (err == KT_OK) {
    uint8_t *opening = reader->openings + --reader->n_openings * KT_OPENING_LEN;
    memcpy(ret_opening, opening, KT_OPENING_LEN);
    kt_wipe(opening, KT_OPENING_LEN); /* what is erased later is in no core dump from here */
  }
  return err;
}

static enum kt_err make_version(const struct kt_log_prepare *p, uint32_t version,
                                struct kt_log_new_version *new_version)
{
  const struct kt_update_value value = { .value = new_version->value, .signature = new_version->suffix };
  enum kt_err err = draw_opening(p->reader, new_version->opening);
  if (err == KT_OK) {
    err = kt_commitment(p->log->options.config, new_version->opening, p->pending->label, version, &value,
                        &new_version->leaf.commitment);
  }
  return err;
}

static bool copy_value(const struct kt_log_prepare *p, const struct kt_update_value *from,
                       struct kt_log_new_version *to)
{
  struct kt_arena *arena = &p->pending->arena;
  to->value = (struct kt_bytes){ kt_arena_copy(arena, from->value.data, from->value.len), from->value.len };
  to->suffix =
      (struct kt_bytes){ kt_arena_copy(arena, from->signature.data, from->signature.len), from->signature.len };
  return to->value.data != NULL && to->suffix.data != NULL;
}

/* Values copied; openings and commitments; VRF outputs follow. Skipped versions stay all zero: "dummy entries, which
 * map the VRF output for each label-version pair to an all-zero commitment". */
static enum kt_err copy_values(struct kt_log_prepare *p)
{
  size_t n_new = p->n_skipped + p->n_values;
  struct kt_log_new_version *versions = kt_arena_alloc(&p->pending->arena, n_new, sizeof *versions);
  if (versions == NULL) {
    return kt_log_no_memory(p);
  }
  for (size_t i = 0; i < p->n_values; i++) {
    struct kt_log_new_version *version = &versions[p->n_skipped + i];
    if (!copy_value(p, &p->values[i], version)) {
      return kt_log_no_memory(p);
    }
    enum kt_err err = make_version(p, (uint32_t)(p->row.n_versions + p->n_skipped + i), version);
    if (err != KT_OK) {
      return kt_log_refuse(p->problem, err, "commitment", "the commitment cannot be made: %s", kt_err_text(err));
    }
  }
  p->versions = versions;
  p->pending->versions = versions;
  p->pending->n_new = n_new;
  p->pending->n_skipped = p->n_skipped;
  p->pending->n_versions = p->row.n_versions;
  return KT_OK;
}

/* Their leaves need the outputs of the new versions at once. An operator gets no response, so there the outputs alone
 * will do. A proof comes with its output for half the work of the two, so under load they are made together; while the
 * log is calm somebody waits for the output, and the proofs are computed while the sequencer waits for the disk
 * (kt_log_update_ahead). */
static bool wants_proofs(const struct kt_log_prepare *p)
{
  return p->author != KT_LOG_BY_OPERATOR && kt_log_updating_is_busy(p->log);
}

/* The new versions, and those that the response shows: their proofs are stored in one row with those of the new
 * versions, which is written once. NULL: out of memory. */
static const uint32_t *versions_to_prove(const struct kt_log_prepare *p, size_t *ret_n)
{
  uint32_t shown[KT_UPDATE_VERSIONS_MAX];
  const uint64_t n_before = p->pending->n_versions;
  const size_t n_new = p->pending->n_new;
  const uint32_t previous = n_before > 0 ? (uint32_t)(n_before - 1) : 0;
  size_t n_shown = kt_update_versions(n_before > 0, previous, (uint32_t)n_new, shown);
  uint32_t *versions = kt_arena_alloc(p->scratch, n_new + n_shown, sizeof *versions);
  size_t n = 0;
  for (size_t i = 0; versions != NULL && i < n_new; i++) {
    versions[n++] = (uint32_t)(n_before + i);
  }
  for (size_t i = 0; versions != NULL && i < n_shown; i++) {
    if (shown[i] < n_before || shown[i] - n_before >= n_new) {
      versions[n++] = shown[i];
    }
  }
  *ret_n = n;
  return versions;
}

static enum kt_err prove_versions(struct kt_log_prepare *p)
{
  struct kt_log_pending *pending = p->pending;
  size_t n;
  const uint32_t *versions = versions_to_prove(p, &n);
  struct kt_store_new_proof *list = versions != NULL ? kt_arena_alloc(&pending->arena, n, sizeof *list) : NULL;
  if (list == NULL) {
    return kt_log_no_memory(p);
  }
  size_t n_list = 0;
  enum kt_err err = kt_log_vrf_unstored(p->reader->conn, p->row.label_id, versions, n, list, &n_list);
  if (err == KT_OK) {
    err = kt_log_vrf_prove(p->log, pending->label, list, n_list);
  }
  if (err != KT_OK) {
    return kt_log_refuse(p->problem, err, "vrf", "a VRF proof cannot be made: %s", kt_err_text(err));
  }
  pending->proofs = list;
  pending->n_proofs = n_list;
  return KT_OK;
}

static const struct kt_store_proof *find_proof(const struct kt_log_pending *pending, uint32_t version)
{
  for (size_t i = 0; i < pending->n_proofs; i++) {
    if (pending->proofs[i].version == version) {
      return &pending->proofs[i].proof;
    }
  }
  return NULL;
}

static enum kt_err fill_outputs(struct kt_log_prepare *p)
{
  struct kt_log_pending *pending = p->pending;
  for (size_t i = 0; i < pending->n_new; i++) {
    struct kt_hash *output = &p->versions[i].leaf.vrf_output;
    uint32_t version = (uint32_t)(pending->n_versions + i);
    const struct kt_store_proof *proof = find_proof(pending, version);
    struct kt_store_proof cached;
    enum kt_err err = KT_OK;
    p->versions[i].is_proved =
        proof != NULL ||
        (p->row.label_id != 0 && kt_store_get_proof(p->reader->conn, p->row.label_id, version, &cached) == KT_OK);
    if (proof != NULL) {
      *output = proof->output;
    } else if (p->versions[i].is_proved && cached.has_output) {
      *output = cached.output;
    } else if (version == 0 && p->account != NULL && p->account->has_output) {
      *output = p->account->output;
    } else {
      err = kt_log_vrf_output(p->log, pending->label, version, output);
    }
    if (err != KT_OK) {
      return kt_log_refuse(p->problem, err, "vrf", "a VRF output cannot be made: %s", kt_err_text(err));
    }
  }
  return KT_OK;
}

static enum kt_err fill_pending(struct kt_log_prepare *p)
{
  enum kt_err err = check_limits(p);
  if (err == KT_OK) {
    err = copy_values(p);
  }
  if (err == KT_OK) {
    err = kt_log_authorise(p);
  }
  if (err == KT_OK && wants_proofs(p)) {
    err = prove_versions(p);
  }
  if (err == KT_OK) {
    err = fill_outputs(p);
  }
  if (err == KT_OK && p->row.label_id == 0) {
    err = kt_log_refuse_erased(p->reader, p->pending->label, &p->versions[0].leaf.vrf_output, p->problem);
  }
  return err;
}

/* --- entry points ------------------------------------------------------------------------------------------------- */

static enum kt_err check_author(const struct kt_log_prepare *p)
{
  bool managed = p->log->options.config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT;
  if (managed == (p->author == KT_LOG_BY_SIGNER)) {
    return KT_OK;
  }
  return managed ? kt_log_refuse(p->problem, KT_ERR_DENIED, "through-operator",
                                 "a Third-Party Manager adds only what the Service Operator signed: send it there")
                 : kt_log_refuse(p->problem, KT_ERR_USAGE, "mode", "this log has no Third-Party Manager");
}

/* p->author, and p->account where it is known, are the caller's. */
static enum kt_err prepare_begin(struct kt_log_prepare *p, struct kt_log_reader *reader, struct kt_bytes label,
                                 struct kt_log_problem *problem)
{
  p->reader = reader;
  p->log = reader->log;
  p->problem = problem;
  kt_arena_init(&p->own, KT_ARENA_CAP_DEFAULT);
  p->scratch = p->account != NULL ? p->account->arena : &p->own;
  enum kt_err err = check_author(p);
  if (err == KT_OK) {
    err = kt_log_check_label(label, problem);
  }
  if (err == KT_OK) {
    err = kt_log_pending_new(KT_LOG_WORK_UPDATE, label, &p->pending, problem);
  }
  if (err != KT_OK) {
    return err;
  }
  p->pending->n_erasures = atomic_load(&p->log->n_erasures);
  return read_row(p);
}

static enum kt_err prepare_end(struct kt_log_prepare *p, enum kt_err err, struct kt_log_pending **ret_pending)
{
  kt_arena_release(&p->own);
  if (err != KT_OK) {
    kt_log_pending_free(p->pending);
    return err;
  }
  *ret_pending = p->pending;
  return KT_OK;
}

static enum kt_err take_values(struct kt_log_prepare *p, const struct kt_bytes *values, size_t n_values)
{
  struct kt_update_value *list = kt_arena_alloc(p->scratch, n_values, sizeof *list);
  if (list == NULL) {
    return kt_log_no_memory(p);
  }
  for (size_t i = 0; i < n_values; i++) {
    list[i].value = values[i];
  }
  p->values = list;
  p->n_values = n_values;
  return KT_OK;
}

/* How the request's greatest_version compares (S8); versions counted, so that "absent" is 0. */
static enum kt_err compare_versions(const struct kt_log_prepare *p, const struct kt_optional_u32 *greatest,
                                    bool *ret_insert)
{
  uint64_t n_known = greatest->present ? (uint64_t)greatest->value + 1 : 0;
  if (n_known > p->row.n_versions) {
    enum kt_err err =
        p->row.label_id == 0 ? kt_log_refuse_erased(p->reader, p->pending->label, NULL, p->problem) : KT_OK;
    if (err != KT_OK) {
      return err;
    }
    /* "if greatest_version is greater than the current greatest version of the label, the Transparency Log rejects" */
    return kt_log_refuse(p->problem, KT_ERR_USAGE, "greatest-version", "the label has no version %lu",
                         (unsigned long)greatest->value);
  }
  if (n_known == p->row.n_versions && p->n_values == 0) {
    /* "If greatest_version matches the current greatest version of the label and values is empty" */
    return kt_log_refuse(p->problem, KT_ERR_USAGE, "nothing-newer", "the label has no newer version");
  }
  *ret_insert = n_known == p->row.n_versions;
  return KT_OK;
}

/* Whether versions above the request's are in the published head already. */
static enum kt_err newer_is_published(const struct kt_log_prepare *p, const struct kt_optional_u32 *known, bool *ret_is)
{
  struct kt_log_head head;
  uint32_t greatest;
  kt_log_head(p->log, &head);
  enum kt_err err = kt_store_find_greatest(p->reader->conn, p->row.label_id, p->row.n_versions, head.size, &greatest);
  if (err != KT_OK && err != KT_ERR_ABSENT) {
    return kt_log_store_problem(p->problem, err, p->reader->conn);
  }
  *ret_is = err == KT_OK && (!known->present || greatest > known->value);
  return KT_OK;
}

/* Begun, with the values: insert them, or wait for what exists, or (pending NULL) answer at once. */
static enum kt_err insert_or_answer(struct kt_log_prepare *p, const struct kt_optional_u32 *greatest)
{
  bool insert = false;
  bool answerable = false;
  enum kt_err err = compare_versions(p, greatest, &insert);
  if (err != KT_OK) {
    return err;
  }
  if (insert) {
    return fill_pending(p);
  }
  /* "values is disregarded" (S8). An insertion that is durable but not yet published is waited for, in the queue, by a
   * pending update that inserts nothing. */
  p->pending->n_versions = p->row.n_versions;
  err = newer_is_published(p, greatest, &answerable);
  if (err == KT_OK && answerable) {
    kt_log_pending_free(p->pending);
    p->pending = NULL;
  }
  return err;
}

enum kt_err kt_log_update_prepare(struct kt_log_reader *reader, const struct kt_update_request *request,
                                  struct kt_bytes token, struct kt_log_pending **ret_pending,
                                  struct kt_log_problem *ret_problem)
{
  struct kt_log_prepare p = { .author = KT_LOG_BY_OWNER };
  enum kt_err err = kt_log_check_last(reader->log, &request->last, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  kt_log_updating_begin(reader->log);
  err = prepare_begin(&p, reader, request->label, ret_problem);
  if (err == KT_OK) {
    err = take_values(&p, request->values, request->n_values);
  }
  if (err == KT_OK) {
    p.pending->uses_token = token.data != NULL;
    kt_sha256(token.data, token.len, &p.pending->token_hash);
    err = insert_or_answer(&p, &request->greatest_version);
  }
  kt_log_updating_end(reader->log);
  return prepare_end(&p, err, ret_pending);
}

/* The versions that go unused before the request's values. */
static enum kt_err count_skipped(struct kt_log_prepare *p, uint32_t signed_version)
{
  if (p->n_values == 0) {
    /* "If values is empty, the signed_version field is always zero." */
    return signed_version == 0
               ? KT_OK
               : kt_log_refuse(p->problem, KT_ERR_FORMAT, "signed-version", "without values, signed_version is 0");
  }
  if (signed_version < p->row.n_versions) {
    /* "If signed_version is less than the next greatest version of the label to be created, this strongly indicates a
     * serious bug in the Service Operator and the request MUST be rejected by the Manager" (S13). */
    return kt_log_refuse(p->problem, KT_ERR_USAGE, "signed-version",
                         "version %lu was signed, but the label's next version is %llu", (unsigned long)signed_version,
                         (unsigned long long)p->row.n_versions);
  }
  /* "the Manager MUST insert a sufficient number of "dummy" entries": into the log entry of the values, because a
   * response about skipped versions alone would have an empty `info`, which users refuse. */
  uint64_t n_skipped = signed_version - p->row.n_versions;
  if (n_skipped > 0 && n_skipped + p->n_values > KT_LOG_SKIPPING_MAX) {
    return kt_log_refuse(p->problem, KT_ERR_LIMIT, "too-many-skipped",
                         "%llu skipped %s and %zu %s are over the limit of %d", (unsigned long long)n_skipped,
                         kt_noun(n_skipped, "version", "versions"), p->n_values,
                         kt_noun(p->n_values, "value", "values"), KT_LOG_SKIPPING_MAX);
  }
  p->n_skipped = (size_t)n_skipped;
  return KT_OK;
}

enum kt_err kt_log_manager_prepare(struct kt_log_reader *reader, const struct kt_manager_update_request *request,
                                   struct kt_log_pending **ret_pending, struct kt_log_problem *ret_problem)
{
  struct kt_log_prepare p = { .author = KT_LOG_BY_SIGNER };
  enum kt_err err = kt_log_check_last(reader->log, &request->last, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  kt_log_updating_begin(reader->log);
  err = prepare_begin(&p, reader, request->label, ret_problem);
  if (err == KT_OK) {
    p.values = request->values;
    p.n_values = request->n_values;
    err = count_skipped(&p, request->signed_version);
  }
  if (err == KT_OK) {
    err = insert_or_answer(&p, &request->greatest_version);
  }
  kt_log_updating_end(reader->log);
  return prepare_end(&p, err, ret_pending);
}

enum kt_err kt_log_operator_prepare(struct kt_log_reader *reader, struct kt_bytes label,
                                    const struct kt_log_account *account, struct kt_bytes value,
                                    struct kt_log_pending **ret_pending, struct kt_log_problem *ret_problem)
{
  struct kt_log_prepare p = { .author = KT_LOG_BY_OPERATOR, .account = account };
  enum kt_err err = prepare_begin(&p, reader, label, ret_problem);
  if (err == KT_OK) {
    err = take_values(&p, &value, 1);
  }
  if (err == KT_OK) {
    err = fill_pending(&p);
  }
  return prepare_end(&p, err, ret_pending);
}
