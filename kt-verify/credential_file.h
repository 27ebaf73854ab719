/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials and their updates as text, to send through whatever people write to each other with (docs/formats.md,
 * Credential files). Read strictly: it comes from somebody else. */
#ifndef KT_VERIFY_CREDENTIAL_FILE_H
#define KT_VERIFY_CREDENTIAL_FILE_H

#include "session.h"

#define KT_CREDENTIAL_FILE_MAX ((size_t)4 << 20)

struct kt_credential_file {
  bool is_update;
  struct kt_hash log_id;
  struct kt_hash of;    /* the credential that an update is for; of a credential: its own id */
  struct kt_bytes body; /* Credential or CredentialUpdate */
};

/* A file, a pipe, or "-" for stdin, whole and for the pinned log; in the session's arena. Says what is wrong. */
enum kt_exit kt_credential_file_read(struct kt_session *session, const char *path, struct kt_credential_file *ret_file);
/* To the file that --out names, to stdout otherwise; with --json to the member `file`. */
enum kt_exit kt_credential_file_write(struct kt_session *session, const struct kt_credential_file *file);

#endif
