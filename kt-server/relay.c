/* SPDX-License-Identifier: Apache-2.0 */
#include "relay.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <kt/writer.h>

#define BUCKETS 1024

struct mailbox {
  struct mailbox *next_in_bucket;
  struct mailbox *younger;
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
  struct mailbox *oldest;
  struct mailbox *youngest;
  size_t n_bytes;
  uint64_t tokens_milli; /* thousandths of a message that may be put now */
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

/* --- mailboxes; with the lock held ------------------------------------------------------------------------------------ */

static struct mailbox **bucket_of(struct kt_relay *relay, const char *name)
{
  uint8_t hash[crypto_shorthash_BYTES];
  (void)crypto_shorthash(hash, (const uint8_t *)name, strlen(name), relay->hash_key);
  return &relay->buckets[(hash[0] | (unsigned)hash[1] << 8) % BUCKETS];
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

static void drop_oldest(struct kt_relay *relay)
{
  struct mailbox *mailbox = relay->oldest;
  struct mailbox **link = bucket_of(relay, mailbox->name);
  while (*link != mailbox) {
    link = &(*link)->next_in_bucket;
  }
  *link = mailbox->next_in_bucket;
  relay->oldest = mailbox->younger;
  relay->youngest = relay->oldest == NULL ? NULL : relay->youngest;
  relay->n_bytes -= cost_of(mailbox);
  mailbox_free(mailbox);
}

static void expire(struct kt_relay *relay, uint64_t now_ms)
{
  while (relay->oldest != NULL && now_ms - relay->oldest->created_ms >= KT_RELAY_LIFETIME_MS) {
    drop_oldest(relay);
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

static struct mailbox *add_mailbox(struct kt_relay *relay, const char *name, uint64_t now_ms)
{
  struct mailbox *mailbox = calloc(1, sizeof *mailbox);
  if (mailbox == NULL) {
    return NULL;
  }
  struct mailbox **bucket = bucket_of(relay, name);
  memcpy(mailbox->name, name, strlen(name) + 1);
  mailbox->created_ms = now_ms;
  mailbox->next_in_bucket = *bucket;
  *bucket = mailbox;
  if (relay->youngest != NULL) {
    relay->youngest->younger = mailbox;
  } else {
    relay->oldest = mailbox;
  }
  relay->youngest = mailbox;
  relay->n_bytes += sizeof *mailbox;
  return mailbox;
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
  relay->n_bytes += message.len;
  return KT_OK;
}

static enum kt_err put(struct kt_relay *relay, const char *name, struct kt_bytes message, uint64_t now_ms,
                       uint8_t *ret_count)
{
  expire(relay, now_ms);
  struct mailbox *mailbox = find(relay, name);
  if (mailbox != NULL && mailbox->n == KT_RELAY_MESSAGES_MAX) {
    return KT_ERR_CONFLICT;
  }
  if (relay->n_bytes + sizeof *mailbox + message.len > KT_RELAY_BYTES_MAX) {
    return KT_ERR_LIMIT;
  }
  if (!take_token(relay, now_ms)) {
    return KT_ERR_STALE;
  }
  mailbox = mailbox != NULL ? mailbox : add_mailbox(relay, name, now_ms);
  enum kt_err err = mailbox != NULL ? append(relay, mailbox, message) : KT_ERR_MEMORY;
  if (err == KT_OK) {
    *ret_count = mailbox->n;
  }
  return err;
}

/* --- the interface ------------------------------------------------------------------------------------------------------ */

void kt_relay_free(struct kt_relay *relay)
{
  if (relay == NULL) {
    return;
  }
  while (relay->oldest != NULL) {
    drop_oldest(relay);
  }
  (void)pthread_mutex_destroy(&relay->lock);
  free(relay);
}

enum kt_err kt_relay_put(struct kt_relay *relay, const char *name, struct kt_bytes message, uint64_t now_ms,
                         uint8_t *ret_count)
{
  (void)pthread_mutex_lock(&relay->lock);
  enum kt_err err = put(relay, name, message, now_ms, ret_count);
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
