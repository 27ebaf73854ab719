/* SPDX-License-Identifier: Apache-2.0 */
#include "relay.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <kt/writer.h>

#define BUCKETS 1024

/* Whoever wrote the first message of a mailbox holds it. A holder is there while it holds one. */
struct holder {
  struct holder *next_in_bucket;
  struct kt_address from;
  size_t n_mailboxes;
  size_t n_bytes;
};

struct mailbox {
  struct mailbox *next_in_bucket;
  struct mailbox *older;
  struct mailbox *younger;
  struct holder *holder;
  char name[KT_RELAY_NAME_MAX + 1];
  uint64_t created_ms;
  uint8_t n;
  uint16_t lens[KT_RELAY_MESSAGES_MAX];
  uint8_t *messages[KT_RELAY_MESSAGES_MAX];
};

struct kt_relay {
  pthread_mutex_t lock;
  uint8_t hash_key[crypto_shorthash_KEYBYTES]; /* names are chosen by strangers */
  struct mailbox *buckets[BUCKETS];
  struct holder *holders[BUCKETS];
  struct mailbox *oldest;
  struct mailbox *youngest;
  size_t n_bytes;
  uint64_t tokens_milli; /* thousandths of a message that nobody in particular may put now */
  uint64_t refilled_ms;
};

enum kt_err kt_relay_new(struct kt_relay **ret_relay)
{
  struct kt_relay *relay = calloc(1, sizeof *relay);
  if (relay == NULL) {
    return KT_ERR_MEMORY;
  }
  if (pthread_mutex_init(&relay->lock, NULL) != 0) {
    free(relay);
    return KT_ERR_MEMORY;
  }
  randombytes_buf(relay->hash_key, sizeof relay->hash_key);
  relay->tokens_milli = (uint64_t)KT_RELAY_BURST * 1000;
  *ret_relay = relay;
  return KT_OK;
}

bool kt_relay_name_is_valid(const char *name)
{
  size_t len = strlen(name);
  return len >= KT_RELAY_NAME_MIN && len <= KT_RELAY_NAME_MAX &&
         strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

/* --- holders; with the lock held ---------------------------------------------------------------------------------- */

static size_t bucket_at(const struct kt_relay *relay, const void *key, size_t len)
{
  uint8_t hash[crypto_shorthash_BYTES];
  (void)crypto_shorthash(hash, key, len, relay->hash_key);
  return (hash[0] | (unsigned)hash[1] << 8) % BUCKETS;
}

/* The link to the holder, or to where it belongs. */
static struct holder **holder_link(struct kt_relay *relay, const struct kt_address *from)
{
  struct holder **link = &relay->holders[bucket_at(relay, from->key, sizeof from->key)];
  while (*link != NULL && memcmp((*link)->from.key, from->key, sizeof from->key) != 0) {
    link = &(*link)->next_in_bucket;
  }
  return link;
}

/* NULL: no memory. */
static struct holder *holder_of(struct kt_relay *relay, const struct kt_address *from)
{
  struct holder **link = holder_link(relay, from);
  if (*link == NULL) {
    *link = calloc(1, sizeof **link);
    if (*link != NULL) {
      (*link)->from = *from;
    }
  }
  return *link;
}

static void charge(struct kt_relay *relay, struct holder *holder, size_t n_bytes)
{
  holder->n_bytes += n_bytes;
  relay->n_bytes += n_bytes;
}

static void leave(struct kt_relay *relay, struct holder *holder)
{
  if (--holder->n_mailboxes == 0) {
    struct holder **link = holder_link(relay, &holder->from);
    *link = holder->next_in_bucket;
    free(holder);
  }
}

/* NULL: there is none. */
static const struct holder *largest_holder(const struct kt_relay *relay)
{
  const struct holder *largest = NULL;
  for (size_t i = 0; i < BUCKETS; i++) {
    for (const struct holder *holder = relay->holders[i]; holder != NULL; holder = holder->next_in_bucket) {
      largest = largest == NULL || holder->n_bytes > largest->n_bytes ? holder : largest;
    }
  }
  return largest;
}

/* --- mailboxes; with the lock held -------------------------------------------------------------------------------- */

static struct mailbox **bucket_of(struct kt_relay *relay, const char *name)
{
  return &relay->buckets[bucket_at(relay, name, strlen(name))];
}

/* What a mailbox costs: its own memory as well, or empty names would be free. */
static size_t cost_of(const struct mailbox *mailbox)
{
  size_t cost = sizeof *mailbox;
  for (size_t i = 0; i < mailbox->n; i++) {
    cost += mailbox->lens[i];
  }
  return cost;
}

static void mailbox_free(struct mailbox *mailbox)
{
  for (size_t i = 0; i < mailbox->n; i++) {
    free(mailbox->messages[i]);
  }
  free(mailbox);
}

static void drop(struct kt_relay *relay, struct mailbox *mailbox)
{
  struct mailbox **link = bucket_of(relay, mailbox->name);
  while (*link != mailbox) {
    link = &(*link)->next_in_bucket;
  }
  *link = mailbox->next_in_bucket;
  *(mailbox->older != NULL ? &mailbox->older->younger : &relay->oldest) = mailbox->younger;
  *(mailbox->younger != NULL ? &mailbox->younger->older : &relay->youngest) = mailbox->older;
  relay->n_bytes -= cost_of(mailbox);
  mailbox->holder->n_bytes -= cost_of(mailbox);
  leave(relay, mailbox->holder);
  mailbox_free(mailbox);
}

static void drop_oldest_of(struct kt_relay *relay, const struct holder *holder)
{
  struct mailbox *mailbox = relay->oldest;
  while (mailbox->holder != holder) {
    mailbox = mailbox->younger;
  }
  drop(relay, mailbox);
}

static void expire(struct kt_relay *relay, uint64_t now_ms)
{
  struct mailbox *younger = NULL;
  for (struct mailbox *mailbox = relay->oldest; mailbox != NULL && now_ms - mailbox->created_ms >= KT_RELAY_LIFETIME_MS;
       mailbox = younger) {
    younger = mailbox->younger;
    drop(relay, mailbox);
  }
}

static struct mailbox *find(struct kt_relay *relay, const char *name)
{
  struct mailbox *mailbox = *bucket_of(relay, name);
  while (mailbox != NULL && strcmp(mailbox->name, name) != 0) {
    mailbox = mailbox->next_in_bucket;
  }
  return mailbox;
}

static struct mailbox *add_mailbox(struct kt_relay *relay, const struct kt_address *from, const char *name,
                                   uint64_t now_ms)
{
  struct mailbox *mailbox = calloc(1, sizeof *mailbox);
  struct holder *holder = mailbox != NULL ? holder_of(relay, from) : NULL;
  if (holder == NULL) {
    free(mailbox);
    return NULL;
  }
  struct mailbox **bucket = bucket_of(relay, name);
  memcpy(mailbox->name, name, strlen(name) + 1);
  mailbox->created_ms = now_ms;
  mailbox->holder = holder;
  mailbox->older = relay->youngest;
  mailbox->next_in_bucket = *bucket;
  *bucket = mailbox;
  if (relay->youngest != NULL) {
    relay->youngest->younger = mailbox;
  } else {
    relay->oldest = mailbox;
  }
  relay->youngest = mailbox;
  holder->n_mailboxes++;
  charge(relay, holder, sizeof *mailbox);
  return mailbox;
}

/* Room for a message in a mailbox of its own. Whoever has its share loses its oldest mailbox, and when all
 * together are too much, whoever holds most: nobody can fill the relay for others. Nobody in particular stands for
 * many, and has no share. */
static void make_room(struct kt_relay *relay, const struct kt_address *from, size_t n_bytes)
{
  const struct holder *holder = *holder_link(relay, from);
  while (kt_address_is_counted(from) && holder != NULL && holder->n_bytes + n_bytes > KT_RELAY_SHARE_BYTES) {
    drop_oldest_of(relay, holder);
    holder = *holder_link(relay, from);
  }
  while (relay->n_bytes + n_bytes > KT_RELAY_BYTES_MAX) {
    drop_oldest_of(relay, largest_holder(relay));
  }
}

static bool take_token(struct kt_relay *relay, uint64_t now_ms)
{
  uint64_t full = (uint64_t)KT_RELAY_BURST * 1000;
  uint64_t passed_ms = now_ms - relay->refilled_ms;
  uint64_t gained = passed_ms < full ? passed_ms * KT_RELAY_RATE_PER_S : full; /* no overflow after a long sleep */
  relay->tokens_milli = relay->tokens_milli + gained < full ? relay->tokens_milli + gained : full;
  relay->refilled_ms = now_ms;
  if (relay->tokens_milli < 1000) {
    return false;
  }
  relay->tokens_milli -= 1000;
  return true;
}

static enum kt_err append(struct kt_relay *relay, struct mailbox *mailbox, struct kt_bytes message)
{
  uint8_t *copy = malloc(message.len);
  if (copy == NULL) {
    return KT_ERR_MEMORY;
  }
  memcpy(copy, message.data, message.len);
  mailbox->messages[mailbox->n] = copy;
  mailbox->lens[mailbox->n++] = (uint16_t)message.len;
  charge(relay, mailbox->holder, message.len);
  return KT_OK;
}

static enum kt_err put(struct kt_relay *relay, const struct kt_address *from, const char *name, struct kt_bytes message,
                       uint64_t now_ms, uint8_t *ret_count)
{
  expire(relay, now_ms);
  struct mailbox *mailbox = find(relay, name);
  if (mailbox != NULL && mailbox->n == KT_RELAY_MESSAGES_MAX) {
    return KT_ERR_CONFLICT;
  }
  if (!kt_address_is_counted(from) && !take_token(relay, now_ms)) {
    return KT_ERR_STALE;
  }
  make_room(relay, from, sizeof *mailbox + message.len);
  mailbox = find(relay, name); /* it may be the one that was dropped */
  mailbox = mailbox != NULL ? mailbox : add_mailbox(relay, from, name, now_ms);
  enum kt_err err = mailbox != NULL ? append(relay, mailbox, message) : KT_ERR_MEMORY;
  if (err == KT_OK) {
    *ret_count = mailbox->n;
  }
  return err;
}

/* --- the interface ------------------------------------------------------------------------------------------------ */

void kt_relay_free(struct kt_relay *relay)
{
  if (relay == NULL) {
    return;
  }
  struct mailbox *younger = NULL;
  for (struct mailbox *mailbox = relay->oldest; mailbox != NULL; mailbox = younger) {
    younger = mailbox->younger;
    drop(relay, mailbox);
  }
  (void)pthread_mutex_destroy(&relay->lock);
  free(relay);
}

enum kt_err kt_relay_put(struct kt_relay *relay, const struct kt_address *from, const char *name,
                         struct kt_bytes message, uint64_t now_ms, uint8_t *ret_count)
{
  (void)pthread_mutex_lock(&relay->lock);
  enum kt_err err = put(relay, from, name, message, now_ms, ret_count);
  (void)pthread_mutex_unlock(&relay->lock);
  return err;
}

void kt_relay_get(struct kt_relay *relay, const char *name, uint64_t from, uint64_t now_ms, struct kt_writer *w)
{
  (void)pthread_mutex_lock(&relay->lock);
  expire(relay, now_ms);
  const struct mailbox *mailbox = find(relay, name);
  size_t n = mailbox != NULL ? mailbox->n : 0;
  size_t first = from < n ? (size_t)from : n;
  kt_write_u8(w, (uint8_t)(n - first));
  for (size_t i = first; i < n; i++) {
    kt_write_u16(w, mailbox->lens[i]);
    kt_write_bytes(w, mailbox->messages[i], mailbox->lens[i]);
  }
  (void)pthread_mutex_unlock(&relay->lock);
}
