/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance --emit: owner-update. */
#include "emit.h"

#include <string.h>

static enum kt_err greatest_at(void *ctx, uint64_t pos, bool *ret_exists, uint32_t *ret_version)
{
  const struct emit_log *log = ctx;
  *ret_exists = log->n_versions[pos] > 0;
  *ret_version = *ret_exists ? (uint32_t)log->n_versions[pos] - 1 : 0;
  return KT_OK;
}

static enum kt_err run_update(const struct emit_query *q, struct kt_view *view, struct kt_label_keys *keys)
{
  const struct kt_history history = { .ctx = (void *)(uintptr_t)q->log, .greatest_at = greatest_at };
  bool distinguished;
  return kt_update_label(view, keys, &q->update, &history, &distinguished);
}

static uint64_t added_at(const struct emit_log *log, uint64_t pos)
{
  return log->n_versions[pos] - (pos > 0 ? log->n_versions[pos - 1] : 0);
}

/* The owner who began at `start` and has processed everything up to `position`, which the form describes only where every
 * entry in between added one version. */
static bool describe_owner(const struct emit_log *log, uint64_t start, uint64_t position, json_t **ret_owner,
                           uint64_t *ret_previous_pos)
{
  uint64_t upcoming[EMIT_ENTRIES_MAX];
  size_t n = 0;
  for (uint64_t pos = start + 1; pos < position; pos++) {
    if (added_at(log, pos) > 1) {
      return false;
    }
    if (added_at(log, pos) == 1) {
      upcoming[n++] = pos;
    }
  }
  json_t *owner = json_object();
  emit_set(log->e, owner, "starting", json_integer((json_int_t)start));
  if (log->n_versions[start] > 0) {
    emit_set(log->e, owner, "version_at_starting", json_integer((json_int_t)log->n_versions[start] - 1));
  }
  emit_set(log->e, owner, "upcoming", emit_numbers(upcoming, n));
  *ret_owner = owner;
  *ret_previous_pos = n > 0 ? upcoming[n - 1] : start;
  return true;
}

/* NULL where the form cannot tell. */
static struct emit_query *begin(const struct emit_log *log, const char *world, uint64_t start, uint64_t position)
{
  struct emit *e = log->e;
  uint64_t before = log->n_versions[position - 1];
  uint64_t n_new = added_at(log, position);
  json_t *owner;
  uint64_t previous_pos;
  if (!describe_owner(log, start, position, &owner, &previous_pos)) {
    return NULL;
  }
  struct emit_query *q = conf_alloc(&e->c, 1, sizeof *q);
  *q = (struct emit_query){ .e = e, .log = log, .run = run_update, .keys = "keys" };
  q->update = (struct kt_label_update){ .position = position,
                                        .has_previous = before > 0,
                                        .previous = before > 0 ? (uint32_t)before - 1 : 0,
                                        .previous_pos = previous_pos,
                                        .n_new = (uint32_t)n_new };
  q->name = emit_text(e, "owner-update-%s-start-%d-position-%d", world, (int)start, (int)position);
  q->fields = emit_log_fields(log, "owner-update", q->keys, (uint32_t)(before + n_new - 1));
  emit_set(e, q->fields, "position", json_integer((json_int_t)position));
  emit_set(e, q->fields, "new_versions", json_integer((json_int_t)n_new));
  emit_set(e, q->fields, "owner", owner);
  return q;
}

static void break_update(const struct emit_query *q, const struct conf_world *trace)
{
  emit_break_combined(q, trace);
  emit_reject_field(q->e, q->fields, q->name, "R35", "position-of-the-previous-version", "position",
                    json_integer((json_int_t)q->update.previous_pos));
  json_t *owner = json_deep_copy(json_object_get(q->fields, "owner"));
  emit_set(q->e, owner, "version_at_starting", json_integer(UINT32_MAX));
  emit_set(q->e, owner, "upcoming", json_array());
  emit_reject_field(q->e, q->fields, q->name, "R18", "versions-over-32-bits", "owner", owner);
  emit_reject_field(q->e, q->fields, q->name, "R36", "no-new-version", "new_versions", json_integer(0));
}

/* Every insertion, for the owner who began nearest to it and for the one who began first. */
static void emit_world_updates(struct emit *e, const struct emit_world *world, bool broken)
{
  struct emit_log *log = emit_log(e, world, UINT32_MAX);
  const bool *distinguished = emit_distinguished(log);
  for (uint64_t position = 1; position < log->size; position++) {
    size_t n_starts = 0;
    for (uint64_t start = position; start-- > 0 && added_at(log, position) > 0 && n_starts < 2;) {
      struct emit_query *q = distinguished[start] ? begin(log, world->name, start, position) : NULL;
      if (q != NULL) {
        struct conf_world *trace = emit_honest(q);
        if (broken && n_starts == 0) {
          break_update(q, trace);
        }
        json_decref(q->fields);
        n_starts++;
      }
    }
  }
}

/* The log says that position added what the trees of `really` have elsewhere; it answers until that shows. */
static void reject_really(struct emit *e, const struct emit_world *told, const struct emit_world *really,
                          uint64_t start, uint64_t position, const char *rule, const char *how)
{
  enum kt_err err;
  struct emit_query *q = begin(emit_log(e, told, UINT32_MAX), told->name, start, position);
  conf_require(&e->c, q != NULL, "an owner that cannot be described");
  q->log = emit_log(e, really, UINT32_MAX);
  struct conf_world *trace = emit_trace(q, &err);
  struct kt_combined_proof proof = emit_combined(q->log, trace);
  emit_reject_proof(q, &proof, rule, how);
  json_decref(q->fields);
}

/* Versions 5 and 6 were added by entry 14, version 4 by entry 12. */
static void reject_insertions(struct emit *e)
{
  const struct emit_world *told = emit_world_named(e, "close-together");
  struct emit_world really = *told;
  really.adds[13] = 1;
  really.adds[14] = 1;
  reject_really(e, told, &really, 7, 14, "R40", "version-inserted-before");
  really = *told;
  really.adds[14] = 1;
  reject_really(e, told, &really, 7, 14, "R41", "greatest-version-not-inserted");
  really = *told;
  really.adds[12] = 0;
  really.adds[13] = 1;
  reject_really(e, told, &really, 7, 12, "R41", "inserted-after");
}

void emit_owner_updates(struct emit *e)
{
  for (size_t i = 0; i < EMIT_WORLDS; i++) {
    struct emit_world world = emit_world_at(e, i);
    emit_world_updates(e, &world, i == 1 || i == 4);
  }
  reject_insertions(e);
}
