/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence files: what a log signed, kept so that a third person judges it offline with nothing but the pinned
 * configuration (docs/formats.md, Evidence files; draft: Detecting Forks).
 *
 * Only statements under the log's signature count as proof. When something was received is the word of whoever saved
 * the file, and a response that does not verify could have been made by anybody; kt_evidence_limits says so. Times are
 * Unix milliseconds, sizes count log entries. Decoded evidence borrows from the file's bytes. */
#ifndef KT_EVIDENCE_H
#define KT_EVIDENCE_H

#include <kt/client.h>

KT_API_BEGIN

enum kt_evidence_kind {
  KT_EVIDENCE_FORK = 1,         /* two heads of one size with different roots */
  KT_EVIDENCE_INCONSISTENT = 2, /* a larger head whose log had another root at the smaller head's size */
  KT_EVIDENCE_ROLLBACK = 3,     /* a smaller head, received after a larger one */
  KT_EVIDENCE_FAILED = 4,       /* a response that does not verify */
  KT_EVIDENCE_ANSWER = 5,       /* what the log says of a label, verified on its own */
};

/* A head as the log signed it. */
struct kt_signed_head {
  struct kt_bytes config; /* the encoded Configuration that the signature covers */
  uint64_t received_ms;   /* not signed by anybody */
  uint64_t size;
  struct kt_hash root;
  struct kt_bytes signature;
};

/* A query and its answer. A person's label and keys may be in it. */
struct kt_failed_response {
  uint64_t received_ms;
  struct kt_bytes code;    /* kt_reason.code of the refusal */
  struct kt_bytes request; /* "POST /v1/search", a line break, the body; or "GET /v1/…" */
  struct kt_bytes response;
};

/* The answer to a search for the greatest version by somebody who retains nothing: it stands on its own, under the
 * signature of its tree head. It names a person. */
struct kt_signed_answer {
  struct kt_bytes config; /* as in kt_signed_head */
  uint64_t received_ms;   /* has to fit the answer's own timestamp */
  struct kt_bytes label;
  struct kt_bytes response;
};

struct kt_evidence {
  enum kt_evidence_kind kind;
  struct kt_hash log_id;
  /* FORK: both. INCONSISTENT: smaller, larger. ROLLBACK: the larger, the smaller that came after it. FAILED: the head
   * retained at the time, when has_retained. */
  struct kt_signed_head first;
  struct kt_signed_head second;
  struct kt_bytes consistency; /* INCONSISTENT: from first.size to second.size, the form of kt_verify_consistency */
  struct kt_failed_response failed;
  bool has_retained;
  struct kt_signed_answer answer; /* ANSWER */
};

enum kt_evidence_verdict {
  KT_EVIDENCE_CONTRADICTION, /* the log signed two things that cannot both be true */
  KT_EVIDENCE_CONSISTENT,    /* everything signed is genuine and can be true together */
};

/* Append the file. KT_ERR_USAGE (in the writer): the parts do not make a file of this kind. */
void kt_evidence_write(struct kt_writer *w, const struct kt_evidence *evidence);

/* KT_ERR_FORMAT: damaged, or not an evidence file; KT_ERR_UNSUPPORTED: a later format. */
KT_MUST_USE enum kt_err kt_evidence_decode(struct kt_bytes file, struct kt_evidence *ret_evidence);

/* Judge by the pinned configuration. Configurations in the file need only its log identity: windows and auditors may
 * change, the keys that sign may not. KT_ERR_PROOF: the file proves nothing, *reason says why. */
KT_MUST_USE enum kt_err kt_evidence_verify(const struct kt_config *pinned, const struct kt_evidence *evidence,
                                           struct kt_arena *arena, enum kt_evidence_verdict *ret_verdict,
                                           struct kt_reason *reason);

/* ANSWER: what the log says. Judges it as kt_evidence_verify does; the result borrows from the file and the arena. */
KT_MUST_USE enum kt_err kt_evidence_open_answer(const struct kt_config *pinned, const struct kt_evidence *evidence,
                                                struct kt_arena *arena, struct kt_search_result *ret_result,
                                                struct kt_reason *reason);

/* Names the finding: the first 16 bytes of a hash over kind, log and heads (FAILED and ANSWER: question and response).
 * Whoever finds the same thing, at whatever time, gets the same id. */
#define KT_EVIDENCE_ID_LEN 16
void kt_evidence_id(const struct kt_evidence *evidence, uint8_t ret_id[KT_AT_LEAST KT_EVIDENCE_ID_LEN]);

/* "fork", "inconsistent", "rollback", "failed", "answer" */
const char *kt_evidence_kind_name(enum kt_evidence_kind kind);
/* What verified evidence proves and what it does not: English sentences, static. */
const char *kt_evidence_proves(enum kt_evidence_kind kind, enum kt_evidence_verdict verdict);
const char *kt_evidence_limits(enum kt_evidence_kind kind, enum kt_evidence_verdict verdict);

KT_API_END

#endif
