/* SPDX-License-Identifier: Apache-2.0 */
/* DIR/admin-trail: what operators did to the log, one line each, durable before the action is answered
 * (docs/formats.md, Administration trail). Lines are chained by hashes: a line that is changed, taken out or put in
 * breaks the chain after it. Cutting off the end does not: keep the last hash elsewhere (it is said at every start,
 * and in `kt-server trail`).
 *
 * No label, value, key or token is ever in it. Whoever appends holds the folder's lock, or is the running log. */
#ifndef KT_SERVER_TRAIL_H
#define KT_SERVER_TRAIL_H

#include <sys/types.h>

#include "file_io.h"

#define KT_NAME_TRAIL "admin-trail"
#define KT_TRAIL_LINE_MAX 512
#define KT_TRAIL_HASH_SIZE 65

struct kt_trail_record {
  const char *action; /* a verb, or start, stop, reload: a-z and '-' only */
  const char *result; /* done, failed, begun, ...: the same */
  uint64_t n;         /* what it touched: labels, versions; 0: nothing countable */
  uid_t uid;          /* who asked */
};

/* Where the chain ends. */
struct kt_trail_end {
  uint64_t seq; /* of the last line; 0: none */
  char hash[KT_TRAIL_HASH_SIZE];
};

/* Append and fsync. KT_ERR_PROOF: the end of the file is no line of a trail; KT_ERR_STORE, KT_ERR_UNDETERMINED (no
 * room). A last line without its newline is the trace of a crash before anything was answered: it is replaced. */
KT_MUST_USE enum kt_err kt_trail_append(const char *dir, const struct kt_trail_record *record, uint64_t now_ms,
                                        struct kt_error *error);
/* Read all of it; each line (without its newline) goes to `each`, which may be NULL. KT_ERR_PROOF: broken, with the
 * line's number; what came before was given to `each`. No file is an empty trail. */
KT_MUST_USE enum kt_err kt_trail_read(const char *dir, void (*each)(void *ctx, const char *line), void *ctx,
                                      struct kt_trail_end *ret_end, struct kt_error *error);

#endif
