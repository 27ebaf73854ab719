/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of admin.sock: addresses and messages (admin.h gives the format). */
#ifndef KT_SERVER_ADMIN_WIRE_H
#define KT_SERVER_ADMIN_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#define KT_ADMIN_TIMEOUT_S 10
#define KT_ADMIN_PATIENCE_MS 60000
#define KT_ADMIN_MESSAGE_MAX ((size_t)64 << 20)

/* The socket's address, through dir_fd: socket paths are limited to 107 bytes, folders are not. */
struct sockaddr_un kt_admin_address(int dir_fd);
/* Limit the time a peer may keep us waiting. */
void kt_admin_set_timeouts(int fd);
/* The user at the other end, as the kernel says. */
uid_t kt_admin_peer(int fd);

/* Until there is something to read. False: for patience_ms the peer has not even taken what was sent, because it answers
 * somebody else or has no descriptor left; once it has, this waits as long as it works. */
bool kt_admin_await(int fd, int patience_ms);

bool kt_admin_send(int fd, const json_t *message);
/* A new reference, or NULL: the peer is gone, too slow, or does not speak this. */
json_t *kt_admin_receive(int fd);
/* An open file, which the peer gets as a descriptor of its own (SCM_RIGHTS), after the message that announces it. */
bool kt_admin_send_file(int fd, int file);
/* The descriptor, the caller's; -1: none came. */
int kt_admin_receive_file(int fd);

#endif
