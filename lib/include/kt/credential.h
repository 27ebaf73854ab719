/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: proofs that one user sends another, verified without asking the log (draft: Credentials).
 *
 * Pure functions, as in kt/client.h: const in, new values out, nothing changed on failure, time and memory passed in.
 * They are verified against the recently issued distinguished heads, which the user learns from walks alone. Neither
 * client->log nor any other state of the user's own conversation with the log is read or changed (R66).
 *
 * Results borrow from the credential's bytes and the arena. Errors: KT_ERR_FORMAT (does not parse), KT_ERR_PROOF
 * (refused), KT_ERR_EXPIRED (rests on a head that is not recent any more), KT_ERR_UNDETERMINED (rests on a head that
 * this user does not know: never a reason to ask the log, R62), KT_ERR_STALE (verified, but from the future: one of the
 * clocks is wrong), KT_ERR_MEMORY; *client->reason says why. */
#ifndef KT_CREDENTIAL_H
#define KT_CREDENTIAL_H

#include <kt/client.h>

KT_API_BEGIN

/* --- recently issued distinguished heads -------------------------------------------------------------------------- */

/* The recent ones, and as many older ones as provisional credentials may keep waiting for. */
#define KT_RECENT_HEADS_MAX 64

/* What is retained of distinguished heads: "the full subtrees of the log tree at each point where a recently issued
 * distinguished log entry is the log's rightmost log entry", and the frontier there. All zero: nothing learned yet. */
struct kt_recent_heads {
  const struct kt_tree_state *heads; /* size - 1 is the entry; right to left */
  size_t n;
  size_t n_recent;       /* the first ones are recent; the others only finish what is pending */
  uint64_t rightmost_ms; /* newest timestamp of the log that the user knows of: decides what has expired */
  uint64_t learned_ms;   /* the user's clock at the walk */
};

/* What is retained after a walk without a stop: its heads, and of the old ones those at or right of *keep_from (NULL:
 * none). KT_ERR_PROOF: the walk contradicts a retained head. In the arena. */
KT_MUST_USE enum kt_err kt_recent_learn(const struct kt_recent_heads *old, const struct kt_distinguished_result *walk,
                                        const uint64_t *keep_from, uint64_t now_ms, struct kt_arena *arena,
                                        struct kt_reason *reason, struct kt_recent_heads *ret_heads);
/* Whether the user's knowledge of the heads is too old to tell which credentials have expired, or its clock went back:
 * KT_ERR_STALE. It lasts for as many monitoring windows as there are recent heads, and for a day at least. */
KT_MUST_USE enum kt_err kt_recent_check_age(const struct kt_recent_heads *recent, const struct kt_config *config,
                                            uint64_t now_ms, struct kt_reason *reason);
/* The head to build a credential on: the newest one that everybody knows who refreshes once per monitoring window, or
 * else the oldest. NULL: there is none. */
const struct kt_tree_state *kt_recent_settled(const struct kt_recent_heads *recent, const struct kt_config *config);

void kt_recent_heads_write(struct kt_writer *w, const struct kt_recent_heads *recent);
KT_MUST_USE enum kt_err kt_recent_heads_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                               struct kt_recent_heads *ret_heads);

/* --- initial verification ---------------------------------------------------------------------------------------- */

/* A provisional credential that waits for final verification: what that needs, and no more. */
struct kt_credential_pending {
  struct kt_hash id; /* SHA-256 of the encoded credential */
  struct kt_bytes label;
  uint32_t version;
  uint64_t position;                /* the distinguished entry it rests on */
  uint64_t terminal;                /* entry that showed the version first */
  struct kt_hash terminal_root;     /* root of the log when that was its rightmost entry, as the credential shows it */
  const struct kt_tree_state *tree; /* as the credential shows it */
  struct kt_contact_state contact;  /* what following the monitoring path takes */
};

struct kt_credential_result {
  /* False, standard: the version is in the distinguished entry. True: it is newer, so far only the log's word stands
   * for it, and final verification is still to come. */
  bool is_provisional;
  struct kt_hash id;
  struct kt_bytes label;
  uint32_t version;
  struct kt_bytes value;
  uint64_t position;
  uint64_t position_ms;
  uint64_t shown_ms;                    /* newest timestamp the credential shows: no statement about what came later */
  struct kt_credential_pending pending; /* is_provisional */
};

void kt_request_credential(struct kt_writer *w, struct kt_bytes label, uint64_t position);
/* For the receiver, and for the sender before handing it on. */
KT_MUST_USE enum kt_err kt_verify_credential(const struct kt_client *client, const struct kt_recent_heads *recent,
                                             struct kt_bytes credential, struct kt_credential_result *ret_result);

/* --- final verification ------------------------------------------------------------------------------------------ */

enum kt_credential_stage {
  KT_CREDENTIAL_WAITING,   /* no distinguished head is known yet that could decide */
  KT_CREDENTIAL_BY_HEAD,   /* the terminal entry is distinguished: kt_verify_credential_head */
  KT_CREDENTIAL_BY_UPDATE, /* kt_verify_credential_update, up to *ret_distinguished */
};

/* What decides, as far as `recent` goes. ret_distinguished may be NULL; set unless waiting. */
enum kt_credential_stage kt_credential_stage(const struct kt_credential_pending *pending,
                                             const struct kt_recent_heads *recent, uint64_t *ret_distinguished);
/* "If a user … is unable to finally verify it before the credential expires, the user MUST attempt to obtain … a
 * CredentialUpdate from the Transparency Log directly" (R67). */
bool kt_credential_is_expired(const struct kt_credential_pending *pending, const struct kt_recent_heads *recent,
                              const struct kt_config *config);

KT_MUST_USE enum kt_err kt_verify_credential_head(const struct kt_client *client,
                                                  const struct kt_credential_pending *pending,
                                                  const struct kt_recent_heads *recent);
void kt_request_credential_update(struct kt_writer *w, const struct kt_credential_pending *pending,
                                  uint64_t distinguished);
/* KT_ERR_UNDETERMINED while waiting: keep the update for later. */
KT_MUST_USE enum kt_err kt_verify_credential_update(const struct kt_client *client,
                                                    const struct kt_credential_pending *pending,
                                                    const struct kt_recent_heads *recent, struct kt_bytes update);

void kt_credential_pending_write(struct kt_writer *w, const struct kt_credential_pending *pending);
KT_MUST_USE enum kt_err kt_credential_pending_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                                     struct kt_credential_pending *ret_pending);

KT_API_END

#endif
