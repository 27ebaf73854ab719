/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes for two people's programs in a live call (docs/formats.md, Relay): bytes in, the same bytes out, in order,
 * for ten minutes, in memory only. Whoever knows a name may write and read; the messages protect themselves.
 *
 * All limits are small and fixed. New messages of all mailboxes together have a rate, so that a flood costs patience and
 * not memory. Times are milliseconds of one monotonic clock. Safe from several threads. */
#ifndef KT_SERVER_RELAY_H
#define KT_SERVER_RELAY_H

#include <kt/bytes.h>
#include <kt/err.h>
#include <kt/writer.h>

#define KT_RELAY_NAME_MIN 16
#define KT_RELAY_NAME_MAX 64
#define KT_RELAY_MESSAGE_MAX 4096
#define KT_RELAY_MESSAGES_MAX 16 /* in one mailbox */
#define KT_RELAY_LIFETIME_MS (10 * 60 * 1000)
#define KT_RELAY_BYTES_MAX ((size_t)16 << 20) /* in all mailboxes */
#define KT_RELAY_RATE_PER_S 20
#define KT_RELAY_BURST 200

struct kt_relay;

KT_MUST_USE enum kt_err kt_relay_new(struct kt_relay **ret_relay);
void kt_relay_free(struct kt_relay *relay);

/* KT_RELAY_NAME_MIN to KT_RELAY_NAME_MAX of A-Z a-z 0-9 - _ */
bool kt_relay_name_is_valid(const char *name);

/* Append a message of 1 to KT_RELAY_MESSAGE_MAX bytes; the first one begins the mailbox's ten minutes. *ret_count:
 * messages in it now. KT_ERR_CONFLICT: the mailbox is full; KT_ERR_LIMIT: all of them together; KT_ERR_STALE: over the
 * rate, a second's patience helps. */
KT_MUST_USE enum kt_err kt_relay_put(struct kt_relay *relay, const char *name, struct kt_bytes message, uint64_t now_ms,
                                     uint8_t *ret_count);

/* Append to the writer: Message messages<0..2^8-1>, each opaque<1..2^16-1>, from number `from` (0 is the first) on. A
 * mailbox that nobody wrote to is empty. */
void kt_relay_get(struct kt_relay *relay, const char *name, uint64_t from, uint64_t now_ms, struct kt_writer *w);

#endif
