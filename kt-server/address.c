/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <netinet/in.h>
#include <sodium.h>
#include <string.h>

_Static_assert(KT_SPREAD_SECRET_LEN == crypto_shorthash_KEYBYTES, "the secret is the hash's key");

#define NETWORK_LEN 8 /* bytes of a /64 */

static struct kt_address of_v4(const uint8_t bytes[static 4])
{
  static const uint8_t own[] = { 127, 0, 0, 1 };
  struct kt_address address = { { 0 } };
  if (memcmp(bytes, own, sizeof own) != 0) {
    address.key[10] = address.key[11] = 0xff; /* as IPv6 writes an IPv4 address */
    memcpy(address.key + 12, bytes, 4);
  }
  return address;
}

static struct kt_address of_v6(const struct in6_addr *from)
{
  struct kt_address address = { { 0 } };
  if (IN6_IS_ADDR_V4MAPPED(from)) {
    return of_v4(from->s6_addr + 12);
  }
  if (!IN6_IS_ADDR_LOOPBACK(from)) {
    memcpy(address.key, from->s6_addr, NETWORK_LEN);
    address.key[KT_ADDRESS_KEY_LEN - 1] = 1; /* the network ::/64 is somebody too */
  }
  return address;
}

struct kt_address kt_address_of(const struct sockaddr *from)
{
  if (from != NULL && from->sa_family == AF_INET) {
    struct sockaddr_in in;
    uint8_t bytes[4];
    memcpy(&in, from, sizeof in);
    memcpy(bytes, &in.sin_addr, sizeof bytes);
    return of_v4(bytes);
  }
  if (from != NULL && from->sa_family == AF_INET6) {
    struct sockaddr_in6 in6;
    memcpy(&in6, from, sizeof in6);
    return of_v6(&in6.sin6_addr);
  }
  return (struct kt_address){ { 0 } };
}

bool kt_address_is_counted(const struct kt_address *address)
{
  return !sodium_is_zero(address->key, sizeof address->key);
}

void kt_spread_init(struct kt_spread *spread, size_t n)
{
  size_t places = 1;
  while (places < n) {
    places *= 2;
  }
  spread->mask = places - 1;
  randombytes_buf(spread->secrets, sizeof spread->secrets);
}

void kt_spread_places(const struct kt_spread *spread, const uint8_t *key, size_t len, size_t ret_at[KT_SPREAD_ROWS])
{
  for (size_t row = 0; row < KT_SPREAD_ROWS; row++) {
    uint64_t hash = 0;
    uint8_t bytes[crypto_shorthash_BYTES];
    (void)crypto_shorthash(bytes, key, len, spread->secrets[row]);
    memcpy(&hash, bytes, sizeof hash);
    ret_at[row] = row * (spread->mask + 1) + ((size_t)hash & spread->mask);
  }
}
