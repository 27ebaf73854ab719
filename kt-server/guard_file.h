/* SPDX-License-Identifier: Apache-2.0 */
/* The head guard (design: Head guard): the last head that was, or was about to be, signed, in a file of its own.
 *
 * One line of text: "kt-head-guard/1 SIZE TIMESTAMP_MS ROOT CHECKSUM", root and checksum in hex; the checksum is the
 * first 8 bytes of the SHA-256 of everything before it. A file that does not read is an error and never "no guard". */
#ifndef KT_SERVER_GUARD_FILE_H
#define KT_SERVER_GUARD_FILE_H

#include "cli.h"
#include "log/log.h"

/* KT_ERR_ABSENT: no such file. KT_ERR_FORMAT: damaged. */
KT_MUST_USE enum kt_err kt_guard_load(const char *path, struct kt_log_guard *ret_guard, struct kt_error *error);
/* Durable on KT_OK; the old content on failure. KT_ERR_UNDETERMINED: no room for it now, try again. */
KT_MUST_USE enum kt_err kt_guard_save(const char *path, const struct kt_log_guard *guard, struct kt_error *error);

#endif
