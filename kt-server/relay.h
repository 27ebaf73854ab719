/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes for two people's programs in a live call (docs/formats.md, Relay): bytes in, the same bytes out, in order,
 * for ten minutes, in memory only. Whoever knows a name may write and read; the messages protect themselves.
 *
 * All limits are small and fixed, and no address can use up what others need: each has a rate (http_limits.h) and a
 * share of the memory, and what does not fit takes the place of what is the oldest of whoever holds most. Times are
 * milliseconds of one monotonic clock. Safe from several threads. */
#ifndef KT_SERVER_RELAY_H
#define KT_SERVER_RELAY_H

#include <kt/bytes.h>
#include <kt/err.h>
#include <kt/writer.h>

#include "address.h"

#define KT_RELAY_NAME_MIN 16
#define KT_RELAY_NAME_MAX 64
#define KT_RELAY_MESSAGE_MAX 4096
#define KT_RELAY_MESSAGES_MAX 16 /* in one mailbox */
#define KT_RELAY_LIFETIME_MS (10 * 60 * 1000)
#define KT_RELAY_BYTES_MAX ((size_t)16 << 20)  /* in all mailboxes */
#define KT_RELAY_SHARE_BYTES ((size_t)1 << 20) /* of them, in those that one address began */
#define KT_RELAY_RATE_PER_S 20                 /* messages of nobody in particular (address.h) */
#define KT_RELAY_BURST 200
#define KT_RELAY_ADDRESS_RATE_PER_S 1 /* messages of one address; a comparison takes about ten */
#define KT_RELAY_ADDRESS_BURST_S 32

struct kt_relay;

KT_MUST_USE enum kt_err kt_relay_new(struct kt_relay **ret_relay);
void kt_relay_free(struct kt_relay *relay);

/* KT_RELAY_NAME_MIN to KT_RELAY_NAME_MAX of A-Z a-z 0-9 - _ */
bool kt_relay_name_is_valid(const char *name);

/* Append a message of 1 to KT_RELAY_MESSAGE_MAX bytes; the first one begins the mailbox's ten minutes, and it counts as
 * that of `from`. *ret_count: messages in it now. KT_ERR_CONFLICT: the mailbox is full; KT_ERR_STALE: nobody in
 * particular is over the rate, a second's patience helps; KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_relay_put(struct kt_relay *relay, const struct kt_address *from, const char *name,
                                     struct kt_bytes message, uint64_t now_ms, uint8_t *ret_count);

/* Append to the writer: Message messages<0..2^8-1>, each opaque<1..2^16-1>, from number `from` (0 is the first) on. A
 * mailbox that nobody wrote to is empty. */
void kt_relay_get(struct kt_relay *relay, const char *name, uint64_t from, uint64_t now_ms, struct kt_writer *w);

#endif
