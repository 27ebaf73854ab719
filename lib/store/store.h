/* SPDX-License-Identifier: Apache-2.0 */
/* Durable data of one transparency log (design: The server engine), behind an interface with two implementations:
 * SQLite, and memory for tests.
 *
 * Everything that readers depend on is append-only and addressed by integers, so a reader filters by the tree size of
 * its snapshot and needs no lock against the writer. A store has one writer handle and any number of reader handles;
 * a handle is used by one thread at a time, the store itself by all. What a get returns lives in the caller's arena.
 *
 * Errors beside those named at a function: KT_ERR_STORE (kt_store_message tells the operation and the cause),
 * KT_ERR_MEMORY, KT_ERR_USAGE (arguments out of range, a write outside a transaction or on a reader). */
#ifndef KT_STORE_STORE_H
#define KT_STORE_STORE_H

#include <kt/bytes.h>
#include <kt/err.h>

#include <kt/arena.h>

struct kt_store;
struct kt_store_conn; /* a handle */

struct kt_store_error {
  bool is_damaged; /* the file is no database, or contradicts itself: only a copy helps */
  bool is_full;    /* the disk or a quota is full: nothing is damaged, roll back and try again when there is room */
  bool is_unnamed; /* files that have no name any more hold what was stored: it ends with this process */
  char text[320];
};

#define KT_STORE_NODE_LEN_MAX 256
#define KT_STORE_CACHE_BYTES_DEFAULT ((size_t)2 << 20)

struct kt_store_options {
  bool create;        /* make a new database (KT_ERR_CONFLICT when the file exists); otherwise open an existing one */
  size_t node_len;    /* bytes of a prefix tree node record; fixed when the database is created */
  size_t cache_bytes; /* bound of the page cache of each handle; the backend has a least it needs */
};

/* --- opening -------------------------------------------------------------------------------------------------- */

/* KT_ERR_ABSENT: no such file; KT_ERR_UNSUPPORTED: not our database, made by a newer program, or another node_len. On
 * failure ret_error says why. */
KT_MUST_USE enum kt_err kt_store_open_sqlite(const char *path, const struct kt_store_options *options,
                                             struct kt_store **ret_store, struct kt_store_error *ret_error);
KT_MUST_USE enum kt_err kt_store_open_memory(const struct kt_store_options *options, struct kt_store **ret_store);
/* Every handle must be closed before. NULL is allowed. */
void kt_store_close(struct kt_store *store);

/* KT_ERR_CONFLICT: the writer is already open. On failure ret_error says why. */
KT_MUST_USE enum kt_err kt_store_open_writer(struct kt_store *store, struct kt_store_conn **ret_conn,
                                             struct kt_store_error *ret_error);
KT_MUST_USE enum kt_err kt_store_open_reader(struct kt_store *store, struct kt_store_conn **ret_conn,
                                             struct kt_store_error *ret_error);
/* An open transaction is rolled back. NULL is allowed. */
void kt_store_close_conn(struct kt_store_conn *conn);

/* The last failure on this handle; valid until the next call on it. */
const char *kt_store_message(const struct kt_store_conn *conn);
bool kt_store_is_full(const struct kt_store_conn *conn);
bool kt_store_is_damaged(const struct kt_store_conn *conn);
bool kt_store_is_unnamed(const struct kt_store_conn *conn);

/* --- transactions --------------------------------------------------------------------------------------------- */

/* All writes happen between begin and commit, on the writer. KT_ERR_UNDETERMINED from begin: another program writes to
 * the file at the moment; try again. After KT_ERR_STORE or KT_ERR_MEMORY in a transaction
 * only rollback succeeds. KT_OK from commit means durable (fsync succeeded); a failed commit is rolled back. When
 * commit fails for another reason than a full disk it is unknown what the disk holds: the writer refuses to begin
 * again and the store must be reopened. */
KT_MUST_USE enum kt_err kt_store_begin(struct kt_store_conn *writer);
KT_MUST_USE enum kt_err kt_store_commit(struct kt_store_conn *writer);
void kt_store_rollback(struct kt_store_conn *writer);
/* For a writer that was just opened and is about to have signed what it found: that may be in the kernel's memory only,
 * when the process that wrote it was killed before its flush, or the flush failed. It is written again, to its place in
 * the file, and flushed. KT_ERR_UNDETERMINED: another program is reading; try again. */
KT_MUST_USE enum kt_err kt_store_settle(struct kt_store_conn *writer);
/* For a writer that is not going on from what it found: closing it leaves the files as they are. Otherwise the
 * write-ahead log becomes part of the database then, be it of another day or of another log. */
void kt_store_leave(struct kt_store_conn *writer);
/* Housekeeping of the writer between transactions (checkpoint of the write-ahead log). Call it after each commit, when
 * the result is published: a failure here does not undo the commit. is_idle: nobody waits for the next transaction at
 * the moment, so a little is worth doing; otherwise only what must not grow any further. */
KT_MUST_USE enum kt_err kt_store_maintain(struct kt_store_conn *writer, bool is_idle);

/* For who is going to read a large part of the file, in no order of the disk's: have the system read the
 * next piece of it, from *at (0 at first) on, and move *at. False: that was all, it cannot be read, or the
 * file is larger than max_bytes or than half of the machine's memory. The piece has at most len bytes and is
 * left in `room`: to be wiped. */
bool kt_store_page_in(struct kt_store_conn *conn, uint64_t max_bytes, uint64_t *at, uint8_t *room, size_t len);

/* Optional bracket around many reads of one reader: cheaper than each on its own, and they may (need not) all see the
 * moment of begin. Keep it short: it holds back the checkpoint. */
KT_MUST_USE enum kt_err kt_store_read_begin(struct kt_store_conn *reader);
void kt_store_read_end(struct kt_store_conn *reader);

/* --- meta ----------------------------------------------------------------------------------------------------- */

/* Small values by name. Names that begin with "store/" belong to the store. KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_store_get_meta(struct kt_store_conn *conn, const char *name, struct kt_arena *arena,
                                          struct kt_bytes *ret_value);
KT_MUST_USE enum kt_err kt_store_put_meta(struct kt_store_conn *writer, const char *name, struct kt_bytes value);

/* --- log entries ---------------------------------------------------------------------------------------------- */

#define KT_STORE_POS_MAX (((uint64_t)1 << 34) - 3) /* what a reference has room for */
#define KT_STORE_LEAF_LEN 64                       /* vrf_output || commitment */

struct kt_store_entry {
  uint64_t timestamp_ms;
  struct kt_hash prefix_root;
  uint64_t prefix_root_ref;
};

#define KT_STORE_LEAVES_MAX 3840 /* per entry */

/* Append entry pos, which must be the number of entries (KT_ERR_CONFLICT). leaves: its leaf changes of 64 bytes each;
 * log_nodes: the heads of all balanced subtrees that end with this entry, by level, its own leaf hash first. */
KT_MUST_USE enum kt_err kt_store_put_entry(struct kt_store_conn *writer, uint64_t pos,
                                           const struct kt_store_entry *entry, struct kt_bytes leaves,
                                           struct kt_bytes log_nodes);
KT_MUST_USE enum kt_err kt_store_count_entries(struct kt_store_conn *conn, uint64_t *ret_n);
/* KT_ERR_ABSENT, as those that follow. */
KT_MUST_USE enum kt_err kt_store_get_entry(struct kt_store_conn *conn, uint64_t pos, struct kt_store_entry *ret_entry);
/* All leaf changes of an entry; they stay when the entry is pruned. */
KT_MUST_USE enum kt_err kt_store_get_leaves(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                            struct kt_bytes *ret_leaves);
/* Head of the balanced subtree over entries [start, start + 2^level); start is a multiple of 2^level. */
KT_MUST_USE enum kt_err kt_store_get_log_node(struct kt_store_conn *conn, uint64_t start, unsigned level,
                                              struct kt_hash *ret_hash);

/* --- prefix tree nodes ---------------------------------------------------------------------------------------- */

#define KT_STORE_NODES_MAX ((uint64_t)1 << 13) /* per entry */
#define KT_STORE_REF_BITS 48

/* Reference to node `index` of entry `pos`, or to its leaf change `index`; never 0, never all ones. From the top: a bit
 * for leaves, 34 bits, 13 bits. */
static inline uint64_t kt_store_node_ref(uint64_t pos, uint64_t index)
{
  return (pos + 1) * KT_STORE_NODES_MAX | index;
}

static inline uint64_t kt_store_leaf_ref(uint64_t pos, uint64_t index)
{
  return (uint64_t)1 << 47 | kt_store_node_ref(pos, index);
}

static inline bool kt_store_ref_is_leaf(uint64_t ref)
{
  return (ref >> 47 & 1) != 0;
}

/* Of a reference that one of the two made. */
static inline uint64_t kt_store_ref_pos(uint64_t ref)
{
  return (ref & (((uint64_t)1 << 47) - 1)) / KT_STORE_NODES_MAX - 1;
}

static inline uint64_t kt_store_ref_index(uint64_t ref)
{
  return ref % KT_STORE_NODES_MAX;
}

/* All nodes entry pos creates, n records of node_len bytes; once per entry (KT_ERR_CONFLICT). */
KT_MUST_USE enum kt_err kt_store_put_nodes(struct kt_store_conn *writer, uint64_t pos, const uint8_t *records,
                                           uint64_t n);
/* One record of node_len bytes. KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_store_get_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record);
/* One leaf change by its reference. KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_store_get_leaf(struct kt_store_conn *conn, uint64_t ref,
                                          uint8_t ret_leaf[static KT_STORE_LEAF_LEN]);

/* --- labels --------------------------------------------------------------------------------------------------- */

#define KT_STORE_LABEL_ID_MAX (((uint64_t)1 << 31) - 1)
#define KT_STORE_VERSIONS_MAX ((uint64_t)UINT32_MAX) /* n_versions; versions are 0 .. n_versions - 1 */

struct kt_store_label {
  uint64_t label_id; /* ascends in order of creation; none is used twice */
  uint64_t n_versions;
  uint64_t newest_pos;   /* entry that inserted the greatest version; 0 without versions */
  struct kt_bytes state; /* opaque: the engine's authorisation state */
  struct kt_bytes label;
};

/* KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_store_get_label(struct kt_store_conn *conn, struct kt_bytes label, struct kt_arena *arena,
                                           struct kt_store_label *ret_label);
/* label->label, n_versions, newest_pos and state; it gets the next id. KT_ERR_CONFLICT when it exists. */
KT_MUST_USE enum kt_err kt_store_create_label(struct kt_store_conn *writer, const struct kt_store_label *label,
                                              uint64_t *ret_label_id);
/* n_versions, newest_pos and state of label->label_id. KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_store_update_label(struct kt_store_conn *writer, const struct kt_store_label *label);
/* Walk all labels: the one with the smallest id above after_label_id (0 to begin); KT_ERR_ABSENT at the end. */
KT_MUST_USE enum kt_err kt_store_next_label(struct kt_store_conn *conn, uint64_t after_label_id, struct kt_arena *arena,
                                            struct kt_store_label *ret_label);

/* --- versions ------------------------------------------------------------------------------------------------- */

struct kt_store_version {
  uint64_t pos;   /* entry that inserted it */
  uint32_t leaf;  /* its index among the entry's leaf changes: VRF output and commitment are there */
  bool is_erased; /* set by erasing only */
};

/* What the commitment commits to; personal data, gone after erasure. */
struct kt_store_payload {
  struct kt_store_version version; /* as kt_store_get_version gives it; when it is put, not looked at */
  uint8_t opening[KT_OPENING_LEN];
  struct kt_bytes value;
  struct kt_bytes suffix;
};

/* KT_ERR_CONFLICT when it exists. Does not touch the label's n_versions. */
KT_MUST_USE enum kt_err kt_store_put_version(struct kt_store_conn *writer, uint64_t label_id, uint32_t version,
                                             const struct kt_store_version *data,
                                             const struct kt_store_payload *payload);
/* KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_store_get_version(struct kt_store_conn *conn, uint64_t label_id, uint32_t version,
                                             struct kt_store_version *ret_version);
/* KT_ERR_ABSENT; KT_ERR_EXPIRED when erased. */
KT_MUST_USE enum kt_err kt_store_get_payload(struct kt_store_conn *conn, uint64_t label_id, uint32_t version,
                                             struct kt_arena *arena, struct kt_store_payload *ret_payload);
/* Greatest of versions 0 .. n_versions - 1 in a tree of tree_size entries (positions ascend with the version);
 * KT_ERR_ABSENT when there is none. */
KT_MUST_USE enum kt_err kt_store_find_greatest(struct kt_store_conn *conn, uint64_t label_id, uint64_t n_versions,
                                               uint64_t tree_size, uint32_t *ret_version);
/* Remove the payload, keep the rest. KT_ERR_ABSENT; erasing twice is fine. */
KT_MUST_USE enum kt_err kt_store_erase_version(struct kt_store_conn *writer, uint64_t label_id, uint32_t version);
/* Remove all there is of a label but what its log entries added to the trees: the label, its versions, their VRF
 * proofs. Its number is never given again. KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_store_erase_label(struct kt_store_conn *writer, uint64_t label_id);
/* Put on record, with an erasure, that no copy of what was erased may stay in the file. kt_store_erase_label does it by
 * itself. */
KT_MUST_USE enum kt_err kt_store_want_wash(struct kt_store_conn *writer);
/* A label was erased at any time, the open transaction included. */
bool kt_store_has_erased_labels(const struct kt_store_conn *writer);
/* Such a record is there, from this run or an earlier one. */
bool kt_store_wash_is_due(const struct kt_store_conn *writer);
/* Between transactions: overwrite every copy in the files of the database, durably, and take the record away;
 * nothing when it is not due. Reads all tables with personal data. KT_ERR_UNDETERMINED: a reader still holds an
 * older state; try again. */
KT_MUST_USE enum kt_err kt_store_wash(struct kt_store_conn *writer);

/* --- VRF proofs ----------------------------------------------------------------------------------------------- */

#define KT_STORE_PROOF_MAX 81

/* Cache of what is expensive to compute; deterministic, so a second put of the same (label, version) is ignored. The
 * version need not exist; when it does, its leaf has the output, which then need not be stored again. */
struct kt_store_proof {
  bool has_output;
  struct kt_hash output;
  size_t len;
  uint8_t proof[KT_STORE_PROOF_MAX];
};

/* Those of an even version and of the next one are in one row: who needs one mostly needs the other. */
struct kt_store_proof_pair {
  bool has[2];
  struct kt_store_proof proof[2]; /* of those there are */
};

/* Of version and its neighbour; neither is there: KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_store_get_proofs(struct kt_store_conn *conn, uint64_t label_id, uint32_t version,
                                            struct kt_store_proof_pair *ret_pair);
/* KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_store_get_proof(struct kt_store_conn *conn, uint64_t label_id, uint32_t version,
                                           struct kt_store_proof *ret_proof);
/* Many of any labels and versions, in any order; of labels that were erased since, none. Sorts the list. */
struct kt_store_new_proof {
  uint64_t label_id;
  uint32_t version;
  struct kt_store_proof proof;
};
KT_MUST_USE enum kt_err kt_store_put_proofs(struct kt_store_conn *writer, struct kt_store_new_proof *list, size_t n);
/* From any thread: remember a computed proof for the writer. Bounded; when the list is full, or a transaction that
 * drained it fails, the proof is dropped and will be computed again. True when the list has just grown long enough to
 * be worth a transaction. */
bool kt_store_queue_proof(struct kt_store *store, uint64_t label_id, uint32_t version,
                          const struct kt_store_proof *proof);
/* How many are queued, and whether that is long enough. From any thread. */
size_t kt_store_queued_proofs(struct kt_store *store, bool *ret_is_long);
/* Put what was queued, in the current transaction. */
KT_MUST_USE enum kt_err kt_store_drain_proofs(struct kt_store_conn *writer);

/* --- registration tokens -------------------------------------------------------------------------------------- */

/* By their SHA-256. KT_ERR_CONFLICT when it was added before. */
KT_MUST_USE enum kt_err kt_store_add_token(struct kt_store_conn *writer, const struct kt_hash *token_hash);
/* Whether it could be used. KT_ERR_ABSENT: never added; KT_ERR_CONFLICT: used before. */
KT_MUST_USE enum kt_err kt_store_check_token(struct kt_store_conn *conn, const struct kt_hash *token_hash);
/* Single use. Errors as kt_store_check_token. */
KT_MUST_USE enum kt_err kt_store_use_token(struct kt_store_conn *writer, const struct kt_hash *token_hash);

/* --- pruning -------------------------------------------------------------------------------------------------- */

/* What a log with a maximum lifetime has removed for good. What may go is the engine's to decide (log/prune.c). Keys
 * are never used again, so a reader meets what it expects or KT_ERR_ABSENT, never something else in its place. */
struct kt_store_pruned {
  uint64_t boundary;  /* entries below it may be missing; their leaf changes and prefix trees are gone */
  uint64_t n_entries; /* removed entries */
  uint64_t n_nodes;   /* removed prefix tree nodes */
  uint64_t n_values;  /* removed values */
};

#define KT_STORE_REF_PRUNED 1 /* prefix_root_ref of a stripped entry: refers to no node */

/* All zero when nothing was ever pruned. */
KT_MUST_USE enum kt_err kt_store_get_pruned(struct kt_store_conn *conn, struct kt_store_pruned *ret_pruned);
KT_MUST_USE enum kt_err kt_store_put_pruned(struct kt_store_conn *writer, const struct kt_store_pruned *pruned);

/* KT_ERR_ABSENT, as the next one. */
KT_MUST_USE enum kt_err kt_store_drop_entry(struct kt_store_conn *writer, uint64_t pos);
/* Keep timestamp, root and log nodes; prefix_root_ref is KT_STORE_REF_PRUNED. */
KT_MUST_USE enum kt_err kt_store_strip_entry(struct kt_store_conn *writer, uint64_t pos);

struct kt_store_nodes {
  const uint64_t *refs; /* ascending */
  const uint8_t *records;
  size_t n;
};

/* What is left of the nodes entry pos created. */
KT_MUST_USE enum kt_err kt_store_get_nodes(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                           struct kt_store_nodes *ret_nodes);
/* Remove the nodes of entry pos that are not among the n ascending refs; ret_n_removed counts them. Leaf changes
 * stay. */
KT_MUST_USE enum kt_err kt_store_keep_nodes(struct kt_store_conn *writer, uint64_t pos, const uint64_t *refs, size_t n,
                                            uint64_t *ret_n_removed);

/* Remember that entry pos inserted a version that follows this one. */
KT_MUST_USE enum kt_err kt_store_put_superseded(struct kt_store_conn *writer, uint64_t pos, uint64_t label_id,
                                                uint32_t version);
/* Erase the versions remembered for pos and forget them; ret_n counts them. */
KT_MUST_USE enum kt_err kt_store_erase_superseded(struct kt_store_conn *writer, uint64_t pos, uint64_t *ret_n);

/* --- administration ------------------------------------------------------------------------------------------- */

/* Structure of the file and density of the entries; KT_ERR_STORE with the first finding as the message. Slow. What the
 * data means is the engine's to check. */
KT_MUST_USE enum kt_err kt_store_verify(struct kt_store_conn *conn);
/* A consistent copy of the committed data in a new file, durable on return; the writer may go on meanwhile.
 * KT_ERR_CONFLICT: the file exists; KT_ERR_UNSUPPORTED: memory. */
KT_MUST_USE enum kt_err kt_store_backup(struct kt_store_conn *reader, const char *path);

#endif
