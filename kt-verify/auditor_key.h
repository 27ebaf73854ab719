/* SPDX-License-Identifier: Apache-2.0 */
/* An auditor's key: a file of one line and mode 0600, and beside it FILE.pub for the log's operator and FILE.signed, the
 * record of what it signed (auditor_signed.h; docs/formats.md, Key files of an auditor). A file that others may read is
 * refused. */
#ifndef KT_VERIFY_AUDITOR_KEY_H
#define KT_VERIFY_AUDITOR_KEY_H

#include "crypto/secret.h"
#include "output.h"

/* Failures are said. The key must be of this suite, and its public half be `expected`. */
enum kt_exit kt_auditor_key_load(struct kt_output *out, const char *path, const struct kt_suite *suite,
                                 struct kt_bytes expected, struct kt_secret **ret_secret);
/* A fresh key in three new files; never over another. ret_line: the public key's line, not terminated; its length. */
enum kt_exit kt_auditor_key_create(struct kt_output *out, const char *path, const struct kt_suite *suite,
                                   char *ret_line, size_t *ret_len);

#endif
