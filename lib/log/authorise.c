/* SPDX-License-Identifier: Apache-2.0 */
/* Who may add versions of a label (design: Authorisation; draft: Third Parties / Management).
 *
 * An update is judged against the account state that belongs to exactly the number of versions it builds on; when the
 * sequencer finds another number, it does not insert. So the judgement never has to be repeated there. A Third-Party
 * Manager judges nothing but the Service Operator's signatures. */
#include "account/utf8.h"
#include "log/prepare.h"

enum kt_err kt_log_no_memory(const struct kt_log_prepare *p)
{
  return kt_log_refuse(p->problem, KT_ERR_MEMORY, "memory", "out of memory");
}

enum kt_err kt_log_check_label(struct kt_bytes label, struct kt_log_problem *problem)
{
  if (label.len == 0 || !kt_utf8_is_valid(label)) {
    return kt_log_refuse(problem, KT_ERR_USAGE, "label", "a label is 1 to 255 bytes of UTF-8");
  }
  return KT_OK;
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

static enum kt_err refuse_state(struct kt_log_problem *problem, enum kt_err err)
{
  return kt_log_refuse(problem, err == KT_ERR_MEMORY ? err : KT_ERR_STORE, "account-state",
                       "the label's account state: %s", kt_err_text(err));
}

/* Each value against the account as those before it leave it (S14). ret_claims: one of them claims the label. */
static enum kt_err judge_values(struct kt_log_prepare *p, struct kt_account_state *state, bool *ret_claims)
{
  const struct kt_account_terms terms = { .by_operator = p->author == KT_LOG_BY_OPERATOR,
                                          .registration = p->log->options.registration,
                                          .has_token = p->pending->uses_token };
  bool claims = false;
  for (size_t i = 0; i < p->n_values; i++) {
    struct kt_set_judgement judgement;
    struct kt_reason reason = { 0 };
    enum kt_err err = kt_account_admit_next(state, &p->log->log_id, p->pending->label, p->pending->versions[i].value,
                                            &terms, p->scratch, &judgement, &reason);
    if (err != KT_OK) {
      return kt_log_refuse(p->problem, err, reason.code, "%s", reason.text);
    }
    claims = claims || judgement.set_class == KT_SET_FIRST_KEY;
    *state = judgement.next;
  }
  *ret_claims = claims;
  return KT_OK;
}

static enum kt_err keep_state(struct kt_log_prepare *p, const struct kt_account_state *state)
{
  struct kt_bytes encoded;
  struct kt_bytes *kept = &p->pending->state;
  enum kt_err err = kt_account_state_encode(state, p->scratch, &encoded);
  if (err == KT_OK) {
    *kept = (struct kt_bytes){ kt_arena_copy(&p->pending->arena, encoded.data, encoded.len), encoded.len };
  }
  return err == KT_OK && kept->data != NULL ? KT_OK : kt_log_no_memory(p);
}

/* Looked at here, so that a bad token costs no VRF proofs and no place in the queue; the sequencer uses it up. */
static enum kt_err check_token(const struct kt_log_prepare *p)
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

static enum kt_err authorise_account(struct kt_log_prepare *p)
{
  struct kt_account_state state = p->account != NULL ? p->account->state : (struct kt_account_state){ 0 };
  bool claims = false;
  enum kt_err err = p->account != NULL ? KT_OK : decode_state(&p->row, p->scratch, &state);
  if (err != KT_OK) {
    return refuse_state(p->problem, err);
  }
  err = judge_values(p, &state, &claims);
  if (err != KT_OK) {
    return err;
  }
  /* The token is used up only by what needs it: claiming a label where registration is by token. */
  p->pending->uses_token = p->pending->uses_token && p->author == KT_LOG_BY_OWNER && claims &&
                           p->log->options.registration == KT_REGISTRATION_TOKEN;
  err = check_token(p);
  return err == KT_OK ? keep_state(p, &state) : err;
}

/* "UpdateRequest structures are forwarded to the Third-Party Manager with the Service Operator's signature over each
 * new value": what it does not carry, no user would accept. */
static enum kt_err check_signatures(const struct kt_log_prepare *p)
{
  const struct kt_config *config = p->log->options.config;
  for (size_t i = 0; i < p->n_values; i++) {
    uint32_t version = (uint32_t)(p->row.n_versions + p->n_skipped + i);
    enum kt_err err = kt_update_value_verify(config, p->pending->label, version, &p->values[i]);
    if (err == KT_ERR_MEMORY) {
      return kt_log_no_memory(p);
    }
    if (err == KT_ERR_CRYPTO) {
      return kt_log_refuse(p->problem, err, "not-examined",
                           "the signature of value %zu could not be examined: that says nothing about it", i);
    }
    if (err != KT_OK) {
      return kt_log_refuse(p->problem, KT_ERR_DENIED, "leaf-signature",
                           "value %zu does not carry the Service Operator's signature for version %lu", i,
                           (unsigned long)version);
    }
  }
  return KT_OK;
}

enum kt_err kt_log_authorise(struct kt_log_prepare *p)
{
  return p->author == KT_LOG_BY_SIGNER ? check_signatures(p) : authorise_account(p);
}

enum kt_err kt_log_account_get(struct kt_log_reader *reader, struct kt_bytes label, struct kt_arena *arena,
                               struct kt_log_account *ret_account, struct kt_log_problem *ret_problem)
{
  struct kt_log_account account = { .row = { .label_id = 0 }, .arena = arena };
  enum kt_err err = kt_log_check_label(label, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  err = kt_store_get_label(reader->conn, label, arena, &account.row);
  if (err != KT_OK && err != KT_ERR_ABSENT) {
    return kt_log_store_problem(ret_problem, err, reader->conn);
  }
  err = decode_state(&account.row, arena, &account.state);
  if (err != KT_OK) {
    return refuse_state(ret_problem, err);
  }
  *ret_account = account;
  return KT_OK;
}

enum kt_err kt_log_account_value(struct kt_log_reader *reader, const struct kt_log_account *account,
                                 struct kt_arena *arena, struct kt_bytes *ret_value, struct kt_log_problem *ret_problem)
{
  struct kt_store_payload payload = { .value = { NULL, 0 } };
  enum kt_err err = KT_OK;
  if (account->row.n_versions > 0) {
    err = kt_store_get_payload(reader->conn, account->row.label_id, (uint32_t)(account->row.n_versions - 1), arena,
                               &payload);
  }
  if (err != KT_OK && err != KT_ERR_ABSENT && err != KT_ERR_EXPIRED) {
    return kt_log_store_problem(ret_problem, err, reader->conn);
  }
  *ret_value = payload.value;
  return KT_OK;
}
