/* SPDX-License-Identifier: Apache-2.0 */
/* In-person payloads: what one person's screen shows as a QR code and the other's program compares (docs/formats.md).
 * One scan proves the keys both ways and shows whether both see the same log.
 *
 * A payload is its sender's view, so judging compares the payload one would show oneself with the one that was scanned.
 * Pure functions over public values. It cannot see a fork younger than the last distinguished head both know; no
 * signature is in it: what it is worth comes from having scanned it off the other person's own screen. */
#ifndef KT_IN_PERSON_H
#define KT_IN_PERSON_H

#include <kt/account_key.h>
#include <kt/arena.h>

KT_API_BEGIN

#define KT_IN_PERSON_HEADS_MAX 8

struct kt_in_person_party {
  struct kt_bytes label; /* 1 to KT_LABEL_MAX bytes of UTF-8, borrowed */
  struct kt_hash key;    /* fingerprint of the account key, in full */
};

struct kt_in_person_head {
  uint64_t size; /* log entries, not 0 */
  struct kt_hash root;
};

struct kt_in_person {
  struct kt_hash log_id;
  struct kt_in_person_party sender;
  struct kt_in_person_party recipient;   /* as the sender sees them */
  const struct kt_in_person_head *heads; /* the sender's recent distinguished heads, ascending by size; borrowed */
  size_t n_heads;
};

/* NUL-terminated text in the arena, all of it in the alphabet of QR's alphanumeric mode. KT_ERR_USAGE when it is not a
 * payload that kt_in_person_parse would take. */
KT_MUST_USE enum kt_err kt_in_person_format(const struct kt_in_person *payload, struct kt_arena *arena,
                                            const char **ret_text);

/* From a scanner, a pipe or a paste; white space around it is ignored. Everything lives in the arena. KT_ERR_FORMAT
 * ("payload-kind": something else; "payload-damaged") or KT_ERR_UNSUPPORTED ("payload-version": made by a newer
 * program). */
KT_MUST_USE enum kt_err kt_in_person_parse(struct kt_bytes text, struct kt_arena *arena,
                                           struct kt_in_person *ret_payload, struct kt_reason *reason);

enum kt_in_person_people {
  KT_IN_PERSON_MATCH,        /* both account keys are what both sides see */
  KT_IN_PERSON_KEY_MISMATCH, /* the alert code-mismatch: see their_key_differs, own_key_differs */
  KT_IN_PERSON_OWN_PAYLOAD,  /* one's own screen: nothing was compared */
  KT_IN_PERSON_OTHER_PEOPLE, /* of, or for, somebody else: nothing was compared */
  KT_IN_PERSON_OTHER_LOG,    /* the other person uses another log: nothing was compared */
};

enum kt_in_person_log {
  KT_IN_PERSON_LOG_UNDECIDED, /* no common size: refresh on both sides and scan again */
  KT_IN_PERSON_LOG_SAME,
  KT_IN_PERSON_LOG_FORK, /* other roots at one size */
};

struct kt_in_person_verdict {
  enum kt_in_person_people people;
  bool their_key_differs; /* the log shows us another key of theirs than they have */
  bool own_key_differs;   /* the log shows them another key of ours than we have */
  enum kt_in_person_log log;
  struct kt_in_person_head own_head;   /* the largest common size that agrees; at a fork, the smallest that differs */
  struct kt_in_person_head their_head; /* of the same size; both all zero while undecided */
};

/* own: what we would show to the person whose payload was scanned. */
void kt_in_person_judge(const struct kt_in_person *own, const struct kt_in_person *scanned,
                        struct kt_in_person_verdict *ret_verdict);

KT_API_END

#endif
