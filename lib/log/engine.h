/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's inside: what its files share. Nothing outside lib/log includes this.
 *
 * log.c opens and closes, auditor.h keeps the auditor's head, head.c signs and publishes, queue.c takes updates in,
 * sequencer.c decides when, commit.c forms entries and makes them durable, prune.c removes old ones, pending.c and
 * authorise.c check what may be added, query.h answers. */
#ifndef KT_LOG_ENGINE_H
#define KT_LOG_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "log/cache.h"
#include "log/clock.h"
#include "log/label_cache.h"
#include "tree/log_tree.h"

/* --- problems --------------------------------------------------------------------------------------------------- */

/* Fill *problem and return err. retry is set for KT_ERR_MEMORY only; kt_log_retry sets it. */
__attribute__((format(printf, 4, 5))) enum kt_err kt_log_refuse(struct kt_log_problem *problem, enum kt_err err,
                                                                const char *code, const char *format, ...);
enum kt_err kt_log_retry(struct kt_log_problem *problem, enum kt_err err, const char *code, const char *text);
/* A registration token that is unknown (KT_ERR_ABSENT) or used (KT_ERR_CONFLICT); KT_ERR_DENIED. */
enum kt_err kt_log_refuse_token(struct kt_log_problem *problem, enum kt_err err);
/* What kt_log_nodes.damaged_ref names does not lead to the tree that was signed; KT_ERR_PROOF. */
enum kt_err kt_log_refuse_tree(struct kt_log_problem *problem, uint64_t ref);
#define KT_LOG_STORE_FULL "store-full"
/* A failure of the store on this handle: "store-full" and "store-busy" pass by themselves, "store" does not. */
enum kt_err kt_log_store_problem(struct kt_log_problem *problem, enum kt_err err, const struct kt_store_conn *conn);

/* --- prefix tree nodes ------------------------------------------------------------------------------------------ */

/* An entry that is in the writer's open transaction, with its nodes and leaves: they enter the cache when it commits.
 * Most of the room is never touched; what was, is used again for the next entry. */
struct kt_log_fresh {
  struct kt_log_fresh *next;
  uint64_t pos;
  struct kt_store_entry entry;
  struct kt_hash log_nodes[KT_LOG_SUBTREES_MAX]; /* heads of the balanced subtrees that end with it, by level */
  size_t n_log_nodes;
  size_t n_leaves;
  size_t n_quads;
  size_t n_replaced;
  struct kt_prefix_leaf leaves[KT_LOG_LEAVES_MAX]; /* ascending */
  struct kt_log_quad quads[KT_STORE_NODES_MAX];
  uint8_t records[KT_STORE_NODES_MAX * KT_LOG_NODE_LEN]; /* of the quads */
  uint64_t replaced[KT_STORE_NODES_MAX];                 /* quads of the tree before that are not in this one */
};

/* Where nodes come from. Caller-placed, for one thread and one transaction or answer. */
struct kt_log_nodes {
  struct kt_store_conn *conn;
  const struct kt_log_cache *cache;
  const struct kt_log_fresh *fresh;             /* the writer's; NULL for readers */
  const struct kt_log_leaf_hashes *leaf_hashes; /* NULL: leaves are read */
  size_t n_stored;                              /* quads that were read from the store */
  uint64_t damaged_ref;                         /* what KT_ERR_PROOF was about last */
  uint64_t last_ref;                            /* the quad read last, 0 for none: one of its children is mostly next */
  union kt_log_quad_words last;
  const struct kt_prefix_lookup *ahead; /* whose paths are known already */
  size_t n_ahead;
  size_t next_ahead;
};

/* cache and fresh may be NULL: what is stored is read. */
void kt_log_nodes_init(struct kt_log_nodes *nodes, struct kt_store_conn *conn, const struct kt_log_cache *cache,
                       const struct kt_log_fresh *fresh);
/* A kt_prefix_nodes.get with ctx a kt_log_nodes. A missing node is KT_ERR_STORE: it must not look like a missing key.
 * KT_ERR_PROOF: a damaged one. KT_ERR_EXPIRED: KT_STORE_REF_PRUNED, the tree of a pruned entry. */
enum kt_err kt_log_node_get(void *nodes, uint64_t ref, struct kt_prefix_node *ret_node);
/* Errors as above. */
KT_MUST_USE enum kt_err kt_log_quad_get(struct kt_log_nodes *nodes, uint64_t ref, struct kt_log_quad *ret_quad);
KT_MUST_USE enum kt_err kt_log_leaf_get(const struct kt_log_nodes *nodes, uint64_t ref,
                                        struct kt_prefix_leaf *ret_leaf);
/* Of a quad at this depth, what a key's path needs (kt_log_path_word); the rest of *ret_quad may be anything. */
KT_MUST_USE enum kt_err kt_log_quad_path_get(struct kt_log_nodes *nodes, uint64_t ref, const struct kt_hash *key,
                                             unsigned depth, union kt_log_quad_words *ret_quad);
/* For whoever is going to sign what they make of it: KT_ERR_PROOF, too, when what is in the place is not what its parent, or
 * the entry, has the hash of. A record agrees with itself also when it is the one of an older tree, and clients check what
 * they are shown, but not what was lost before it was signed. */
KT_MUST_USE enum kt_err kt_log_quad_get_bound(struct kt_log_nodes *nodes, const struct kt_prefix_child *place,
                                              struct kt_log_quad *ret_quad);
KT_MUST_USE enum kt_err kt_log_leaf_get_bound(struct kt_log_nodes *nodes, const struct kt_prefix_child *place,
                                              struct kt_prefix_leaf *ret_leaf);
/* A kt_prefix_nodes.paths with ctx a kt_log_nodes. Lookups of one key should be together, in the order of the trees. */
KT_MUST_USE enum kt_err kt_log_paths(void *nodes, struct kt_prefix_lookup *lookups, size_t n, struct kt_arena *arena);
#define KT_LOG_AHEAD_MAX 64 /* as many as an answer reads ahead; the rest one by one */
/* For who knows what will be looked up: all at once is faster. What cannot be read is found by whoever needs it.
 * Lookups and arena have to live as long as the nodes. */
void kt_log_read_ahead(struct kt_log_nodes *nodes, struct kt_prefix_lookup *lookups, size_t n, struct kt_arena *arena);
/* The prefix tree of an entry; `before` 0 entries it is empty. KT_ERR_STORE when the entry is missing. */
KT_MUST_USE enum kt_err kt_log_prefix_root(struct kt_store_conn *conn, uint64_t n_entries,
                                           struct kt_prefix_child *ret_root);

/* Values of the full subtrees of the log at a size, and its root. */
KT_MUST_USE enum kt_err kt_log_heads_at(struct kt_store_conn *conn, uint64_t size,
                                        struct kt_hash ret_heads[static KT_LOG_SUBTREES_MAX]);

/* --- state ------------------------------------------------------------------------------------------------------ */

/* The end of the log, durable or in the transaction at hand; the sequencer's alone. */
struct kt_log_tip {
  uint64_t size;
  uint64_t timestamp_ms;
  struct kt_prefix_child prefix_root;
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
};

/* Full subtrees of the head that was signed last, so that they need not be read again; size 0: not known. Where they
 * come from does not matter: they have to lead to the guard's root. */
struct kt_log_signed {
  uint64_t size;
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
};

#define KT_LOG_HEAD_WORDS ((sizeof(struct kt_log_head) + 7) / 8)

/* The published head under a sequence lock: the one writer makes the sequence odd while it changes the words, a reader
 * copies them and tries again when the sequence was odd or moved. All accesses are atomic, so there is no data race. */
struct kt_log_snapshot {
  _Atomic uint64_t sequence;
  _Atomic uint64_t words[KT_LOG_HEAD_WORDS];
};

/* What was pruned, for readers on all threads. The boundary is moved before the removal commits. */
struct kt_log_pruned {
  _Atomic uint64_t boundary;
  _Atomic uint64_t n_entries;
  _Atomic uint64_t n_nodes;
  _Atomic uint64_t n_values;
  atomic_bool is_behind;  /* there is more to remove than one step does */
  atomic_bool is_stopped; /* a step failed for good */
  atomic_bool is_waiting; /* something is old enough, but see kt_log_gap */
};

/* The newest break in the log's running that was found, and how far it was looked for. */
struct kt_log_gap {
  bool has_begun;
  uint64_t pos; /* the newest entry looked at */
  uint64_t pos_ms;
  uint64_t end_ms;    /* timestamp of the entry after the break */
  uint64_t length_ms; /* 0: none was found */
};

struct kt_log {
  struct kt_log_options options;
  struct kt_hash log_id;
  struct kt_log_snapshot snapshot;
  atomic_bool is_fatal;
  atomic_bool is_unsigned; /* the tip is durable, but there was no room for its guard */
  bool is_full;            /* the last commit met a full disk; the sequencer's */
  atomic_bool is_busy;     /* the last commit was of several updates */
  _Atomic uint32_t
      n_awaited; /* so many queued updates, and nobody at work, end the sequencer's rest; 0: it does not rest */
  _Atomic uint32_t n_updating; /* threads that prepare an update or answer one */
  _Atomic uint64_t n_inserted;
  _Atomic uint64_t n_commits;
  _Atomic uint64_t n_heartbeats;
  _Atomic uint64_t n_erasures;   /* commits with one since open, counted when they are published, or cannot be signed */
  atomic_bool has_erased_labels; /* or may have; moved before an erasure commits */
  atomic_bool is_wash_due;       /* copies of what was erased may be in the files */
  struct kt_log_pruned pruned;
  struct kt_log_cache cache;
  struct kt_label_cache labels;

  pthread_mutex_t clock_lock; /* guards what follows; held for a few instructions only */
  struct kt_log_clock clock;
  enum kt_log_clock_state told_clock;
  char clock_reason[KT_LOG_REASON_SIZE];

  pthread_mutex_t round_lock; /* one round of the sequencer at a time; guards what follows */
  struct kt_store_conn *writer;
  struct kt_log_reader *drafter; /* NULL: read only */
  struct kt_log_tip tip;
  uint64_t stored_size;        /* of the head that is in the store */
  uint64_t put_size;           /* of the one that the last transaction puts there, durable or not; 0: none */
  bool is_config_stored;       /* the Configuration is named in the store, and no other */
  struct kt_log_guard guarded; /* the head that was signed last; size 0: none, or not known */
  struct kt_log_signed signed_tip;
  uint64_t damaged_ref;       /* what KT_ERR_PROOF from the prefix tree was about */
  struct kt_log_fresh *fresh; /* entries of the open transaction, the newest first */
  struct kt_log_fresh *spare; /* for the next ones */
  struct kt_log_auditor_head auditor;
  struct kt_log_gap gap;
  uint64_t told_gap_ms; /* end of the one that was told */

  pthread_mutex_t lock; /* guards what follows; held for a few instructions only */
  pthread_cond_t wake;
  struct kt_log_pending *first;
  struct kt_log_pending *last;
  size_t n_queued;
  char pruning_reason[KT_LOG_REASON_SIZE]; /* why it stopped or waits */
  size_t n_queued_bytes;
  bool stopping;
  bool started;
  pthread_t thread;

  pthread_t warm_thread; /* of whoever starts and stops the log */
  bool is_warming;
  atomic_bool is_warming_ended;
};

#define KT_LOG_OPENINGS_AHEAD 32 /* the kernel takes hardly longer for so many than for one */

struct kt_log_reader {
  struct kt_log *log;
  struct kt_store_conn *conn;
  uint8_t openings[KT_LOG_OPENINGS_AHEAD * KT_OPENING_LEN]; /* random, the first n_openings not used yet; zero behind */
  size_t n_openings;
};

/* With log->auditor. */
void kt_log_publish(struct kt_log *log, const struct kt_log_head *head);
/* Guard durable, then sign, then publish the tip (S12); what was committed enters the cache. On a failure that does not
 * pass by itself (problem->retry) nothing may be signed any more. waiting: somebody whose update is in the tip, for
 * whom a response can be drafted meanwhile; or NULL. */
KT_MUST_USE enum kt_err kt_log_sign_tip(struct kt_log *log, const struct kt_log_pending *waiting,
                                        struct kt_log_problem *problem);
/* The same for a tip that a running log has made durable: a failure ends the signing, or leaves the log unsigned until
 * this is called again. */
KT_MUST_USE enum kt_err kt_log_sign_durable(struct kt_log *log, const struct kt_log_pending *waiting,
                                            struct kt_log_problem *problem);
/* Stop signing for good and tell the program. */
void kt_log_fail(struct kt_log *log, const struct kt_log_problem *problem);
/* The published head, if there is one, in the writer's transaction (log/published.h). "data durable → guard durable →
 * sign": what a transaction adds is signed after it, so it takes along the head before. */
KT_MUST_USE enum kt_err kt_log_put_published(struct kt_log *log);
/* That transaction is durable. */
void kt_log_published_stored(struct kt_log *log);

/* Around whatever a thread does for an update before it is queued and after it is done; the sequencer gathers more of
 * them into one commit while there are any. */
void kt_log_updating_begin(struct kt_log *log);
void kt_log_updating_end(struct kt_log *log);
/* Between begin and end: do updates come faster than they are committed one by one? Then a thread's time is what there
 * is too little of, and otherwise somebody's waiting time. */
bool kt_log_updating_is_busy(const struct kt_log *log);

/* What the thread of kt_log_warm does: read the prefix trees that searches look into into the cache, until it is told
 * to end. */
void kt_log_warm_trees(struct kt_log *log);
/* End that thread. */
void kt_log_warm_end(struct kt_log *log);

/* --- pruning ------------------------------------------------------------------------------------------------------ */

/* One bounded step, in its own transaction; the caller holds round_lock. Failures leave the log as it is. */
void kt_log_prune(struct kt_log *log);
/* Look at more entries up to the tip; *ret_more: not at all of them yet. The caller holds round_lock. */
KT_MUST_USE enum kt_err kt_log_gap_look(const struct kt_log *log, struct kt_log_gap *gap, bool *ret_more);
/* Did the log not yet run for a reasonable monitoring window since the break, by its own timestamps? */
bool kt_log_gap_is_recent(const struct kt_log *log, const struct kt_log_gap *gap);
/* Read what was pruned so far, when the tip is loaded. */
KT_MUST_USE enum kt_err kt_log_prune_open(struct kt_log *log);
/* Whether entry pos is stored when the log is pruned up to the boundary. */
bool kt_log_is_kept(uint64_t pos, uint64_t boundary);

/* --- the clock ---------------------------------------------------------------------------------------------------- */

/* Look at it, and tell when something changed. False: it is not believed, and nothing may be signed with
 * *ret_now_ms. */
bool kt_log_look_at_clock(struct kt_log *log, uint64_t *ret_now_ms);
/* "clock-jumped" and the others; NULL: nothing is wrong. */
const char *kt_log_clock_code(enum kt_log_clock_state state);
/* An update that comes while the clock is not believed; it may be sent again. */
enum kt_err kt_log_refuse_clock(struct kt_log *log, struct kt_log_problem *problem);

/* --- erasure ------------------------------------------------------------------------------------------------------ */

/* KT_ERR_EXPIRED "erased": the label has no row, but was in the log. output: its VRF output for version 0, or NULL. */
enum kt_err kt_log_refuse_erased(struct kt_log_reader *reader, struct kt_bytes label, const struct kt_hash *output,
                                 struct kt_log_problem *problem);
/* The same for the sequencer, in the tree so far. */
KT_MUST_USE enum kt_err kt_log_find_erased(struct kt_log *log, const struct kt_log_tip *tip, struct kt_bytes label,
                                           bool *ret_is);
/* Value and opening of one version, in the writer's transaction. */
KT_MUST_USE enum kt_err kt_log_erase_version(struct kt_store_conn *writer, uint64_t label_id, uint32_t version);
/* Overwrite what erasures left in the files, when that is due and no reader is in the way. The caller holds
 * round_lock. */
void kt_log_wash(struct kt_log *log);

/* --- pending work ------------------------------------------------------------------------------------------------- */

enum kt_log_work {
  KT_LOG_WORK_UPDATE,
  KT_LOG_WORK_TOKEN,
  KT_LOG_WORK_ERASE,
  KT_LOG_WORK_AUDITOR,
};

/* All zero but leaf.vrf_output: a skipped version. */
struct kt_log_new_version {
  struct kt_bytes value;
  struct kt_bytes suffix; /* third-party management: the Service Operator's signature */
  uint8_t opening[KT_OPENING_LEN];
  struct kt_prefix_leaf leaf;
  bool is_proved; /* its VRF proof is stored, or inserted with it */
};

/* Of a pending update: what its response shows, when it was inserted. */
struct kt_log_made {
  uint64_t n_versions; /* of the label before */
  size_t n_new;
  const struct kt_log_new_version *versions;
};

/* What of a Manager's request its response is about. */
static inline struct kt_update_request kt_log_plain_update(const struct kt_manager_update_request *request)
{
  return (struct kt_update_request){ .last = request->last,
                                     .label = request->label,
                                     .greatest_version = request->greatest_version };
}
/* Make the response of an update but for its head, which is going to be this one; its entries are durable.
 * What fails is made later. */
void kt_log_update_draft(struct kt_log_reader *reader, const struct kt_log_head *head,
                         const struct kt_log_pending *pending);
/* Let the sequencer store the proofs of what was inserted. */
void kt_log_ahead_store(struct kt_log *log, const struct kt_log_outcome *outcome, const struct kt_log_ahead *ahead);
/* NULL: not among them. */
const struct kt_store_new_proof *kt_log_ahead_find(const struct kt_log_ahead *ahead, uint32_t version);

struct kt_log_pending {
  struct kt_arena arena; /* owns everything below, and this */
  enum kt_log_work work;
  struct kt_bytes label;
  uint64_t n_versions; /* update: that the label has now; otherwise somebody was first. Erase: the version, or all */
  const struct kt_log_new_version *versions;
  size_t n_new;                      /* skipped ones included */
  size_t n_skipped;                  /* the first of them */
  struct kt_bytes state;             /* of the account, after the update */
  struct kt_store_new_proof *proofs; /* completed when they are stored */
  size_t n_proofs;
  uint64_t n_erasures; /* update: the log's, before the label was looked up */
  bool uses_token;
  struct kt_hash token_hash;
  struct kt_log_auditor_head auditor;

  struct kt_log_ahead *ahead; /* of the response; NULL: there is none */
  kt_log_done done;
  void *done_ctx;
  struct kt_log_outcome outcome;
  size_t n_bytes; /* memory held while in the queue */
  struct kt_log_pending *next;
};

#define KT_LOG_ERASE_ALL UINT64_MAX

KT_MUST_USE enum kt_err kt_log_pending_new(enum kt_log_work work, struct kt_bytes label,
                                           struct kt_log_pending **ret_pending, struct kt_log_problem *problem);
/* An all-zero commitment: no value opens it. */
bool kt_log_is_skipped(const struct kt_hash *commitment);
/* Everybody who waits shall hear this, whatever was decided before. */
void kt_log_pending_fail(struct kt_log_pending *list, enum kt_err err, const struct kt_log_problem *problem);
/* Call back and free, in order. */
void kt_log_pending_finish(struct kt_log_pending *list);

/* What every commit that failed means: nothing may be signed any more, unless the disk was only full. */
enum kt_err kt_log_commit_failed(struct kt_log *log, enum kt_err err, struct kt_log_problem *problem);
/* Checkpoint when it is time (kt_store_maintain); a failure that does not pass by itself ends the signing, too. */
KT_MUST_USE enum kt_err kt_log_maintain(struct kt_log *log, bool is_idle, struct kt_log_problem *problem);

/* One transaction: apply the list (NULL: a heartbeat), commit, sign, publish, call back. Takes the list. The
 * caller holds round_lock. */
void kt_log_commit(struct kt_log *log, struct kt_log_pending *list);

/* A leaf of an entry that is being formed, and the version it stands for. */
struct kt_log_draft_item {
  struct kt_prefix_leaf leaf;
  const struct kt_log_new_version *new_version; /* borrowed until the entry is put; NULL: padding */
  uint64_t label_id;
  uint32_t version;
  uint32_t place; /* of the leaf, when the entry is put */
};

struct kt_log_entry_draft {
  struct kt_log_draft_item items[KT_LOG_LEAVES_MAX];
  size_t n;
  struct kt_log_draft_item *sorted[KT_LOG_LEAVES_MAX]; /* by their keys, when the entry is put */
};
KT_MUST_USE enum kt_err kt_log_entry_pad(const struct kt_log_options *options, struct kt_log_entry_draft *draft);
/* The entry and its versions in the writer's transaction. Empties the draft; tip is advanced. KT_ERR_STORE and
 * others: roll back. */
KT_MUST_USE enum kt_err kt_log_entry_put(struct kt_log *log, struct kt_log_entry_draft *draft, uint64_t now_ms,
                                         struct kt_log_tip *tip);
/* The transaction has ended: its entries enter the cache, or are forgotten. */
void kt_log_fresh_publish(struct kt_log *log);
void kt_log_fresh_drop(struct kt_log *log);
/* All there is, when the log closes. */
void kt_log_fresh_free(struct kt_log *log);

#endif
