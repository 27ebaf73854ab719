/* SPDX-License-Identifier: Apache-2.0 */
/* log-math, log-tree, log-append. */
#include <string.h>

#include "base/reader.h"
#include "tree/log_tree.h"
#include "wire/leaf.h"
#include "world.h"

static struct kt_log_request read_request(struct conf_case *c, const json_t *object, const char *leaves, uint64_t size)
{
  struct kt_log_request request = { .size = size, .retained_size = conf_u64_or_zero(c, object, "retained_size") };
  if (conf_has(object, leaves) || request.retained_size == 0) {
    request.leaves = conf_u64s(c, object, leaves, &request.n_leaves);
  }
  return request;
}

/* "leaf i is node 2i, and a balanced subtree over leaves [start, start+len) is node 2*start+len-1" */
static uint64_t flat_index(struct kt_log_node node)
{
  return 2 * node.start + ((uint64_t)1 << node.level) - 1;
}

void conf_log_math(struct conf_case *c)
{
  const char *kind = conf_text(c, c->input, "kind");
  uint64_t size = conf_u64(c, c->input, "size");
  struct kt_log_node full[KT_LOG_SUBTREES_MAX];
  struct kt_log_node *nodes = full;
  size_t n = 0;
  if (strcmp(kind, "full-subtrees") == 0) {
    n = kt_log_full_subtrees(size, full);
  } else if (strcmp(kind, "batch-copath") == 0) {
    const struct kt_log_request request = read_request(c, c->input, "leaves", size);
    conf_err(c, kt_log_copath(&request, &c->arena, &nodes, &n), KT_OK, "copath");
  } else {
    conf_fail(c, "unknown kind \"%s\"", kind);
  }
  size_t n_wanted;
  const uint64_t *wanted = conf_u64s(c, c->expect, "indices", &n_wanted);
  conf_same_u64(c, n, n_wanted, "number of nodes");
  for (size_t i = 0; i < n; i++) {
    conf_same_u64(c, flat_index(nodes[i]), wanted[i], "indices");
  }
}

static struct kt_hash *leaf_values(struct conf_case *c, const json_t *entries)
{
  size_t n = json_array_size(entries);
  struct kt_hash *leaves = conf_alloc(c, n, sizeof *leaves);
  for (size_t i = 0; i < n; i++) {
    const json_t *entry = json_array_get(entries, i);
    const struct kt_hash root = conf_hash(c, entry, "prefix_tree");
    kt_log_entry_hash(conf_u64(c, entry, "timestamp"), &root, &leaves[i]);
  }
  return leaves;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static struct kt_hash node_value(const struct kt_hash *leaves, struct kt_log_node node)
{
  if (node.level == 0) {
    return leaves[node.start];
  }
  struct kt_log_node child = { .start = node.start, .level = (uint8_t)(node.level - 1) };
  const struct kt_hash left = node_value(leaves, child);
  child.start += (uint64_t)1 << child.level;
  const struct kt_hash right = node_value(leaves, child);
  struct kt_hash value;
  kt_log_parent_hash(&left, child.level == 0, &right, child.level == 0, &value);
  return value;
}

static size_t heads_of(const struct kt_hash *leaves, uint64_t size,
                       struct kt_hash ret_heads[static KT_LOG_SUBTREES_MAX])
{
  size_t n = 0;
  for (uint64_t i = 0; i < size; i++) {
    n = kt_log_append(i, ret_heads, &leaves[i]);
  }
  return n;
}

/* Our proof is the recorded one, and it evaluates to the root. */
static void check_proof(struct conf_case *c, const struct kt_log_request *request, const struct kt_hash *leaves,
                        const json_t *wanted, const struct kt_hash *root)
{
  struct kt_log_node *nodes;
  struct kt_inclusion_proof proof = { 0 };
  conf_err(c, kt_log_copath(request, &c->arena, &nodes, &proof.n_elements), KT_OK, "copath");
  struct kt_hash *elements = conf_alloc(c, proof.n_elements, sizeof *elements);
  for (size_t i = 0; i < proof.n_elements; i++) {
    elements[i] = node_value(leaves, nodes[i]);
  }
  proof.elements = elements;
  conf_same_hashes(c, elements, proof.n_elements, wanted, "elements");
  struct kt_writer w = conf_writer(c);
  kt_inclusion_proof_write(&w, &proof);
  const struct kt_bytes encoded = conf_hex(c, wanted, "proof");
  conf_same_bytes(c, conf_written(c, &w), encoded, "proof");

  struct kt_reader r;
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_inclusion_proof_read(&r, &proof);
  conf_err(c, kt_reader_end(&r), KT_OK, "decoding the proof");
  struct kt_hash retained[KT_LOG_SUBTREES_MAX];
  heads_of(leaves, request->retained_size, retained);
  struct kt_hash *proven = conf_alloc(c, request->n_leaves, sizeof *proven);
  for (size_t i = 0; i < request->n_leaves; i++) {
    proven[i] = leaves[request->leaves[i]];
  }
  struct kt_log_known known;
  struct kt_hash got;
  conf_err(c,
           kt_log_evaluate(request, proven, retained, proof.elements, proof.n_elements, &c->arena, &known, &c->reason),
           KT_OK, "evaluating the proof");
  conf_err(c, kt_log_known_root(&known, request->size, &got), KT_OK, "root of the proof");
  conf_same_hash(c, &got, root, "root of the proof");
}

void conf_log_tree(struct conf_case *c)
{
  const json_t *entries = conf_array(c, c->input, "entries");
  const json_t *requests = conf_array(c, c->input, "requests");
  const json_t *proofs = conf_array(c, c->expect, "proofs");
  const struct kt_hash root = conf_hash(c, c->expect, "root");
  size_t size = json_array_size(entries);
  const struct kt_hash *leaves = leaf_values(c, entries);
  conf_require(c, size > 0, "the log is empty");
  conf_same_hashes(c, leaves, size, c->expect, "leaf_values");
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_hash got;
  size_t n_heads = heads_of(leaves, size, heads);
  conf_same_hashes(c, heads, n_heads, c->expect, "full_subtrees");
  kt_log_root(size, heads, &got);
  conf_same_hash(c, &got, &root, "root");

  conf_same_u64(c, json_array_size(proofs), json_array_size(requests), "number of proofs");
  for (size_t i = 0; i < json_array_size(requests); i++) {
    const struct kt_log_request request = read_request(c, json_array_get(requests, i), "proven_leaves", size);
    bool inside = request.retained_size <= size;
    for (size_t k = 0; k < request.n_leaves; k++) {
      inside = inside && request.leaves[k] < size;
    }
    conf_require(c, inside, "a request is for something outside the log");
    check_proof(c, &request, leaves, json_array_get(proofs, i), &root);
  }
}

void conf_log_append(struct conf_case *c)
{
  size_t n;
  const struct kt_hash *leaves = conf_hashes(c, c->input, "leaves", &n);
  const json_t *entries = conf_array(c, c->input, "entries");
  conf_same_u64(c, n, conf_u64(c, c->input, "size"), "number of leaves");
  size_t n_entries = json_array_size(entries); /* the appended ones: the last */
  const struct kt_hash *appended = leaf_values(c, entries);
  conf_require(c, n_entries > 0 && n_entries <= n, "no entry is appended");
  for (size_t i = 0; i < n_entries; i++) {
    conf_same_hash(c, &appended[i], &leaves[n - n_entries + i], "leaf value of an appended entry");
  }
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_hash got;
  size_t n_heads = heads_of(leaves, n, heads);
  conf_same_hashes(c, heads, n_heads, c->expect, "full_subtrees");
  kt_log_root(n, heads, &got);
  const struct kt_hash root = conf_hash(c, c->expect, "root");
  conf_same_hash(c, &got, &root, "root");

  /* The same heads from the leaves alone, without appending. */
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  conf_same_u64(c, kt_log_full_subtrees(n, nodes), n_heads, "number of full subtrees");
  for (size_t i = 0; i < n_heads; i++) {
    got = node_value(leaves, nodes[i]);
    conf_same_hash(c, &got, &heads[i], "full subtree from its leaves");
  }
}
