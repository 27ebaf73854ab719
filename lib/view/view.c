/* SPDX-License-Identifier: Apache-2.0 */
#include "view/view.h"

#include <string.h>

#include "crypto/hash.h"

#define SECTION "Tree Proofs / Combined Tree"

struct kt_label_key *kt_label_keys_find(const struct kt_label_keys *keys, uint32_t version)
{
  size_t low = 0;
  size_t high = keys->n;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (keys->keys[mid].version == version) {
      return &keys->keys[mid];
    }
    if (keys->keys[mid].version < version) {
      low = mid + 1;
    } else {
      high = mid;
    }
  }
  return NULL;
}

void kt_view_init(struct kt_view *view, const struct kt_config *config, uint64_t size, const struct kt_view_feed *feed,
                  void *feed_ctx, struct kt_arena *arena, struct kt_reason *reason)
{
  *view = (struct kt_view){
    .config = config,
    .size = size,
    .feed = feed,
    .feed_ctx = feed_ctx,
    .arena = arena,
    .reason = reason,
  };
}

/* Index of the first entry at or right of pos. */
static size_t lower_bound(const struct kt_view *view, uint64_t pos)
{
  size_t low = 0;
  size_t high = view->n_entries;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (view->entries[mid].pos < pos) {
      low = mid + 1;
    } else {
      high = mid;
    }
  }
  return low;
}

static struct kt_view_entry *find(const struct kt_view *view, uint64_t pos)
{
  size_t at = lower_bound(view, pos);
  return at < view->n_entries && view->entries[at].pos == pos ? &view->entries[at] : NULL;
}

const struct kt_view_entry *kt_view_find(const struct kt_view *view, uint64_t pos)
{
  return find(view, pos);
}

/* "users verify that any given timestamp is greater than or equal to all observed timestamps to its left" (R8): enough
 * to compare with both neighbours, as all others were compared before. */
static enum kt_err insert(struct kt_view *view, struct kt_view_entry entry)
{
  size_t at = lower_bound(view, entry.pos);
  if ((at > 0 && view->entries[at - 1].timestamp_ms > entry.timestamp_ms) ||
      (at < view->n_entries && view->entries[at].timestamp_ms < entry.timestamp_ms)) {
    return kt_fail_at(view->reason, KT_ERR_PROOF, "timestamp-order", "a log entry's timestamp is below one to its left",
                      SECTION, entry.pos);
  }
  if (view->n_entries == KT_VIEW_ENTRIES_MAX) {
    return kt_fail(view->reason, KT_ERR_LIMIT, "timestamps", "more log entries than a proof can hold", SECTION);
  }
  struct kt_view_entry *entries =
      kt_arena_grow(view->arena, view->entries, view->n_entries, sizeof entry, &view->cap_entries);
  if (entries == NULL) {
    return KT_ERR_MEMORY;
  }
  view->entries = entries;
  memmove(&view->entries[at + 1], &view->entries[at], (view->n_entries - at) * sizeof view->entries[0]);
  view->entries[at] = entry;
  view->n_entries++;
  return KT_OK;
}

enum kt_err kt_view_retain(struct kt_view *view, uint64_t pos, uint64_t timestamp_ms, const struct kt_hash *root)
{
  struct kt_view_entry entry = { .pos = pos, .timestamp_ms = timestamp_ms, .retained = true };
  if (root != NULL) {
    entry.prefix_root = *root;
    entry.has_root = true;
  }
  return insert(view, entry);
}

enum kt_err kt_view_timestamp(struct kt_view *view, uint64_t pos, uint64_t *ret_ms)
{
  const struct kt_view_entry *known = find(view, pos);
  if (known != NULL) {
    *ret_ms = known->timestamp_ms;
    return KT_OK;
  }
  struct kt_view_entry entry = { .pos = pos };
  enum kt_err err = view->feed->timestamp(view->feed_ctx, pos, &entry.timestamp_ms);
  if (err == KT_OK) {
    err = insert(view, entry);
  }
  if (err == KT_OK) {
    *ret_ms = entry.timestamp_ms;
  }
  return err;
}

enum kt_err kt_view_series_begin(struct kt_view *view, uint64_t pos)
{
  uint64_t ms;
  enum kt_err err = kt_view_timestamp(view, pos, &ms);
  if (err == KT_OK) {
    view->series_pos = pos;
    err = view->feed->series_begin(view->feed_ctx, pos);
  }
  return err;
}

enum kt_err kt_view_lookup(struct kt_view *view, struct kt_label_keys *keys, uint32_t version, bool *ret_included)
{
  struct kt_label_key *key = kt_label_keys_find(keys, version);
  if (key == NULL) {
    return kt_fail_at(view->reason, KT_ERR_PROOF, "ladder-key", "a lookup needs a version whose VRF proof is missing",
                      "Binary Ladder", view->series_pos);
  }
  bool included;
  enum kt_err err = view->feed->lookup(view->feed_ctx, key, &included);
  if (err == KT_OK) {
    key->seen_included = key->seen_included || included;
    *ret_included = included;
  }
  return err;
}

enum kt_err kt_view_series_end(struct kt_view *view)
{
  struct kt_hash root;
  enum kt_err err = view->feed->series_end(view->feed_ctx, &root);
  if (err != KT_OK) {
    return err;
  }
  struct kt_view_entry *entry = find(view, view->series_pos);
  if (entry->has_root && !kt_hash_equal(&entry->prefix_root, &root)) {
    /* "users MUST verify that they all produce the same root hash" (R57); "MUST verify that the produced root hash
     * matches their retained prefix tree root hash" (R58). */
    return kt_fail_at(view->reason, KT_ERR_PROOF, entry->retained ? "prefix-root-retained" : "prefix-root-twice",
                      entry->retained ? "a log entry's prefix tree differs from the one seen before"
                                      : "two proofs from one log entry lead to different prefix trees",
                      SECTION, entry->pos);
  }
  entry->prefix_root = root;
  entry->has_root = true;
  return KT_OK;
}

enum kt_err kt_view_more(struct kt_view *view, uint64_t pos, bool *ret_more)
{
  return view->feed->more(view->feed_ctx, pos, ret_more);
}
