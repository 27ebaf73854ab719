/* SPDX-License-Identifier: Apache-2.0 */
/* The trees as the store keeps them. */
#include <string.h>

#include "base/reader.h"
#include "log/engine.h"

_Static_assert(KT_LOG_NODE_LEN == 1 + 2 * (8 + KT_HASH_LEN) && KT_LOG_NODE_LEN >= 1 + KT_STORE_LEAF_LEN, "a node fits");
_Static_assert(sizeof(struct kt_prefix_leaf) == KT_STORE_LEAF_LEN, "leaves are stored as they are");

enum record_type { RECORD_PARENT, RECORD_LEAF };

void kt_log_node_encode(const struct kt_prefix_node *node, uint8_t ret_record[static KT_LOG_NODE_LEN])
{
  struct kt_writer w;
  memset(ret_record, 0, KT_LOG_NODE_LEN);
  kt_writer_init_fixed(&w, ret_record, KT_LOG_NODE_LEN);
  kt_write_u8(&w, node->is_leaf ? RECORD_LEAF : RECORD_PARENT);
  if (node->is_leaf) {
    kt_prefix_leaf_write(&w, &node->leaf);
    return;
  }
  for (size_t i = 0; i < 2; i++) {
    kt_write_u64(&w, node->child[i].ref);
    kt_write_bytes(&w, node->child[i].hash.b, KT_HASH_LEN);
  }
}

enum kt_err kt_log_node_decode(const uint8_t record[static KT_LOG_NODE_LEN], struct kt_prefix_node *ret_node)
{
  struct kt_reader r;
  struct kt_prefix_node node = { .is_leaf = record[0] == RECORD_LEAF };
  if (record[0] > RECORD_LEAF) {
    return KT_ERR_STORE;
  }
  kt_reader_init(&r, record + 1, KT_LOG_NODE_LEN - 1);
  if (node.is_leaf) {
    kt_prefix_leaf_read(&r, &node.leaf);
  }
  for (size_t i = 0; i < 2 && !node.is_leaf; i++) {
    node.child[i].ref = kt_read_u64(&r);
    memcpy(node.child[i].hash.b, kt_read_bytes(&r, KT_HASH_LEN), KT_HASH_LEN);
  }
  *ret_node = node;
  return KT_OK;
}

enum kt_err kt_log_node_get(void *conn, uint64_t ref, struct kt_prefix_node *ret_node)
{
  uint8_t record[KT_LOG_NODE_LEN];
  if (ref == KT_STORE_REF_PRUNED) {
    return KT_ERR_EXPIRED;
  }
  enum kt_err err = kt_store_get_node(conn, ref, record);
  if (err == KT_OK) {
    err = kt_log_node_decode(record, ret_node);
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

enum kt_err kt_log_prefix_root(struct kt_store_conn *conn, uint64_t n_entries, struct kt_prefix_child *ret_root)
{
  if (n_entries == 0) {
    *ret_root = (struct kt_prefix_child){ 0 };
    return KT_OK;
  }
  struct kt_store_entry entry;
  enum kt_err err = kt_store_get_entry(conn, n_entries - 1, &entry);
  if (err == KT_OK) {
    *ret_root = (struct kt_prefix_child){ .ref = entry.prefix_root_ref, .hash = entry.prefix_root };
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

enum kt_err kt_log_heads_at(struct kt_store_conn *conn, uint64_t size,
                            struct kt_hash ret_heads[static KT_LOG_SUBTREES_MAX])
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  size_t n = kt_log_full_subtrees(size, nodes);
  for (size_t i = 0; i < n; i++) {
    enum kt_err err = kt_store_get_log_node(conn, nodes[i].start, nodes[i].level, &heads[i]);
    if (err != KT_OK) {
      return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
    }
  }
  memcpy(ret_heads, heads, n * sizeof heads[0]);
  return KT_OK;
}
