/* SPDX-License-Identifier: Apache-2.0 */
/* Creating files that hold personal data, and making them durable. KT_ERR_STORE with the path and the system's text. */
#ifndef KT_STORE_FILES_H
#define KT_STORE_FILES_H

#include "store/store.h"

#include <sys/types.h>

/* An empty file that did not exist (KT_ERR_CONFLICT), mode 0600. */
KT_MUST_USE enum kt_err kt_file_create(const char *path, struct kt_store_error *ret_error);
/* fsync the file and the folder it is in. */
KT_MUST_USE enum kt_err kt_file_sync(const char *path, struct kt_store_error *ret_error);

/* 0: there is none, or it cannot be told. */
ino_t kt_file_inode(const char *path);
/* The path names no file any more, or another one than it did. False as long as that cannot be told. */
bool kt_file_is_replaced(const char *path, ino_t inode);

#endif
