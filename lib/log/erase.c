/* SPDX-License-Identifier: Apache-2.0 */
/* Erasure (design: Erasure). Of a label nothing stays but the leaves of the trees: VRF outputs and commitments, which
 * everybody's proofs need and which nobody can read without what was erased. So an erased label is known by the leaf of
 * its version 0 without a row: it is answered 410, and never inserted again, for no version has two leaves. */
#include "log/query.h"
#include "log/vrf.h"

/* Is there a leaf for this VRF output in the tree? */
static enum kt_err tree_has(struct kt_log_nodes *nodes, struct kt_prefix_child root, const struct kt_hash *output,
                            bool *ret_has)
{
  struct kt_hash commitment;
  const struct kt_prefix_nodes source = { .ctx = nodes, .get = kt_log_node_get };
  enum kt_err err = kt_prefix_find(&source, root, output, &commitment);
  *ret_has = err == KT_OK;
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

/* The same in the published head's tree. */
static enum kt_err has_leaf(struct kt_log_reader *reader, const struct kt_log_head *head, const struct kt_hash *output,
                            bool *ret_has)
{
  struct kt_log_nodes nodes;
  struct kt_store_entry entry;
  kt_log_nodes_init(&nodes, reader->conn, &reader->log->cache, NULL);
  enum kt_err err = kt_log_cache_entry(&reader->log->cache, reader->conn, head->size - 1, &entry);
  if (err == KT_OK) {
    const struct kt_prefix_child root = { .ref = entry.prefix_root_ref, .hash = entry.prefix_root };
    return tree_has(&nodes, root, output, ret_has);
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

/* A leaf without a row. The row may have come since the caller looked for it. */
static enum kt_err is_erased(struct kt_log_reader *reader, struct kt_bytes label, const struct kt_hash *output,
                             bool *ret_is)
{
  struct kt_log_head head;
  struct kt_arena scratch;
  struct kt_store_label row;
  bool has = false;
  kt_log_head(reader->log, &head);
  enum kt_err err = has_leaf(reader, &head, output, &has);
  if (err != KT_OK || !has) {
    *ret_is = false;
    return err;
  }
  kt_arena_init(&scratch, KT_ARENA_CAP_DEFAULT);
  err = kt_store_get_label(reader->conn, label, &scratch, &row);
  kt_arena_release(&scratch);
  *ret_is = err == KT_ERR_ABSENT;
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

enum kt_err kt_log_refuse_erased(struct kt_log_reader *reader, struct kt_bytes label, const struct kt_hash *output,
                                 struct kt_log_problem *problem)
{
  struct kt_hash computed;
  bool is = false;
  if (!atomic_load(&reader->log->has_erased_labels)) {
    return KT_OK;
  }
  enum kt_err err = output != NULL ? KT_OK : kt_log_vrf_output(reader->log, label, 0, &computed);
  if (err != KT_OK) {
    return kt_log_refuse(problem, err, "vrf", "a VRF output cannot be made: %s", kt_err_text(err));
  }
  err = is_erased(reader, label, output != NULL ? output : &computed, &is);
  if (err != KT_OK) {
    return kt_log_store_problem(problem, err, reader->conn);
  }
  return is ? kt_log_refuse(problem, KT_ERR_EXPIRED, "erased",
                            "the label was erased by the log's operator; it cannot be registered again, because what "
                            "the log's entries have of it stays")
            : KT_OK;
}

/* The proof is kept for the answer, which for a label that never existed shows just this one. */
enum kt_err kt_log_query_absent(struct kt_log_query *query)
{
  bool has = false;
  if (!atomic_load(&query->reader->log->has_erased_labels)) {
    return KT_OK;
  }
  struct kt_store_new_proof absent = { .version = 0 };
  enum kt_err err = kt_log_vrf_prove(query->reader->log, query->label, &absent, 1);
  if (err != KT_OK) {
    return err;
  }
  query->proofs.proof[0] = absent.proof;
  query->proofs.has[0] = true;
  query->proofs.has[1] = false;
  query->proofs_version = 0;
  query->has_proofs = true;
  err = has_leaf(query->reader, &query->head, &query->proofs.proof[0].output, &has);
  if (err == KT_OK && has) {
    return kt_log_query_refuse(query, KT_ERR_EXPIRED, "erased",
                               "the label and everything of it was erased by the log's operator");
  }
  return err;
}

/* --- in the sequencer --------------------------------------------------------------------------------------------- */

enum kt_err kt_log_find_erased(struct kt_log *log, const struct kt_log_tip *tip, struct kt_bytes label, bool *ret_is)
{
  struct kt_log_nodes nodes;
  struct kt_hash output;
  enum kt_err err = kt_log_vrf_output(log, label, 0, &output);
  kt_log_nodes_init(&nodes, log->writer, &log->cache, log->fresh);
  err = err == KT_OK ? tree_has(&nodes, tip->prefix_root, &output, ret_is) : err;
  log->damaged_ref = nodes.damaged_ref;
  return err;
}

enum kt_err kt_log_erase_version(struct kt_store_conn *writer, uint64_t label_id, uint32_t version)
{
  enum kt_err err = kt_store_erase_version(writer, label_id, version);
  return err == KT_OK ? kt_store_want_wash(writer) : err;
}

void kt_log_wash(struct kt_log *log)
{
  struct kt_log_problem problem;
  if (!kt_store_wash_is_due(log->writer) || atomic_load(&log->is_fatal)) {
    return;
  }
  enum kt_err err = kt_store_wash(log->writer);
  atomic_store(&log->is_wash_due, kt_store_wash_is_due(log->writer));
  if (err == KT_OK || err == KT_ERR_UNDETERMINED) {
    return; /* a reader holds an old state: again in a moment */
  }
  (void)kt_log_store_problem(&problem, err, log->writer);
  if (!problem.retry) {
    kt_log_fail(log, &problem);
  }
}

/* --- the operator's request --------------------------------------------------------------------------------------- */

enum kt_err kt_log_erase(struct kt_log *log, struct kt_bytes label, const uint32_t *version,
                         struct kt_log_erased *ret_erased, struct kt_log_problem *ret_problem)
{
  struct kt_log_pending *pending;
  struct kt_log_outcome outcome;
  enum kt_err err = kt_log_pending_new(KT_LOG_WORK_ERASE, label, &pending, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  pending->n_versions = version != NULL ? *version : KT_LOG_ERASE_ALL;
  kt_log_insert(log, &pending, 1, &outcome);
  if (outcome.err != KT_OK) {
    *ret_problem = outcome.problem;
    return outcome.err;
  }
  *ret_erased = outcome.erased;
  return KT_OK;
}
