/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for a log that is made here: init, restore; and whether one may sign. */
#ifndef KT_SERVER_FOLDER_H
#define KT_SERVER_FOLDER_H

#include <stddef.h>

#include "cli.h"

bool kt_folder_is_empty(const char *dir);
/* Mode 0700, or one that is there and empty (*ret_made false). KT_ERR_USAGE: it is not; KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_folder_make(const char *dir, bool *ret_made, struct kt_error *error);
void kt_folder_remove_files(const char *dir, const char *const *names, size_t n);
/* Undo it: these files, what SQLite left beside the database, the folder when it was made. The folder was empty,
 * so all of them are ours. */
void kt_folder_remove(const char *dir, const char *const *names, size_t n, bool made);

/* KT_ERR_ABSENT: it is not there, or no log or operator was made in it. */
KT_MUST_USE enum kt_err kt_folder_check_log(const char *dir, struct kt_error *error);
/* KT_ERR_STORE: nobody can tell. */
KT_MUST_USE enum kt_err kt_folder_is_marked(const char *dir, bool *ret_is_marked, struct kt_error *error);
/* KT_ERR_CONFLICT: it has the file KT_NAME_READ_ONLY. Whoever made that knew that a head signed from this
 * folder could be a fork. */
KT_MUST_USE enum kt_err kt_folder_check_mark(const char *dir, struct kt_error *error);

#endif
