/* SPDX-License-Identifier: Apache-2.0 */
/* Updates before they are queued: limits, authorisation, VRF outputs, commitments; all in the caller's thread.
 *
 * An update is judged against the account state that belongs to exactly the number of versions it builds on; when the
 * sequencer finds another number, it does not insert. So the judgement never has to be repeated there. */
#include <stdlib.h>
#include <string.h>

#include "account/utf8.h"
#include "algo/algo.h"
#include "crypto/hash.h"
#include "log/query.h"
#include "log/vrf.h"
#include "wire/leaf.h"

#define VERSIONS_MAX UINT32_MAX /* "versions < 2^32-1 (our limit)" (S9) */

struct prepare {
  struct kt_log_reader *reader;
  struct kt_log *log;
  struct kt_log_problem *problem;
  struct kt_log_pending *pending;
  struct kt_arena scratch;   /* what the pending update does not have to keep while it waits */
  struct kt_store_label row; /* label_id 0: the label does not exist; in the scratch arena */
  const struct kt_bytes *values;
  size_t n_values;
  struct kt_log_new_version *versions; /* pending->versions, while they are made */
};

static enum kt_err no_memory(const struct prepare *p)
{
  return kt_log_refuse(p->problem, KT_ERR_MEMORY, "memory", "out of memory");
}

static enum kt_err check_label(struct kt_bytes label, struct kt_log_problem *problem)
{
  if (label.len == 0 || !kt_utf8_is_valid(label)) {
    return kt_log_refuse(problem, KT_ERR_USAGE, "label", "a label is 1 to 255 bytes of UTF-8");
  }
  return KT_OK;
}

/* S9 */
static enum kt_err check_limits(const struct prepare *p)
{
  const struct kt_log_limits *limits = &p->log->options.limits;
  if (p->n_values > limits->values_max) {
    return kt_log_refuse(p->problem, KT_ERR_LIMIT, "too-many-values", "%zu values are over the limit of %zu",
                         p->n_values, limits->values_max);
  }
  for (size_t i = 0; i < p->n_values; i++) {
    if (p->values[i].len > limits->value_max) {
      return kt_log_refuse(p->problem, KT_ERR_LIMIT, "value-too-large",
                           "value %zu has %zu bytes, over the limit of %zu", i, p->values[i].len, limits->value_max);
    }
  }
  if (p->row.n_versions + p->n_values > VERSIONS_MAX) {
    return kt_log_refuse(p->problem, KT_ERR_LIMIT, "version-overflow", "the label has no version numbers left");
  }
  return KT_OK;
}

static enum kt_err read_row(struct prepare *p)
{
  enum kt_err err = kt_store_get_label(p->reader->conn, p->pending->label, &p->scratch, &p->row);
  if (err == KT_ERR_ABSENT) {
    p->row = (struct kt_store_label){ 0 };
    return KT_OK;
  }
  return err == KT_OK ? KT_OK : kt_log_store_problem(p->problem, err, p->reader->conn);
}

/* --- authorisation -------------------------------------------------------------------------------------------------- */

/* What HTTP may add is kt_account_admit's to say (S14); the operator may add whatever is a device set of this label. */
static enum kt_err admit(const struct prepare *p, bool by_operator, const struct kt_set_judgement *judgement)
{
  struct kt_reason reason = { 0 };
  enum kt_registration registration = p->log->options.registration;
  bool misplaced = judgement->set_class == KT_SET_MALFORMED || judgement->set_class == KT_SET_WRONG_PLACE ||
                   judgement->set_class == KT_SET_BAD_SIGNATURE;
  if (by_operator && !misplaced) {
    return KT_OK;
  }
  enum kt_err err = kt_account_admit(judgement, registration, p->pending->uses_token, &reason);
  if (err == KT_OK) {
    return KT_OK;
  }
  err = err == KT_ERR_FORMAT || by_operator ? KT_ERR_USAGE : err; /* the request is well-formed, its content is not */
  return kt_log_refuse(p->problem, err, reason.code, "%s", reason.text);
}

static enum kt_err decode_state(const struct kt_store_label *row, struct kt_arena *arena,
                                struct kt_account_state *ret_state)
{
  if (row->state.len == 0) {
    *ret_state = (struct kt_account_state){ 0 };
    return KT_OK;
  }
  return kt_account_state_decode(row->state, arena, ret_state);
}

/* Each value against the account as those before it leave it. ret_claims: one of them claims the label. */
static enum kt_err judge_values(struct prepare *p, bool by_operator, struct kt_account_state *state, bool *ret_claims)
{
  bool claims = false;
  for (size_t i = 0; i < p->n_values; i++) {
    struct kt_set_judgement judgement;
    enum kt_err err = kt_account_judge(state, &p->log->log_id, p->pending->label, p->pending->versions[i].value,
                                       &p->scratch, &judgement);
    if (err != KT_OK) {
      return no_memory(p);
    }
    err = admit(p, by_operator, &judgement);
    if (err != KT_OK) {
      return err;
    }
    claims = claims || judgement.set_class == KT_SET_FIRST_KEY;
    *state = judgement.next;
  }
  *ret_claims = claims;
  return KT_OK;
}

static enum kt_err keep_state(struct prepare *p, const struct kt_account_state *state)
{
  struct kt_bytes encoded;
  struct kt_bytes *kept = &p->pending->state;
  enum kt_err err = kt_account_state_encode(state, &p->scratch, &encoded);
  if (err == KT_OK) {
    *kept = (struct kt_bytes){ kt_arena_copy(&p->pending->arena, encoded.data, encoded.len), encoded.len };
  }
  return err == KT_OK && kept->data != NULL ? KT_OK : no_memory(p);
}

/* Looked at here, so that a bad token costs no VRF proofs and no place in the queue; the sequencer uses it up. */
static enum kt_err check_token(const struct prepare *p)
{
  if (!p->pending->uses_token) {
    return KT_OK;
  }
  enum kt_err err = kt_store_check_token(p->reader->conn, &p->pending->token_hash);
  if (err == KT_ERR_ABSENT || err == KT_ERR_CONFLICT) {
    return kt_log_refuse_token(p->problem, err);
  }
  return err == KT_OK ? KT_OK : kt_log_store_problem(p->problem, err, p->reader->conn);
}

static enum kt_err authorise(struct prepare *p, bool by_operator)
{
  struct kt_account_state state;
  bool claims = false;
  enum kt_err err = decode_state(&p->row, &p->scratch, &state);
  if (err != KT_OK) {
    return kt_log_refuse(p->problem, err == KT_ERR_MEMORY ? err : KT_ERR_STORE, "account-state",
                         "the label's account state: %s", kt_err_text(err));
  }
  err = judge_values(p, by_operator, &state, &claims);
  if (err != KT_OK) {
    return err;
  }
  /* The token is used up only by what needs it: claiming a label where registration is by token. */
  p->pending->uses_token =
      p->pending->uses_token && !by_operator && claims && p->log->options.registration == KT_REGISTRATION_TOKEN;
  err = check_token(p);
  return err == KT_OK ? keep_state(p, &state) : err;
}

/* --- new versions --------------------------------------------------------------------------------------------------- */

static enum kt_err make_version(const struct prepare *p, uint32_t version, struct kt_log_new_version *new_version)
{
  const struct kt_log_options *options = &p->log->options;
  const struct kt_update_value value = { .value = new_version->value };
  enum kt_err err = options->random(options->ctx, new_version->opening, KT_OPENING_LEN);
  if (err == KT_OK) {
    err = kt_commitment(options->config, new_version->opening, p->pending->label, version, &value,
                        &new_version->leaf.commitment);
  }
  return err;
}

/* Values copied; openings and commitments; VRF outputs follow. */
static enum kt_err copy_values(struct prepare *p)
{
  struct kt_arena *arena = &p->pending->arena;
  struct kt_log_new_version *versions = kt_arena_alloc(arena, p->n_values, sizeof *versions);
  if (versions == NULL) {
    return no_memory(p);
  }
  for (size_t i = 0; i < p->n_values; i++) {
    versions[i].value.data = kt_arena_copy(arena, p->values[i].data, p->values[i].len);
    versions[i].value.len = p->values[i].len;
    if (versions[i].value.data == NULL) {
      return no_memory(p);
    }
    enum kt_err err = make_version(p, (uint32_t)(p->row.n_versions + i), &versions[i]);
    if (err != KT_OK) {
      return kt_log_refuse(p->problem, err, "commitment", "the commitment cannot be made: %s", kt_err_text(err));
    }
  }
  p->versions = versions;
  p->pending->versions = versions;
  p->pending->n_new = p->n_values;
  p->pending->n_versions = p->row.n_versions;
  return KT_OK;
}

/* What the response will need beyond the outputs of the new versions: the ladder of the new greatest version. An operator
 * gets no response, so there the outputs alone will do. */
static size_t response_versions(const struct prepare *p, uint32_t ret_versions[static KT_UPDATE_VERSIONS_MAX])
{
  bool has_previous = p->row.n_versions > 0;
  uint32_t previous = has_previous ? (uint32_t)(p->row.n_versions - 1) : 0;
  return kt_update_versions(has_previous, previous, (uint32_t)p->n_values, ret_versions);
}

static enum kt_err add_proof(struct prepare *p, uint32_t version, struct kt_log_new_proof *list)
{
  bool cached;
  struct kt_store_proof proof;
  enum kt_err err =
      kt_log_vrf_lookup(p->log, p->reader->conn, p->row.label_id, p->pending->label, version, &proof, &cached);
  if (err != KT_OK) {
    return kt_log_refuse(p->problem, err, "vrf", "a VRF proof cannot be made: %s", kt_err_text(err));
  }
  if (!cached) {
    list[p->pending->n_proofs++] = (struct kt_log_new_proof){ .version = version, .proof = proof };
  }
  return KT_OK;
}

/* Every new version appears in the update's list, except version 0, which is in no update list. */
static enum kt_err prove_versions(struct prepare *p)
{
  uint32_t versions[KT_UPDATE_VERSIONS_MAX + 1];
  size_t n = response_versions(p, versions);
  if (p->row.n_versions == 0) {
    versions[n++] = 0;
  }
  struct kt_log_new_proof *list = kt_arena_alloc(&p->pending->arena, n, sizeof *list);
  if (list == NULL) {
    return no_memory(p);
  }
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = add_proof(p, versions[i], list);
  }
  p->pending->proofs = list;
  return err;
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

static enum kt_err fill_outputs(struct prepare *p)
{
  struct kt_log_pending *pending = p->pending;
  for (size_t i = 0; i < pending->n_new; i++) {
    struct kt_hash *output = &p->versions[i].leaf.vrf_output;
    uint32_t version = (uint32_t)(pending->n_versions + i);
    const struct kt_store_proof *proof = find_proof(pending, version);
    struct kt_store_proof cached;
    enum kt_err err = KT_OK;
    if (proof != NULL) {
      *output = proof->output;
    } else if (p->row.label_id != 0 &&
               kt_store_get_proof(p->reader->conn, p->row.label_id, version, &cached) == KT_OK) {
      *output = cached.output;
    } else {
      err = kt_log_vrf_output(p->log, pending->label, version, output);
    }
    if (err != KT_OK) {
      return kt_log_refuse(p->problem, err, "vrf", "a VRF output cannot be made: %s", kt_err_text(err));
    }
  }
  return KT_OK;
}

static enum kt_err fill_pending(struct prepare *p, bool by_operator)
{
  enum kt_err err = check_limits(p);
  if (err == KT_OK) {
    err = copy_values(p);
  }
  if (err == KT_OK) {
    err = authorise(p, by_operator);
  }
  if (err == KT_OK && !by_operator) {
    err = prove_versions(p);
  }
  return err == KT_OK ? fill_outputs(p) : err;
}

/* --- entry points --------------------------------------------------------------------------------------------------- */

static enum kt_err prepare_begin(struct prepare *p, struct kt_log_reader *reader, struct kt_bytes label,
                                 struct kt_log_problem *problem)
{
  *p = (struct prepare){ .reader = reader, .log = reader->log, .problem = problem };
  kt_arena_init(&p->scratch, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = check_label(label, problem);
  if (err == KT_OK) {
    err = kt_log_pending_new(KT_LOG_WORK_UPDATE, label, &p->pending, problem);
  }
  return err == KT_OK ? read_row(p) : err;
}

static enum kt_err prepare_end(struct prepare *p, enum kt_err err, struct kt_log_pending **ret_pending)
{
  kt_arena_release(&p->scratch);
  if (err != KT_OK) {
    kt_log_pending_free(p->pending);
    return err;
  }
  *ret_pending = p->pending;
  return KT_OK;
}

/* How the request's greatest_version compares (S8); versions counted, so that "absent" is 0. */
static enum kt_err compare_versions(const struct prepare *p, const struct kt_update_request *request, bool *ret_insert)
{
  uint64_t n_known = request->greatest_version.present ? (uint64_t)request->greatest_version.value + 1 : 0;
  if (n_known > p->row.n_versions) {
    /* "if greatest_version is greater than the current greatest version of the label, the Transparency Log rejects" */
    return kt_log_refuse(p->problem, KT_ERR_USAGE, "greatest-version", "the label has no version %lu",
                         (unsigned long)request->greatest_version.value);
  }
  if (n_known == p->row.n_versions && request->n_values == 0) {
    /* "If greatest_version matches the current greatest version of the label and values is empty" */
    return kt_log_refuse(p->problem, KT_ERR_USAGE, "nothing-newer", "the label has no newer version");
  }
  *ret_insert = n_known == p->row.n_versions;
  return KT_OK;
}

/* Whether versions above the request's are in the published head already. */
static enum kt_err newer_is_published(const struct prepare *p, const struct kt_update_request *request, bool *ret_is)
{
  struct kt_log_head head;
  uint32_t greatest;
  kt_log_head(p->log, &head);
  enum kt_err err = kt_store_find_greatest(p->reader->conn, p->row.label_id, p->row.n_versions, head.size, &greatest);
  if (err != KT_OK && err != KT_ERR_ABSENT) {
    return kt_log_store_problem(p->problem, err, p->reader->conn);
  }
  *ret_is = err == KT_OK && (!request->greatest_version.present || greatest > request->greatest_version.value);
  return KT_OK;
}

enum kt_err kt_log_update_prepare(struct kt_log_reader *reader, const struct kt_update_request *request,
                                  struct kt_bytes token, struct kt_log_pending **ret_pending,
                                  struct kt_log_problem *ret_problem)
{
  struct prepare p;
  bool insert = false;
  bool answerable = false;
  enum kt_err err = kt_log_check_last(reader->log, &request->last, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  err = prepare_begin(&p, reader, request->label, ret_problem);
  if (err == KT_OK) {
    err = compare_versions(&p, request, &insert);
  }
  if (err == KT_OK && insert) {
    p.values = request->values;
    p.n_values = request->n_values;
    p.pending->uses_token = token.data != NULL;
    kt_sha256(token.data, token.len, &p.pending->token_hash);
    err = fill_pending(&p, false);
  } else if (err == KT_OK) { /* "values is disregarded" (S8). An insertion that is durable but not yet published is
                                waited for, in the queue, by a pending update that inserts nothing. */
    p.pending->n_versions = p.row.n_versions;
    err = newer_is_published(&p, request, &answerable);
  }
  if (err == KT_OK && answerable) {
    kt_log_pending_free(p.pending);
    p.pending = NULL;
  }
  return prepare_end(&p, err, ret_pending);
}

enum kt_err kt_log_operator_prepare(struct kt_log_reader *reader, struct kt_bytes label, struct kt_bytes value,
                                    struct kt_log_pending **ret_pending, struct kt_log_problem *ret_problem)
{
  struct prepare p;
  enum kt_err err = prepare_begin(&p, reader, label, ret_problem);
  if (err == KT_OK) {
    p.values = &value;
    p.n_values = 1;
    err = fill_pending(&p, true);
  }
  return prepare_end(&p, err, ret_pending);
}

enum kt_err kt_log_account_state(struct kt_log_reader *reader, struct kt_bytes label, struct kt_arena *arena,
                                 struct kt_account_state *ret_state, struct kt_log_problem *ret_problem)
{
  struct kt_store_label row = { 0 };
  enum kt_err err = check_label(label, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  err = kt_store_get_label(reader->conn, label, arena, &row);
  if (err != KT_OK && err != KT_ERR_ABSENT) {
    return kt_log_store_problem(ret_problem, err, reader->conn);
  }
  err = decode_state(&row, arena, ret_state);
  return err == KT_OK ? KT_OK
                      : kt_log_refuse(ret_problem, err == KT_ERR_MEMORY ? err : KT_ERR_STORE, "account-state",
                                      "the label's account state: %s", kt_err_text(err));
}
