/* SPDX-License-Identifier: Apache-2.0 */
/* Short authentication strings over a live call: two people compare seven emoji or three numbers (docs/formats.md;
 * after Matrix's m.sas.v1). One side starts, the other joins:
 *
 *   starter                               joiner
 *   START  log, labels, account keys  ->
 *                                     <-  ACCEPT  commitment to the joiner's ephemeral key
 *   KEY    ephemeral key              ->
 *                                     <-  KEY     ephemeral key
 *   both show the code, both people confirm, each side sends MAC: done when one's own person has confirmed and the
 *   other side's MAC is right.
 *
 * The commitment gives a man in the middle who relays everything a single guess among 2^42. The channel is trusted with
 * nothing: every deviation (a message twice, too early, altered, of another exchange) ends the exchange for good, and
 * kt_sas_cancellation is what to send then. A kt_sas is good for one exchange of ten minutes. Its secret lives in
 * guarded memory until kt_sas_release; kt_crypto_init must have run. Time is milliseconds of one clock. */
#ifndef KT_SAS_H
#define KT_SAS_H

#include <kt/account_key.h>

KT_API_BEGIN

#define KT_SAS_TRANSACTION_LEN 16
#define KT_SAS_SECRET_LEN 32
#define KT_SAS_LIFETIME_MS (10 * 60 * 1000)
#define KT_SAS_EMOJI 7
#define KT_SAS_DECIMALS 3
#define KT_SAS_EMOJI_TABLE 64

struct kt_sas_party {
  struct kt_bytes label; /* 1 to KT_LABEL_MAX bytes, borrowed */
  struct kt_account_key key;
};

/* What this side believes, and the comparison confirms. Must outlive the exchange. */
struct kt_sas_config {
  struct kt_hash log_id;
  struct kt_sas_party own;
  struct kt_sas_party other;
};

/* Why an exchange ended. */
enum kt_sas_cancel {
  KT_SAS_NOT_CANCELLED,
  KT_SAS_STOPPED,  /* a person gave up */
  KT_SAS_MISMATCH, /* a person saw another code than the other: assume an attack */
  KT_SAS_EXPIRED,
  KT_SAS_MALFORMED,
  KT_SAS_UNEXPECTED, /* out of order, twice, or after the end */
  KT_SAS_OTHER_TRANSACTION,
  KT_SAS_OTHER_LOG,
  KT_SAS_OTHER_LABEL,
  KT_SAS_OTHER_KEY, /* the two sides see different account keys */
  KT_SAS_WRONG_COMMITMENT,
  KT_SAS_WEAK_KEY, /* an ephemeral key of small order */
  KT_SAS_WRONG_MAC,
};

enum kt_sas_type { KT_SAS_NONE, KT_SAS_START, KT_SAS_ACCEPT, KT_SAS_KEY, KT_SAS_MAC, KT_SAS_CANCEL };

/* One message; fields of other types are ignored. kt_json_sas_* is its form on the wire. */
struct kt_sas_message {
  enum kt_sas_type type;
  uint8_t transaction[KT_SAS_TRANSACTION_LEN];
  struct kt_hash log_id;       /* START */
  struct kt_sas_party starter; /* START; labels borrowed */
  struct kt_sas_party joiner;  /* START */
  struct kt_hash value;        /* ACCEPT: the commitment; KEY: the ephemeral key; MAC */
  enum kt_sas_cancel cancel;   /* CANCEL: why */
};

enum kt_sas_state {
  KT_SAS_AWAIT_START,  /* joiner */
  KT_SAS_AWAIT_ACCEPT, /* starter */
  KT_SAS_AWAIT_KEY,
  KT_SAS_COMPARE, /* kt_sas_show has something to show */
  KT_SAS_DONE,
  KT_SAS_CANCELLED,
};

struct kt_sas {
  const struct kt_sas_config *config;
  enum kt_sas_state state;
  bool is_starter;
  bool has_transaction; /* a joiner has none before START */
  uint64_t started_ms;
  uint8_t transaction[KT_SAS_TRANSACTION_LEN];
  struct kt_secret *secret; /* the ephemeral secret; from KT_SAS_COMPARE on the key that everything derives from */
  struct kt_hash own_public;
  struct kt_hash other_public;
  struct kt_hash commitment; /* starter: the one that was received */
  bool own_confirmed;
  bool other_confirmed;
  enum kt_sas_cancel cancel;
  bool cancelled_by_other;
};

struct kt_sas_code {
  uint8_t emoji[KT_SAS_EMOJI];        /* indices for kt_sas_emoji */
  uint16_t decimals[KT_SAS_DECIMALS]; /* 1000 to 9191 */
};

struct kt_sas_emoji {
  const char *utf8;
  const char *name; /* English */
};

/* Begin on either side; both arrays are fresh random bytes, used for this exchange only (the caller wipes its copy of
 * the secret). KT_ERR_USAGE for a label that is empty or too long. On success kt_sas_release is due. */
KT_MUST_USE enum kt_err kt_sas_start(struct kt_sas *sas, const struct kt_sas_config *config,
                                     const uint8_t transaction[KT_AT_LEAST KT_SAS_TRANSACTION_LEN],
                                     const uint8_t secret[KT_AT_LEAST KT_SAS_SECRET_LEN], uint64_t now_ms,
                                     struct kt_sas_message *ret_message);
KT_MUST_USE enum kt_err kt_sas_join(struct kt_sas *sas, const struct kt_sas_config *config,
                                    const uint8_t secret[KT_AT_LEAST KT_SAS_SECRET_LEN], uint64_t now_ms);
void kt_sas_release(struct kt_sas *sas); /* wipes; all zero is fine */

/* One received message. KT_OK: *ret_reply is to be sent unless its type is KT_SAS_NONE. Otherwise the exchange is
 * cancelled, with a reason "sas-…"; KT_ERR_USAGE: it was over before, and what it came to stands. */
KT_MUST_USE enum kt_err kt_sas_receive(struct kt_sas *sas, const struct kt_sas_message *message, uint64_t now_ms,
                                       struct kt_sas_message *ret_reply, struct kt_reason *reason);
/* Nothing came, or something that is no message: KT_ERR_EXPIRED once the time is over. */
KT_MUST_USE enum kt_err kt_sas_tick(struct kt_sas *sas, uint64_t now_ms, struct kt_reason *reason);

/* KT_ERR_USAGE except in KT_SAS_COMPARE and KT_SAS_DONE. */
KT_MUST_USE enum kt_err kt_sas_show(const struct kt_sas *sas, struct kt_sas_code *ret_code);
/* number: 0 to 63. Static storage. */
const struct kt_sas_emoji *kt_sas_emoji(uint8_t number);

/* The person says that both see the same: *ret_message is to be sent. KT_ERR_USAGE outside KT_SAS_COMPARE or when said
 * before; KT_ERR_EXPIRED. */
KT_MUST_USE enum kt_err kt_sas_confirm(struct kt_sas *sas, uint64_t now_ms, struct kt_sas_message *ret_message,
                                       struct kt_reason *reason);
/* End it from this side: KT_SAS_STOPPED, KT_SAS_MISMATCH, or KT_SAS_MALFORMED for bytes that are no message. Nothing
 * happens to an exchange that is over. */
void kt_sas_cancel(struct kt_sas *sas, enum kt_sas_cancel why);
/* What to send after this side ended it. false: there is nothing to send (not cancelled, or by the other side, or the
 * joiner has not heard of anybody). */
bool kt_sas_cancellation(const struct kt_sas *sas, struct kt_sas_message *ret_message);

/* "commitment", "expired" … as CANCEL carries it; NULL for KT_SAS_NOT_CANCELLED. */
const char *kt_sas_cancel_name(enum kt_sas_cancel why);
KT_MUST_USE enum kt_err kt_sas_cancel_from_name(struct kt_bytes name, enum kt_sas_cancel *ret_why);

KT_API_END

#endif
