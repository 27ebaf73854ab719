/* SPDX-License-Identifier: Apache-2.0 */
/* Messages over a local stream socket: the length in bytes as a 32-bit big-endian number, then the bytes. */
#ifndef KT_SERVER_FRAME_H
#define KT_SERVER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: the peer is gone or too slow (errno). */
bool kt_frame_send(int fd, const void *data, size_t len);
/* The length that follows, 0 when the peer is gone; then exactly that many bytes. */
bool kt_frame_receive_length(int fd, size_t *ret_len);
bool kt_frame_receive(int fd, void *data, size_t len);

#endif
