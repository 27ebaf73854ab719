/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier: requests to a transparency log, verification of its responses, and what is retained between them
 * (draft: User Operations).
 *
 * Pure functions: const old state in, new state out, nothing changed on failure ("Queries that fail full verification
 * MUST NOT modify the user's protocol state", R59). The caller sends the request bytes by any transport, stores the new
 * states, and passes the time in. Results borrow from the response bytes and the arena. Requests are appended to a
 * growing writer; they carry the retained tree size as `last`.
 *
 * Errors of every kt_verify_*: KT_ERR_FORMAT (does not parse), KT_ERR_PROOF (refused), KT_ERR_STALE (verified, but the
 * newest timestamp is outside the clock's bounds, or, with the reason "auditor-missing", the auditor's head is genuine
 * and too old), KT_ERR_ABSENT / KT_ERR_EXPIRED where said, KT_ERR_MEMORY; *reason says why.
 *
 * Requests go out as POST, Content-Type application/octet-stream, to the path said at each; an answer is the body of a
 * 200. docs/embedding.md walks through a monitor. Other answers prove nothing, and no state changes:
 *   409       `last` is larger than the log (do the fork check), or another update of the label was faster (ask again)
 *   410       what this needs is erased or past its lifetime: `type` in the problem document says which. Believe it only
 *             if this client was away longer than config.maximum_lifetime, by its own clock; then start anew. Otherwise
 *             undecided, to be told
 *   422       about something the log says it does not have (a fixed version above the greatest), or a contradiction in
 *             itself. Without a proof this is only a claim: a greatest-version search proves it or refutes it
 *   429, 503  wait for Retry-After. Not to be answered for longer than config.reasonable_monitoring_window is an alert
 *             of its own (monitor-blind, kt/alert.h): silence is what an attacker would choose
 *
 * Fork check, after KT_ERR_PROOF or KT_ERR_FORMAT against a retained head, and after 409: ask /v1/distinguished once
 * more without `last` (a struct kt_log_state of zeros, log_only set), and keep the retained state whatever comes.
 * Invalid by itself: the log, or who answers for it, is broken. Same size and another root: a fork. Smaller: a
 * rollback. Larger: fetch GET /v1/log/consistency?old=OURS&size=THEIRS and let kt_verify_consistency give the root this
 * log had at our size; another one than ours is a fork. kt/evidence.h makes two such heads a file that anybody can
 * verify. */
#ifndef KT_CLIENT_H
#define KT_CLIENT_H

#include <kt/arena.h>
#include <kt/config.h>
#include <kt/tree_state.h>
#include <kt/writer.h>

KT_API_BEGIN

/* Requests are at most this long: a label, 255 map entries; updates add their values. */
#define KT_REQUEST_MAX ((size_t)16 << 10)

/* The last tree head that was fully verified. tree.size 0: none yet. */
struct kt_log_state {
  struct kt_tree_state tree;
  struct kt_hash root;
  uint8_t signature[KT_SIGNATURE_MAX];
  size_t signature_len;
  uint64_t auditor_size; /* of the auditor's head that came with it; 0: none, as in other modes */
};

struct kt_client {
  const struct kt_config *config;
  const struct kt_log_state *log; /* the old state; never NULL */
  uint64_t now_ms;                /* at the time the response was received */
  struct kt_arena *arena;
  struct kt_reason *reason; /* may be NULL; zeroed by the caller */
  /* Verify what the log signed and leave the auditor's statement about it aside (R14, R15, R17): for comparing a head
   * with another one of the same log, never for believing an answer. */
  bool log_only;
};

/* A version counter and the log entry at which it is known to exist. */
struct kt_version_at {
  uint64_t position;
  uint32_t version;
};

/* Search key of a version, and its commitment: authenticated by a lookup, or brought by a fixed-version search whose
 * lookups passed the version over; then the first monitoring authenticates it. */
struct kt_known_version {
  uint32_t version;
  struct kt_hash vrf_output;
  bool has_commitment;
  struct kt_hash commitment;
};

/* Contact monitoring state of one label (draft: Contact Algorithm). Arrays borrowed. Empty: nothing to monitor. */
struct kt_contact_state {
  const struct kt_version_at *map; /* ascending by position and by version, at most 255 */
  size_t n_map;
  const struct kt_known_version *known; /* ascending; what the map's monitoring ladders look up */
  size_t n_known;
};

/* State of one's own label (draft: Owner Algorithm, Updating a Label). Arrays borrowed. */
struct kt_owner_state {
  uint64_t start; /* rightmost distinguished entry verified */
  bool has_version_at_start;
  uint32_t version_at_start;
  const struct kt_version_at *upcoming; /* insertions right of start, greatest version each, ascending */
  size_t n_upcoming;
  struct kt_contact_state contact; /* monitoring map of versions not yet in a verified distinguished entry */
};

/* Greatest version the owner knows of; false when the label has none. */
bool kt_owner_greatest(const struct kt_owner_state *owner, uint32_t *ret_version);

/* --- Search ------------------------------------------------------------------------------------------------------ */

struct kt_search_result {
  uint32_t version;
  struct kt_bytes value;
  uint64_t terminal;    /* log entry that decided */
  uint64_t terminal_ms; /* its timestamp */
  struct kt_log_state log;
  struct kt_contact_state contact; /* the old one, with this version added where monitoring is required. Not for
                                      owner.contact: it drops what only owner monitoring needs */
};

/* POST /v1/search. version NULL: greatest. Discharge what the label's contact state owes first (kt_request_contact): a
 * search adds to it, and only monitoring finds out that what an earlier search showed was taken back. */
void kt_request_search(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label,
                       const uint32_t *version);
/* KT_ERR_ABSENT: proven that the label does not exist (greatest-version search), or that the version was skipped and
 * holds nothing (fixed version, third-party management); then ret_result->log is set, and nothing else. Absence is
 * refused where `known_greatest` says that a version exists (NULL: none known), as is a greatest version below it. */
KT_MUST_USE enum kt_err kt_verify_search(const struct kt_client *client, struct kt_bytes label, const uint32_t *version,
                                         const uint32_t *known_greatest, const struct kt_contact_state *contact,
                                         struct kt_bytes response, struct kt_search_result *ret_result);

/* --- Contact Monitor ---------------------------------------------------------------------------------------------- */

struct kt_contact_result {
  struct kt_log_state log;
  struct kt_contact_state contact;
};

/* POST /v1/contact-monitor. Nothing to ask while contact->n_map is 0; otherwise due once per
 * config.reasonable_monitoring_window, and before the next search of the label. */
void kt_request_contact(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label,
                        const struct kt_contact_state *contact);
KT_MUST_USE enum kt_err kt_verify_contact(const struct kt_client *client, const struct kt_contact_state *contact,
                                          struct kt_bytes response, struct kt_contact_result *ret_result);

/* --- Owner Initialization, Owner Monitoring ----------------------------------------------------------------------- */

struct kt_owner_result {
  struct kt_log_state log;
  struct kt_owner_state owner;
  bool complete; /* monitoring: no distinguished entry is left to verify. False: the log stopped early, which it may
                    when it has a newer version (ask with an empty update) or a limit (ask again) */
};

/* POST /v1/owner/init, once per label: start is a distinguished entry, heads[0].size - 1 of a walk just verified. */
void kt_request_owner_init(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label, uint64_t start);
KT_MUST_USE enum kt_err kt_verify_owner_init(const struct kt_client *client, struct kt_bytes label, uint64_t start,
                                             struct kt_bytes response, struct kt_owner_result *ret_result);
/* POST /v1/owner/monitor, at least once per config.reasonable_monitoring_window. It looks at distinguished entries
 * only: search the label first, and fetch and judge the versions it shows beyond kt_owner_greatest with an empty
 * update. */
void kt_request_owner_monitor(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label,
                              const struct kt_owner_state *owner);
KT_MUST_USE enum kt_err kt_verify_owner_monitor(const struct kt_client *client, const struct kt_owner_state *owner,
                                                struct kt_bytes response, struct kt_owner_result *ret_result);

/* --- Updating a Label --------------------------------------------------------------------------------------------- */

struct kt_update_result {
  struct kt_log_state log;
  struct kt_owner_state owner;
  uint64_t position;
  uint64_t position_ms;          /* timestamp of that log entry, or of the nearest known one right of it */
  uint32_t n_skipped;            /* versions before values[0] that hold nothing (third-party management) */
  uint32_t first_version;        /* of values[0] */
  const struct kt_bytes *values; /* as logged, ascending by version */
  size_t n_values;
  bool disregarded; /* the log had versions we did not know: `values` are those, ours were not inserted (R37) */
};

/* POST /v1/update. values: to insert; none: ask for versions above the greatest known one. */
void kt_request_update(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label,
                       const struct kt_owner_state *owner, const struct kt_bytes *values, size_t n_values);
KT_MUST_USE enum kt_err kt_verify_update(const struct kt_client *client, struct kt_bytes label,
                                         const struct kt_owner_state *owner, const struct kt_bytes *values,
                                         size_t n_values, struct kt_bytes response,
                                         struct kt_update_result *ret_result);

/* --- Walking Distinguished Heads ---------------------------------------------------------------------------------- */

#define KT_HEADS_MAX 8

/* The log as it was when a distinguished entry was its rightmost one. */
struct kt_head_point {
  uint64_t size; /* entry + 1 */
  uint64_t timestamp_ms;
  struct kt_hash root;
};

struct kt_distinguished_result {
  struct kt_log_state log;
  uint64_t rightmost_ms;
  struct kt_head_point heads[KT_HEADS_MAX]; /* right to left */
  const struct kt_tree_state *states;       /* of the log at each of them; in the arena */
  size_t n_heads;
};

/* POST /v1/distinguished. stop may be NULL. */
void kt_request_distinguished(struct kt_writer *w, const struct kt_log_state *log, const uint64_t *stop);
KT_MUST_USE enum kt_err kt_verify_distinguished(const struct kt_client *client, const uint64_t *stop,
                                                struct kt_bytes response, struct kt_distinguished_result *ret_result);

/* --- Consistency of two heads (ours: GET /v1/log/consistency) ----------------------------------------------------- */

/* response: count8 of full subtree values at old_size, those values, count16 of elements, elements. Checks that it
 * leads to new_root at new_size, and gives the root that this log had at old_size: equal to what was seen, or the proof
 * of a fork. old_size <= new_size. */
KT_MUST_USE enum kt_err kt_verify_consistency(uint64_t old_size, uint64_t new_size, const struct kt_hash *new_root,
                                              struct kt_bytes response, struct kt_arena *arena,
                                              struct kt_hash *ret_old_root, struct kt_reason *reason);

/* A signed head on its own: signature over (config, size, root). */
KT_MUST_USE enum kt_err kt_verify_head(const struct kt_config *config, uint64_t size, const struct kt_hash *root,
                                       struct kt_bytes signature);

/* --- States as bytes, for storage --------------------------------------------------------------------------------- */

/* Encoders append; decoders take the whole input (KT_ERR_FORMAT otherwise), arrays in the arena. */
void kt_log_state_write(struct kt_writer *w, const struct kt_log_state *log);
KT_MUST_USE enum kt_err kt_log_state_decode(struct kt_bytes encoded, struct kt_log_state *ret_log);
void kt_contact_state_write(struct kt_writer *w, const struct kt_contact_state *contact);
KT_MUST_USE enum kt_err kt_contact_state_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                                struct kt_contact_state *ret_contact);
void kt_owner_state_write(struct kt_writer *w, const struct kt_owner_state *owner);
KT_MUST_USE enum kt_err kt_owner_state_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                              struct kt_owner_state *ret_owner);

KT_API_END

#endif
