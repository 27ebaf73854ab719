/* SPDX-License-Identifier: Apache-2.0 */
/* Verified contacts on their way from one client of an owner to another, encrypted under the account key
 * (docs/formats.md), and what importing one does to a contact that is there.
 *
 * Whoever holds the account key can read and make such a file, nobody else can; log and own label are part of the
 * encryption, so it opens for no other account. Pure functions; the nonce is passed in and must be fresh random bytes.
 * Times are Unix milliseconds. Labels of an opened book are in the arena. */
#ifndef KT_CONTACT_BOOK_H
#define KT_CONTACT_BOOK_H

#include <kt/contact.h>

KT_API_BEGIN

struct kt_arena;

#define KT_BOOK_ENTRIES_MAX UINT16_MAX
#define KT_BOOK_NONCE_LEN 24

struct kt_book_entry {
  struct kt_bytes label;
  struct kt_account_key key;
  enum kt_contact_method method; /* how it was verified; not NONE */
  uint64_t verified_ms;
  enum kt_contact_policy policy;
};

/* The owner on whose behalf a book is sealed and opened. */
struct kt_book_owner {
  struct kt_hash log_id;
  struct kt_bytes label;
  const uint8_t *seed; /* KT_ACCOUNT_SEED_LEN bytes of the account key */
};

/* The bytes are in the arena. KT_ERR_LIMIT: too many entries, or a label that is none. */
KT_MUST_USE enum kt_err kt_contact_book_seal(const struct kt_book_owner *owner, const struct kt_book_entry *entries,
                                             size_t n_entries, const uint8_t nonce[KT_AT_LEAST KT_BOOK_NONCE_LEN],
                                             struct kt_arena *arena, struct kt_bytes *ret_sealed);
/* KT_ERR_UNSUPPORTED: not such a file, or of another version; KT_ERR_PROOF: changed on the way, or made under another
 * account key, for another label or for another log, which look the same; KT_ERR_FORMAT: opens, but breaks a rule. */
KT_MUST_USE enum kt_err kt_contact_book_open(const struct kt_book_owner *owner, struct kt_bytes sealed,
                                             struct kt_arena *arena, struct kt_book_entry **ret_entries,
                                             size_t *ret_n_entries);

enum kt_book_merge {
  KT_BOOK_ADDED,        /* nothing was pinned here: pinned and verified now */
  KT_BOOK_VERIFIED,     /* the key was pinned here and unverified: verified now */
  KT_BOOK_KNOWN,        /* verified here already, with the same key */
  KT_BOOK_KEPT_CHANGED, /* an alert about a changed key is open here: nothing was touched */
  KT_BOOK_DIFFERS,      /* another key is pinned here: nothing was touched, a person has to compare */
};

/* "added", "verified", "known", "kept-changed", "differs" */
const char *kt_book_merge_name(enum kt_book_merge merge);

/* Never takes anything back: `changed` stays, another pinned key stays, method and time of what is verified here stay,
 * and the stricter policy wins. */
enum kt_book_merge kt_contact_book_merge(const struct kt_contact *contact, const struct kt_book_entry *entry,
                                         struct kt_contact *ret_contact);

KT_API_END

#endif
