/* SPDX-License-Identifier: Apache-2.0 */
/* The signing process: it alone holds the log's signing key and the head guard. The process that talks to the network
 * asks it to sign and shows what was added to the log; it checks that against the guard (log/extension.h), makes the
 * new guard durable, and signs. Whoever can only talk to it can have it sign entries of theirs, and nothing that takes
 * back a head: no fork, no smaller log, no earlier timestamp.
 *
 * By default `run` and the verbs that write start it as a child, over a socket pair; it ends when they do. With the
 * setting `signer: unix:PATH` it is a service of its own (`kt-server signer DIR2 --listen unix:PATH`), which can have
 * another user, so that the log's folder holds no signing key. Messages: docs/formats.md, The signer. */
#ifndef KT_SERVER_SIGNER_H
#define KT_SERVER_SIGNER_H

#include "file_io.h"
#include "crypto/secret.h"
#include "log/extension.h"

#include <kt/config.h>

/* --- in the log's process ----------------------------------------------------------------------------------------- */

struct kt_signer;

struct kt_signer_place {
  const char *dir;           /* of the signing key and the guard, when the signer is a child */
  const char *address;       /* "internal", or "unix:PATH", relative to dir */
  bool guard_may_be_missing; /* as for a new log; the child's, as is the next: a service decides them itself */
  bool has_no_sandbox;
};

/* Start it or connect to it. That it works shows at the first request. */
KT_MUST_USE enum kt_err kt_signer_open(const struct kt_signer_place *place, struct kt_signer **ret_signer,
                                       struct kt_error *error);
/* From any thread. KT_ERR_ABSENT: there is no guard; others are the signer's. */
KT_MUST_USE enum kt_err kt_signer_guard(struct kt_signer *signer, struct kt_log_guard *ret_guard,
                                        struct kt_error *error);
/* As kt_log_options.sign_begin and sign; of one thread. KT_ERR_STORE also when the signer is gone: what it
 * did last is then unknown. */
void kt_signer_begin(struct kt_signer *signer, const struct kt_log_extension *extension);
KT_MUST_USE enum kt_err kt_signer_sign(struct kt_signer *signer, const struct kt_log_extension *extension,
                                       uint8_t ret_signature[static KT_SIGNATURE_MAX], struct kt_error *error);
/* Waits for a child to end. NULL is allowed. */
void kt_signer_close(struct kt_signer *signer);

/* --- in its own --------------------------------------------------------------------------------------------------- */

/* Would it start? The key file, the Configuration beside it, and that they belong together. */
KT_MUST_USE enum kt_err kt_signer_check(const char *dir, struct kt_error *error);
/* The signing key in a file, for this Configuration; kt_sign_key_free. For the signer, and for a log's last
 * statement. */
KT_MUST_USE enum kt_err kt_signer_key_load(const char *path, const struct kt_config *config,
                                           struct kt_sign_key **ret_key, struct kt_error *error);
/* Serve one peer on fd until it closes. What is wrong with the folder is told to the peer, in answer to its first
 * request. Without guard_may_be_missing nothing is signed where there is no guard, a log's first head neither. */
void kt_signer_serve(int fd, const char *dir, bool guard_may_be_missing);

/* --- messages ----------------------------------------------------------------------------------------------------- */

#define KT_SIGNER_MESSAGE_MAX ((size_t)5 << 10)

enum kt_signer_request_type { KT_SIGNER_GUARD = 1, KT_SIGNER_SIGN = 2 };

/* Decoded into the caller's arrays, which the extension borrows. */
struct kt_signer_request {
  enum kt_signer_request_type type;
  struct kt_log_extension extension;
  struct kt_hash heads[64];
  struct kt_log_added added[KT_LOG_ADDED_MAX];
};

/* err KT_OK: a guard or a signature, whichever was asked for. */
struct kt_signer_response {
  enum kt_err err;
  struct kt_error error;
  struct kt_log_guard guard;
  size_t signature_len;
  uint8_t signature[KT_SIGNATURE_MAX];
};

/* Lengths; 0: an extension that is too long. */
size_t kt_signer_request_encode(enum kt_signer_request_type type, const struct kt_log_extension *extension,
                                uint8_t ret_message[static KT_SIGNER_MESSAGE_MAX]);
size_t kt_signer_response_encode(enum kt_signer_request_type type, const struct kt_signer_response *response,
                                 uint8_t ret_message[static KT_SIGNER_MESSAGE_MAX]);
/* KT_ERR_FORMAT. */
KT_MUST_USE enum kt_err kt_signer_request_decode(struct kt_bytes message, struct kt_signer_request *ret_request);
KT_MUST_USE enum kt_err kt_signer_response_decode(enum kt_signer_request_type type, struct kt_bytes message,
                                                  struct kt_signer_response *ret_response);

#endif
