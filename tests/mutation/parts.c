/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include "wire/auditor.h"
#include "wire/search.h"
#include "wire/update.h"

struct finder {
  const struct kt_config *config;
  struct kt_reader r;
  const uint8_t *start; /* of the response */
  const uint8_t *at;    /* of the next part */
  struct kt_arena arena;
  struct part *parts;
  size_t n;
};

static void put(struct finder *f, enum part_type type, const uint8_t *from)
{
  if (f->r.err == KT_OK && f->n < PARTS_MAX) {
    f->parts[f->n++] = (struct part){ .type = type, .at = (size_t)(from - f->start), .len = (size_t)(f->r.at - from) };
  }
}

/* What was read since the last part is one. */
static void mark(struct finder *f, enum part_type type)
{
  put(f, type, f->at);
  f->at = f->r.at;
}

static void head(struct finder *f)
{
  struct kt_full_tree_head head;
  kt_full_tree_head_read(&f->r, f->config, &head);
  mark(f, PART_HEAD);
}

static void number(struct finder *f, size_t len)
{
  (void)kt_read_bytes(&f->r, len);
  mark(f, PART_NUMBER);
}

static void opening(struct finder *f)
{
  (void)kt_read_bytes(&f->r, KT_OPENING_LEN);
  mark(f, PART_OPENING);
}

static void value(struct finder *f)
{
  struct kt_update_value value;
  kt_update_value_read(&f->r, f->config, &value);
  mark(f, PART_VALUE);
}

static void ladder(struct finder *f, bool wide)
{
  const size_t min = f->config->suite->vrf_proof_len + 1;
  const size_t n = wide ? kt_read_count16(&f->r, min) : kt_read_count8(&f->r, min);
  for (size_t i = 0; i < n; i++) {
    const uint8_t *from = f->r.at;
    (void)kt_read_bytes(&f->r, min - 1);
    if (kt_read_present(&f->r)) {
      (void)kt_read_bytes(&f->r, KT_HASH_LEN);
    }
    put(f, PART_STEP, from);
  }
  mark(f, PART_LADDER);
}

static void counted(struct finder *f, bool wide, size_t element_len, enum part_type type)
{
  const size_t n = wide ? kt_read_count16(&f->r, element_len) : kt_read_count8(&f->r, element_len);
  (void)kt_read_bytes(&f->r, n * element_len);
  mark(f, type);
}

static void prefix(struct finder *f)
{
  struct kt_prefix_proof proof;
  const uint8_t *from = f->r.at;
  kt_prefix_proof_read(&f->r, &f->arena, &proof);
  put(f, PART_PREFIX, from);
}

static void combined(struct finder *f)
{
  const uint8_t *from = f->r.at;
  counted(f, false, sizeof(uint64_t), PART_TIMES);
  const size_t n = kt_read_count8(&f->r, 1);
  for (size_t i = 0; i < n; i++) {
    prefix(f);
  }
  mark(f, PART_PREFIXES);
  counted(f, false, KT_HASH_LEN, PART_HASHES);
  counted(f, true, KT_HASH_LEN, PART_HASHES);
  put(f, PART_PROOF, from);
}

static void search(struct finder *f, bool fixed)
{
  head(f);
  if (!fixed) {
    number(f, sizeof(uint32_t));
  }
  opening(f);
  value(f);
  ladder(f, false);
  combined(f);
}

static void update(struct finder *f)
{
  const bool managed = f->config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT;
  head(f);
  number(f, sizeof(uint64_t));
  if (managed) {
    number(f, sizeof(uint32_t));
  }
  const size_t n_values = kt_read_count8(&f->r, 1);
  for (size_t i = 0; i < n_values; i++) {
    (void)kt_read_opaque32(&f->r, KT_VALUE_MAX);
  }
  mark(f, PART_VALUES);
  const size_t n_info = kt_read_count8(&f->r, KT_OPENING_LEN);
  for (size_t i = 0; i < n_info; i++) {
    (void)kt_read_bytes(&f->r, KT_OPENING_LEN);
    (void)kt_update_suffix_read(&f->r, f->config);
  }
  mark(f, PART_VALUES);
  ladder(f, false);
  combined(f);
}

static void scene(struct finder *f, const struct toy_query *query)
{
  switch (query->kind) {
  case TOY_SEARCH: search(f, query->version != NULL); break;
  case TOY_UPDATE: update(f); break;
  case TOY_OWNER_INIT:
    head(f);
    counted(f, false, sizeof(uint32_t), PART_VALUES);
    ladder(f, true);
    combined(f);
    break;
  case TOY_CONTACT:
  case TOY_OWNER_MONITOR:
  case TOY_DISTINGUISHED:
    head(f);
    combined(f);
    break;
  }
}

static void credential(struct finder *f)
{
  struct kt_tree_head tree_head;
  (void)kt_read_opaque8(&f->r);
  mark(f, PART_LABEL);
  number(f, sizeof(uint32_t));
  opening(f);
  value(f);
  ladder(f, false);
  number(f, sizeof(uint64_t));
  if (kt_read_u8(&f->r) == 1) {
    prefix(f);
    return;
  }
  kt_tree_head_read(&f->r, &tree_head);
  mark(f, PART_HEAD);
  combined(f);
}

static void audit_state(struct finder *f)
{
  number(f, sizeof(uint64_t));
  counted(f, false, KT_HASH_LEN, PART_HASHES);
  counted(f, false, sizeof(uint64_t) + KT_HASH_LEN, PART_TIMES);
  counted(f, true, KT_HASH_LEN, PART_HASHES);
}

size_t parts_find(const struct kt_config *config, const struct toy_question *question,
                  struct part ret_parts[static PARTS_MAX])
{
  const struct kt_bytes response = question->response;
  struct finder f = { .config = config, .start = response.data, .at = response.data, .parts = ret_parts };
  kt_reader_init(&f.r, response.data, response.len);
  kt_arena_init(&f.arena, KT_ARENA_CAP_DEFAULT);
  switch (question->kind) {
  case TOY_ASKS_SCENE: scene(&f, &question->scene->query); break;
  case TOY_ASKS_CREDENTIAL: credential(&f); break;
  case TOY_ASKS_CREDENTIAL_UPDATE: combined(&f); break;
  case TOY_ASKS_AUDIT_STEP:
    number(&f, sizeof(uint64_t));
    counted(&f, true, 2 * KT_HASH_LEN, PART_LEAVES);
    counted(&f, true, 2 * KT_HASH_LEN, PART_LEAVES);
    prefix(&f);
    break;
  case TOY_ASKS_CONSISTENCY:
    counted(&f, false, KT_HASH_LEN, PART_HASHES);
    counted(&f, true, KT_HASH_LEN, PART_HASHES);
    break;
  case TOY_ASKS_AUDIT_STATE: audit_state(&f); break;
  }
  kt_arena_release(&f.arena);
  return kt_reader_end(&f.r) == KT_OK ? f.n : 0;
}
