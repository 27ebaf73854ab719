/* SPDX-License-Identifier: Apache-2.0 */
/* A second model of the protocol, written from the draft's text alone and sharing no code with lib/: tests hold the
 * library against it. It has the whole log at hand and is deliberately simple: trees are rebuilt recursively from their
 * definitions, algorithms follow the draft's numbered steps, nothing is cached or incremental but the values of the
 * entries themselves.
 *
 * Versions are int64_t with -1 for "none". Entries are positions, MODEL_NONE for "none". Sizes are bounded by the
 * constants below; going over one aborts. */
#ifndef KT_TESTS_MODEL_H
#define KT_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_HASH_LEN 32
#define MODEL_ENTRIES_MAX 64
#define MODEL_LEAVES_MAX 128  /* of a prefix tree */
#define MODEL_VERSIONS_MAX 31 /* of the label */
#define MODEL_KEYS_MAX 32     /* versions of the label with a search key */
#define MODEL_LADDER_MAX 128
#define MODEL_SERIES_MAX 255
#define MODEL_ELEMENTS_MAX 2048
#define MODEL_NONE UINT64_MAX

struct model_value {
  uint8_t b[MODEL_HASH_LEN];
};

void model_hash(const uint8_t *data, size_t len, struct model_value *ret_value);

/* --- Log Tree (log_tree.c) ------------------------------------------------------------------------------------------- */

/* The head of the subtree over leaves [start, start + size). */
struct model_node {
  uint64_t start;
  uint64_t size;
};

/* Value of a head, from the values of all leaves of the log. */
void model_log_head(const struct model_value *leaves, struct model_node node, struct model_value *ret_value);
/* Left to right; the count. */
size_t model_full_subtrees(uint64_t size, struct model_node ret_nodes[static MODEL_ENTRIES_MAX]);

struct model_log_request {
  uint64_t size;
  bool proven[MODEL_ENTRIES_MAX];
  uint64_t retained; /* size of the tree whose full subtrees are known; 0: none */
  uint64_t auditor;  /* size whose root has to be computable too; 0: none */
};

/* The nodes of a batch proof; the count. */
size_t model_log_elements(const struct model_log_request *request,
                          struct model_node ret_nodes[static MODEL_ENTRIES_MAX]);

/* --- Prefix Tree (prefix_tree.c) ---------------------------------------------------------------------------------------- */

struct model_leaf {
  struct model_value key; /* VRF output */
  struct model_value commitment;
  uint64_t pos; /* log entry that added it */
};

enum model_result_type {
  MODEL_INCLUSION = 1,
  MODEL_NON_INCLUSION_LEAF = 2,
  MODEL_NON_INCLUSION_PARENT = 3,
};

struct model_result {
  enum model_result_type type;
  unsigned depth;
  const struct model_leaf *leaf; /* where the search ended; NULL for a missing one */
};

struct model_prefix_proof {
  struct model_result results[MODEL_LADDER_MAX];
  size_t n_results;
  struct model_value elements[MODEL_ELEMENTS_MAX];
  size_t n_elements;
};

void model_prefix_root(const struct model_leaf *leaves, size_t n, struct model_value *ret_root);
/* Batch proof for keys in the order given; results point into leaves. */
void model_prefix_prove(const struct model_leaf *leaves, size_t n, const struct model_value *keys, size_t n_keys,
                        struct model_prefix_proof *ret_proof);
/* What stands beside the search path of a key, down to a depth: left to right. */
size_t model_prefix_copath(const struct model_leaf *leaves, size_t n, const struct model_value *key, unsigned depth,
                           struct model_value *ret_elements);

/* --- Binary Ladder (ladder.c) ---------------------------------------------------------------------------------------------- */

/* The lookups that determine the greatest version; the count. */
size_t model_ladder(int64_t greatest, uint32_t ret_versions[static MODEL_LADDER_MAX]);
/* A search binary ladder where the greatest version is `greatest`, nothing omitted. */
size_t model_search_ladder(uint32_t target, int64_t greatest, uint32_t ret_versions[static MODEL_LADDER_MAX]);
size_t model_monitoring_ladder(uint32_t target, uint32_t ret_versions[static MODEL_LADDER_MAX]);

/* --- the log (log.c) -------------------------------------------------------------------------------------------------------- */

struct model_log {
  uint64_t window;
  uint64_t lifetime; /* 0: none */
  uint64_t size;
  uint64_t timestamps[MODEL_ENTRIES_MAX];
  struct model_value prefix_roots[MODEL_ENTRIES_MAX];
  struct model_value values[MODEL_ENTRIES_MAX]; /* of the log tree's leaves */
  struct model_leaf leaves[MODEL_LEAVES_MAX];   /* ascending by pos */
  size_t n_leaves;
  /* The label at hand. */
  uint64_t added[MODEL_VERSIONS_MAX]; /* entry that added version v */
  bool skipped[MODEL_VERSIONS_MAX];   /* version v was never given a value (third-party management) */
  size_t n_versions;
  struct model_value keys[MODEL_KEYS_MAX]; /* search keys, of versions that do not exist too */
};

/* Version n_versions of the label, or another leaf, goes into the entry that model_log_close adds. */
void model_log_add_version(struct model_log *log, const struct model_value *commitment);
void model_log_add_leaf(struct model_log *log, const struct model_value *key, const struct model_value *commitment);
void model_log_close(struct model_log *log, uint64_t timestamp);

int64_t model_greatest_at(const struct model_log *log, uint64_t pos);
size_t model_leaves_at(const struct model_log *log, uint64_t pos);
void model_root(const struct model_log *log, uint64_t size, struct model_value *ret_root);

/* Implicit Binary Search Tree. */
struct model_bst {
  uint64_t root;
  uint64_t parent[MODEL_ENTRIES_MAX]; /* MODEL_NONE where there is none, as the next two */
  uint64_t left[MODEL_ENTRIES_MAX];
  uint64_t right[MODEL_ENTRIES_MAX];
};
void model_bst_build(uint64_t size, struct model_bst *ret_bst);
/* Root first; the count. */
size_t model_frontier(uint64_t size, uint64_t ret_frontier[static MODEL_ENTRIES_MAX]);
/* Which entries are distinguished in the tree of this size. */
void model_distinguished(const struct model_log *log, uint64_t size, bool ret_distinguished[static MODEL_ENTRIES_MAX]);

/* --- a response being made (view.c) ------------------------------------------------------------------------------------------ */

struct model_series {
  uint64_t pos;
  uint32_t versions[MODEL_LADDER_MAX];
  size_t n;
};

struct model_provided {
  uint64_t pos;
  uint32_t version;
  bool included;
};

struct model_run {
  const struct model_log *log;
  uint64_t size;
  uint64_t last; /* advertised tree size, 0: none */
  struct model_bst bst;
  bool distinguished[MODEL_ENTRIES_MAX];
  bool expired[MODEL_ENTRIES_MAX];
  bool retained[MODEL_ENTRIES_MAX]; /* entries on the frontier of the advertised tree */
  /* The CombinedTreeProof, as positions. */
  uint64_t timestamps[MODEL_ENTRIES_MAX];
  size_t n_timestamps;
  struct model_series series[MODEL_SERIES_MAX];
  size_t n_series;
  uint64_t prefix_roots[MODEL_ENTRIES_MAX];
  size_t n_prefix_roots;
  struct model_node inclusion[MODEL_ENTRIES_MAX];
  size_t n_inclusion;
  size_t proof_size; /* bytes of it all */
  /* Lookups that count as provided in this response. */
  struct model_provided provided[MODEL_SERIES_MAX * 8];
  size_t n_provided;
};

enum model_outcome {
  MODEL_OK,
  MODEL_ABSENT,
  MODEL_EXPIRED,
  MODEL_REFUSED,
};

/* Begins with the update of the user's view. */
void model_run_begin(struct model_run *run, const struct model_log *log, uint64_t size, uint64_t last);
/* Fills in prefix_roots, inclusion and proof_size; auditor: AuditorTreeHead.tree_size, 0 for none. */
void model_run_finish(struct model_run *run, uint64_t auditor);

uint64_t model_timestamp(struct model_run *run, uint64_t pos);
/* A series of exactly these lookups. */
void model_lookups(struct model_run *run, uint64_t pos, const uint32_t *versions, size_t n);
/* A search binary ladder; `given` false: it only counts as provided. */
void model_look_search(struct model_run *run, uint64_t pos, uint32_t target, bool omit, bool given);
/* What the ladder from an entry indicates, compared with the target: negative, zero, positive. */
int model_indicates(const struct model_run *run, uint64_t pos, uint32_t target);
/* "the path from the root to the parent of" an entry, "stopping if a non-distinguished log entry is established". */
void model_path_timestamps(struct model_run *run, uint64_t pos);
/* MODEL_NONE when there is none. */
uint64_t model_rightmost_distinguished(const struct model_run *run);
/* Direct path: parent first; the count. */
size_t model_direct_path(const struct model_bst *bst, uint64_t pos, uint64_t ret_path[static MODEL_ENTRIES_MAX]);

/* --- the auditor's head (head.c) ---------------------------------------------------------------------------------------------- */

struct model_auditing { /* of the Configuration */
  uint64_t start_pos;
  uint64_t max_lag;
};

struct model_auditor_head {
  uint64_t timestamp;
  uint64_t tree_size;
  struct model_value signed_root; /* what the signature is over, beside the two above */
};

/* Steps of "Users verify an AuditorTreeHead" that fail: bit n for step n, 0 when it is to be accepted. */
#define MODEL_AUDITOR_START (1U << 1)
#define MODEL_AUDITOR_LATER (1U << 2)
#define MODEL_AUDITOR_LAG (1U << 5) /* the second half of step 2 */
#define MODEL_AUDITOR_SIZE (1U << 3)
#define MODEL_AUDITOR_SIGNATURE (1U << 4)
/* previous_size: of the auditor's head in the tree head that the user advertised; not looked at when there is none. */
unsigned model_auditor_faults(const struct model_run *run, const struct model_auditing *auditing,
                              uint64_t previous_size, const struct model_auditor_head *head);

/* --- operations ---------------------------------------------------------------------------------------------------------------- */

struct model_found {
  uint64_t terminal;
  bool monitor;
};

/* search.c. A greatest-version search for a label without versions is the proven absence of protocol-notes. */
enum model_outcome model_greatest_search(struct model_run *run, struct model_found *ret_found);
enum model_outcome model_fixed_search(struct model_run *run, uint32_t target, struct model_found *ret_found);

struct model_map_entry {
  uint64_t pos;
  uint32_t version;
};

struct model_map {
  struct model_map_entry entries[MODEL_ENTRIES_MAX]; /* ascending */
  size_t n;
};

/* monitor.c. owner_start MODEL_NONE: not in the context of owner monitoring. */
enum model_outcome model_contact(struct model_run *run, const struct model_map *map, uint64_t owner_start,
                                 struct model_map *ret_map);

struct model_owner_init {
  uint32_t greatest_versions[MODEL_ENTRIES_MAX];
  size_t n_greatest_versions;
  uint32_t ladder[MODEL_KEYS_MAX]; /* ascending */
  bool committed[MODEL_KEYS_MAX];
  size_t n_ladder;
};
enum model_outcome model_owner_init(struct model_run *run, uint64_t start, struct model_owner_init *ret_init);

struct model_progress {
  uint64_t verified;
  bool complete;
};
/* known: the version that the owner advertised. The log stops where there is a greater one, and at the entry `limit`. */
void model_owner_monitor(struct model_run *run, uint64_t start, int64_t known, uint64_t limit,
                         struct model_progress *ret_progress);

/* update.c. position: an entry with new versions of the label. */
struct model_update {
  size_t n_new;     /* skipped ones included */
  size_t n_skipped; /* of the new ones */
  int64_t previous;
  uint32_t ladder[MODEL_KEYS_MAX]; /* ascending */
  bool committed[MODEL_KEYS_MAX];
  size_t n_ladder;
  bool distinguished; /* whether position is: nothing is to be monitored then */
};
void model_update_label(struct model_run *run, uint64_t position, uint64_t owner_start,
                        struct model_update *ret_update);

/* walk.c. stop MODEL_NONE: none. "Recent": the `recent_max` rightmost unexpired ones. Positions right to left. */
size_t model_walk(struct model_run *run, uint64_t stop, size_t recent_max,
                  uint64_t ret_positions[static MODEL_ENTRIES_MAX]);

/* --- lengths of responses (size.c) ------------------------------------------------------------------------------------------------ */

enum model_mode {
  MODEL_CONTACT_MONITORING = 1,
  MODEL_THIRD_PARTY_MANAGEMENT = 2,
  MODEL_THIRD_PARTY_AUDITING = 3,
};

struct model_format {
  enum model_mode mode;
  size_t vrf_proof_len; /* VRF.Np */
  size_t signature_len; /* of every signature */
};

/* Of a CombinedTreeProof. */
size_t model_proof_size(const struct model_run *run);
/* After model_run_finish. The value lengths are what the application stored. */
size_t model_search_size(const struct model_run *run, const struct model_format *format, int64_t target,
                         bool version_requested, size_t value_len);
size_t model_monitor_size(const struct model_run *run, const struct model_format *format); /* contact and owner */
size_t model_owner_init_size(const struct model_run *run, const struct model_format *format,
                             const struct model_owner_init *init);
/* values_len: of the n_values values in the response; the response has an info for each new version but the skipped ones. */
size_t model_update_size(const struct model_run *run, const struct model_format *format,
                         const struct model_update *update, const size_t *value_lens, size_t n_values);
size_t model_distinguished_size(const struct model_run *run, const struct model_format *format);

#endif
