/* SPDX-License-Identifier: Apache-2.0 */
/* The transparency log engine (design: The server engine; draft: User Operations, Auditing): one sequencer that forms
 * log entries, commits them durably and signs heads; any number of readers that answer requests from the last signed
 * head, without a lock the sequencer holds.
 *
 * Times are Unix milliseconds, positions are log entries, sizes count entries. A kt_log is used by all threads; a
 * kt_log_reader by one at a time. Responses are appended to the caller's writer (nothing is appended on failure);
 * per-request memory comes from the caller's arena.
 *
 * Every refusal is an enum kt_err, which says what kind it is, and a problem, which says what and where:
 *   KT_ERR_FORMAT       malformed request, `last` 0                                     400
 *   KT_ERR_DENIED       not authorised                                                  403
 *   KT_ERR_CONFLICT     `last` larger than the log, device set out of chain             409
 *   KT_ERR_EXPIRED      erased, expired or pruned                                       410
 *   KT_ERR_LIMIT        value, count or response over a limit                           413
 *   KT_ERR_USAGE, _ABSENT   refused content                                             422
 *   KT_ERR_STORE, _MEMORY, _CRYPTO   ours; with problem.retry 503, otherwise            500
 * Numbers S1 ... S14 in the sources are those of tests/reject/list.txt. */
#ifndef KT_LOG_LOG_H
#define KT_LOG_LOG_H

#include <kt/account_policy.h>
#include <kt/config.h>

#include <kt/arena.h>
#include <kt/writer.h>

#include <stdatomic.h>

#include "log/extension.h"
#include "store/store.h"
#include "wire/credential.h"
#include "wire/distinguished.h"
#include "wire/manager.h"
#include "wire/monitor.h"
#include "wire/search.h"
#include "wire/tree_head.h"
#include "wire/update.h"

struct kt_log;
struct kt_log_reader;

#define KT_LOG_REASON_SIZE 320

struct kt_log_problem {
  const char *code;              /* stable word for scripts, static: "last", "store-full", "busy" … */
  bool retry;                    /* passes by itself: try again later */
  bool is_damaged;               /* the database contradicts itself: only a copy helps */
  bool is_unnamed;               /* files that have no name any more hold the data: it ends with this process */
  uint64_t current_size;         /* code "auditor-head-old": of the newest head; otherwise 0 */
  char text[KT_LOG_REASON_SIZE]; /* one sentence for a person */
};

/* --- options ---------------------------------------------------------------------------------------------------- */

struct kt_log_limits {
  size_t value_max;         /* bytes of one value */
  size_t values_max;        /* values per update, at most KT_LOG_LEAVES_MAX */
  size_t queue_max;         /* waiting updates; more are refused as "busy" */
  size_t queue_bytes;       /* memory of waiting updates; more are refused as "busy", but one may always wait */
  size_t entries_max;       /* log entries in one commit */
  size_t response_max;      /* bytes of one response */
  size_t owner_ladders_max; /* ladders of owner monitoring in one response; the owner asks again for the rest */
  size_t audit_max;         /* updates in one page of the auditor feed */
  size_t audit_leaves_max;  /* leaves of all updates in one page: each costs a prefix proof; one update may have more */
};

#define KT_LOG_LEAVES_MAX \
  255 /* leaf changes per entry: "PrefixSearchResult results<0..2^8-1>" must cover all of them */

struct kt_log_options {
  const struct kt_config *config; /* borrowed, as the key and the store, until close */
  const struct kt_vrf_key *vrf_key;
  struct kt_store *store; /* its writer handle is taken by create and open; node_len is KT_LOG_NODE_LEN */
  enum kt_registration registration;
  uint64_t
      heartbeat_ms;   /* a fresh entry at least this often; 0: max_behind / 2, or max_auditor_lag / 2 if that is less */
  size_t cache_bytes; /* bound of what is kept in memory for answers; 0: nothing, the store is read each time */
  uint64_t cadence_ms;         /* least time between two commits; 0: none */
  struct kt_log_limits limits; /* a zero field takes its default */
  uint64_t clock_jump_ms;      /* log/clock.h; 0: jumps are not looked for */
  uint64_t clock_gap_ms;       /* 0: a log may have stood still for any time */
  bool guard_may_be_missing;   /* open without a guard (first start after a deliberate restore); otherwise refused */
  bool read_only; /* answer from the head that the store keeps; add, sign and guard nothing: guard_load and sign are not
                     called. The VRF key may be NULL for kt_log_fsck without vrf_every */

  /* All called from any thread; they must not call back into the log. */
  void *ctx;
  uint64_t (*now_ms)(void *ctx);
  /* A clock that nobody sets, to notice when the other one jumps (log/clock.h); NULL: it is believed. */
  uint64_t (*elapsed_ms)(void *ctx);
  enum kt_err (*random)(void *ctx, uint8_t *ret_bytes, size_t len);
  enum kt_err (*guard_load)(void *ctx, struct kt_log_guard *ret_guard); /* KT_ERR_ABSENT: there is none */
  /* The signer, which holds the signing key and the guard, and may be another process: check the extension against the
   * guard (kt_log_extend; without a guard, when that may be missing, believe it), make the guard that it leads to
   * durable, then sign its head. KT_ERR_UNDETERMINED: there is no room for the guard now, and the old one stands; it is
   * tried again. After any other failure nothing may be signed any more: it is unknown what the guard holds. */
  enum kt_err (*sign)(void *ctx, const struct kt_log_extension *extension,
                      uint8_t ret_signature[static KT_SIGNATURE_MAX]);
  /* May be NULL. Start what sign is called for next, in the same thread and with the same extension; it does not wait,
   * so that the log can do something else in between. A failure shows in sign. */
  void (*sign_begin)(void *ctx, const struct kt_log_extension *extension);
  /* Nothing will be signed any more: report it, and restart the process, but for what is unnamed. */
  void (*fatal)(void *ctx, const struct kt_log_problem *problem);
  /* The clock is not believed any more, and why; NULL text: it is again. NULL is allowed. */
  void (*clock)(void *ctx, const char *text);
  /* The disk is full, so that nothing is added, and what was met; NULL text: there is room again. Once
   * each. NULL is allowed. */
  void (*full)(void *ctx, const char *text);
  void (*pruning)(void *ctx, const char *text); /* pruning stopped or waits, and why; said once each. NULL is allowed */
};

#define KT_LOG_NODE_LEN 56 /* kt_store_options.node_len */
#define KT_LOG_CACHE_BYTES_DEFAULT ((size_t)256 << 20)

#define KT_LOG_CADENCE_MS_DEFAULT 250
#define KT_LOG_VALUE_MAX_DEFAULT KT_DEVICE_SET_MAX
#define KT_LOG_VALUES_MAX_DEFAULT 128
/* New versions of one update of which some are skipped, values included: its response lists them all beside
 * the ladder of the newest one, and "binary_ladder<0..2^8-1>" has room for 255. A Service Operator relies on
 * it: no setting lowers it. */
#define KT_LOG_SKIPPING_MAX 188
#define KT_LOG_QUEUE_MAX_DEFAULT 4096
#define KT_LOG_QUEUE_BYTES_DEFAULT ((size_t)64 << 20)
#define KT_LOG_ENTRIES_MAX_DEFAULT 16
#define KT_LOG_RESPONSE_MAX_DEFAULT ((size_t)16 << 20)
#define KT_LOG_OWNER_LADDERS_MAX_DEFAULT 32
#define KT_LOG_AUDIT_MAX_DEFAULT 256
#define KT_LOG_AUDIT_LEAVES_MAX_DEFAULT 4096

/* --- life ------------------------------------------------------------------------------------------------------- */

/* Write entry 0 (one padding leaf) and the guard into an empty store. KT_ERR_CONFLICT: it has entries already, or a
 * guard exists. KT_ERR_UNSUPPORTED: another mode, or keys that do not belong to the configuration (the store then holds
 * an entry that no head was signed for). */
KT_MUST_USE enum kt_err kt_log_create(const struct kt_log_options *options, struct kt_log_problem *ret_problem);
/* Open, without reading more than the newest entries. KT_ERR_CONFLICT, with an explanation, when the store is behind
 * the guard or contradicts it: a restored backup must never sign a fork. KT_ERR_ABSENT: no entries, no guard, or, read
 * only, no stored head. */
KT_MUST_USE enum kt_err kt_log_open(const struct kt_log_options *options, struct kt_log **ret_log,
                                    struct kt_log_problem *ret_problem);
/* The sequencer's thread; a heartbeat that is due comes first. Without it, kt_log_step does its work in the caller's
 * thread. A log that is read only has nothing to do for it, and refuses what is submitted ("read-only"). */
KT_MUST_USE enum kt_err kt_log_start(struct kt_log *log);
/* Read into the cache what answers will need, in a thread that yields to everybody, until the cache is full
 * or the log stops. For a log that is going to be asked much; once, from the thread that stops it.
 * KT_ERR_MEMORY: it goes without. */
KT_MUST_USE enum kt_err kt_log_warm(struct kt_log *log);
/* Of a log that was not started: the next one may be opened with this Configuration, or again with its own. */
KT_MUST_USE enum kt_err kt_log_announce(struct kt_log *log, const struct kt_config *successor,
                                        struct kt_log_problem *ret_problem);
/* Refuse new updates, finish those that wait, end the thread. Idempotent. */
void kt_log_stop(struct kt_log *log);
/* Stops first. Every reader must be freed before. NULL is allowed. */
void kt_log_close(struct kt_log *log);
/* One round of the sequencer (heartbeat included), when its thread was not started: for one-shot programs and tests. */
void kt_log_step(struct kt_log *log);
/* Let the thread look at the clock again. */
void kt_log_wake(struct kt_log *log);

/* --- readers ---------------------------------------------------------------------------------------------------- */

KT_MUST_USE enum kt_err kt_log_reader_new(struct kt_log *log, struct kt_log_reader **ret_reader,
                                          struct kt_log_problem *ret_problem);
void kt_log_reader_free(struct kt_log_reader *reader);

/* An AuditorTreeHead that was accepted; size 0: none. */
struct kt_log_auditor_head {
  uint64_t size;
  uint64_t timestamp_ms;
  uint8_t signature[KT_SIGNATURE_MAX];
};

/* The last signed head. From any thread; never waits. */
struct kt_log_head {
  uint64_t size;
  uint64_t timestamp_ms; /* of the rightmost entry */
  struct kt_hash root;
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_log_auditor_head auditor; /* the newest one, of at most `size` entries */
};
void kt_log_head(const struct kt_log *log, struct kt_log_head *ret_head);

/* --- queries ------------------------------------------------------------------------------------------------------ */

/* draft: User Operations. The request is decoded (kt_*_request_decode, which refuses S1); the response is the draft's
 * structure.
 *
 * KT_ERR_EXPIRED "pruned": the answer needs what the log, having a maximum lifetime, no longer keeps. It never happens
 * to somebody whose `last` has not expired and who asks about what they learned then, or about the log as it is. */
KT_MUST_USE enum kt_err kt_log_search(struct kt_log_reader *reader, const struct kt_search_request *request,
                                      struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *ret_problem);
KT_MUST_USE enum kt_err kt_log_contact_monitor(struct kt_log_reader *reader,
                                               const struct kt_contact_monitor_request *request, struct kt_arena *arena,
                                               struct kt_writer *w, struct kt_log_problem *ret_problem);
KT_MUST_USE enum kt_err kt_log_owner_init(struct kt_log_reader *reader, const struct kt_owner_init_request *request,
                                          struct kt_arena *arena, struct kt_writer *w,
                                          struct kt_log_problem *ret_problem);
KT_MUST_USE enum kt_err kt_log_owner_monitor(struct kt_log_reader *reader,
                                             const struct kt_owner_monitor_request *request, struct kt_arena *arena,
                                             struct kt_writer *w, struct kt_log_problem *ret_problem);
KT_MUST_USE enum kt_err kt_log_distinguished(struct kt_log_reader *reader,
                                             const struct kt_distinguished_request *request, struct kt_arena *arena,
                                             struct kt_writer *w, struct kt_log_problem *ret_problem);
/* draft: Credentials; docs/formats.md, Requests for credentials. position has to be a distinguished, unexpired
 * entry. */
KT_MUST_USE enum kt_err kt_log_credential(struct kt_log_reader *reader, const struct kt_credential_request *request,
                                          struct kt_arena *arena, struct kt_writer *w,
                                          struct kt_log_problem *ret_problem);
KT_MUST_USE enum kt_err kt_log_credential_update(struct kt_log_reader *reader,
                                                 const struct kt_credential_update_request *request,
                                                 struct kt_arena *arena, struct kt_writer *w,
                                                 struct kt_log_problem *ret_problem);
/* GET /v1/tree-head: the answer to a kt_distinguished_request without last and stop. It changes with kt_log_head. */
KT_MUST_USE enum kt_err kt_log_tree_head(struct kt_log_reader *reader, struct kt_arena *arena, struct kt_writer *w,
                                         struct kt_log_problem *ret_problem);
/* GET /v1/audit: uint32 count, then the AuditorUpdates of entries start, start + 1 …; fewer than limit at the end of
 * the log, over limits.audit_max, or when the page would pass limits.audit_leaves_max or limits.response_max, but at
 * least one where there is one. start = size gives count 0; start > size is KT_ERR_USAGE, an update that was pruned
 * KT_ERR_EXPIRED. The update of entry 0 carries the proof of an empty tree. ret_count may be NULL. */
KT_MUST_USE enum kt_err kt_log_audit(struct kt_log_reader *reader, uint64_t start, uint64_t limit,
                                     struct kt_arena *arena, struct kt_writer *w, uint32_t *ret_count,
                                     struct kt_log_problem *ret_problem);
/* GET /v1/audit/state: what an audit that starts at `size` (1 … current) needs:
 *   struct { uint64 timestamp; HashValue prefix_root; } FrontierEntry;
 *   struct {
 *     uint64 size;
 *     HashValue full_subtrees<0..2^8-1>;    // values at that size, left to right: kt_log_root gives the root
 *     FrontierEntry frontier<0..2^8-1>;     // of kt_ibst_frontier(size), root first; the last one is entry size - 1
 *     HashValue elements<0..2^16-1>;        // kt_log_copath(size, leaves = frontier, retained_size = size)
 *   } AuditState;
 * The frontier is checked against the subtrees with kt_log_evaluate, the root with a signed head at that size or by
 * consistency with a later one. KT_ERR_EXPIRED: pruned; an audit may begin at any larger size. */
KT_MUST_USE enum kt_err kt_log_audit_state(struct kt_log_reader *reader, uint64_t size, struct kt_arena *arena,
                                           struct kt_writer *w, struct kt_log_problem *ret_problem);
/* GET /v1/log/consistency: the form of kt_verify_consistency (kt/client.h); 0 < old_size <= size <= current.
 * KT_ERR_EXPIRED: a size whose nodes were pruned. */
KT_MUST_USE enum kt_err kt_log_consistency(struct kt_log_reader *reader, uint64_t old_size, uint64_t size,
                                           struct kt_arena *arena, struct kt_writer *w,
                                           struct kt_log_problem *ret_problem);

/* --- updates ------------------------------------------------------------------------------------------------------ */

/* An update on its way: checked, authorised, VRF outputs computed; everything it needs is copied. */
struct kt_log_pending;
struct kt_log_ahead;
struct kt_log_draft;
struct kt_log_made;

/* What an erasure did. */
struct kt_log_erased {
  uint64_t n_versions; /* whose values and openings were there; 0: all of it was erased before */
  bool is_clean; /* nothing of it is in any byte of the database any more; otherwise a reader holds an older state: the
                        * log tries again every second, and when it is opened */
};

struct kt_log_outcome {
  enum kt_err err;               /* KT_OK: durable and in the published head, or `inserted` false */
  bool inserted;                 /* false with KT_OK: somebody else was first; answer what exists */
  uint64_t position;             /* inserted */
  uint64_t label_id;             /* inserted */
  uint32_t first_version;        /* inserted: of the first value */
  struct kt_log_problem problem; /* err != KT_OK */
  struct kt_log_erased erased;   /* of kt_log_erase */
};
/* Called once, from the sequencer's thread, in which nothing may wait; outcome is valid during the call. */
typedef void (*kt_log_done)(void *ctx, const struct kt_log_outcome *outcome);

/* An HTTP update is: prepare → (pending: submit → done) → respond. prepare does the expensive work in the caller's
 * thread. *ret_pending is NULL when there is nothing to insert (a lower greatest_version): respond at once, with
 * outcome NULL. token: registration token, data NULL for none. */
KT_MUST_USE enum kt_err kt_log_update_prepare(struct kt_log_reader *reader, const struct kt_update_request *request,
                                              struct kt_bytes token, struct kt_log_pending **ret_pending,
                                              struct kt_log_problem *ret_problem);
KT_MUST_USE enum kt_err kt_log_update_respond(struct kt_log_reader *reader, const struct kt_update_request *request,
                                              const struct kt_log_outcome *outcome, const struct kt_log_ahead *ahead,
                                              struct kt_arena *arena, struct kt_writer *w,
                                              struct kt_log_problem *ret_problem);

/* What the response needs and is known before it. To be given to respond, which reads or computes what is
 * missing (NULL: all of it); it and what it has in the arena live until then. For requests that prepare made
 * pending; what fails is left out.
 *
 * Between prepare and submit: keep what is going to be inserted, so that it need not be read again. Between submit and
 * respond, while the sequencer waits for the disk: compute VRF proofs that only the response needs, and read its paths.
 * When that is done in time, and nobody else's update is on its way, the sequencer makes the response but for its head,
 * while the signer waits for its disk. */
struct kt_log_ahead {
  const struct kt_log_made *made;
  const struct kt_store_new_proof *made_proofs; /* of versions in made: to be stored */
  size_t n_made_proofs;
  const struct kt_store_new_proof *proofs;
  size_t n;
  size_t n_inserted; /* the first of them: they are stored with the update */
  struct kt_arena *arena;
  struct kt_update_request request;
  atomic_bool is_ready; /* from now on until done is called, all of this is the sequencer's; before, only this */
  const struct kt_log_draft *draft; /* NULL: none */
};
void kt_log_update_keep(struct kt_log_pending *pending, struct kt_arena *arena, struct kt_log_ahead *ahead);
void kt_log_update_ahead(struct kt_log_reader *reader, const struct kt_update_request *request, struct kt_arena *arena,
                         struct kt_log_ahead *ahead);

/* The same for a Third-Party Manager (draft: Third Parties / Management), the only way to add versions in that mode:
 * values carry the Service Operator's signatures; versions below signed_version are skipped. S13: KT_ERR_USAGE
 * "signed-version"; KT_ERR_DENIED "leaf-signature". */
KT_MUST_USE enum kt_err kt_log_manager_prepare(struct kt_log_reader *reader,
                                               const struct kt_manager_update_request *request,
                                               struct kt_log_pending **ret_pending, struct kt_log_problem *ret_problem);
KT_MUST_USE enum kt_err kt_log_manager_respond(struct kt_log_reader *reader,
                                               const struct kt_manager_update_request *request,
                                               const struct kt_log_outcome *outcome, const struct kt_log_ahead *ahead,
                                               struct kt_arena *arena, struct kt_writer *w,
                                               struct kt_log_problem *ret_problem);
void kt_log_manager_ahead(struct kt_log_reader *reader, const struct kt_manager_update_request *request,
                          struct kt_arena *arena, struct kt_log_ahead *ahead);

/* A label as an operator's next set finds it; all zero when it does not exist. */
struct kt_log_account {
  struct kt_store_label row;
  struct kt_account_state state; /* seq and previous of the next set */
  bool has_output;               /* kt_log_accounts_output */
  struct kt_hash output;         /* of version 0 */
  struct kt_arena *arena; /* both borrow from it; kt_log_operator_prepare puts there what it needs for a moment */
};
KT_MUST_USE enum kt_err kt_log_account_get(struct kt_log_reader *reader, struct kt_bytes label, struct kt_arena *arena,
                                           struct kt_log_account *ret_account, struct kt_log_problem *ret_problem);
/* Optional, for labels that are new: their VRF outputs, which the insertion needs and takes longest for, made together
 * for less. Of other labels, nothing. An output that cannot be made is left to the insertion, which tells why. */
struct kt_log_named_account {
  struct kt_bytes label;
  struct kt_log_account *account;
};
void kt_log_accounts_output(const struct kt_log *log, const struct kt_log_named_account *accounts, size_t n);
/* Its newest value, in the arena; empty: it has none, or it was erased. */
KT_MUST_USE enum kt_err kt_log_account_value(struct kt_log_reader *reader, const struct kt_log_account *account,
                                             struct kt_arena *arena, struct kt_bytes *ret_value,
                                             struct kt_log_problem *ret_problem);
/* Operator insertion (import, update-label): a well-formed device set for this label and log, signed or not, is added
 * as the next version whoever signed it. account: what kt_log_account_get gave for this label, or NULL: it is looked
 * up. An outcome with `inserted` false means: prepare again. */
KT_MUST_USE enum kt_err kt_log_operator_prepare(struct kt_log_reader *reader, struct kt_bytes label,
                                                const struct kt_log_account *account, struct kt_bytes value,
                                                struct kt_log_pending **ret_pending,
                                                struct kt_log_problem *ret_problem);
/* Optional bracket around many of these by one reader: cheaper than each on its own. Keep it short: it holds back the
 * store's checkpoint. What they see may be as old as the bracket; an outcome shows it. */
KT_MUST_USE enum kt_err kt_log_read_begin(struct kt_log_reader *reader, struct kt_log_problem *ret_problem);
void kt_log_read_end(struct kt_log_reader *reader);

/* Takes pending in every case. KT_OK: done will be called. Otherwise it will not: "busy", "stopping", "fatal". */
KT_MUST_USE enum kt_err kt_log_submit(struct kt_log *log, struct kt_log_pending *pending, kt_log_done done,
                                      void *done_ctx, struct kt_log_problem *ret_problem);
/* n updates that follow each other in the queue, each with its own done_ctx: all are taken, or, on failure, none. n is
 * at most limits.queue_max. */
struct kt_log_order {
  struct kt_log_pending *pending;
  void *done_ctx;
};
KT_MUST_USE enum kt_err kt_log_submit_all(struct kt_log *log, const struct kt_log_order *orders, size_t n,
                                          kt_log_done done, struct kt_log_problem *ret_problem);
/* Submit n together and wait for all (n at most limits.queue_max); pending[i] is taken. Works with and without the
 * thread; not from a done callback. */
void kt_log_insert(struct kt_log *log, struct kt_log_pending **pending, size_t n, struct kt_log_outcome *ret_outcomes);
/* NULL is allowed; for one that was never submitted. */
void kt_log_pending_free(struct kt_log_pending *pending);

/* --- the auditor (third-party auditing) --------------------------------------------------------------------------- */

/* PUT /v1/auditor/head: prepare (checks size, timestamp and signature in the caller's thread), then submit;
 * *ret_pending is NULL when this very head is there already. KT_ERR_PROOF: not a head of this log; KT_ERR_CONFLICT: a
 * newer one is there, ret_problem->current_size; KT_ERR_UNSUPPORTED: another mode. */
KT_MUST_USE enum kt_err kt_log_auditor_prepare(struct kt_log_reader *reader, const struct kt_auditor_tree_head *wire,
                                               struct kt_log_pending **ret_pending, struct kt_log_problem *ret_problem);
/* GET /v1/auditor/head, in every mode:
 *   struct { TreeHead tree_head; HashValue root; optional<AuditorTreeHead> auditor_tree_head; } AuditHead; */
KT_MUST_USE enum kt_err kt_log_audit_head(struct kt_log_reader *reader, struct kt_writer *w);
/* How far the auditor's newest head is behind the newest entry; UINT64_MAX without one, 0 in a mode without an
 * auditor. */
uint64_t kt_log_auditor_lag_ms(const struct kt_config *config, const struct kt_log_head *head);
/* Size of the newest head that any auditor of this log delivered, the present one or an earlier one; 0: none. */
KT_MUST_USE enum kt_err kt_log_auditor_last(struct kt_log_reader *reader, uint64_t *ret_size,
                                            struct kt_log_problem *ret_problem);

/* --- administration ----------------------------------------------------------------------------------------------- */

/* Both wait for the sequencer; not from a done callback. */
/* token_hash: SHA-256 of the token's bytes. KT_ERR_CONFLICT: it was added before. */
KT_MUST_USE enum kt_err kt_log_add_token(struct kt_log *log, const struct kt_hash *token_hash,
                                         struct kt_log_problem *ret_problem);
/* Erase value and opening of one version, or (version NULL) a label with everything of it but its leaves in the trees,
 * which are hashes that nobody can open any more. Whoever asks for it gets KT_ERR_EXPIRED "erased"; the label cannot be
 * registered again. KT_ERR_ABSENT: no such label or version; KT_ERR_USAGE: the newest version alone. */
KT_MUST_USE enum kt_err kt_log_erase(struct kt_log *log, struct kt_bytes label, const uint32_t *version,
                                     struct kt_log_erased *ret_erased, struct kt_log_problem *ret_problem);

/* "The clock is right": a log that did not believe it goes on, with an entry of now. KT_ERR_CONFLICT: the newest entry
 * is further in the clock's future than clients accept, and timestamps never go back. Waits for the sequencer. */
KT_MUST_USE enum kt_err kt_log_accept_clock(struct kt_log *log, struct kt_log_problem *ret_problem);

/* --- VRF proofs ahead of lookups ---------------------------------------------------------------------------------- */

/* What a search of each label's greatest version shows and is not stored yet: the proofs of its ladder. */
struct kt_log_proved {
  struct kt_store_new_proof *list; /* of the arena */
  size_t n;
  size_t n_labels; /* with versions, among those that were looked at */
};
/* Of labels with the numbers first (from 1 on) to first + n - 1: look what is missing and compute it. Any number of
 * threads, each with its own reader, and nothing is written: put_proofs does that, durably, in one transaction. */
KT_MUST_USE enum kt_err kt_log_prove(struct kt_log_reader *reader, uint64_t first, size_t n, struct kt_arena *arena,
                                     struct kt_log_proved *ret_proved, struct kt_log_problem *ret_problem);
/* Waits for the sequencer. Labels that were erased meanwhile are left out. KT_ERR_CONFLICT: a read-only log. */
KT_MUST_USE enum kt_err kt_log_put_proofs(struct kt_log *log, const struct kt_log_proved *proved,
                                          struct kt_log_problem *ret_problem);
/* The greatest number of a label there is; 0: there are none. */
KT_MUST_USE enum kt_err kt_log_last_label(struct kt_log_reader *reader, uint64_t *ret_label_id,
                                          struct kt_log_problem *ret_problem);

struct kt_log_status {
  struct kt_log_head head;
  uint64_t n_queued;
  uint64_t n_inserted;   /* versions since open */
  uint64_t n_commits;    /* since open */
  uint64_t n_heartbeats; /* since open */
  bool is_fatal;         /* nothing is signed any more */
  bool is_read_only;     /* nothing is signed at all */
  const char
      *clock_problem; /* the clock is not believed, nothing is added: "clock-jumped", "clock-behind", "clock-ahead";
                              * NULL: it is */
  char clock_reason[KT_LOG_REASON_SIZE]; /* then */
  bool is_wash_due;  /* copies of what was erased are in the files: an older state is read, or the disk fails */
  bool has_lifetime; /* the log has a maximum lifetime */
  struct kt_store_pruned pruned;
  bool is_pruning_stopped;                 /* pruning met damage: run fsck */
  bool is_pruning_waiting;                 /* the log stood still, or its clock jumped */
  char pruning_reason[KT_LOG_REASON_SIZE]; /* when it is one of the two */
};
/* From any thread; never waits for a commit. */
void kt_log_status(struct kt_log *log, struct kt_log_status *ret_status);

/* Check everything against everything: the store's structure, every log node and root, every entry's prefix tree, every
 * commitment, versions, VRF outputs and stored proofs of versions (every vrf_every-th version; 0: none), each account
 * against its values, as long as all of them are there, the guard; of a log that is read only no guard, but entries
 * behind its head. Reads all of the log. report is called per finding, progress (may be NULL) now
 * and then. KT_ERR_PROOF when anything was reported. */
struct kt_log_fsck {
  uint64_t vrf_every;
  void *ctx;
  void (*report)(void *ctx, const char *where, const char *what);
  void (*progress)(void *ctx, uint64_t done, uint64_t total);
};
KT_MUST_USE enum kt_err kt_log_fsck(struct kt_log_reader *reader, const struct kt_log_fsck *fsck,
                                    struct kt_log_problem *ret_problem);

#endif
