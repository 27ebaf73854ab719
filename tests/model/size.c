/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of responses, added up from the structures' definitions (draft: User Operations, Tree Proofs). */
#include "model.h"

#define U8 ((size_t)1)
#define U16 ((size_t)2)
#define U32 ((size_t)4)
#define U64 ((size_t)8)
#define NC ((size_t)16)
#define NH ((size_t)MODEL_HASH_LEN)

static size_t full_tree_head(const struct model_run *run, const struct model_format *format)
{
  size_t signature = U16 + format->signature_len;
  size_t tree_head = U64 + signature;
  size_t auditor_tree_head = format->mode == MODEL_THIRD_PARTY_AUDITING ? U64 + U64 + signature : 0;
  return U8 + (run->last == run->size ? 0 : tree_head + auditor_tree_head);
}

static size_t update_suffix(const struct model_format *format)
{
  return format->mode == MODEL_THIRD_PARTY_MANAGEMENT ? U16 + format->signature_len : 0;
}

/* Where there is no value, nothing is signed (ours). */
static size_t empty_suffix(const struct model_format *format)
{
  return format->mode == MODEL_THIRD_PARTY_MANAGEMENT ? U16 : 0;
}

static size_t binary_ladder_step(const struct model_format *format, bool committed)
{
  return format->vrf_proof_len + U8 + (committed ? NH : 0);
}

static size_t prefix_proof(const struct model_run *run, const struct model_series *series)
{
  static struct model_prefix_proof proof;
  struct model_value keys[MODEL_LADDER_MAX];
  const struct model_log *log = run->log;
  for (size_t i = 0; i < series->n; i++) {
    keys[i] = log->keys[series->versions[i]];
  }
  model_prefix_prove(log->leaves, model_leaves_at(log, series->pos), keys, series->n, &proof);
  size_t size = U8 + U16 + NH * proof.n_elements;
  for (size_t i = 0; i < proof.n_results; i++) {
    size += U8 + (proof.results[i].type == MODEL_NON_INCLUSION_LEAF ? NH + NH : 0) + U8;
  }
  return size;
}

size_t model_proof_size(const struct model_run *run)
{
  size_t size = U8 + U64 * run->n_timestamps + U8 + U8 + NH * run->n_prefix_roots + U16 + NH * run->n_inclusion;
  for (size_t i = 0; i < run->n_series; i++) {
    size += prefix_proof(run, &run->series[i]);
  }
  return size;
}

size_t model_search_size(const struct model_run *run, const struct model_format *format, int64_t target,
                         bool version_requested, size_t value_len)
{
  uint32_t ladder[MODEL_LADDER_MAX];
  int64_t greatest = model_greatest_at(run->log, run->size - 1);
  size_t size = full_tree_head(run, format) + (version_requested ? 0 : U32) + NC;
  size += U32 + value_len + U8 + run->proof_size;
  size += target >= 0 && !run->log->skipped[target] ? update_suffix(format) : empty_suffix(format);
  size_t n = model_ladder(target, ladder);
  for (size_t i = 0; i < n; i++) {
    size += binary_ladder_step(format, ladder[i] <= greatest && ladder[i] != target);
  }
  return size;
}

size_t model_monitor_size(const struct model_run *run, const struct model_format *format)
{
  return full_tree_head(run, format) + run->proof_size;
}

size_t model_distinguished_size(const struct model_run *run, const struct model_format *format)
{
  return full_tree_head(run, format) + run->proof_size;
}

size_t model_owner_init_size(const struct model_run *run, const struct model_format *format,
                             const struct model_owner_init *init)
{
  size_t size = full_tree_head(run, format) + U8 + U32 * init->n_greatest_versions + U16 + run->proof_size;
  for (size_t i = 0; i < init->n_ladder; i++) {
    size += binary_ladder_step(format, init->committed[i]);
  }
  return size;
}

size_t model_update_size(const struct model_run *run, const struct model_format *format,
                         const struct model_update *update, const size_t *value_lens, size_t n_values)
{
  size_t size = full_tree_head(run, format) + U64 + (format->mode == MODEL_THIRD_PARTY_MANAGEMENT ? U32 : 0);
  size += U8 + U8 + (update->n_new - update->n_skipped) * (NC + update_suffix(format)) + U8 + run->proof_size;
  for (size_t i = 0; i < n_values; i++) {
    size += U32 + value_lens[i];
  }
  for (size_t i = 0; i < update->n_ladder; i++) {
    size += binary_ladder_step(format, update->committed[i]);
  }
  return size;
}
