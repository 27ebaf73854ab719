/* SPDX-License-Identifier: Apache-2.0 */
/* Batch proofs (draft: Tree Proofs / Log Tree; Combined Tree for the auditor's root). The walk decides where each node
 * value comes from; the prover lists the elements, the verifier consumes them. */
#include "crypto/hash.h"
#include "tree/log_tree.h"

#define SECTION "Tree Proofs / Log Tree"

enum source {
  FROM_LEAF,     /* a proven leaf */
  FROM_RETAINED, /* a full subtree of the retained size */
  FROM_CHILDREN,
  FROM_ELEMENT, /* of the proof */
};

struct visit {
  enum source source;
  struct kt_log_node node;
  size_t leaf;                    /* FROM_LEAF: index in the request */
  bool is_retained;               /* the head of a retained full subtree, whatever its source */
  size_t retained;                /* its index, when is_retained */
  const struct kt_hash *children; /* FROM_CHILDREN: two values */
  size_t slot;                    /* rank of the node in pre-order */
};

typedef enum kt_err (*visit_fn)(void *ctx, const struct visit *visit, struct kt_hash *ret_value);

struct walk {
  const struct kt_log_request *request;
  struct kt_log_node retained[KT_LOG_SUBTREES_MAX];
  size_t n_retained;
  /* The walk goes left to right, so what comes next in each list is all it has to look at. */
  size_t next_leaf;
  size_t next_retained;
  size_t n_visited;
  visit_fn visit;
  void *ctx;
};

static bool straddles(uint64_t start, uint64_t end, uint64_t size)
{
  return start < size && size < end;
}

static uint64_t node_end(struct kt_log_node node)
{
  return node.start + ((uint64_t)1 << node.level);
}

static bool has_leaf(const struct walk *w, struct kt_log_node node)
{
  return w->next_leaf < w->request->n_leaves && w->request->leaves[w->next_leaf] < node_end(node);
}

static bool has_to_split(const struct walk *w, struct kt_log_node node)
{
  return has_leaf(w, node) || straddles(node.start, node_end(node), w->request->retained_size) ||
         straddles(node.start, node_end(node), w->request->auditor_size);
}

static struct visit visit_begin(struct walk *w, struct kt_log_node node)
{
  struct visit visit = { .source = FROM_ELEMENT, .node = node, .slot = w->n_visited++ };
  if (w->next_retained < w->n_retained) {
    const struct kt_log_node *next = &w->retained[w->next_retained];
    visit.is_retained = next->start == node.start && next->level == node.level;
    visit.retained = w->next_retained;
    w->next_retained += visit.is_retained;
  }
  return visit;
}

static enum kt_err walk_node(struct walk *w, struct kt_log_node node, struct kt_hash *ret_value)
{
  struct visit visit = visit_begin(w, node);
  struct kt_hash children[2] = { { { 0 } }, { { 0 } } };
  if (node.level > 0 && has_to_split(w, node)) {
    struct kt_log_node child = { .start = node.start, .level = (uint8_t)(node.level - 1) };
    enum kt_err err = walk_node(w, child, &children[0]);
    if (err == KT_OK) {
      child.start = node_end(child);
      err = walk_node(w, child, &children[1]);
    }
    if (err != KT_OK) {
      return err;
    }
    visit.source = FROM_CHILDREN;
    visit.children = children;
  } else if (has_leaf(w, node)) {
    visit.source = FROM_LEAF;
    visit.leaf = w->next_leaf++;
  } else if (visit.is_retained) {
    visit.source = FROM_RETAINED;
  }
  return w->visit(w->ctx, &visit, ret_value);
}

static enum kt_err kt_log_walk(const struct kt_log_request *request, visit_fn visit, void *ctx)
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  size_t n = kt_log_full_subtrees(request->size, nodes);
  struct walk w = { .request = request, .visit = visit, .ctx = ctx };
  w.n_retained = kt_log_full_subtrees(request->retained_size, w.retained);
  for (size_t i = 0; i < n; i++) {
    struct kt_hash value = { { 0 } };
    enum kt_err err = walk_node(&w, nodes[i], &value);
    if (err != KT_OK) {
      return err;
    }
  }
  return KT_OK;
}

static bool request_is_valid(const struct kt_log_request *request)
{
  for (size_t i = 0; i < request->n_leaves; i++) {
    if (request->leaves[i] >= request->size || (i > 0 && request->leaves[i] <= request->leaves[i - 1])) {
      return false;
    }
  }
  return request->size > 0 && request->retained_size <= request->size && request->auditor_size <= request->size;
}

struct copath {
  struct kt_arena *arena;
  struct kt_log_node *nodes;
  size_t n;
  size_t cap;
};

static enum kt_err copath_visit(void *ctx, const struct visit *visit, struct kt_hash *ret_value)
{
  struct copath *copath = ctx;
  (void)ret_value; /* positions do not depend on values */
  if (visit->source != FROM_ELEMENT) {
    return KT_OK;
  }
  struct kt_log_node *nodes = kt_arena_grow(copath->arena, copath->nodes, copath->n, sizeof *nodes, &copath->cap);
  if (nodes == NULL) {
    return KT_ERR_MEMORY;
  }
  copath->nodes = nodes;
  copath->nodes[copath->n++] = visit->node;
  return KT_OK;
}

enum kt_err kt_log_copath(const struct kt_log_request *request, struct kt_arena *arena, struct kt_log_node **ret_nodes,
                          size_t *ret_n)
{
  if (!request_is_valid(request)) {
    return KT_ERR_USAGE;
  }
  struct copath copath = { .arena = arena };
  enum kt_err err = kt_log_walk(request, copath_visit, &copath);
  if (err != KT_OK) {
    return err;
  }
  *ret_nodes = copath.nodes;
  *ret_n = copath.n;
  return KT_OK;
}

struct evaluation {
  const struct kt_hash *leaf_values;
  const struct kt_hash *retained;
  const struct kt_hash *elements;
  size_t n_elements;
  size_t next_element;
  struct kt_log_known known;
  struct kt_reason *reason;
};

static enum kt_err evaluate_visit(void *ctx, const struct visit *visit, struct kt_hash *ret_value)
{
  struct evaluation *e = ctx;
  bool is_child_leaf = visit->node.level == 1;
  struct kt_hash value = { { 0 } };
  switch (visit->source) {
  case FROM_LEAF: value = e->leaf_values[visit->leaf]; break;
  case FROM_RETAINED: value = e->retained[visit->retained]; break;
  case FROM_CHILDREN:
    kt_log_parent_hash(&visit->children[0], is_child_leaf, &visit->children[1], is_child_leaf, &value);
    break;
  case FROM_ELEMENT:
    if (e->next_element == e->n_elements) { /* R47 */
      return kt_fail(e->reason, KT_ERR_PROOF, "log-elements", "the log tree proof has too few elements", SECTION);
    }
    value = e->elements[e->next_element++];
    break;
  }
  /* R48: "Users MUST verify that the computed value for the head of any such subtree matches the retained value" */
  if (visit->is_retained && !kt_hash_equal(&value, &e->retained[visit->retained])) {
    return kt_fail(e->reason, KT_ERR_PROOF, "log-retained", "a subtree head differs from the one retained before",
                   SECTION);
  }
  e->known.nodes[visit->slot] = visit->node;
  e->known.values[visit->slot] = value;
  e->known.n++;
  *ret_value = value;
  return KT_OK;
}

/* Room for every node the walk can visit: parents are fewer than what they are computed from, and at most one chain of
 * them is still open when the elements run out. */
static enum kt_err known_alloc(const struct kt_log_request *request, size_t n_elements, struct kt_arena *arena,
                               struct kt_log_known *ret_known)
{
  size_t room = 2 * (request->n_leaves + KT_LOG_SUBTREES_MAX + n_elements) + KT_LOG_SUBTREES_MAX;
  struct kt_log_known known = { .nodes = kt_arena_alloc(arena, room, sizeof *known.nodes),
                                .values = kt_arena_alloc(arena, room, sizeof *known.values) };
  if (known.nodes == NULL || known.values == NULL) {
    return KT_ERR_MEMORY;
  }
  *ret_known = known;
  return KT_OK;
}

enum kt_err kt_log_evaluate(const struct kt_log_request *request, const struct kt_hash *leaf_values,
                            const struct kt_hash *retained, const struct kt_hash *elements, size_t n_elements,
                            struct kt_arena *arena, struct kt_log_known *ret_known, struct kt_reason *reason)
{
  if (request->n_leaves > 0 && request->leaves[request->n_leaves - 1] >= request->size) { /* R49 */
    return kt_fail_at(reason, KT_ERR_PROOF, "log-leaf", "an entry beyond the end of the log was to be proven", SECTION,
                      request->leaves[request->n_leaves - 1]);
  }
  if (!request_is_valid(request)) {
    return KT_ERR_USAGE;
  }
  struct evaluation e = {
    .leaf_values = leaf_values, .retained = retained, .elements = elements, .n_elements = n_elements, .reason = reason
  };
  enum kt_err err = known_alloc(request, n_elements, arena, &e.known);
  if (err != KT_OK) {
    return err;
  }
  err = kt_log_walk(request, evaluate_visit, &e);
  if (err != KT_OK) {
    return err;
  }
  if (e.next_element != n_elements) { /* R47 */
    return kt_fail(reason, KT_ERR_PROOF, "log-elements", "the log tree proof has surplus elements", SECTION);
  }
  *ret_known = e.known;
  return KT_OK;
}

/* Pre-order: ascending start, and of several nodes with one start the largest first. */
static const struct kt_hash *known_find(const struct kt_log_known *known, struct kt_log_node node)
{
  size_t low = 0;
  size_t high = known->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const struct kt_log_node *at = &known->nodes[middle];
    if (at->start == node.start && at->level == node.level) {
      return &known->values[middle];
    }
    if (at->start < node.start || (at->start == node.start && at->level > node.level)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return NULL;
}

enum kt_err kt_log_known_heads(const struct kt_log_known *known, uint64_t size,
                               struct kt_hash ret_heads[static KT_LOG_SUBTREES_MAX])
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  const struct kt_hash *values[KT_LOG_SUBTREES_MAX];
  size_t n = kt_log_full_subtrees(size, nodes);
  for (size_t i = 0; i < n; i++) {
    /* The walk kept every parent it computed, so a node that is not there does not follow from those that are. */
    values[i] = known_find(known, nodes[i]);
    if (values[i] == NULL) {
      return KT_ERR_ABSENT;
    }
  }
  for (size_t i = 0; i < n; i++) {
    ret_heads[i] = *values[i];
  }
  return KT_OK;
}

enum kt_err kt_log_known_root(const struct kt_log_known *known, uint64_t size, struct kt_hash *ret_root)
{
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  enum kt_err err = kt_log_known_heads(known, size, heads);
  if (err == KT_OK) {
    kt_log_root(size, heads, ret_root);
  }
  return err;
}
