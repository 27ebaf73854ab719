/* SPDX-License-Identifier: Apache-2.0 */
/* DIR/operator.db of a Service Operator (docs/formats.md, Operator database): which value it signed for which version
 * of a label, account states, registration tokens, the last verified head of the Manager's log.
 *
 * "Critically, the Service Operator is trusted to ensure that only one value for each version of a label is authorized"
 * (draft: Third Parties / Management): a version's value is written once, the database refuses a second one, and
 * kt_opdb_record returns only when the record is durable and the record guard knows of it, so a restored
 * backup cannot sign again. A guard that fails for good, by more than a full disk, ends the recording and the
 * signing until the database is opened once more. Thread-safe: one connection behind a lock. What a get
 * returns lives in the caller's arena.
 *
 * Errors: KT_ERR_STORE, with KT_ERR_UNDETERMINED where there is no room on the disk now; KT_ERR_PROOF: the file is
 * damaged; *error says what. */
#ifndef KT_SERVER_OPERATOR_DB_H
#define KT_SERVER_OPERATOR_DB_H

#include <kt/arena.h>
#include <kt/bytes.h>

#include "cli.h"

struct kt_opdb;

/* create: the file must not exist. KT_ERR_CONFLICT: behind the guard, or another history than it: an old copy;
 * or the guard is one, more than one record behind.
 * guard_may_be_missing: otherwise KT_ERR_ABSENT when something was signed and there is no guard. */
KT_MUST_USE enum kt_err kt_opdb_open(const char *path, const char *guard_path, bool create, bool guard_may_be_missing,
                                     struct kt_opdb **ret_db, struct kt_error *error);
void kt_opdb_close(struct kt_opdb *db); /* NULL is allowed */

/* --- labels ------------------------------------------------------------------------------------------------------- */

struct kt_opdb_label {
  uint64_t n_versions;   /* that the Manager is known to have */
  uint64_t n_recorded;   /* at least n_versions: no lower version may be signed for a new value */
  struct kt_bytes state; /* of the account after n_versions; empty: none */
};

/* A label without a row is all zero. */
KT_MUST_USE enum kt_err kt_opdb_get_label(struct kt_opdb *db, struct kt_bytes label, struct kt_arena *arena,
                                          struct kt_opdb_label *ret_label, struct kt_error *error);
/* KT_ERR_ABSENT: nothing was signed for this version. */
KT_MUST_USE enum kt_err kt_opdb_get_value(struct kt_opdb *db, struct kt_bytes label, uint32_t version,
                                          struct kt_arena *arena, struct kt_bytes *ret_value, struct kt_error *error);

struct kt_opdb_record {
  struct kt_bytes label;
  uint32_t first_version; /* of values[0] */
  const struct kt_bytes *values;
  size_t n_values;
  const struct kt_hash *token_hash; /* used up for this label; NULL: none */
};
/* Before signing: durable, and in the guard. A version that has a value keeps it: KT_ERR_CONFLICT when it is another
 * one. KT_ERR_DENIED: another label has the token by now. Then nothing is recorded. */
KT_MUST_USE enum kt_err kt_opdb_record(struct kt_opdb *db, const struct kt_opdb_record *record, uint64_t now_ms,
                                       struct kt_error *error);
/* Before every signature, also of what was recorded long ago: KT_OK when the guard holds all records, which it is made
 * to where it is behind. KT_ERR_UNDETERMINED: no room for it now; else it failed for good. */
KT_MUST_USE enum kt_err kt_opdb_guard(struct kt_opdb *db, uint64_t now_ms, struct kt_error *error);
/* The guard failed for good; *ret_why says how. */
bool kt_opdb_is_stopped(struct kt_opdb *db, struct kt_error *ret_why);
/* After the Manager's answer was verified. */
KT_MUST_USE enum kt_err kt_opdb_acknowledge(struct kt_opdb *db, struct kt_bytes label, uint64_t n_versions,
                                            struct kt_bytes state, struct kt_error *error);

/* --- the rest ----------------------------------------------------------------------------------------------------- */

/* KT_ERR_CONFLICT when it was added before. */
KT_MUST_USE enum kt_err kt_opdb_add_token(struct kt_opdb *db, const struct kt_hash *token_hash, struct kt_error *error);
/* KT_ERR_ABSENT: never added; KT_ERR_CONFLICT: used for another label. Where it was used for this one, the update did
 * not reach the Manager, and it may be tried again. */
KT_MUST_USE enum kt_err kt_opdb_check_token(struct kt_opdb *db, const struct kt_hash *token_hash, struct kt_bytes label,
                                            struct kt_error *error);

/* The encoded state of the last verified head; KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_opdb_get_head(struct kt_opdb *db, struct kt_arena *arena, struct kt_bytes *ret_head,
                                         struct kt_error *error);
KT_MUST_USE enum kt_err kt_opdb_put_head(struct kt_opdb *db, struct kt_bytes head, struct kt_error *error);

struct kt_opdb_totals {
  uint64_t n_labels;   /* with a version at the Manager */
  uint64_t n_versions; /* at the Manager */
  uint64_t n_open;     /* labels with a recorded version that the Manager is not known to have */
  uint64_t n_records;  /* of kt_opdb_record, ever */
};
KT_MUST_USE enum kt_err kt_opdb_count(struct kt_opdb *db, struct kt_opdb_totals *ret_totals, struct kt_error *error);
/* Structure of the file, and that what was signed is there. KT_ERR_PROOF: *error has the first finding. */
KT_MUST_USE enum kt_err kt_opdb_verify(struct kt_opdb *db, struct kt_error *error);

#endif
