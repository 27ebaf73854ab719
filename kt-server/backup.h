/* SPDX-License-Identifier: Apache-2.0 */
/* Backups: one file with all that serving a log needs, except its private keys (docs/formats.md, Backups).
 *
 * It is a copy of the database with the published head, and in its meta data the public files of the folder. It is made
 * beside the running log, checked as a whole, and only then takes its name: what has the name is always a good one. */
#ifndef KT_SERVER_BACKUP_H
#define KT_SERVER_BACKUP_H

#include "file_io.h"
#include "log/log.h"

/* --- making one --------------------------------------------------------------------------------------------------- */

struct kt_backup_request {
  const char *dir;  /* the log's folder; whoever runs it may go on */
  const char *file; /* what is there must be a backup; it becomes FILE.1 with keep 2 or more, as that FILE.2 */
  unsigned keep;    /* how many there are at most, the new one included */
  const struct kt_log_head *head; /* published: the copy holds at least its entries */
};

struct kt_backup_report {
  struct kt_hash log_id;
  struct kt_log_head head; /* that the copy can be served from */
  uint64_t n_entries;      /* the copy's; those behind the head are not in force without a signature */
  uint64_t n_bytes;
};

/* KT_ERR_PROOF: what was copied is damaged, and no backup was made of it; KT_ERR_USAGE: something else has the name;
 * KT_ERR_STORE, KT_ERR_UNDETERMINED. On failure the files that were there are as they were. */
KT_MUST_USE enum kt_err kt_backup_make(const struct kt_backup_request *request, struct kt_backup_report *ret_report,
                                       struct kt_error *error);

/* Does it begin like a log's database, and is it whole in itself, not one that is in use, whose newest part is in
 * another file? KT_ERR_ABSENT, KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_backup_look(const char *file, bool *ret_is_backup, struct kt_error *error);

/* --- the public files in it --------------------------------------------------------------------------------------- */

/* From dir into the copy's meta data; in the writer's transaction. */
KT_MUST_USE enum kt_err kt_backup_put_files(const char *dir, struct kt_store_conn *writer, struct kt_error *error);
/* Changes when one of them does. */
KT_MUST_USE enum kt_err kt_backup_hash_files(const char *dir, struct kt_hash *ret_hash, struct kt_error *error);
/* And back, into an empty folder. KT_ERR_FORMAT: it is no backup, but another database of a log. */
KT_MUST_USE enum kt_err kt_backup_take_files(struct kt_store_conn *conn, const char *dir, struct kt_error *error);
/* Every name that kt_backup_take_files may write. */
#define KT_BACKUP_FILES 3
extern const char *const kt_backup_files[KT_BACKUP_FILES];

#endif
