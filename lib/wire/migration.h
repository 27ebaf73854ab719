/* SPDX-License-Identifier: Apache-2.0 */
/* A statement that one log ended and another goes on, signed by the old log's key, where it still exists, and by the
 * new one's (ours; docs/formats.md, Migration statements).
 *
 * It is judged offline with the old log's pinned Configuration. What its old signature says cannot be taken back: this
 * was the old log's last head. The new signature alone is only the new log's claim. Times are Unix milliseconds; a
 * decoded statement borrows from its bytes. */
#ifndef KT_WIRE_MIGRATION_H
#define KT_WIRE_MIGRATION_H

#include <kt/config.h>
#include <kt/writer.h>

struct kt_migration {
  struct kt_bytes old_config; /* encoded */
  uint64_t size;              /* the old log's last head, that its data holds */
  uint64_t timestamp_ms;      /* of its rightmost entry: the operator's word, no signature covers it */
  struct kt_hash root;
  struct kt_bytes head_signature; /* of that head, by the old log */
  bool has_lost;                  /* another head was signed that the data does not have; kt_migration_is_fork: which */
  uint64_t lost_size;
  struct kt_hash lost_root;
  struct kt_bytes new_config; /* encoded */
  uint64_t made_ms;
  struct kt_bytes old_signature; /* over the statement; empty: the old log's key is gone */
  struct kt_bytes new_signature; /* over the statement and old_signature */
};

/* Two histories were signed: the head that the data does not have is no larger than the last one. Otherwise it is a
 * later one, whose entries may be lost. */
bool kt_migration_is_fork(const struct kt_migration *statement);

/* The same, with what the two Configurations say. */
struct kt_migration_checked {
  struct kt_migration statement;
  struct kt_config old_config;
  struct kt_config new_config;
  struct kt_hash old_log_id;
  struct kt_hash new_log_id;
};

#define KT_MIGRATION_MAX (2 * KT_CONFIG_MAX + 1024)

/* Sign what is not yet a signature in it, with the keys of the two Configurations (old_key NULL: it is gone), and
 * append it all to w. KT_ERR_LIMIT, KT_ERR_CRYPTO, KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_migration_write(const struct kt_migration *statement, const struct kt_config *old_config,
                                           const struct kt_sign_key *old_key, const struct kt_config *new_config,
                                           const struct kt_sign_key *new_key, struct kt_writer *w);
/* Decode, check both Configurations, the head's signature and the statement's. KT_ERR_FORMAT; KT_ERR_PROOF;
 * KT_ERR_MEMORY and KT_ERR_CRYPTO: this machine could not find out. */
KT_MUST_USE enum kt_err kt_migration_read(struct kt_bytes encoded, struct kt_migration_checked *ret_checked,
                                          struct kt_reason *reason);

#endif
