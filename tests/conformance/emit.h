/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance --emit: proofs made by our code, for other implementations to judge, in the `from-kt` form; and
 * --emit-tampered: what depends on the cipher suite, in the `tampered` form.
 *
 * Every broken proof is an honest one with a single change, and its name ends with the number of must-reject it breaks and
 * with how ("…-R56-timestamp-missing"); "other-root" stands for a proof that is well-formed and leads to another root. Each case is
 * judged by our own verifier before it is written. The same seed and suite give the same file. Failures jump out of
 * emit_file, as in conf.h. */
#ifndef KT_CONFORMANCE_EMIT_H
#define KT_CONFORMANCE_EMIT_H

#include "support/prefix_insert.h"
#include "tree/log_tree.h"
#include "tree/prefix_tree.h"
#include "world.h"

#define EMIT_RULES 33
#define EMIT_ENTRIES_MAX 32
#define EMIT_VERSIONS_MAX 64 /* of the label, search keys of versions that do not exist included */

struct emit {
  struct conf_case c; /* arena and failure of the emitter itself */
  json_t *cases;
  size_t n_rejects[EMIT_RULES]; /* by rule */
  uint64_t random;
  struct kt_prefix_node *nodes; /* of every tree; reference n is nodes[n - 1] */
  size_t n_nodes;
  struct prefix_store store;
};

#define EMIT_LABEL "alice@example.org"
extern const uint8_t emit_vrf_seed[KT_SEED_LEN];

/* --- emit.c ----------------------------------------------------------------------------------------------------------- */

uint64_t emit_random(struct emit *e, uint64_t below);
/* Hash of a name and two numbers: content that depends on nothing else. */
struct kt_hash emit_hash(const char *name, uint64_t a, uint64_t b);
const char *emit_text(struct emit *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

json_t *emit_hex(struct emit *e, struct kt_bytes bytes);
json_t *emit_hex_hash(struct emit *e, const struct kt_hash *hash);
json_t *emit_hashes(struct emit *e, const struct kt_hash *hashes, size_t n);
json_t *emit_numbers(const uint64_t *numbers, size_t n);
/* Set a field of an object, taking the value over. */
void emit_set(struct emit *e, json_t *object, const char *key, json_t *value);
struct kt_hash emit_flipped(struct kt_hash hash);

/* The case with these fields (borrowed) is to be accepted under this name, or refused for a rule. */
void emit_accept(struct emit *e, const json_t *fields, const char *name);
void emit_reject(struct emit *e, const json_t *fields, const char *name, const char *rule, const char *how);
/* The same with one field exchanged; value is taken over, NULL removes the field. */
void emit_reject_field(struct emit *e, const json_t *fields, const char *name, const char *rule, const char *how,
                       const char *key, json_t *value);
/* Broken encodings of the field that holds this proof: at_type is the first result's type in it, 0 for none. */
void emit_reject_encodings(struct emit *e, const json_t *fields, const char *name, const char *key,
                           struct kt_bytes encoded, size_t at_type);

enum emit_form {
  EMIT_FROM_KT,
  EMIT_TAMPERED,
};

/* Writes the file; false: *ret_why tells what failed. */
bool emit_file(const char *path, enum emit_form form, const struct kt_suite *suite, uint64_t seed,
               char ret_why[static 512]);

/* --- kinds ------------------------------------------------------------------------------------------------------------ */

void emit_log_trees(struct emit *e);     /* emit_log_tree.c */
void emit_prefix_trees(struct emit *e);  /* emit_prefix.c */
void emit_changes(struct emit *e);       /* emit_change.c: prefix-mutation, auditor-update */
void emit_searches(struct emit *e);      /* emit_search.c: combined-search */
void emit_owner_updates(struct emit *e); /* emit_update.c */

void emit_tampered(struct emit *e); /* emit_tampered.c: vrf, commitment, tree-head, in the `tampered` form */

/* --- prefix trees (emit_prefix.c) ---------------------------------------------------------------------------------------- */

struct kt_prefix_child emit_tree(struct emit *e, struct kt_prefix_child root, const struct kt_prefix_leaf *leaves,
                                 size_t n);
struct kt_prefix_proof emit_prove(struct emit *e, struct kt_prefix_child root, const struct kt_hash *keys, size_t n);
struct kt_bytes emit_prefix_encoding(struct emit *e, const struct kt_prefix_proof *proof);
/* Copies that can be changed. */
struct kt_prefix_result *emit_results(struct emit *e, const struct kt_prefix_proof *proof, size_t extra);
struct kt_hash *emit_elements(struct emit *e, const struct kt_hash *elements, size_t n, size_t extra);

/* --- combined proofs (emit_combined.c) ------------------------------------------------------------------------------------ */

/* A log with one label of which entry i adds adds[i] versions, and one other leaf in every entry. */
struct emit_log {
  struct emit *e;
  uint64_t size;
  uint64_t timestamps[EMIT_ENTRIES_MAX];
  uint64_t n_versions[EMIT_ENTRIES_MAX]; /* as of each entry */
  struct kt_prefix_child trees[EMIT_ENTRIES_MAX];
  struct kt_hash keys[EMIT_VERSIONS_MAX];
  struct kt_hash commitments[EMIT_VERSIONS_MAX];
};

struct emit_world {
  const char *name;
  uint64_t size;
  uint64_t step_ms;
  uint8_t adds[EMIT_ENTRIES_MAX];
};

/* without: a version whose leaf is left out of every tree, UINT32_MAX for none. */
struct emit_log *emit_log(struct emit *e, const struct emit_world *world, uint32_t without);

struct emit_query;
typedef enum kt_err (*emit_algorithm)(const struct emit_query *q, struct kt_view *view, struct kt_label_keys *keys);

/* One query: fields is its case without the proof. */
struct emit_query {
  struct emit *e;
  const struct emit_log *log;
  emit_algorithm run;
  uint32_t target;
  struct kt_monitor_map map;
  struct kt_label_update update;
  json_t *fields;
  const char *name;
  const char *keys; /* the field that lists the search keys */
};

/* The case's fields that describe the log. greatest: of the search keys listed, those that its ladder needs are there. */
json_t *emit_log_fields(const struct emit_log *log, const char *kind, const char *keys, uint32_t greatest);
/* What the algorithm asks for in the log; *ret_err is how it ends. */
struct conf_world *emit_trace(const struct emit_query *q, enum kt_err *ret_err);
/* The proof that has what the trace asks for, from the trees of `log`. */
struct kt_combined_proof emit_combined(const struct emit_log *log, const struct conf_world *trace);
struct kt_bytes emit_combined_encoding(struct emit *e, const struct kt_combined_proof *proof);
/* The honest case: what the recorder makes, and it is what the trace gives. The trace. */
struct conf_world *emit_honest(const struct emit_query *q);
/* A case of this query whose proof is another one. */
void emit_reject_proof(const struct emit_query *q, const struct kt_combined_proof *proof, const char *rule,
                       const char *how);
/* Every change that can be made to any combined proof. */
void emit_break_combined(const struct emit_query *q, const struct conf_world *trace);

#define EMIT_WORLDS 8
extern const struct emit_world emit_worlds[EMIT_WORLDS - 1];
/* The one at this index; the last one is drawn from the seed. */
struct emit_world emit_world_at(struct emit *e, size_t index);
/* The one of this name. */
const struct emit_world *emit_world_named(struct emit *e, const char *name);
/* Which entries are distinguished. */
const bool *emit_distinguished(const struct emit_log *log);

#endif
