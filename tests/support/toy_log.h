/* SPDX-License-Identifier: Apache-2.0 */
/* A small transparency log in memory, for tests: a real suite with fixed keys, deterministic values, and answers at any
 * size it ever had. Deliberately simple and separate from lib/log, so that it can be made to lie.
 *
 * Answers come from the recorder and the draft's algorithms; hooks change a decoded response before it is encoded.
 * Out-of-range use fails the running cmocka test. */
#ifndef KT_TESTS_TOY_LOG_H
#define KT_TESTS_TOY_LOG_H

#include <kt/client.h>

#include <kt/writer.h>
#include "tree/prefix_tree.h"
#include "view/record.h"
#include "wire/tree_head.h"

#define TOY_ENTRIES_MAX 72
#define TOY_VERSIONS_MAX 256 /* of all labels together */
#define TOY_LEAVES_MAX (TOY_VERSIONS_MAX + TOY_ENTRIES_MAX + 1)
#define TOY_KEYS 32 /* versions of a label with a search key: those that ladders for versions below 31 need */

struct toy_params {
  uint64_t window;
  uint64_t lifetime; /* 0: none */
  uint64_t max_ahead;
  uint64_t max_behind;
};

struct toy_version {
  const char *label;
  uint32_t version;
  uint64_t pos; /* entry that added it */
  uint8_t opening[KT_OPENING_LEN];
  char value[32];
  struct kt_bytes content; /* when it has data: logged instead of value */
  struct kt_hash commitment;
  bool skipped;                        /* no value, an all-zero commitment */
  uint8_t signature[KT_SIGNATURE_MAX]; /* third-party management, of what is not skipped */
};

/* Versions that an entry adds: the next `count` ones of a label, the first `skipped` of which have no value. */
struct toy_add {
  const char *label;
  uint32_t count;
  uint32_t skipped;
};

enum toy_kind {
  TOY_SEARCH,        /* struct kt_search_response */
  TOY_CONTACT,       /* struct kt_monitor_response */
  TOY_OWNER_INIT,    /* struct kt_owner_init_response */
  TOY_OWNER_MONITOR, /* struct kt_monitor_response */
  TOY_UPDATE,        /* struct kt_update_response */
  TOY_DISTINGUISHED, /* struct kt_distinguished_response */
};

struct toy_log;

/* Changes a response in place before it is encoded; new arrays go into the arena. */
typedef void (*toy_mutate)(struct toy_log *log, struct kt_arena *arena, void *response);

struct toy_log {
  struct kt_config config;        /* what clients pin */
  struct kt_config prover_config; /* what answers are made with; the same unless a test makes it differ */
  uint64_t size;
  uint64_t timestamps[TOY_ENTRIES_MAX];
  struct kt_prefix_child prefix_roots[TOY_ENTRIES_MAX];
  struct toy_version versions[TOY_VERSIONS_MAX];
  size_t n_versions;
  struct kt_prefix_node *nodes; /* reference n is nodes[n - 1] */
  size_t n_nodes;
  size_t cap_nodes;
  struct kt_record_source source;
  uint8_t signatures[TOY_ENTRIES_MAX + 1][KT_SIGNATURE_MAX]; /* of the head of each size, once it is made */
  bool signed_heads[TOY_ENTRIES_MAX + 1];

  uint8_t leaf_key[KT_PUBLIC_KEY_MAX];
  uint8_t auditor;
  uint8_t auditor_key[KT_PUBLIC_KEY_MAX];
  uint64_t auditor_size; /* of the auditor's newest head; answers at a smaller size have a head of that size */

  /* Hooks. */
  uint8_t salt;         /* part of every later entry, value and opening: forks */
  uint64_t owner_limit; /* owner monitoring stops before this entry */
  bool keep_going;      /* answer although the algorithm ended with an error */
  toy_mutate mutate;
  void *mutate_ctx;
};

void toy_log_init(struct toy_log *log, const struct toy_params *params);
void toy_log_release(struct toy_log *log);
/* Accept every signature from here on, as if whatever the responses lead to had been signed. */
void toy_log_sign_anything(struct toy_log *log);
/* One entry: the versions, and a padding leaf. */
void toy_log_append(struct toy_log *log, uint64_t timestamp_ms, const struct toy_add *adds, size_t n_adds);
/* One entry that adds the next version of the label with a value of the caller's. Label and value outlive the log. */
void toy_log_append_value(struct toy_log *log, uint64_t timestamp_ms, const char *label, struct kt_bytes value);
/* What the log shows as the value of a version. */
struct kt_bytes toy_version_value(const struct toy_version *version);
/* All leaves of the tree of an entry, ascending; room for TOY_LEAVES_MAX. */
size_t toy_log_leaves(const struct toy_log *log, uint64_t pos, struct kt_prefix_leaf *ret_leaves);
/* Third-party auditing: an auditor (0, 1 … are different ones) vouches for whatever the log shows, at once. */
void toy_log_set_auditor(struct toy_log *log, uint8_t auditor, uint64_t max_lag, uint64_t start_pos);
/* Third-party management: values carry the Service Operator's signature. Before the first entry. */
void toy_log_set_manager(struct toy_log *log);
/* UpdateSuffix of a version; empty in other modes, and of a skipped one. */
struct kt_bytes toy_suffix(const struct toy_log *log, const struct toy_version *version);
/* Rewrite the tree of one existing entry, and of no other: take a key out, put a leaf in (either may be NULL). */
void toy_log_tamper(struct toy_log *log, uint64_t pos, const struct kt_hash *remove, const struct kt_prefix_leaf *add);

/* Leaves, ascending, into a tree of the log's nodes; no entry has the new tree yet. */
void toy_log_insert(struct toy_log *log, struct kt_prefix_child root, const struct kt_prefix_leaf *leaves, size_t n,
                    struct kt_prefix_child *ret_root);

struct kt_bytes toy_label(const char *label);
const struct toy_version *toy_version_find(const struct toy_log *log, const char *label, uint32_t version);
/* Greatest version as of an entry; false when there is none. */
bool toy_greatest_at(const struct toy_log *log, const char *label, uint64_t pos, uint32_t *ret_version);
void toy_vrf_output(const char *label, uint32_t version, struct kt_hash *ret_output);

/* Answer an encoded request as the log did when it had `size` entries. KT_ERR_ABSENT, KT_ERR_EXPIRED, KT_ERR_USAGE: the
 * request is refused. */
KT_MUST_USE enum kt_err toy_answer(struct toy_log *log, uint64_t size, enum toy_kind kind, struct kt_bytes request,
                                   struct kt_writer *ret_response);
/* The secret of the log's head signatures, of its VRF, of an auditor, of the Service Operator. */
const uint8_t *toy_log_sign_seed(void);
const uint8_t *toy_log_vrf_seed(void);
const uint8_t *toy_auditor_seed(uint8_t auditor);
const uint8_t *toy_leaf_seed(void);
/* The head of a size, signed. */
void toy_sign_head(struct toy_log *log, uint64_t size, uint8_t ret_signature[static KT_SIGNATURE_MAX]);
/* The auditor's head that goes with the log's head of a size; its signature is in the buffer. */
struct kt_auditor_tree_head toy_auditor_head(struct toy_log *log, uint64_t size,
                                             uint8_t signature[static KT_SIGNATURE_MAX]);

#endif
