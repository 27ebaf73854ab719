/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Tree Proofs / Combined Tree; Updating Views of the Tree / Algorithm. */
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* "The first time an algorithm requires the timestamp of a given log entry, the next element of timestamps is consumed";
 * "the timestamps of log entries that the user is expected to have retained … are never present". */
uint64_t model_timestamp(struct model_run *run, uint64_t pos)
{
  bool known = run->retained[pos];
  for (size_t i = 0; i < run->n_timestamps; i++) {
    known = known || run->timestamps[i] == pos;
  }
  if (!known) {
    run->timestamps[run->n_timestamps++] = pos;
  }
  return run->log->timestamps[pos];
}

static struct model_series *begin_series(struct model_run *run, uint64_t pos)
{
  if (run->n_series == MODEL_SERIES_MAX) {
    abort();
  }
  /* "For others, both the timestamp and a PrefixProof from the log entry's prefix tree are needed." */
  (void)model_timestamp(run, pos);
  struct model_series *series = &run->series[run->n_series++];
  series->pos = pos;
  series->n = 0;
  return series;
}

void model_lookups(struct model_run *run, uint64_t pos, const uint32_t *versions, size_t n)
{
  struct model_series *series = begin_series(run, pos);
  memcpy(series->versions, versions, n * sizeof *versions);
  series->n = n;
}

/* "any versions where another inclusion proof for the same version was already provided in the same query response for
 * a log entry to the left. Similarly, … another non-inclusion proof … for a log entry to the right." */
static bool is_redundant(const struct model_run *run, uint64_t pos, uint32_t version)
{
  for (size_t i = 0; i < run->n_provided; i++) {
    const struct model_provided *provided = &run->provided[i];
    if (provided->version == version && (provided->included ? provided->pos < pos : provided->pos > pos)) {
      return true;
    }
  }
  return false;
}

void model_look_search(struct model_run *run, uint64_t pos, uint32_t target, bool omit, bool given)
{
  uint32_t ladder[MODEL_LADDER_MAX];
  uint32_t wanted[MODEL_LADDER_MAX];
  size_t n_wanted = 0;
  int64_t greatest = model_greatest_at(run->log, pos);
  size_t n = model_search_ladder(target, greatest, ladder);
  for (size_t i = 0; i < n; i++) {
    if (!omit || !is_redundant(run, pos, ladder[i])) {
      wanted[n_wanted++] = ladder[i];
    }
  }
  if (given) {
    model_lookups(run, pos, wanted, n_wanted);
  }
  for (size_t i = 0; i < n_wanted; i++) {
    if (run->n_provided == sizeof run->provided / sizeof run->provided[0]) {
      abort();
    }
    run->provided[run->n_provided++] =
        (struct model_provided){ .pos = pos, .version = wanted[i], .included = wanted[i] <= greatest };
  }
}

int model_indicates(const struct model_run *run, uint64_t pos, uint32_t target)
{
  int64_t greatest = model_greatest_at(run->log, pos);
  return (greatest > target) - (greatest < target);
}

size_t model_direct_path(const struct model_bst *bst, uint64_t pos, uint64_t ret_path[static MODEL_ENTRIES_MAX])
{
  size_t n = 0;
  for (pos = bst->parent[pos]; pos != MODEL_NONE; pos = bst->parent[pos]) {
    ret_path[n++] = pos;
  }
  return n;
}

void model_path_timestamps(struct model_run *run, uint64_t pos)
{
  uint64_t path[MODEL_ENTRIES_MAX];
  size_t n = model_direct_path(&run->bst, pos, path);
  while (n > 0 && run->distinguished[path[n - 1]]) {
    (void)model_timestamp(run, path[--n]);
  }
}

uint64_t model_rightmost_distinguished(const struct model_run *run)
{
  uint64_t rightmost = MODEL_NONE;
  for (uint64_t pos = 0; pos < run->size; pos++) {
    if (run->distinguished[pos]) {
      rightmost = pos;
    }
  }
  return rightmost;
}

/* "Starting from this frontier log entry, compute the remainder of the frontier." */
static void rest_of_frontier(struct model_run *run, uint64_t pos)
{
  for (pos = run->bst.right[pos]; pos != MODEL_NONE; pos = run->bst.right[pos]) {
    (void)model_timestamp(run, pos);
  }
}

static void update_view(struct model_run *run)
{
  if (run->last == 0) {
    (void)model_timestamp(run, run->bst.root);
    rest_of_frontier(run, run->bst.root);
    return;
  }
  uint64_t path[MODEL_ENTRIES_MAX];
  uint64_t on_frontier = run->last - 1;
  size_t n = model_direct_path(&run->bst, run->last - 1, path);
  for (size_t i = 0; i < n; i++) { /* parent first: ancestors on the right ascend */
    if (path[i] >= run->last) {
      on_frontier = path[i];
      (void)model_timestamp(run, path[i]);
    }
  }
  rest_of_frontier(run, on_frontier);
}

void model_run_begin(struct model_run *run, const struct model_log *log, uint64_t size, uint64_t last)
{
  uint64_t frontier[MODEL_ENTRIES_MAX];
  run->log = log;
  run->size = size;
  run->last = last;
  run->n_timestamps = run->n_series = run->n_provided = 0;
  model_bst_build(size, &run->bst);
  model_distinguished(log, size, run->distinguished);
  memset(run->retained, 0, sizeof run->retained);
  size_t n = last > 0 ? model_frontier(last, frontier) : 0;
  for (size_t i = 0; i < n; i++) {
    run->retained[frontier[i]] = true;
  }
  for (uint64_t pos = 0; pos < size; pos++) {
    run->expired[pos] = log->lifetime > 0 && log->timestamps[size - 1] - log->timestamps[pos] >= log->lifetime;
  }
  update_view(run);
}

void model_run_finish(struct model_run *run, uint64_t auditor)
{
  struct model_log_request request = { .size = run->size, .retained = run->last, .auditor = auditor };
  run->n_prefix_roots = 0;
  for (size_t i = 0; i < run->n_timestamps; i++) {
    request.proven[run->timestamps[i]] = true;
  }
  for (uint64_t pos = 0; pos < run->size; pos++) {
    bool has_series = false;
    for (size_t i = 0; i < run->n_series; i++) {
      has_series = has_series || run->series[i].pos == pos;
    }
    if (request.proven[pos] && !has_series) {
      run->prefix_roots[run->n_prefix_roots++] = pos;
    }
  }
  run->n_inclusion = model_log_elements(&request, run->inclusion);
  run->proof_size = model_proof_size(run);
}
