/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about somebody else's account: the pinned account key and how it was verified.
 *
 *   (no key) --first signed set--> unverified --match or trust--> verified
 *   either --set signed by an unendorsed key--> changed --match or trust of the new key--> verified (new key pinned)
 *   changed --set signed by the pinned key again--> what it was before (not while a mismatch is unsettled)
 *   any --mismatch--> changed, until a match or trust --> verified
 *   verified --untrust--> unverified
 *
 * A rotation that the pinned key, or a recovery key it listed, endorsed moves the pin and keeps state, method and time:
 * whoever verified the old key verified what it vouches for. Plain values, kept by the caller; times are Unix
 * milliseconds passed in. */
#ifndef KT_CONTACT_H
#define KT_CONTACT_H

#include <kt/account_key.h>
#include <kt/writer.h>

KT_API_BEGIN

enum kt_contact_standing { KT_CONTACT_UNVERIFIED, KT_CONTACT_VERIFIED, KT_CONTACT_CHANGED };
enum kt_contact_policy { KT_CONTACT_NORMAL, KT_CONTACT_STRICT };
enum kt_contact_method {
  KT_METHOD_NONE,
  KT_METHOD_FINGERPRINT,
  KT_METHOD_SAFETY_NUMBER,
  KT_METHOD_QR,
  KT_METHOD_SAS,
  KT_METHOD_PUBLIC_CODE,
};

struct kt_contact { /* all zero: never looked up */
  bool has_key;
  struct kt_account_key key; /* pinned */
  enum kt_contact_standing state;
  uint64_t since_ms;                 /* of the state */
  enum kt_contact_method method;     /* how the pinned key was verified; NONE: it was not */
  uint64_t verified_ms;              /* when, unless NONE */
  struct kt_account_key changed_key; /* CHANGED: the key the log shows now; after a mismatch perhaps the pinned one */
  bool is_contradicted; /* CHANGED: a comparison spoke against what the log showed, and no match settled that since */
  enum kt_contact_policy policy;
};

/* Stable words: "unverified", "strict", "safety-number" … */
const char *kt_contact_state_name(enum kt_contact_standing state);
const char *kt_contact_policy_name(enum kt_contact_policy policy);
KT_MUST_USE enum kt_err kt_contact_policy_from_name(const char *name, enum kt_contact_policy *ret_policy);
const char *kt_contact_method_name(enum kt_contact_method method);

/* The key that codes are computed from and compared with: the one the log shows now. NULL before the first look-up. */
const struct kt_account_key *kt_contact_current_key(const struct kt_contact *contact);

/* `contact trust`: a full fingerprint in hex (64 digits). KT_ERR_USAGE: not one; KT_ERR_ABSENT: nothing looked up yet;
 * KT_ERR_PROOF: it is not the current key's, nothing changes. */
KT_MUST_USE enum kt_err kt_contact_trust(const struct kt_contact *contact, const char *fingerprint, uint64_t now_ms,
                                         struct kt_contact *ret_contact);
/* A comparison of the current key's code came out. A mismatch makes the contact changed, whatever it was: the other
 * person has another key than the log shows, and nothing the log shows afterwards, in whatever order, can settle that,
 * only a match or kt_contact_trust. Where the log showed the pinned key, changed_key is that one, and its verification
 * is gone. The alert is the caller's to raise. KT_ERR_ABSENT: nothing looked up yet. */
KT_MUST_USE enum kt_err kt_contact_compared(const struct kt_contact *contact, enum kt_contact_method method,
                                            bool matches, uint64_t now_ms, struct kt_contact *ret_contact);
/* Take a verification back. A changed contact stays changed, its pinned key no longer verified: only kt_contact_trust
 * and a match accept the new key. KT_ERR_ABSENT: nothing looked up yet. */
KT_MUST_USE enum kt_err kt_contact_untrust(const struct kt_contact *contact, uint64_t now_ms,
                                           struct kt_contact *ret_contact);

/* The run's exit code with the contact in mind, as kt_ledger_exit_code has it with alerts: 0 and 5 become 4 for a
 * contact that is changed. Acknowledging its alerts says that somebody knows of them, not that the key is right. */
int kt_contact_exit_code(int run_code, const struct kt_contact *contact);

/* What the log shows (kt/contact_judge.h decides which). */
void kt_contact_pin(struct kt_contact *contact, const struct kt_account_key *key, uint64_t now_ms);
void kt_contact_key_changed(struct kt_contact *contact, const struct kt_account_key *key, uint64_t now_ms);
void kt_contact_key_confirmed(struct kt_contact *contact, const struct kt_account_key *key, uint64_t now_ms);

/* For storage (docs/formats.md, Contact state); appends. KT_ERR_FORMAT; KT_ERR_UNSUPPORTED: a later format. */
void kt_contact_write(struct kt_writer *w, const struct kt_contact *contact);
KT_MUST_USE enum kt_err kt_contact_decode(struct kt_bytes encoded, struct kt_contact *ret_contact);

KT_API_END

#endif
