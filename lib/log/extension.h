/* SPDX-License-Identifier: Apache-2.0 */
/* What a signer is shown before it signs a head, and what it has to check (design: Head guard): that the log is the one
 * it signed last, with more entries at its end.
 *
 * Whoever signs keeps only the last guard. The log shows it the full subtrees of that size, which must lead to the
 * guard's root, and every entry since then; from both follows the only head that may be signed. A rewritten entry, a
 * smaller log or a timestamp that goes back cannot be expressed. */
#ifndef KT_LOG_EXTENSION_H
#define KT_LOG_EXTENSION_H

#include <kt/bytes.h>
#include <kt/err.h>

/* The last head that was, or was about to be, signed. */
struct kt_log_guard {
  uint64_t size;
  uint64_t timestamp_ms; /* of the rightmost entry */
  struct kt_hash root;
};

/* One log entry, as its leaf hash covers it (draft: Log Tree). */
struct kt_log_added {
  uint64_t timestamp_ms;
  struct kt_hash prefix_root;
};

#define KT_LOG_ADDED_MAX 64 /* entries of one extension */

struct kt_log_extension {
  uint64_t size;               /* entries of the head signed last; 0: none was signed */
  uint64_t timestamp_ms;       /* of its rightmost entry */
  const struct kt_hash *heads; /* values of the full subtrees at that size, left to right; popcount(size) of them */
  const struct kt_log_added *added;
  size_t n_added; /* at most KT_LOG_ADDED_MAX; 0: the same head again */
};

/* The guard that the extension leads to. from: of the head signed last, its size 0 when there is none.
 * KT_ERR_CONFLICT: the extension begins at another size, timestamp or root, or a timestamp goes back; KT_ERR_USAGE: it
 * leads to an empty log, or is too long. */
KT_MUST_USE enum kt_err kt_log_extend(const struct kt_log_guard *from, const struct kt_log_extension *extension,
                                      struct kt_log_guard *ret_to);

#endif
