/* SPDX-License-Identifier: Apache-2.0 */
/* Two people and what is between them: a whole SAS exchange in one call, with a hand on every message. */
#ifndef KT_TEST_SAS_TEST_H
#define KT_TEST_SAS_TEST_H

#include "accounts.h"

#include <kt/sas.h>

#include <sodium.h>

struct sas_vector {
  struct kt_bytes label_a, label_b;
  uint8_t log_id[32], transaction[16], key_a[33], key_b[33], secret_a[32], secret_b[32];
  uint8_t public_a[32], public_b[32], commitment[32], mac_a[32], mac_b[32], sas[6];
  uint8_t emoji[7];
  uint16_t decimals[3];
};

#define T0 UINT64_C(1700000000000)

/* The messages in the order in which they are sent; even ones by the starter, from 3 on the other way around. */
enum { M_START, M_ACCEPT, M_KEY_A, M_KEY_B, M_MAC_A, M_MAC_B, N_MESSAGES };

struct pair {
  struct kt_sas_config config_a, config_b;
  struct kt_sas a, b;                     /* a is the starter */
  struct kt_sas_message sent[N_MESSAGES]; /* as the honest side made them; type NONE: never came to it */
  struct kt_sas_code code_a, code_b;
  bool a_shows, b_shows;
  struct kt_reason reason_a, reason_b;
};

/* Changes message `index` on its way. */
typedef void tamper_fn(void *ctx, size_t index, struct kt_sas_message *message);

static inline struct kt_sas_party party_of(struct kt_bytes label, const uint8_t *key)
{
  struct kt_sas_party party = { .label = label };
  memcpy(party.key.b, key, sizeof party.key.b);
  return party;
}

static inline void configure(struct pair *pair, const struct sas_vector *v)
{
  memset(pair, 0, sizeof *pair);
  memcpy(pair->config_a.log_id.b, v->log_id, sizeof v->log_id);
  pair->config_a.own = party_of(v->label_a, v->key_a);
  pair->config_a.other = party_of(v->label_b, v->key_b);
  pair->config_b.log_id = pair->config_a.log_id;
  pair->config_b.own = pair->config_a.other;
  pair->config_b.other = pair->config_a.own;
}

static inline void begin(struct pair *pair, const struct sas_vector *v)
{
  configure(pair, v);
  assert_int_equal(kt_sas_start(&pair->a, &pair->config_a, v->transaction, v->secret_a, T0, &pair->sent[M_START]),
                   KT_OK);
  assert_int_equal(kt_sas_join(&pair->b, &pair->config_b, v->secret_b, T0), KT_OK);
}

static inline void end(struct pair *pair)
{
  kt_sas_release(&pair->a);
  kt_sas_release(&pair->b);
}

/* Deliver message `index` to `to`; its answer, if any, is the next message. */
static inline void deliver(struct pair *pair, size_t index, struct kt_sas *to, tamper_fn *tamper, void *ctx)
{
  struct kt_sas_message message = pair->sent[index];
  struct kt_sas_message reply = { .type = KT_SAS_NONE };
  struct kt_reason *reason = to == &pair->a ? &pair->reason_a : &pair->reason_b;
  if (message.type == KT_SAS_NONE) {
    return;
  }
  if (tamper != NULL) {
    tamper(ctx, index, &message);
  }
  if (kt_sas_receive(to, &message, T0 + 1, &reply, reason) == KT_OK && reply.type != KT_SAS_NONE) {
    if (index + 1 >= sizeof pair->sent / sizeof pair->sent[0]) {
      fail_msg("an answer to the last message");
      return;
    }
    pair->sent[index + 1] = reply;
  }
}

/* Whoever ended it tells the other. */
static inline void deliver_cancellations(struct pair *pair)
{
  struct kt_sas_message message;
  struct kt_sas_message reply;
  if (kt_sas_cancellation(&pair->a, &message)) {
    (void)!kt_sas_receive(&pair->b, &message, T0 + 2, &reply, &pair->reason_b);
  }
  if (kt_sas_cancellation(&pair->b, &message)) {
    (void)!kt_sas_receive(&pair->a, &message, T0 + 2, &reply, &pair->reason_a);
  }
}

/* As far as both codes, which two honest people compare next. */
static inline void exchange_keys(struct pair *pair, tamper_fn *tamper, void *ctx)
{
  deliver(pair, M_START, &pair->b, tamper, ctx);
  deliver(pair, M_ACCEPT, &pair->a, tamper, ctx);
  deliver(pair, M_KEY_A, &pair->b, tamper, ctx);
  deliver(pair, M_KEY_B, &pair->a, tamper, ctx);
  pair->a_shows = kt_sas_show(&pair->a, &pair->code_a) == KT_OK;
  pair->b_shows = kt_sas_show(&pair->b, &pair->code_b) == KT_OK;
}

static inline bool same_code(const struct pair *pair)
{
  return pair->a_shows && pair->b_shows && memcmp(pair->code_a.emoji, pair->code_b.emoji, KT_SAS_EMOJI) == 0 &&
         memcmp(pair->code_a.decimals, pair->code_b.decimals, sizeof pair->code_a.decimals) == 0;
}

/* Both people confirm what is the same and nothing else. */
static inline void compare(struct pair *pair, tamper_fn *tamper, void *ctx)
{
  if (!same_code(pair)) {
    kt_sas_cancel(&pair->a, KT_SAS_MISMATCH);
    kt_sas_cancel(&pair->b, KT_SAS_MISMATCH);
    return;
  }
  assert_int_equal(kt_sas_confirm(&pair->a, T0 + 1, &pair->sent[M_MAC_A], NULL), KT_OK);
  deliver(pair, M_MAC_A, &pair->b, tamper, ctx);
  if (kt_sas_confirm(&pair->b, T0 + 1, &pair->sent[M_MAC_B], NULL) == KT_OK) {
    deliver(pair, M_MAC_B, &pair->a, tamper, ctx);
  }
}

#endif
