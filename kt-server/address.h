/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end, as far as quotas are concerned: an IPv4 address, or the /64 of an IPv6 address, because
 * whoever has one address of a /64 usually has all of them.
 *
 * Nobody in particular: a Unix socket, 127.0.0.1 and ::1. A proxy's connections come from there, and all of its clients
 * would share one quota: such a proxy limits its clients itself. */
#ifndef KT_SERVER_ADDRESS_H
#define KT_SERVER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define KT_ADDRESS_KEY_LEN 16

struct kt_address {
  uint8_t key[KT_ADDRESS_KEY_LEN]; /* all zero: nobody in particular */
};

/* NULL is nobody in particular. */
struct kt_address kt_address_of(const struct sockaddr *from);
bool kt_address_is_counted(const struct kt_address *address);

/* Where a key is counted: two places of a table, each chosen by a secret of this table. Strangers who share one place
 * with a key hardly ever share both, and none can look for a key that does. */
#define KT_SPREAD_ROWS 2
#define KT_SPREAD_SECRET_LEN 16

struct kt_spread {
  uint8_t secrets[KT_SPREAD_ROWS][KT_SPREAD_SECRET_LEN];
  size_t mask; /* places in one row, less one; a power of two */
};

/* At least n places in each row. */
void kt_spread_init(struct kt_spread *spread, size_t n);
/* Indexes into a table of KT_SPREAD_ROWS * (mask + 1) places. */
void kt_spread_places(const struct kt_spread *spread, const uint8_t *key, size_t len, size_t ret_at[KT_SPREAD_ROWS]);

#endif
