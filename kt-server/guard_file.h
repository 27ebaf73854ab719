/* SPDX-License-Identifier: Apache-2.0 */
/* The head guard (design: Head guard): the last head that was, or was about to be, signed, in a file of its own.
 *
 * Two equal copies, each in a block of the disk of its own (docs/formats.md, Head guard), are overwritten in place, so
 * that a commit waits for one fdatasync. A copy that reads is never older than what was signed last: both were durable
 * before that signature, also when its process was not the one that wrote them, and since then at most one write was
 * under way. So one readable copy is enough, the newer of two is taken, and with none the file is damaged, which is an
 * error and never "no guard". */
#ifndef KT_SERVER_GUARD_FILE_H
#define KT_SERVER_GUARD_FILE_H

#include "cli.h"
#include "log/log.h"

#define KT_GUARD_COPY_LEN ((size_t)256)
#define KT_GUARD_DISTANCE ((size_t)4096) /* between the beginnings of the copies: no device sector holds both */
#define KT_GUARD_FILE_LEN (KT_GUARD_DISTANCE + KT_GUARD_COPY_LEN)

/* For who looks, and signs nothing. KT_ERR_ABSENT: no such file. KT_ERR_FORMAT: damaged. */
KT_MUST_USE enum kt_err kt_guard_load(const char *path, struct kt_log_guard *ret_guard, struct kt_error *error);

/* For who is going to sign: what is read is made durable in both copies first, for a write may have been interrupted
 * before its flush. Errors as those of both others. */
KT_MUST_USE enum kt_err kt_guard_settle(const char *path, struct kt_log_guard *ret_guard, struct kt_error *error);

/* Compare and swap, under a lock of the file's own: the guard goes from `before`, which is what this process loaded or
 * saved last (NULL: there is no file), to `guard`. KT_OK: durable. KT_ERR_UNDETERMINED: no room for it now; try
 * the same again. Everything else is final: KT_ERR_CONFLICT, another process moved the guard; KT_ERR_ABSENT, it is
 * gone; KT_ERR_FORMAT; KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_guard_save(const char *path, const struct kt_log_guard *before,
                                      const struct kt_log_guard *guard, struct kt_error *error);

#endif
