/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance --emit: prefix-mutation, auditor-update. */
#include "emit.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "wire/auditor.h"

#define LEAVES_MAX 16
#define TIMESTAMP_MS UINT64_C(1700000000000)

/* The change of one log entry, and the proof that its auditor gets. */
struct change {
  struct emit *e;
  const char *name;                         /* without the kind */
  struct kt_prefix_leaf leaves[LEAVES_MAX]; /* of the tree before */
  size_t n_leaves;
  struct kt_prefix_child before;
  struct kt_prefix_leaf added[LEAVES_MAX];
  size_t n_added;
  struct kt_prefix_leaf removed[LEAVES_MAX];
  size_t n_removed;
  struct kt_prefix_proof proof;
  struct kt_hash after;
};

static json_t *leaves_field(struct emit *e, const struct kt_prefix_leaf *leaves, size_t n)
{
  json_t *array = json_array();
  for (size_t i = 0; i < n; i++) {
    json_t *leaf = json_object();
    emit_set(e, leaf, "vrf_output", emit_hex_hash(e, &leaves[i].vrf_output));
    emit_set(e, leaf, "commitment", emit_hex_hash(e, &leaves[i].commitment));
    json_array_append_new(array, leaf);
  }
  return array;
}

static json_t *mutation_fields(const struct change *c)
{
  struct emit *e = c->e;
  json_t *fields = json_object();
  emit_set(e, fields, "kind", json_string("prefix-mutation"));
  emit_set(e, fields, "added", leaves_field(e, c->added, c->n_added));
  emit_set(e, fields, "removed", leaves_field(e, c->removed, c->n_removed));
  emit_set(e, fields, "proof", emit_hex(e, emit_prefix_encoding(e, &c->proof)));
  emit_set(e, fields, "before", emit_hex_hash(e, &c->before.hash));
  emit_set(e, fields, "after", emit_hex_hash(e, &c->after));
  return fields;
}

static struct kt_bytes update_encoding(const struct change *c)
{
  const struct kt_auditor_update update = { .timestamp = TIMESTAMP_MS,
                                            .added = c->added,
                                            .n_added = c->n_added,
                                            .removed = c->removed,
                                            .n_removed = c->n_removed,
                                            .proof = c->proof };
  struct kt_writer w = conf_writer(&c->e->c);
  kt_auditor_update_write(&w, &update);
  return conf_written(&c->e->c, &w);
}

static json_t *update_fields(const struct change *c)
{
  json_t *fields = json_object();
  emit_set(c->e, fields, "kind", json_string("auditor-update"));
  emit_set(c->e, fields, "encoding", emit_hex(c->e, update_encoding(c)));
  return fields;
}

static const char *mutation_name(const struct change *c)
{
  return emit_text(c->e, "mutation-%s", c->name);
}

static const char *update_name(const struct change *c)
{
  return emit_text(c->e, "auditor-update-%s", c->name);
}

static void accept(const struct change *c)
{
  json_t *fields = mutation_fields(c);
  emit_accept(c->e, fields, mutation_name(c));
  json_decref(fields);
  fields = update_fields(c);
  emit_accept(c->e, fields, update_name(c));
  json_decref(fields);
}

/* In both kinds; a changed value that merely leads to another root is nothing that an encoding alone can show. */
static void reject(const struct change *c, const char *rule, const char *how)
{
  json_t *fields = mutation_fields(c);
  emit_reject(c->e, fields, mutation_name(c), rule, how);
  json_decref(fields);
  if (strcmp(rule, "other-root") != 0 && strcmp(rule, "A6") != 0) {
    fields = update_fields(c);
    emit_reject(c->e, fields, update_name(c), rule, how);
    json_decref(fields);
  }
}

/* --- honest changes ---------------------------------------------------------------------------------------------------- */

static int compare_leaves(const void *a, const void *b)
{
  return memcmp(a, b, KT_HASH_LEN);
}

/* The tree before, and the proof. */
static void prove(struct change *c)
{
  struct kt_hash keys[2 * LEAVES_MAX];
  qsort(c->added, c->n_added, sizeof *c->added, compare_leaves);
  qsort(c->removed, c->n_removed, sizeof *c->removed, compare_leaves);
  for (size_t i = 0; i < c->n_added; i++) {
    keys[i] = c->added[i].vrf_output;
  }
  for (size_t i = 0; i < c->n_removed; i++) {
    keys[c->n_added + i] = c->removed[i].vrf_output;
  }
  c->before = emit_tree(c->e, (struct kt_prefix_child){ 0 }, c->leaves, c->n_leaves);
  c->proof = emit_prove(c->e, c->before, keys, c->n_added + c->n_removed);
}

/* … and the tree after, made anew. */
static void finish(struct change *c)
{
  struct kt_prefix_child after = { 0 };
  prove(c);
  for (size_t i = 0; i < c->n_leaves; i++) {
    bool stays = true;
    for (size_t k = 0; k < c->n_removed; k++) {
      stays = stays && !kt_hash_equal(&c->leaves[i].vrf_output, &c->removed[k].vrf_output);
    }
    after = emit_tree(c->e, after, &c->leaves[i], stays ? 1 : 0);
  }
  c->after = emit_tree(c->e, after, c->added, c->n_added).hash;
}

static struct kt_prefix_leaf new_leaf(const struct change *c, size_t i)
{
  return (struct kt_prefix_leaf){ .vrf_output = emit_hash("changed key", c->n_leaves, i),
                                  .commitment = emit_hash("changed commitment", c->n_leaves, i) };
}

static struct change *begin(struct emit *e, const char *name, size_t n_leaves, size_t n_added)
{
  struct change *c = conf_alloc(&e->c, 1, sizeof *c);
  *c = (struct change){ .e = e, .name = name, .n_leaves = n_leaves, .n_added = n_added };
  for (size_t i = 0; i < n_leaves; i++) {
    c->leaves[i] = (struct kt_prefix_leaf){ emit_hash("key before", n_leaves, i), emit_hash("commitment", i, 0) };
  }
  for (size_t i = 0; i < n_added; i++) {
    c->added[i] = new_leaf(c, i);
  }
  return c;
}

/* --- broken ones --------------------------------------------------------------------------------------------------------- */

static void reject_roots(const struct change *c)
{
  struct change broken = *c;
  broken.before.hash = emit_flipped(c->before.hash);
  reject(&broken, "A6", "before-flipped");
  broken = *c;
  broken.after = emit_flipped(c->after);
  reject(&broken, "other-root", "after-flipped");
}

static void reject_proofs(const struct change *c)
{
  struct change broken = *c;
  struct kt_hash *elements = emit_elements(c->e, c->proof.elements, c->proof.n_elements, 1);
  broken.proof.elements = elements;
  broken.proof.n_elements++;
  reject(&broken, "R54", "element-surplus");
  if (c->proof.n_elements > 0) {
    broken.proof.n_elements = c->proof.n_elements - 1;
    reject(&broken, "R54", "element-missing");
    broken.proof.n_elements++;
    elements[0] = emit_flipped(elements[0]);
    reject(&broken, "other-root", "element-flipped");
  }
  broken = *c;
  struct kt_prefix_result *results = emit_results(c->e, &c->proof, 1);
  results[c->proof.n_results] = results[c->proof.n_results - 1];
  broken.proof.results = results;
  broken.proof.n_results++;
  reject(&broken, "A7", "result-surplus");
  broken.proof.n_results -= 2;
  reject(&broken, "A7", "result-missing");
}

/* The two first leaves exchanged, with their results; and the first one twice, with its result. */
static void reject_order(const struct change *c)
{
  struct change broken = *c;
  struct kt_prefix_result *results = emit_results(c->e, &c->proof, 0);
  broken.added[0] = c->added[1];
  broken.added[1] = c->added[0];
  results[0] = c->proof.results[1];
  results[1] = c->proof.results[0];
  broken.proof.results = results;
  reject(&broken, "A2", "added-unsorted");

  broken = *c;
  results = emit_results(c->e, &c->proof, 1);
  memmove(&broken.added[1], &c->added[0], c->n_added * sizeof c->added[0]);
  memmove(&results[1], &c->proof.results[0], c->proof.n_results * sizeof *results);
  broken.n_added++;
  broken.proof.results = results;
  broken.proof.n_results++;
  reject(&broken, "A2", "added-twice");
}

static void reject_encodings(const struct change *c)
{
  json_t *fields = mutation_fields(c);
  emit_reject_encodings(c->e, fields, mutation_name(c), "proof", emit_prefix_encoding(c->e, &c->proof), 1);
  json_decref(fields);
  fields = update_fields(c);
  emit_reject_encodings(c->e, fields, update_name(c), "encoding", update_encoding(c), 0);
  json_decref(fields);
}

static void break_change(const struct change *c)
{
  reject_encodings(c);
  reject_roots(c);
  reject_proofs(c);
  if (c->n_added > 1) {
    reject_order(c);
  }
}

static void emit_additions(struct emit *e)
{
  static const struct {
    const char *name;
    size_t n_leaves;
    size_t n_added;
    bool broken;
  } additions[] = {
    { "add-to-the-empty-tree", 0, 1, false }, { "add-two-to-the-empty-tree", 0, 2, false },
    { "add-beside-one-leaf", 1, 1, true },    { "add-one-to-five", 5, 1, false },
    { "add-three-to-five", 5, 3, true },      { "add-eight-to-eight", 8, 8, true },
  };
  for (size_t i = 0; i < sizeof additions / sizeof additions[0]; i++) {
    struct change *c = begin(e, additions[i].name, additions[i].n_leaves, additions[i].n_added);
    finish(c);
    accept(c);
    if (additions[i].broken) {
      break_change(c);
    }
  }
}

/* What an auditor's proof decides alone: the only leaf; one whose place is taken at once; all of a tree. */
static void emit_removals(struct emit *e)
{
  struct change *c = begin(e, "remove-the-only-leaf", 1, 0);
  c->removed[c->n_removed++] = c->leaves[0];
  finish(c);
  accept(c);
  break_change(c);

  c = begin(e, "remove-refilled-by-an-add", 6, 1);
  c->removed[c->n_removed++] = c->leaves[2];
  c->added[0].vrf_output = c->leaves[2].vrf_output; /* for its first half: the same place */
  c->added[0].vrf_output.b[KT_HASH_LEN / 2] ^= 1;
  finish(c);
  accept(c);
  break_change(c);
}

/* An honest proof of a change that is none: the key is there already; the key is not there. */
static void emit_impossible(struct emit *e)
{
  struct change *c = begin(e, "add-one-to-seven", 7, 1);
  finish(c);
  accept(c);
  c->added[0] = c->leaves[3];
  prove(c);
  c->after = c->before.hash;
  reject(c, "A3", "added-key-was-there");

  c = begin(e, "remove-refilled-in-seven", 7, 1);
  c->removed[c->n_removed++] = c->leaves[2];
  c->added[0].vrf_output = c->leaves[2].vrf_output;
  c->added[0].vrf_output.b[KT_HASH_LEN / 2] ^= 1;
  finish(c);
  accept(c);
  c->removed[0].vrf_output.b[KT_HASH_LEN / 2] ^= 2;
  finish(c);
  reject(c, "A4", "removed-key-was-not-there");
}

void emit_changes(struct emit *e)
{
  emit_additions(e);
  emit_removals(e);
  emit_impossible(e);
}
