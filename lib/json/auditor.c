/* SPDX-License-Identifier: Apache-2.0 */
#include "json/auditor.h"

#include "base/reader.h"
#include "json/proof.h"
#include "wire/audit_head.h"

static json_t *leaf_item(const void *ctx, size_t i)
{
  return kt_json_prefix_leaf((const struct kt_prefix_leaf *)ctx + i);
}

json_t *kt_json_auditor_update(const struct kt_auditor_update *update)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "timestamp_ms", kt_json_u64(update->timestamp));
  kt_json_set(&b, "added", kt_json_array(update->added, update->n_added, leaf_item));
  kt_json_set(&b, "removed", kt_json_array(update->removed, update->n_removed, leaf_item));
  kt_json_set(&b, "proof", kt_json_prefix_proof(&update->proof));
  return kt_json_end(&b);
}

/* n elements of an array, each read from r by `read`; a reader that failed spoils the array. */
static json_t *read_array(struct kt_reader *r, size_t n, json_t *(*read)(struct kt_reader *r))
{
  json_t *array = json_array();
  for (size_t i = 0; array != NULL && r->err == KT_OK && i < n; i++) {
    if (json_array_append_new(array, read(r)) != 0) {
      json_decref(array);
      array = NULL;
    }
  }
  return array;
}

static json_t *read_hash(struct kt_reader *r)
{
  const uint8_t *hash = kt_read_bytes(r, KT_HASH_LEN);
  return hash == NULL ? NULL : kt_json_hex((struct kt_bytes){ hash, KT_HASH_LEN });
}

static json_t *read_frontier_entry(struct kt_reader *r)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "timestamp_ms", kt_json_u64(kt_read_u64(r)));
  kt_json_set(&b, "prefix_root", read_hash(r));
  return kt_json_end(&b);
}

static json_t *read_update(struct kt_reader *r)
{
  struct kt_arena arena;
  struct kt_auditor_update update;
  json_t *view = NULL;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_auditor_update_read(r, &arena, &update);
  if (r->err == KT_OK) {
    view = kt_json_auditor_update(&update);
  }
  kt_arena_release(&arena);
  return view;
}

/* The object, unless the input was not exactly consumed. */
static json_t *end_of_input(struct kt_reader *r, struct kt_json_builder *b)
{
  json_t *object = kt_json_end(b);
  if (kt_reader_end(r) != KT_OK) {
    json_decref(object);
    object = NULL;
  }
  return object;
}

json_t *kt_json_audit_page(struct kt_bytes page)
{
  struct kt_reader r;
  struct kt_json_builder b;
  kt_reader_init(&r, page.data, page.len);
  kt_json_begin(&b);
  uint32_t count = kt_read_u32(&r);
  kt_json_set(&b, "updates", read_array(&r, count, read_update));
  return end_of_input(&r, &b);
}

json_t *kt_json_audit_state(struct kt_bytes state)
{
  struct kt_reader r;
  struct kt_json_builder b;
  kt_reader_init(&r, state.data, state.len);
  kt_json_begin(&b);
  kt_json_set(&b, "size", kt_json_u64(kt_read_u64(&r)));
  size_t n = kt_read_count8(&r, KT_HASH_LEN);
  kt_json_set(&b, "full_subtrees", read_array(&r, n, read_hash));
  n = kt_read_count8(&r, sizeof(uint64_t) + KT_HASH_LEN);
  kt_json_set(&b, "frontier", read_array(&r, n, read_frontier_entry));
  n = kt_read_count16(&r, KT_HASH_LEN);
  kt_json_set(&b, "elements", read_array(&r, n, read_hash));
  return end_of_input(&r, &b);
}

json_t *kt_json_consistency(struct kt_bytes consistency)
{
  struct kt_reader r;
  struct kt_json_builder b;
  kt_reader_init(&r, consistency.data, consistency.len);
  kt_json_begin(&b);
  size_t n = kt_read_count8(&r, KT_HASH_LEN);
  kt_json_set(&b, "full_subtrees", read_array(&r, n, read_hash));
  n = kt_read_count16(&r, KT_HASH_LEN);
  kt_json_set(&b, "elements", read_array(&r, n, read_hash));
  return end_of_input(&r, &b);
}

json_t *kt_json_audit_head(struct kt_bytes audit_head)
{
  struct kt_audit_head head;
  struct kt_json_builder b;
  if (kt_audit_head_decode(audit_head, &head) != KT_OK) {
    return NULL;
  }
  kt_json_begin(&b);
  kt_json_set(&b, "tree_head", kt_json_tree_head(&head.tree_head));
  kt_json_set(&b, "root", kt_json_hash(&head.root));
  kt_json_set(&b, "auditor_tree_head", head.has_auditor ? kt_json_auditor_tree_head(&head.auditor) : json_null());
  return kt_json_end(&b);
}
