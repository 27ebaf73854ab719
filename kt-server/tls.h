/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate and key that the HTTP library shows to clients, from PEM files, replaceable while connections are
 * open.
 *
 * TLS keeps strangers from seeing who is looked up; what the log says is believed for its signatures alone. */
#ifndef KT_SERVER_TLS_H
#define KT_SERVER_TLS_H

#include <gnutls/abstract.h>

#include "file_io.h"

/* TLS 1.3 and 1.2, forward secrecy. */
#define KT_TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA"

struct kt_tls;

/* Load both; their names are relative to dir. KT_ERR_DENIED: others may read the key; KT_ERR_FORMAT: they are not PEM,
 * or do not belong together; KT_ERR_ABSENT, KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_tls_new(const char *dir, const char *certificate, const char *key, struct kt_tls **ret_tls,
                                   struct kt_error *error);
/* No connection may be left. NULL is allowed. */
void kt_tls_free(struct kt_tls *tls);
/* Read the files again; new connections get what is in them. On failure the old ones stay. From one thread at a
 * time. */
KT_MUST_USE enum kt_err kt_tls_reload(struct kt_tls *tls, struct kt_error *error);

/* As gnutls_certificate_retrieve_function2 wants it: valid until kt_tls_free. From any thread. */
void kt_tls_current(struct kt_tls *tls, gnutls_pcert_st **ret_chain, unsigned *ret_len, gnutls_privkey_t *ret_key);

#endif
