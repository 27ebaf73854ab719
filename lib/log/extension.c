/* SPDX-License-Identifier: Apache-2.0 */
#include "log/extension.h"

#include "crypto/hash.h"
#include "tree/log_tree.h"
#include "wire/leaf.h"

enum kt_err kt_log_extend(const struct kt_log_guard *from, const struct kt_log_extension *extension,
                          struct kt_log_guard *ret_to)
{
  struct kt_hash heads[KT_LOG_SUBTREES_MAX] = { 0 };
  struct kt_log_guard to = { .size = extension->size, .timestamp_ms = from->timestamp_ms };
  if (extension->n_added > KT_LOG_ADDED_MAX || extension->size > UINT64_MAX - extension->n_added) {
    return KT_ERR_USAGE;
  }
  for (size_t i = 0; i < (size_t)__builtin_popcountll(to.size); i++) {
    heads[i] = extension->heads[i];
  }
  kt_log_root(to.size, heads, &to.root);
  bool is_same = to.size == from->size && extension->timestamp_ms == from->timestamp_ms;
  if (!is_same || (from->size > 0 && !kt_hash_equal(&to.root, &from->root))) {
    return KT_ERR_CONFLICT;
  }
  for (size_t i = 0; i < extension->n_added; i++) {
    const struct kt_log_added *added = &extension->added[i];
    struct kt_hash leaf;
    /* "users verify that any given timestamp is greater than or equal to all observed timestamps to its left" */
    if (added->timestamp_ms < to.timestamp_ms) {
      return KT_ERR_CONFLICT;
    }
    kt_log_entry_hash(added->timestamp_ms, &added->prefix_root, &leaf);
    (void)kt_log_append(to.size, heads, &leaf);
    to.timestamp_ms = added->timestamp_ms;
    to.size++;
  }
  if (to.size == 0) {
    return KT_ERR_USAGE;
  }
  kt_log_root(to.size, heads, &to.root);
  *ret_to = to;
  return KT_OK;
}
