/* SPDX-License-Identifier: Apache-2.0 */
/* VRF proofs ahead of lookups. The expensive part needs a reader only, so that any number of threads can share the
 * labels. */
#include "log/query.h"
#include "log/vrf.h"
#include "tree/ladder.h"

/* A list that grows in the caller's arena. */
struct proofs {
  struct kt_arena *arena;
  struct kt_store_new_proof *list;
  size_t n;
  size_t cap;
};

/* A label whose proofs are missing, copied: they are computed when nothing is held open in the store any more. */
struct unproved {
  uint64_t label_id;
  struct kt_bytes label;
  uint32_t greatest;
  size_t first; /* of its proofs in the list, which have no proof yet */
  size_t end;
};

static enum kt_err add_missing(struct proofs *proofs, uint64_t label_id, uint32_t version)
{
  struct kt_store_new_proof *list = kt_arena_grow(proofs->arena, proofs->list, proofs->n, sizeof *list, &proofs->cap);
  if (list == NULL) {
    return KT_ERR_MEMORY;
  }
  proofs->list = list;
  proofs->list[proofs->n++] = (struct kt_store_new_proof){ .label_id = label_id, .version = version };
  return KT_OK;
}

/* Those of the greatest version's ladder, "versions that don't exist" included, which are not stored. */
static enum kt_err look_at_label(struct kt_log_reader *reader, const struct unproved *label, struct proofs *proofs)
{
  uint32_t versions[KT_LADDER_MAX];
  size_t n = kt_ladder_base(label->greatest, versions);
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    struct kt_store_proof_pair pair = { .has = { false } };
    err = kt_store_get_proofs(reader->conn, label->label_id, versions[i], &pair);
    if ((err == KT_OK || err == KT_ERR_ABSENT) && !pair.has[versions[i] % 2]) {
      err = add_missing(proofs, label->label_id, versions[i]);
    } else {
      err = err == KT_ERR_ABSENT ? KT_OK : err;
    }
  }
  return err;
}

/* Labels `first` to `end` that have versions, and what is missing of each. */
static enum kt_err look(struct kt_log_reader *reader, uint64_t first, uint64_t end, struct unproved *labels,
                        struct proofs *proofs, struct kt_log_proved *ret)
{
  uint64_t before = first - 1;
  for (;;) {
    struct kt_store_label row;
    enum kt_err err = kt_store_next_label(reader->conn, before, proofs->arena, &row);
    if (err != KT_OK || row.label_id >= end) {
      return err == KT_ERR_ABSENT ? KT_OK : err;
    }
    before = row.label_id;
    if (row.n_versions == 0) {
      continue;
    }
    struct unproved *label = &labels[ret->n_labels++];
    *label = (struct unproved){
      .label_id = row.label_id, .label = row.label, .greatest = (uint32_t)(row.n_versions - 1), .first = proofs->n
    };
    err = look_at_label(reader, label, proofs);
    label->end = proofs->n;
    if (err != KT_OK) {
      return err;
    }
  }
}

static enum kt_err compute(const struct kt_log *log, const struct unproved *label, struct kt_store_new_proof *list)
{
  enum kt_err err = kt_log_vrf_prove(log, label->label, &list[label->first], label->end - label->first);
  for (size_t i = label->first; i < label->end; i++) {
    list[i].proof.has_output = list[i].version > label->greatest; /* otherwise its leaf has it */
  }
  return err;
}

enum kt_err kt_log_prove(struct kt_log_reader *reader, uint64_t first, size_t n, struct kt_arena *arena,
                         struct kt_log_proved *ret_proved, struct kt_log_problem *ret_problem)
{
  struct kt_log_proved proved = { .n_labels = 0 };
  struct proofs proofs = { .arena = arena };
  struct unproved *labels = kt_arena_alloc(arena, n, sizeof *labels);
  enum kt_err err = labels != NULL ? kt_log_read_begin(reader, ret_problem) : KT_ERR_MEMORY;
  if (err == KT_OK) {
    err = look(reader, first, first + n, labels, &proofs, &proved);
    kt_log_read_end(reader);
  }
  for (size_t i = 0; err == KT_OK && proofs.n > 0 && i < proved.n_labels; i++) {
    err = compute(reader->log, &labels[i], proofs.list);
  }
  if (err == KT_ERR_MEMORY) {
    return kt_log_refuse(ret_problem, err, "memory", "out of memory for the VRF proofs of %zu labels", n);
  }
  if (err != KT_OK) {
    return kt_log_store_problem(ret_problem, err, reader->conn);
  }
  proved.list = proofs.list;
  proved.n = proofs.n;
  *ret_proved = proved;
  return KT_OK;
}

enum kt_err kt_log_put_proofs(struct kt_log *log, const struct kt_log_proved *proved,
                              struct kt_log_problem *ret_problem)
{
  if (log->options.read_only) {
    return kt_log_refuse(ret_problem, KT_ERR_CONFLICT, "read-only", "the log is read only: nothing can be stored");
  }
  pthread_mutex_lock(&log->round_lock);
  enum kt_err err = kt_log_put_more(log, proved->list, proved->n, ret_problem);
  if (err == KT_OK) {
    err = kt_log_maintain(log, false, ret_problem);
  }
  pthread_mutex_unlock(&log->round_lock);
  return err;
}

enum kt_err kt_log_last_label(struct kt_log_reader *reader, uint64_t *ret_label_id, struct kt_log_problem *ret_problem)
{
  uint64_t low = 0; /* some label's number, or 0 */
  uint64_t high = KT_STORE_LABEL_ID_MAX;
  while (low < high) {
    struct kt_arena arena;
    struct kt_store_label row;
    uint64_t middle = low + (high - low) / 2;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    enum kt_err err = kt_store_next_label(reader->conn, middle, &arena, &row);
    kt_arena_release(&arena);
    if (err == KT_OK) {
      low = row.label_id;
    } else if (err == KT_ERR_ABSENT) {
      high = middle;
    } else {
      return kt_log_store_problem(ret_problem, err, reader->conn);
    }
  }
  *ret_label_id = low;
  return KT_OK;
}
