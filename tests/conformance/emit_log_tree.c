/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance --emit: log-tree. */
#include "emit.h"

#include <string.h>

#define SIZE_MAX_EMITTED 21

struct request {
  struct kt_log_request request;
  uint64_t leaves[2];
  const struct kt_hash *leaf_values;
  struct kt_hash *values; /* of the request's leaves */
  struct kt_log_node *nodes;
  struct kt_hash *elements;
  size_t n_elements;
  struct kt_hash retained[KT_LOG_SUBTREES_MAX];
  size_t n_retained;
  json_t *fields;
  const char *name;
};

static struct kt_hash node_value(const struct kt_hash *leaves, struct kt_log_node node)
{
  struct kt_hash hash = leaves[node.start];
  if (node.level > 0) {
    uint8_t level = node.level - 1;
    struct kt_hash left = node_value(leaves, (struct kt_log_node){ node.start, level });
    struct kt_hash right = node_value(leaves, (struct kt_log_node){ node.start + (UINT64_C(1) << level), level });
    kt_log_parent_hash(&left, level == 0, &right, level == 0, &hash);
  }
  return hash;
}

static struct kt_hash root_value(const struct kt_hash *leaves, uint64_t size)
{
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_hash root;
  for (uint64_t i = 0; i < size; i++) {
    kt_log_append(i, heads, &leaves[i]);
  }
  kt_log_root(size, heads, &root);
  return root;
}

static void describe(struct emit *e, struct request *r)
{
  const struct kt_log_request *request = &r->request;
  const char *leaves = request->n_leaves == 0 ? "none" : emit_text(e, "%d", (int)r->leaves[0]);
  const char *second = request->n_leaves < 2 ? "" : emit_text(e, "-%d", (int)r->leaves[1]);
  const char *retained = request->retained_size == 0 ? "none" : emit_text(e, "%d", (int)request->retained_size);
  struct kt_hash root = root_value(r->leaf_values, request->size);
  r->name = emit_text(e, "log-size-%d-leaves-%s%s-retained-%s", (int)request->size, leaves, second, retained);
  r->fields = json_object();
  emit_set(e, r->fields, "kind", json_string("log-tree"));
  emit_set(e, r->fields, "size", json_integer((json_int_t)request->size));
  emit_set(e, r->fields, "entries", emit_numbers(r->leaves, request->n_leaves));
  emit_set(e, r->fields, "values", emit_hashes(e, r->values, request->n_leaves));
  if (request->retained_size > 0) {
    emit_set(e, r->fields, "retained_size", json_integer((json_int_t)request->retained_size));
    emit_set(e, r->fields, "retained", emit_hashes(e, r->retained, r->n_retained));
  }
  emit_set(e, r->fields, "elements", emit_hashes(e, r->elements, r->n_elements));
  emit_set(e, r->fields, "root", emit_hex_hash(e, &root));
}

static void build(struct emit *e, struct request *r)
{
  struct kt_log_request *request = &r->request;
  struct kt_log_node full[KT_LOG_SUBTREES_MAX];
  request->leaves = r->leaves;
  conf_err(&e->c, kt_log_copath(request, &e->c.arena, &r->nodes, &r->n_elements), KT_OK, "copath");
  r->elements = conf_alloc(&e->c, r->n_elements + 1, sizeof *r->elements);
  r->values = conf_alloc(&e->c, request->n_leaves + 1, sizeof *r->values);
  for (size_t i = 0; i < r->n_elements; i++) {
    r->elements[i] = node_value(r->leaf_values, r->nodes[i]);
  }
  for (size_t i = 0; i < request->n_leaves; i++) {
    r->values[i] = r->leaf_values[r->leaves[i]];
  }
  r->n_retained = kt_log_full_subtrees(request->retained_size, full);
  for (size_t i = 0; i < r->n_retained; i++) {
    r->retained[i] = node_value(r->leaf_values, full[i]);
  }
  describe(e, r);
}

static void reject_elements(struct emit *e, const struct request *r, const struct kt_hash *elements, size_t n,
                            const char *rule, const char *how)
{
  emit_reject_field(e, r->fields, r->name, rule, how, "elements", emit_hashes(e, elements, n));
}

/* "Proofs carry heads of balanced subtrees only": the two last ones handed over as one head, which leads to the right
 * root. */
static void reject_unbalanced(struct emit *e, const struct request *r)
{
  size_t n = r->n_elements;
  if (n < 2) {
    return;
  }
  const struct kt_log_node *left = &r->nodes[n - 2];
  const struct kt_log_node *right = &r->nodes[n - 1];
  bool adjacent = left->start + (UINT64_C(1) << left->level) == right->start;
  if (!adjacent || left->level <= right->level || right->start + (UINT64_C(1) << right->level) != r->request.size) {
    return;
  }
  struct kt_hash *elements = emit_elements(e, r->elements, n, 0);
  kt_log_parent_hash(&r->elements[n - 2], left->level == 0, &r->elements[n - 1], right->level == 0, &elements[n - 2]);
  reject_elements(e, r, elements, n - 1, "R47", "unbalanced-head");
}

/* What a changed value breaks: a retained head that is computed with it, or the root. */
static const char *rule_at(const struct request *r, uint64_t pos)
{
  return pos < r->request.retained_size ? "R48" : "other-root";
}

static void reject_changed_elements(struct emit *e, const struct request *r)
{
  size_t n = r->n_elements;
  struct kt_hash *elements = emit_elements(e, r->elements, n, 1);
  elements[n] = emit_hash("surplus element", n, 0);
  reject_elements(e, r, elements, n + 1, "R47", "element-surplus");
  if (n > 0) {
    reject_elements(e, r, elements, n - 1, "R47", "element-missing");
    elements[0] = emit_flipped(elements[0]);
    reject_elements(e, r, elements, n, rule_at(r, r->nodes[0].start), "element-flipped");
  }
  if (n > 1) {
    elements[0] = r->elements[1];
    elements[1] = r->elements[0];
    reject_elements(e, r, elements, n, rule_at(r, r->nodes[0].start), "elements-swapped");
  }
  reject_unbalanced(e, r);
}

/* A retained head with a proven leaf in it is computed anew. */
static void reject_retained(struct emit *e, const struct request *r)
{
  struct kt_log_node full[KT_LOG_SUBTREES_MAX];
  size_t n = kt_log_full_subtrees(r->request.retained_size, full);
  for (size_t i = 0; i < n && r->request.n_leaves > 0; i++) {
    if (full[i].start <= r->leaves[0] && r->leaves[0] < full[i].start + (UINT64_C(1) << full[i].level)) {
      struct kt_hash *retained = emit_elements(e, r->retained, n, 0);
      retained[i] = emit_flipped(retained[i]);
      emit_reject_field(e, r->fields, r->name, "R48", "retained-head-flipped", "retained", emit_hashes(e, retained, n));
    }
  }
}

static void break_request(struct emit *e, const struct request *r)
{
  size_t n = r->request.n_leaves;
  reject_changed_elements(e, r);
  reject_retained(e, r);
  if (n > 0) {
    uint64_t outside[2] = { r->leaves[0], r->leaves[1] };
    outside[n - 1] = r->request.size;
    emit_reject_field(e, r->fields, r->name, "R49", "leaf-outside", "entries", emit_numbers(outside, n));
    struct kt_hash *values = emit_elements(e, r->values, n, 0);
    values[n - 1] = emit_flipped(values[n - 1]);
    emit_reject_field(e, r->fields, r->name, rule_at(r, r->leaves[n - 1]), "leaf-value-flipped", "values",
                      emit_hashes(e, values, n));
  }
}

static void emit_request(struct emit *e, const struct kt_hash *leaf_values, const struct kt_log_request *request,
                         bool broken)
{
  struct request *r = conf_alloc(&e->c, 1, sizeof *r);
  *r = (struct request){ .request = *request, .leaf_values = leaf_values };
  memcpy(r->leaves, request->leaves, request->n_leaves * sizeof r->leaves[0]);
  build(e, r);
  emit_accept(e, r->fields, r->name);
  if (broken) {
    break_request(e, r);
  }
  json_decref(r->fields);
}

static bool breaks_here(uint64_t size)
{
  return size == 2 || size == 7 || size == 13;
}

void emit_log_trees(struct emit *e)
{
  static const uint64_t sizes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 16, SIZE_MAX_EMITTED };
  struct kt_hash *leaves = conf_alloc(&e->c, SIZE_MAX_EMITTED, sizeof *leaves);
  for (uint64_t i = 0; i < SIZE_MAX_EMITTED; i++) {
    leaves[i] = emit_hash("log leaf", i, e->random);
  }
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    uint64_t size = sizes[i];
    const uint64_t ends[2] = { 0, size - 1 };
    const uint64_t before_last = size - 1;
    const struct kt_log_request requests[] = {
      { .size = size, .leaves = ends, .n_leaves = 1 },
      { .size = size, .leaves = ends, .n_leaves = size > 1 ? 2 : 1, .retained_size = size },
      { .size = size, .leaves = ends, .n_leaves = 0, .retained_size = size },
      { .size = size, .leaves = ends, .n_leaves = 0, .retained_size = (size + 1) / 2 },
      { .size = size, .leaves = &ends[1], .n_leaves = 1, .retained_size = before_last },
      { .size = size, .leaves = ends, .n_leaves = 1, .retained_size = (size + 1) / 2 },
    };
    for (size_t k = 0; k < sizeof requests / sizeof requests[0]; k++) {
      if (size > 1 || (k != 3 && k != 4 && k != 5)) { /* nothing new in a log of one entry */
        emit_request(e, leaves, &requests[k], breaks_here(size));
      }
    }
  }
}
