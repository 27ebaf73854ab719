/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance --emit: combined-search, in its three operations. */
#include "emit.h"

#include <string.h>

static enum kt_err run_greatest(const struct emit_query *q, struct kt_view *view, struct kt_label_keys *keys)
{
  struct kt_found found;
  return kt_greatest_search(view, keys, q->target, false, &found);
}

static enum kt_err run_fixed(const struct emit_query *q, struct kt_view *view, struct kt_label_keys *keys)
{
  struct kt_found found;
  return kt_fixed_search(view, keys, q->target, &found);
}

static enum kt_err run_contact(const struct emit_query *q, struct kt_view *view, struct kt_label_keys *keys)
{
  struct kt_monitor_map moved;
  return kt_contact_monitor(view, keys, &q->map, NULL, &moved);
}

static struct emit_query *begin(const struct emit_log *log, emit_algorithm run, const char *operation, uint32_t target)
{
  struct emit *e = log->e;
  struct emit_query *q = conf_alloc(&e->c, 1, sizeof *q);
  *q = (struct emit_query){ .e = e, .log = log, .run = run, .target = target, .keys = "versions" };
  q->fields = emit_log_fields(log, "combined-search", q->keys, target);
  emit_set(e, q->fields, "operation", json_string(operation));
  emit_set(e, q->fields, "greatest", json_integer(target));
  return q;
}

/* A case whose proof is the one for `believed`, from the trees of the query's log. */
static struct kt_combined_proof proof_believing(const struct emit_query *q, const uint64_t *believed)
{
  struct emit_log *log = conf_alloc(&q->e->c, 1, sizeof *log);
  struct emit_query *other = conf_alloc(&q->e->c, 1, sizeof *other);
  enum kt_err err;
  *log = *q->log;
  memcpy(log->n_versions, believed, sizeof log->n_versions);
  *other = *q;
  other->log = log;
  struct conf_world *trace = emit_trace(other, &err);
  return emit_combined(log, trace);
}

/* --- greatest-version ------------------------------------------------------------------------------------------------------ */

static uint32_t greatest_of(const struct emit_log *log)
{
  return (uint32_t)log->n_versions[log->size - 1] - 1;
}

/* Every lookup of the hidden version, the last one of its ladder, answered with its own leaf as the one that is there
 * instead: all values are true. */
static void deny_version(struct emit *e, const struct emit_log *log, struct kt_combined_proof *proof, uint32_t hidden)
{
  struct kt_prefix_proof *proofs = conf_alloc(&e->c, proof->n_prefix_proofs, sizeof *proofs);
  const struct kt_prefix_leaf leaf = { log->keys[hidden], log->commitments[hidden] };
  memcpy(proofs, proof->prefix_proofs, proof->n_prefix_proofs * sizeof *proofs);
  for (size_t i = 0; i < proof->n_prefix_proofs; i++) {
    struct kt_prefix_result *results = emit_results(e, &proofs[i], 0);
    struct kt_prefix_result *last = &results[proofs[i].n_results - 1];
    if (last->type == KT_PREFIX_INCLUSION) {
      last->type = KT_PREFIX_NON_INCLUSION_LEAF;
      last->leaf = leaf;
    }
    proofs[i].results = results;
  }
  proof->prefix_proofs = proofs;
}

/* The log claims that its greatest version is another one than the trees have. */
static void reject_claims(const struct emit_log *log, const char *name)
{
  uint32_t greatest = greatest_of(log);
  uint64_t believed[EMIT_ENTRIES_MAX] = { 0 };
  struct emit_query *q = begin(log, run_greatest, "greatest-version", greatest + 1);
  q->name = name;
  struct kt_combined_proof proof = proof_believing(q, log->n_versions);
  emit_reject_proof(q, &proof, "R21", "claimed-version-missing");
  json_decref(q->fields);
  if (greatest == 0) {
    return;
  }
  for (uint64_t pos = 0; pos < log->size; pos++) {
    believed[pos] = log->n_versions[pos] < greatest ? log->n_versions[pos] : greatest;
  }
  q = begin(log, run_greatest, "greatest-version", greatest - 1);
  q->name = name;
  proof = proof_believing(q, believed);
  emit_reject_proof(q, &proof, "R20", "greater-version-shown");
  json_decref(q->fields);
}

/* A log whose greatest version is 1, which it denies: ladders for 0 end with the lookup of 1. */
static void reject_hidden(struct emit *e)
{
  const struct emit_world world = { "two-versions", 6, 1, { 1, 0, 0, 1, 0, 0 } };
  struct emit_log *log = emit_log(e, &world, UINT32_MAX);
  uint64_t believed[EMIT_ENTRIES_MAX] = { 1, 1, 1, 1, 1, 1 };
  struct emit_query *q = begin(log, run_greatest, "greatest-version", 1);
  q->name = "combined-greatest-two-versions";
  (void)emit_honest(q);
  json_decref(q->fields);
  q = begin(log, run_greatest, "greatest-version", 0);
  q->name = "combined-greatest-two-versions";
  struct kt_combined_proof proof = proof_believing(q, believed);
  deny_version(e, log, &proof, 1);
  emit_reject_proof(q, &proof, "R53", "hidden-version-denied-with-its-own-leaf");
  json_decref(q->fields);
}

static void emit_greatest(const struct emit_log *log, const char *world, bool broken)
{
  struct emit_query *q = begin(log, run_greatest, "greatest-version", greatest_of(log));
  q->name = emit_text(log->e, "combined-greatest-%s", world);
  struct conf_world *trace = emit_honest(q);
  if (broken) {
    emit_break_combined(q, trace);
  }
  reject_claims(log, q->name);
  json_decref(q->fields);
}

/* --- fixed-version ------------------------------------------------------------------------------------------------------------ */

/* Whether the target is looked up in a second proof at the end, and only there. */
static bool is_found_between(const struct conf_world *trace, uint32_t target)
{
  bool second = false;
  for (size_t i = 0; i + 1 < trace->n_series; i++) {
    second = second || trace->series[i].pos == trace->series[trace->n_series - 1].pos;
  }
  for (size_t i = 0; i + 1 < trace->n_lookups; i++) {
    second = second && trace->lookups[i].version != target;
  }
  return second;
}

/* A version that was skipped: entries go from below it to above it, and it is in none. */
static void reject_skipped(const struct emit_query *q, const struct emit_world *world)
{
  enum kt_err err;
  struct emit_log *log = emit_log(q->e, world, q->target);
  struct conf_world *trace = emit_trace(q, &err);
  struct kt_combined_proof proof = emit_combined(log, trace);
  emit_reject_proof(q, &proof, "R26", "version-skipped");
}

static void emit_fixed(const struct emit_log *log, const struct emit_world *world, uint32_t target, bool broken)
{
  struct emit_query *q = begin(log, run_fixed, "fixed-version", target);
  q->name = emit_text(log->e, "combined-fixed-%s-version-%u", world->name, (unsigned)target);
  struct conf_world *trace = emit_honest(q);
  if (is_found_between(trace, target)) {
    reject_skipped(q, world);
  }
  if (broken) {
    emit_break_combined(q, trace);
  }
  json_decref(q->fields);
}

static void reject_above(const struct emit_log *log, const char *world)
{
  uint32_t target = greatest_of(log) + 1;
  struct emit_query *q = begin(log, run_fixed, "fixed-version", target);
  q->name = emit_text(log->e, "combined-fixed-%s-version-%u", world, (unsigned)target);
  struct kt_combined_proof proof = proof_believing(q, log->n_versions);
  emit_reject_proof(q, &proof, "R22", "above-the-greatest");
  json_decref(q->fields);
}

/* --- contact-monitor ------------------------------------------------------------------------------------------------------------- */

static struct emit_query *begin_contact(const struct emit_log *log, const char *world,
                                        const struct kt_monitor_map_entry *entries, size_t n)
{
  struct emit *e = log->e;
  json_t *map = json_array();
  uint32_t greatest = 0;
  const char *name = emit_text(e, "combined-contact-%s", world);
  for (size_t i = 0; i < n; i++) {
    json_t *entry = json_object();
    emit_set(e, entry, "position", json_integer((json_int_t)entries[i].position));
    emit_set(e, entry, "version", json_integer(entries[i].version));
    json_array_append_new(map, entry);
    greatest = entries[i].version > greatest ? entries[i].version : greatest;
    name = emit_text(e, "%s-%d", name, (int)entries[i].position);
  }
  struct emit_query *q = begin(log, run_contact, "contact-monitor", greatest);
  q->name = name;
  q->map.n = n;
  memcpy(q->map.entries, entries, n * sizeof *entries);
  emit_set(e, q->fields, "map", map);
  return q;
}

/* Every version where it was added, alone and with the next one. */
static void emit_contacts(const struct emit_log *log, const char *world)
{
  struct kt_monitor_map_entry entries[EMIT_ENTRIES_MAX];
  size_t n = 0;
  for (uint64_t pos = 0; pos < log->size; pos++) {
    if (log->n_versions[pos] > (pos > 0 ? log->n_versions[pos - 1] : 0)) {
      entries[n++] = (struct kt_monitor_map_entry){ pos, (uint32_t)log->n_versions[pos] - 1 };
    }
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t count = 1; count <= 2 && i + count <= n; count++) {
      struct emit_query *q = begin_contact(log, world, &entries[i], count);
      (void)emit_honest(q);
      json_decref(q->fields);
    }
  }
}

/* The last ladder comes from the tree of entry 0, as if what was added since were gone. */
static void reject_rolled_back(const struct emit_query *q, const struct conf_world *trace)
{
  struct kt_combined_proof proof = emit_combined(q->log, trace);
  size_t last = trace->n_series - 1;
  struct kt_hash keys[EMIT_VERSIONS_MAX];
  struct kt_prefix_proof *proofs = conf_alloc(&q->e->c, trace->n_series, sizeof *proofs);
  for (size_t i = 0; i < trace->series[last].n; i++) {
    keys[i] = q->log->keys[trace->lookups[trace->series[last].first + i].version];
  }
  memcpy(proofs, proof.prefix_proofs, trace->n_series * sizeof *proofs);
  proofs[last] = emit_prove(q->e, q->log->trees[0], keys, trace->series[last].n);
  proof.prefix_proofs = proofs;
  emit_reject_proof(q, &proof, "R27", "rolled-back");
}

/* The last entry is not inspected; its root is given instead, so that everything adds up. */
static void reject_dropped(const struct emit_query *q, const struct conf_world *trace)
{
  struct conf_world *shorter = conf_alloc(&q->e->c, 1, sizeof *shorter);
  *shorter = *trace;
  shorter->n_series--;
  struct kt_combined_proof proof = emit_combined(q->log, shorter);
  emit_reject_proof(q, &proof, "R29", "obligation-dropped");
}

/* Versions 2 and 3 were added in entries 8 and 10, whose paths meet in 11. */
static void break_contacts(struct emit *e)
{
  const struct emit_world *world = emit_world_named(e, "close-together");
  struct emit_log *log = emit_log(e, world, UINT32_MAX);
  static const struct kt_monitor_map_entry ordered[] = { { 8, 2 }, { 10, 3 } };
  static const struct kt_monitor_map_entry equal[] = { { 8, 2 }, { 10, 2 } };
  for (size_t n = 1; n <= 2; n++) {
    enum kt_err err;
    struct emit_query *q = begin_contact(log, world->name, ordered, n);
    struct conf_world *trace = emit_trace(q, &err);
    struct kt_combined_proof proof = emit_combined(log, trace);
    emit_set(e, q->fields, "proof", emit_hex(e, emit_combined_encoding(e, &proof)));
    emit_break_combined(q, trace);
    reject_rolled_back(q, trace);
    reject_dropped(q, trace);
    json_decref(q->fields);
  }
  struct emit_query *q = begin_contact(log, world->name, equal, 2);
  struct kt_combined_proof proof = proof_believing(q, log->n_versions);
  emit_reject_proof(q, &proof, "R28", "later-entry-with-no-greater-version");
  json_decref(q->fields);
}

void emit_searches(struct emit *e)
{
  for (size_t i = 0; i < EMIT_WORLDS; i++) {
    struct emit_world world = emit_world_at(e, i);
    struct emit_log *log = emit_log(e, &world, UINT32_MAX);
    uint32_t greatest = greatest_of(log);
    bool broken = i == 2 || i == 4;
    emit_greatest(log, world.name, broken);
    for (uint32_t target = 0; target <= greatest; target++) {
      emit_fixed(log, &world, target, broken && (target == 1 || target == 2));
    }
    reject_above(log, world.name);
    emit_contacts(log, world.name);
  }
  reject_hidden(e);
  break_contacts(e);
}
