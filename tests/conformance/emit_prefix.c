/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance --emit: prefix-tree. */
#include "emit.h"

#include <stdlib.h>
#include <string.h>

#define LEAVES_MAX 100
#define SEARCHES_MAX 8

struct kt_prefix_child emit_tree(struct emit *e, struct kt_prefix_child root, const struct kt_prefix_leaf *leaves,
                                 size_t n)
{
  struct kt_prefix_child ret = root;
  for (size_t i = 0; i < n; i++) {
    conf_err(&e->c, prefix_insert(&e->store, ret, &leaves[i], 1, &ret), KT_OK, "inserting a leaf");
  }
  return ret;
}

struct kt_prefix_proof emit_prove(struct emit *e, struct kt_prefix_child root, const struct kt_hash *keys, size_t n)
{
  struct kt_prefix_proof proof;
  conf_err(&e->c, kt_prefix_prove(&e->store.nodes, root, keys, n, &e->c.arena, &proof), KT_OK, "proving");
  return proof;
}

struct kt_bytes emit_prefix_encoding(struct emit *e, const struct kt_prefix_proof *proof)
{
  struct kt_writer w = conf_writer(&e->c);
  kt_prefix_proof_write(&w, proof);
  return conf_written(&e->c, &w);
}

struct kt_prefix_result *emit_results(struct emit *e, const struct kt_prefix_proof *proof, size_t extra)
{
  struct kt_prefix_result *results = conf_alloc(&e->c, proof->n_results + extra, sizeof *results);
  memcpy(results, proof->results, proof->n_results * sizeof *results);
  return results;
}

struct kt_hash *emit_elements(struct emit *e, const struct kt_hash *elements, size_t n, size_t extra)
{
  struct kt_hash *copy = conf_alloc(&e->c, n + extra, sizeof *copy);
  if (n > 0) {
    memcpy(copy, elements, n * sizeof *copy);
  }
  return copy;
}

struct searched {
  struct emit *e;
  struct kt_prefix_leaf leaves[LEAVES_MAX];
  size_t n_leaves;
  struct kt_prefix_child root;
  struct kt_hash keys[SEARCHES_MAX];
  size_t n;
  struct kt_prefix_proof proof;
  json_t *fields;
  const char *name;
};

static json_t *search_field(const struct searched *s, size_t i)
{
  json_t *search = json_object();
  struct kt_hash commitment;
  emit_set(s->e, search, "vrf_output", emit_hex_hash(s->e, &s->keys[i]));
  if (kt_prefix_find(&s->e->store.nodes, s->root, &s->keys[i], &commitment) == KT_OK) {
    emit_set(s->e, search, "commitment", emit_hex_hash(s->e, &commitment));
  }
  return search;
}

static json_t *searches_field(const struct searched *s)
{
  json_t *array = json_array();
  for (size_t i = 0; i < s->n; i++) {
    json_array_append_new(array, search_field(s, i));
  }
  return array;
}

static void describe(struct searched *s)
{
  s->fields = json_object();
  emit_set(s->e, s->fields, "kind", json_string("prefix-tree"));
  emit_set(s->e, s->fields, "searches", searches_field(s));
  emit_set(s->e, s->fields, "proof", emit_hex(s->e, emit_prefix_encoding(s->e, &s->proof)));
  emit_set(s->e, s->fields, "root", emit_hex_hash(s->e, &s->root.hash));
}

static void reject_proof(const struct searched *s, const struct kt_prefix_proof *proof, const char *rule,
                         const char *how)
{
  emit_reject_field(s->e, s->fields, s->name, rule, how, "proof", emit_hex(s->e, emit_prefix_encoding(s->e, proof)));
}

static void reject_elements(const struct searched *s)
{
  struct kt_prefix_proof proof = s->proof;
  struct kt_hash *elements = emit_elements(s->e, proof.elements, proof.n_elements, 1);
  proof.elements = elements;
  proof.n_elements++;
  reject_proof(s, &proof, "R54", "element-surplus");
  if (s->proof.n_elements > 0) {
    proof.n_elements -= 2;
    reject_proof(s, &proof, "R54", "element-missing");
    proof.n_elements++;
    elements[0] = emit_flipped(elements[0]);
    reject_proof(s, &proof, "other-root", "element-flipped");
  }
}

static void reject_counts(const struct searched *s)
{
  struct kt_prefix_proof proof = s->proof;
  struct kt_prefix_result *results = emit_results(s->e, &proof, 1);
  results[proof.n_results] = results[proof.n_results - 1];
  proof.results = results;
  proof.n_results++;
  reject_proof(s, &proof, "R50", "result-surplus");
  proof.n_results -= 2;
  reject_proof(s, &proof, "R50", "result-missing");
}

/* The key searched first is searched once more: everything about it is said twice, in the same way. */
static void reject_repeated(const struct searched *s)
{
  struct kt_prefix_proof proof = s->proof;
  struct kt_prefix_result *results = emit_results(s->e, &proof, 1);
  results[proof.n_results++] = results[0];
  proof.results = results;
  json_t *fields = json_deep_copy(s->fields);
  json_array_append_new(json_object_get(fields, "searches"), search_field(s, 0));
  emit_set(s->e, fields, "proof", emit_hex(s->e, emit_prefix_encoding(s->e, &proof)));
  emit_reject(s->e, fields, s->name, "R55", "key-searched-twice");
  json_decref(fields);
}

static unsigned shared_bits(const struct kt_hash *a, const struct kt_hash *b)
{
  unsigned n = 0;
  while (n < 8 * KT_HASH_LEN && ((a->b[n / 8] ^ b->b[n / 8]) >> (7 - n % 8) & 1) == 0) {
    n++;
  }
  return n;
}

/* A result that ends above where another one, which shares the way there, goes on. */
static void reject_depth(const struct searched *s)
{
  for (size_t i = 0; i < s->n; i++) {
    for (size_t k = 0; k < s->n; k++) {
      unsigned shared = shared_bits(&s->keys[i], &s->keys[k]);
      if (i != k && shared > 0 && s->proof.results[i].depth > 1 && s->proof.results[k].depth > 1) {
        struct kt_prefix_proof proof = s->proof;
        struct kt_prefix_result *results = emit_results(s->e, &proof, 0);
        results[i].depth = 1;
        proof.results = results;
        reject_proof(s, &proof, "R51", "depth-contradicted");
        return;
      }
    }
  }
}

/* The values are all true: the leaf that is denied is the searched one. */
static void reject_denied(const struct searched *s)
{
  for (size_t i = 0; i < s->n; i++) {
    struct kt_hash commitment;
    if (kt_prefix_find(&s->e->store.nodes, s->root, &s->keys[i], &commitment) != KT_OK) {
      continue;
    }
    struct kt_prefix_proof proof = s->proof;
    struct kt_prefix_result *results = emit_results(s->e, &proof, 0);
    results[i].type = KT_PREFIX_NON_INCLUSION_LEAF;
    results[i].leaf = (struct kt_prefix_leaf){ .vrf_output = s->keys[i], .commitment = commitment };
    proof.results = results;
    reject_proof(s, &proof, "R53", "leaf-is-the-searched-key");

    json_t *searches = json_deep_copy(json_object_get(s->fields, "searches"));
    json_object_del(json_array_get(searches, i), "commitment");
    emit_reject_field(s->e, s->fields, s->name, "R52", "commitment-missing", "searches", searches);
    return;
  }
}

static void emit_search(struct searched *s, bool broken)
{
  s->proof = emit_prove(s->e, s->root, s->keys, s->n);
  describe(s);
  emit_accept(s->e, s->fields, s->name);
  if (broken) {
    emit_reject_encodings(s->e, s->fields, s->name, "proof", emit_prefix_encoding(s->e, &s->proof), 1);
    reject_counts(s);
    reject_elements(s);
    reject_repeated(s);
    reject_depth(s);
    reject_denied(s);
    struct kt_hash other = emit_flipped(s->root.hash);
    emit_reject_field(s->e, s->fields, s->name, "other-root", "of-another-tree", "root", emit_hex_hash(s->e, &other));
  }
  json_decref(s->fields);
}

/* A log that hangs a leaf under a prefix that is not its own, to deny a key there: only the bits tell. */
static void emit_misplaced_leaf(struct emit *e)
{
  struct searched *s = conf_alloc(&e->c, 1, sizeof *s);
  struct kt_prefix_leaf leaf = { .vrf_output = emit_hash("misplaced", 0, 0),
                                 .commitment = emit_hash("commitment", 0, 0) };
  struct kt_hash element = emit_hash("sibling", 0, 0);
  struct kt_prefix_result result = { .type = KT_PREFIX_NON_INCLUSION_LEAF, .depth = 1, .leaf = leaf };
  struct kt_hash head;
  *s = (struct searched){ .e = e, .n = 1, .name = "prefix-one-leaf-denied-beside-an-element" };
  s->keys[0] = emit_hash("searched", 0, 0);
  s->proof = (struct kt_prefix_proof){ .results = &result, .n_results = 1, .elements = &element, .n_elements = 1 };
  for (int honest = 1; honest >= 0; honest--) { /* first under its own prefix, then under the other */
    leaf.vrf_output.b[0] =
        (uint8_t)((leaf.vrf_output.b[0] & 0x7f) | (honest ? s->keys[0].b[0] & 0x80 : ~s->keys[0].b[0] & 0x80));
    result.leaf = leaf;
    kt_prefix_leaf_hash(&leaf, &head);
    if ((s->keys[0].b[0] & 0x80) == 0) {
      kt_prefix_parent_hash(&head, &element, &s->root.hash);
    } else {
      kt_prefix_parent_hash(&element, &head, &s->root.hash);
    }
    s->root.ref = 0;
    describe(s);
    if (honest) {
      emit_accept(e, s->fields, s->name);
    } else {
      emit_reject(e, s->fields, s->name, "R53", "leaf-of-another-prefix");
    }
    json_decref(s->fields);
  }
}

static void emit_tree_of(struct emit *e, size_t n_leaves, bool broken)
{
  struct searched *s = conf_alloc(&e->c, 1, sizeof *s);
  uint64_t salt = emit_random(e, UINT32_MAX);
  *s = (struct searched){ .e = e, .n_leaves = n_leaves };
  for (size_t i = 0; i < n_leaves; i++) {
    s->leaves[i].vrf_output = emit_hash("key", salt, i);
    s->leaves[i].commitment = emit_hash("commitment", salt, i);
  }
  s->root = emit_tree(e, s->root, s->leaves, n_leaves);
  for (size_t n = 1; n <= 5; n += 2) {
    s->n = 0;
    for (size_t i = 0; i < n; i++) { /* keys that are there and keys that are not, by turns */
      bool present = i % 2 == 0 && i / 2 < n_leaves;
      s->keys[s->n++] = present ? s->leaves[i / 2].vrf_output : emit_hash("absent key", salt, i);
    }
    s->name = emit_text(e, "prefix-%d-leaves-%d-searches", (int)n_leaves, (int)n);
    emit_search(s, broken && n == 5);
  }
}

void emit_prefix_trees(struct emit *e)
{
  static const struct {
    size_t n_leaves;
    bool broken;
  } trees[] = { { 0, false }, { 1, false }, { 2, true }, { 5, true }, { 16, true }, { LEAVES_MAX, false } };
  for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
    emit_tree_of(e, trees[i].n_leaves, trees[i].broken);
  }
  emit_misplaced_leaf(e);
}
