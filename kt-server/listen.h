/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets from "ADDR:PORT", "[IPV6]:PORT" or "unix:PATH". Addresses are numeric, or "localhost". */
#ifndef KT_SERVER_LISTEN_H
#define KT_SERVER_LISTEN_H

#include "file_io.h"

struct kt_listener {
  int fd;                   /* non-blocking; whoever serves it closes it */
  char url[320];            /* "http://127.0.0.1:8080", "unix:/run/kt.sock": with the port that was picked */
  struct kt_path unix_path; /* to be removed at the end; empty for TCP */
};

/* Is this text an address? For checking a configuration. */
KT_MUST_USE enum kt_err kt_listen_check(const char *text, struct kt_error *error);
/* dir: what a relative unix path is relative to. KT_ERR_FORMAT: not an address; KT_ERR_UNDETERMINED: in
 * use, or not ours to use. */
KT_MUST_USE enum kt_err kt_listen_open(const char *text, const char *dir, struct kt_listener *ret_listener,
                                       struct kt_error *error);
/* Its socket file, if there is one, belongs to another user from here on. KT_ERR_STORE. */
KT_MUST_USE enum kt_err kt_listen_give(const struct kt_listener *listener, uid_t uid, gid_t gid,
                                       struct kt_error *error);
/* The socket file, if there is one. */
void kt_listen_remove(const struct kt_listener *listener);

#endif
