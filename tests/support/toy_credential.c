/* SPDX-License-Identifier: Apache-2.0 */
#include "toy_credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "algo/algo.h"
#include "toy_naive.h"

#define WRITER_LIMIT ((size_t)1 << 20)

void toy_credential_log(struct toy_log *log)
{
  const struct toy_params params = { .window = 45, .max_ahead = 10, .max_behind = 10 };
  toy_log_init(log, &params);
  for (uint64_t pos = 0; pos < 16; pos++) {
    const struct toy_add add = { .label = TOY_CREDENTIAL_LABEL, .count = pos == 1 || pos == 8 ? 1 : 0 };
    toy_log_append(log, 1000 + 10 * pos, &add, 1);
  }
}

static struct kt_bytes keep(struct kt_writer *w, struct kt_arena *arena)
{
  assert_int_equal(w->err, KT_OK);
  const struct kt_bytes bytes = { kt_arena_copy(arena, w->buf, w->len), w->len };
  assert_non_null(bytes.data);
  kt_writer_release(w);
  return bytes;
}

/* "the fields version, opening, value, and binary_ladder are the same as they would be in a SearchResponse for a
 * greatest-version search", and `search` is that of somebody who retained position+1 entries. */
static void search(struct toy_log *log, uint64_t size, const char *label, uint64_t position, struct kt_arena *arena,
                   struct kt_search_response *ret)
{
  const struct kt_search_request request = { .last = { .present = true, .value = position + 1 },
                                             .label = toy_label(label) };
  const struct kt_optional_u32 greatest = { .present = false };
  struct kt_writer asked;
  struct kt_writer answered;
  kt_writer_init(&asked, WRITER_LIMIT);
  kt_writer_init(&answered, WRITER_LIMIT);
  kt_search_request_write(&asked, &request);
  assert_int_equal(toy_answer(log, size, TOY_SEARCH, keep(&asked, arena), &answered), KT_OK);
  assert_int_equal(kt_search_response_decode(keep(&answered, arena), &log->config, greatest, arena, ret), KT_OK);
}

static void prove_standard(struct toy_log *log, const char *label, struct kt_arena *arena,
                           struct kt_credential *credential)
{
  uint32_t versions[KT_LADDER_MAX];
  struct kt_hash keys[KT_LADDER_MAX];
  size_t n = kt_ladder_base(credential->version, versions);
  for (size_t i = 0; i < n; i++) {
    toy_vrf_output(label, versions[i], &keys[i]);
  }
  assert_int_equal(kt_prefix_prove(&log->source.prefix_nodes, log->prefix_roots[credential->position], keys, n, arena,
                                   &credential->distinguished),
                   KT_OK);
}

void toy_credential_make(struct toy_log *log, uint64_t size, const char *label, uint64_t position,
                         struct kt_arena *arena, struct kt_credential *ret)
{
  struct kt_search_response response;
  uint32_t version;
  search(log, size, label, position, arena, &response);
  bool standard = toy_greatest_at(log, label, position, &version) && version == response.version;
  *ret = (struct kt_credential){
    .label = toy_label(label),
    .version = response.version,
    .opening = response.opening,
    .value = response.value,
    .binary_ladder = response.binary_ladder,
    .n_ladder = response.n_ladder,
    .position = position,
    .type = standard ? KT_CREDENTIAL_STANDARD : KT_CREDENTIAL_PROVISIONAL,
    .tree_head = response.full_tree_head.tree_head,
    .search = response.search,
  };
  if (standard) {
    prove_standard(log, label, arena, ret);
  }
}

struct kt_bytes toy_credential_encode(const struct toy_log *log, const struct kt_credential *credential,
                                      struct kt_arena *arena)
{
  struct kt_writer w;
  kt_writer_init(&w, WRITER_LIMIT);
  kt_credential_write(&w, &log->config, credential);
  return keep(&w, arena);
}

void toy_credential_update(struct toy_log *log, const struct kt_credential_pending *pending, uint64_t distinguished,
                           struct kt_arena *arena, struct kt_combined_proof *ret)
{
  static struct kt_monitor_map maps[2];
  char label[KT_LABEL_MAX + 1] = "";
  struct kt_label_key keys[TOY_KEYS] = { 0 };
  struct kt_label_keys key_set = { .keys = keys, .n = TOY_KEYS };
  struct kt_record *record = kt_arena_alloc(arena, 1, sizeof *record);
  assert_non_null(record);
  memcpy(label, pending->label.data, pending->label.len);
  for (uint32_t version = 0; version < TOY_KEYS; version++) {
    keys[version].version = version;
    toy_vrf_output(label, version, &keys[version].vrf_output);
  }
  maps[0].n = 1;
  maps[0].entries[0] = (struct kt_monitor_map_entry){ .position = pending->terminal, .version = pending->version };
  assert_int_equal(
      kt_record_init(record, &log->config, distinguished + 1, pending->tree->size, &log->source, arena, NULL), KT_OK);
  assert_int_equal(kt_update_view(&record->view), KT_OK);
  if (log->config.mode == KT_MODE_CONTACT_MONITORING) {
    assert_int_equal(kt_contact_monitor(&record->view, &key_set, &maps[0], NULL, &maps[1]), KT_OK);
  }
  assert_int_equal(kt_record_finish(record, 0, ret), KT_OK);
}

struct kt_bytes toy_credential_update_encode(const struct kt_combined_proof *monitor, struct kt_arena *arena)
{
  struct kt_writer w;
  kt_writer_init(&w, WRITER_LIMIT);
  kt_credential_update_write(&w, monitor);
  return keep(&w, arena);
}

void toy_recent_heads(const struct toy_log *log, uint64_t size, struct kt_arena *arena,
                      struct kt_recent_heads *ret_heads)
{
  struct kt_tree_state *heads = kt_arena_alloc(arena, KT_HEADS_MAX, sizeof *heads);
  assert_non_null(heads);
  *ret_heads = (struct kt_recent_heads){ .heads = heads,
                                         .rightmost_ms = log->timestamps[size - 1],
                                         .learned_ms = log->timestamps[size - 1] };
  for (uint64_t pos = size; pos-- > 0 && ret_heads->n < KT_HEADS_MAX;) {
    if (toy_naive_distinguished(log, size, pos) && !toy_naive_expired(log, size, pos)) {
      toy_naive_state(log, pos + 1, &heads[ret_heads->n++]);
    }
  }
  ret_heads->n_recent = ret_heads->n;
}
