/* SPDX-License-Identifier: Apache-2.0 */
#include "log/vrf.h"

#include "wire/leaf.h"

_Static_assert(KT_STORE_PROOF_MAX >= KT_VRF_PROOF_MAX, "every suite's proof can be stored");

static enum kt_err prove_batch(const struct kt_log *log, struct kt_bytes label, struct kt_store_new_proof *list,
                               size_t n)
{
  const struct kt_suite *suite = log->options.config->suite;
  uint8_t inputs[KT_VRF_PROVE_MAX][KT_VRF_INPUT_MAX];
  struct kt_bytes alphas[KT_VRF_PROVE_MAX] = { 0 };
  uint8_t *proofs[KT_VRF_PROVE_MAX] = { NULL };
  struct kt_hash outputs[KT_VRF_PROVE_MAX];
  for (size_t i = 0; i < n; i++) {
    size_t len = kt_vrf_input(label, list[i].version, inputs[i]);
    alphas[i] = (struct kt_bytes){ inputs[i], len };
    proofs[i] = list[i].proof.proof;
  }
  enum kt_err err = kt_vrf_prove_batch(suite, log->options.vrf_key, n, alphas, proofs, outputs);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    list[i].proof.has_output = true;
    list[i].proof.output = outputs[i];
    list[i].proof.len = suite->vrf_proof_len;
  }
  return err;
}

enum kt_err kt_log_vrf_prove(const struct kt_log *log, struct kt_bytes label, struct kt_store_new_proof *list, size_t n)
{
  enum kt_err err = KT_OK;
  for (size_t done = 0; err == KT_OK && done < n; done += KT_VRF_PROVE_MAX) {
    size_t n_left = n - done;
    err = prove_batch(log, label, &list[done], n_left < KT_VRF_PROVE_MAX ? n_left : KT_VRF_PROVE_MAX);
  }
  return err;
}

enum kt_err kt_log_vrf_output(const struct kt_log *log, struct kt_bytes label, uint32_t version,
                              struct kt_hash *ret_output)
{
  uint8_t input[KT_VRF_INPUT_MAX];
  const struct kt_bytes alpha = { input, kt_vrf_input(label, version, input) };
  return log->options.config->suite->vrf_output(log->options.vrf_key, alpha, ret_output);
}

static void output_batch(const struct kt_log *log, const struct kt_log_named_account *accounts, size_t n)
{
  uint8_t inputs[KT_VRF_OUTPUT_MAX][KT_VRF_INPUT_MAX];
  struct kt_bytes alphas[KT_VRF_OUTPUT_MAX] = { 0 };
  struct kt_hash outputs[KT_VRF_OUTPUT_MAX];
  for (size_t i = 0; i < n; i++) {
    size_t len = kt_vrf_input(accounts[i].label, 0, inputs[i]);
    alphas[i] = (struct kt_bytes){ inputs[i], len };
  }
  if (kt_vrf_output_batch(log->options.config->suite, log->options.vrf_key, n, alphas, outputs) != KT_OK) {
    return;
  }
  for (size_t i = 0; i < n; i++) {
    accounts[i].account->has_output = true;
    accounts[i].account->output = outputs[i];
  }
}

void kt_log_accounts_output(const struct kt_log *log, const struct kt_log_named_account *accounts, size_t n)
{
  struct kt_log_named_account batch[KT_VRF_OUTPUT_MAX];
  size_t n_batch = 0;
  for (size_t i = 0; i < n; i++) {
    if (accounts[i].account->row.label_id == 0 && accounts[i].label.len <= KT_LABEL_MAX) {
      batch[n_batch++] = accounts[i];
    }
    if (n_batch == KT_VRF_OUTPUT_MAX || (n_batch > 0 && i + 1 == n)) {
      output_batch(log, batch, n_batch);
      n_batch = 0;
    }
  }
}

enum kt_err kt_log_vrf_unstored(struct kt_store_conn *conn, uint64_t label_id, const uint32_t *versions, size_t n,
                                struct kt_store_new_proof *list, size_t *n_list)
{
  struct kt_store_proof stored;
  for (size_t i = 0; i < n; i++) {
    enum kt_err err = label_id != 0 ? kt_store_get_proof(conn, label_id, versions[i], &stored) : KT_ERR_ABSENT;
    if (err == KT_ERR_ABSENT) {
      list[(*n_list)++].version = versions[i];
    } else if (err != KT_OK) {
      return err;
    }
  }
  return KT_OK;
}

enum kt_err kt_log_put_more(struct kt_log *log, struct kt_store_new_proof *list, size_t n,
                            struct kt_log_problem *problem)
{
  enum kt_err err = kt_store_begin(log->writer);
  bool has_begun = err == KT_OK;
  if (err == KT_OK) {
    err = kt_store_drain_proofs(log->writer);
  }
  if (err == KT_OK) {
    err = kt_store_put_proofs(log->writer, list, n);
  }
  if (err == KT_OK) {
    err = kt_log_put_published(log);
  }
  if (err == KT_OK) {
    err = kt_store_commit(log->writer);
  }
  if (err == KT_OK) {
    kt_log_published_stored(log);
    return KT_OK;
  }
  err = kt_log_store_problem(problem, err, log->writer);
  if (has_begun) {
    kt_store_rollback(log->writer);
  }
  /* Proofs can be computed again; a store that failed cannot be written to again. */
  if (!problem->retry) {
    kt_log_fail(log, problem);
  }
  return err;
}

void kt_log_store_proofs(struct kt_log *log)
{
  struct kt_log_problem problem;
  (void)kt_log_put_more(log, NULL, 0, &problem);
}
