/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, grouped by what the caller does next, and the reason a verifier gives a person.
 *
 * Every fallible function returns enum kt_err and leaves its ret_ parameters untouched on failure. The texts come
 * from one table (kt_err_text). Nothing here allocates. */
#ifndef KT_ERR_H
#define KT_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include <kt/api.h>

KT_API_BEGIN

#define KT_MUST_USE __attribute__((warn_unused_result))

enum kt_err {
  KT_OK = 0,
  KT_ERR_FORMAT,       /* input does not parse: truncated, trailing bytes, bad enum value, over a cap */
  KT_ERR_PROOF,        /* well-formed, but a proof, signature or consistency check failed */
  KT_ERR_STALE,        /* the rightmost timestamp is outside the clock bounds: outage or wrong clock, not an attack */
  KT_ERR_ABSENT,       /* what was asked for does not exist */
  KT_ERR_EXPIRED,      /* expired, pruned or erased: existed, cannot be served or accepted any more */
  KT_ERR_UNDETERMINED, /* the input does not determine the answer (a removal beside an unknown sibling) */
  KT_ERR_DENIED,       /* not authorised */
  KT_ERR_CONFLICT,     /* somebody else was first */
  KT_ERR_LIMIT,        /* over a limit: refused, never truncated */
  KT_ERR_USAGE,        /* the caller's arguments are wrong */
  KT_ERR_UNSUPPORTED,  /* unknown suite, mode or format number */
  KT_ERR_MEMORY,
  KT_ERR_STORE,  /* reading or writing durable data failed */
  KT_ERR_CRYPTO, /* a primitive of the crypto library failed or a key is invalid */
};

/* One English sentence fragment, static storage. */
const char *kt_err_text(enum kt_err err);

/* Why a verification failed, so that a person can be told. All strings are static. Filled by verifiers beside the
 * error they return; `code` is stable for scripts ("head-signature", "prefix-root", "stale-or-clock" …). */
struct kt_reason {
  const char *code;
  const char *text;
  const char *section; /* of draft-ietf-keytrans-protocol, or "ours" */
  uint64_t position;   /* log entry, when has_position */
  bool has_position;
  /* When has_times: what the log dates its newest entry, what this machine's clock said, and how far apart they may be. */
  uint64_t entry_ms;
  uint64_t clock_ms;
  uint64_t allowed_ms;
  bool has_times;
};

/* Fill *reason (when not NULL and still empty: the first failure is the one reported) and return err. */
enum kt_err kt_fail(struct kt_reason *reason, enum kt_err err, const char *code, const char *text, const char *section);
enum kt_err kt_fail_at(struct kt_reason *reason, enum kt_err err, const char *code, const char *text,
                       const char *section, uint64_t position);

KT_API_END

#endif
