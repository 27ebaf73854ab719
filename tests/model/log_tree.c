/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Tree Construction / Log Tree, Cryptographic Computations / Log Tree, Tree Proofs / Log Tree. */
#include <string.h>

#include <sodium.h>

#include "model.h"

void model_hash(const uint8_t *data, size_t len, struct model_value *ret_value)
{
  crypto_hash_sha256(ret_value->b, data, len);
}

static bool is_balanced(uint64_t size)
{
  uint64_t power = 1;
  while (power < size) {
    power *= 2;
  }
  return power == size;
}

/* "either the parent is balanced, or the left subtree of that parent is the largest balanced subtree that could be
 * constructed from the leaves present in the parent's own subtree" */
static struct model_node left_child(struct model_node node)
{
  uint64_t power = 1;
  while (power * 2 < node.size) {
    power *= 2;
  }
  return (struct model_node){ node.start, power };
}

static struct model_node right_child(struct model_node node)
{
  uint64_t left = left_child(node).size;
  return (struct model_node){ node.start + left, node.size - left };
}

static void hash_content(const struct model_value *leaves, struct model_node node, uint8_t ret_content[static 33])
{
  struct model_value value;
  model_log_head(leaves, node, &value);
  ret_content[0] = node.size == 1 ? 0x00 : 0x01;
  memcpy(&ret_content[1], value.b, sizeof value.b);
}

void model_log_head(const struct model_value *leaves, struct model_node node, struct model_value *ret_value)
{
  uint8_t content[2 * (1 + MODEL_HASH_LEN)];
  if (node.size == 1) {
    *ret_value = leaves[node.start];
    return;
  }
  hash_content(leaves, left_child(node), &content[0]);
  hash_content(leaves, right_child(node), &content[1 + MODEL_HASH_LEN]);
  model_hash(content, sizeof content, ret_value);
}

static size_t full_subtrees(struct model_node node, struct model_node *nodes, size_t n)
{
  if (is_balanced(node.size)) {
    nodes[n] = node;
    return n + 1;
  }
  n = full_subtrees(left_child(node), nodes, n);
  return full_subtrees(right_child(node), nodes, n);
}

size_t model_full_subtrees(uint64_t size, struct model_node ret_nodes[static MODEL_ENTRIES_MAX])
{
  return size == 0 ? 0 : full_subtrees((struct model_node){ 0, size }, ret_nodes, 0);
}

static bool has_proven(const struct model_log_request *request, struct model_node node)
{
  for (uint64_t pos = node.start; pos < node.start + node.size; pos++) {
    if (request->proven[pos]) {
      return true;
    }
  }
  return false;
}

struct proof {
  const struct model_log_request *request;
  struct model_node retained[MODEL_ENTRIES_MAX];
  size_t n_retained;
  struct model_node *nodes;
  size_t n;
};

static bool is_retained(const struct proof *proof, struct model_node node)
{
  for (size_t i = 0; i < proof->n_retained; i++) {
    if (proof->retained[i].start == node.start && proof->retained[i].size == node.size) {
      return true;
    }
  }
  return false;
}

/* Whether some, but not all, of the node's leaves are in the tree of `size`: then a full subtree of it is below. */
static bool is_cut(uint64_t size, struct model_node node)
{
  return node.start < size && size < node.start + node.size;
}

/* A value is given for every balanced subtree about which nothing is known and which nothing divides. A retained head
 * that is divided, by a proven leaf or by the auditor's size, is computed anew from both of its sides: "Users MUST verify
 * that the computed value for the head of any such subtree matches the retained value". */
static void elements(struct proof *proof, struct model_node node)
{
  const struct model_log_request *request = proof->request;
  if (!has_proven(request, node) && !is_cut(request->auditor, node)) {
    if (is_retained(proof, node)) {
      return;
    }
    if (is_balanced(node.size) && !is_cut(request->retained, node)) {
      proof->nodes[proof->n++] = node;
      return;
    }
  }
  if (node.size > 1) {
    elements(proof, left_child(node));
    elements(proof, right_child(node));
  }
}

size_t model_log_elements(const struct model_log_request *request,
                          struct model_node ret_nodes[static MODEL_ENTRIES_MAX])
{
  struct proof proof = { .request = request, .nodes = ret_nodes };
  proof.n_retained = model_full_subtrees(request->retained, proof.retained);
  elements(&proof, (struct model_node){ 0, request->size });
  return proof.n;
}
