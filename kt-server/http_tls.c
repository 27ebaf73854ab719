/* SPDX-License-Identifier: Apache-2.0 */
#include "http_server.h"

/* libmicrohttpd's connection is what it gives the session; ours is what it keeps for us. */
int kt_http_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
                        const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **ret_chain,
                        unsigned *ret_len, gnutls_privkey_t *ret_key)
{
  struct MHD_Connection *connection = gnutls_session_get_ptr(session);
  const union MHD_ConnectionInfo *info =
      connection != NULL ? MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT) : NULL;
  const struct kt_peer *peer = info != NULL ? info->socket_context : NULL;
  (void)authorities;
  (void)n_authorities;
  (void)algorithms;
  (void)n_algorithms;
  if (peer == NULL) {
    return -1;
  }
  const struct kt_http *http = peer->owner;
  kt_tls_current(http->tls, ret_chain, ret_len, ret_key);
  return 0;
}
