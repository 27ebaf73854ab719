/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, whole: read with a cap, written so that a crash leaves the old or the new content and nothing
 * between. */
#ifndef KT_SERVER_FILE_IO_H
#define KT_SERVER_FILE_IO_H

#include <stdint.h>
#include <sys/types.h>

#include "cli.h"

#define KT_PATH_SIZE 1024

struct kt_path {
  char s[KT_PATH_SIZE];
};

/* dir/name, or name alone when it is absolute or dir is NULL. KT_ERR_LIMIT when it is too long. */
KT_MUST_USE enum kt_err kt_path_join(const char *dir, const char *name, struct kt_path *ret_path,
                                     struct kt_error *error);

/* A regular file, made with mode 0600 where flags say O_CREAT: nothing that has to be waited for. KT_ERR_ABSENT,
 * KT_ERR_UNDETERMINED: no room for a new one; KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_file_open(const char *path, int flags, int *ret_fd, struct kt_error *error);

/* At most cap bytes into buf, which gets a NUL after them (its size is cap + 1). KT_ERR_ABSENT: no such file;
 * KT_ERR_LIMIT: longer; KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_file_read(const char *path, size_t cap, char *buf, size_t *ret_len, struct kt_error *error);
/* The same of what somebody names on the command line, which may be a pipe. */
KT_MUST_USE enum kt_err kt_input_read(const char *path, size_t cap, char *buf, size_t *ret_len, struct kt_error *error);

/* A file with a secret: regular, mode 0600 at most, and nobody else's (root, who may read them all, takes anybody's).
 * KT_ERR_DENIED, KT_ERR_ABSENT, KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_file_check_private(const char *path, struct kt_error *error);

/* Temporary file beside it (path.new- and six characters that make a name nobody has), fsync, rename, fsync of the
 * folder. KT_ERR_UNDETERMINED: no room on the disk or in a quota, or no open file left; KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_file_replace(const char *path, const void *data, size_t len, mode_t mode,
                                        struct kt_error *error);

/* All of it at this place of an open file; false with errno. */
KT_MUST_USE bool kt_file_write_at(int fd, const char *data, size_t len, off_t offset);
/* The name of a file lives in its folder: only this makes a new one durable. False with errno. */
KT_MUST_USE bool kt_file_sync_folder_of(const char *path);

#endif
