/* SPDX-License-Identifier: Apache-2.0 */
/* Key files of the log: one secret seed per role and file, mode 0600, as one line "kt-key/1 ROLE HEX".
 *
 * The role is in the file, so that two files cannot be mistaken for each other. A file that others may read is
 * refused. */
#ifndef KT_SERVER_KEYS_H
#define KT_SERVER_KEYS_H

#include "file_io.h"
#include "crypto/secret.h"

/* A new random key in a new file. KT_ERR_CONFLICT when the file exists. */
KT_MUST_USE enum kt_err kt_key_create(const char *path, const char *role, struct kt_secret **ret_secret,
                                      struct kt_error *error);
/* Where the key of this name is: in $CREDENTIALS_DIRECTORY when the service manager has put it there (LoadCredential=),
 * which then answers for who can read it; otherwise in dir. */
KT_MUST_USE enum kt_err kt_key_find(const char *dir, const char *name, struct kt_path *ret_path,
                                    struct kt_error *error);
/* Is it there, and nobody else's? Without reading it. KT_ERR_ABSENT, KT_ERR_DENIED, KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_key_check(const char *path, struct kt_error *error);
/* KT_ERR_ABSENT, KT_ERR_DENIED (permissions), KT_ERR_FORMAT, KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_key_load(const char *path, const char *role, struct kt_secret **ret_secret,
                                    struct kt_error *error);

#endif
