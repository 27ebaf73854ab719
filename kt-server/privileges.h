/* SPDX-License-Identifier: Apache-2.0 */
/* Another user than root, for a process that root started: ports below 1024 are opened first, then everything that root
 * may do is given up, and it is tried whether that can be taken back. */
#ifndef KT_SERVER_PRIVILEGES_H
#define KT_SERVER_PRIVILEGES_H

#include "file_io.h"

/* A user of this machine. */
struct kt_user {
  const char *name; /* borrowed */
  uid_t uid;
  gid_t gid;
};

/* KT_ERR_USAGE: there is none of that name, it is root, or this process may not become it. */
KT_MUST_USE enum kt_err kt_user_find(const char *name, struct kt_user *ret_user, struct kt_error *error);

/* Become this user, for good, with all of its groups and no others. Before any thread exists that must not be root, and
 * before the database is opened. KT_ERR_STORE: the kernel refused, or the way back is open. Nothing to do for a process
 * that is this user already. */
KT_MUST_USE enum kt_err kt_user_become(const struct kt_user *user, struct kt_error *error);

/* Can the user this process is now keep a log in this folder? KT_ERR_DENIED, with what to do. */
KT_MUST_USE enum kt_err kt_user_check_folder(const char *dir, struct kt_error *error);

#endif
