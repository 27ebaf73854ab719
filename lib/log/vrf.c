/* SPDX-License-Identifier: Apache-2.0 */
#include "log/vrf.h"

#include "wire/leaf.h"

_Static_assert(KT_STORE_PROOF_MAX >= KT_VRF_PROOF_MAX, "every suite's proof can be stored");

enum kt_err kt_log_vrf_prove(const struct kt_log *log, struct kt_bytes label, uint32_t version,
                             struct kt_store_proof *ret_proof)
{
  const struct kt_suite *suite = log->options.config->suite;
  uint8_t input[KT_VRF_INPUT_MAX];
  const struct kt_bytes alpha = { input, kt_vrf_input(label, version, input) };
  struct kt_store_proof proof = { .has_output = true, .len = suite->vrf_proof_len };
  enum kt_err err = suite->vrf_prove(log->options.vrf_key, alpha, proof.proof, &proof.output);
  if (err == KT_OK) {
    *ret_proof = proof;
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

enum kt_err kt_log_vrf_lookup(const struct kt_log *log, struct kt_store_conn *conn, uint64_t label_id,
                              struct kt_bytes label, uint32_t version, struct kt_store_proof *ret_proof,
                              bool *ret_cached)
{
  enum kt_err err = label_id != 0 ? kt_store_get_proof(conn, label_id, version, ret_proof) : KT_ERR_ABSENT;
  if (ret_cached != NULL) {
    *ret_cached = err == KT_OK;
  }
  return err == KT_ERR_ABSENT ? kt_log_vrf_prove(log, label, version, ret_proof) : err;
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
