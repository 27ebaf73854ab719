/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a SAS exchange. What is hashed and derived is in sas_bytes.c, the words are in sas_cancel.c. */
#include <kt/sas.h>

#include "account/sas_bytes.h"
#include "account/sas_cancel.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "crypto/secret.h"
#include "crypto/x25519.h"

#include <string.h>

_Static_assert(KT_SAS_SECRET_LEN == KT_SEED_LEN && KT_SAS_SECRET_LEN == KT_X25519_LEN && KT_X25519_LEN == KT_HASH_LEN,
               "one guarded buffer holds the ephemeral secret, then the derivation key");

/* --- beginning and end ---------------------------------------------------------------------------------------------- */

static bool label_is_legal(struct kt_bytes label)
{
  return label.len > 0 && label.len <= KT_LABEL_MAX;
}

static enum kt_err begin(struct kt_sas *sas, const struct kt_sas_config *config, const uint8_t *secret, uint64_t now_ms)
{
  struct kt_sas begun = { .config = config, .started_ms = now_ms };
  if (!label_is_legal(config->own.label) || !label_is_legal(config->other.label)) {
    return KT_ERR_USAGE;
  }
  enum kt_err err = kt_x25519_public(secret, begun.own_public.b);
  if (err == KT_OK) {
    err = kt_secret_new(&begun.secret);
  }
  if (err == KT_OK) {
    memcpy(begun.secret->seed, secret, KT_SAS_SECRET_LEN);
    *sas = begun;
  }
  return err;
}

void kt_sas_release(struct kt_sas *sas)
{
  kt_secret_free(sas->secret);
  *sas = (struct kt_sas){ .state = KT_SAS_CANCELLED };
}

static struct kt_sas_message new_message(const struct kt_sas *sas, enum kt_sas_type type)
{
  struct kt_sas_message message = { .type = type };
  memcpy(message.transaction, sas->transaction, sizeof message.transaction);
  return message;
}

static const struct kt_sas_party *starter_of(const struct kt_sas *sas)
{
  return sas->is_starter ? &sas->config->own : &sas->config->other;
}

static const struct kt_sas_party *joiner_of(const struct kt_sas *sas)
{
  return sas->is_starter ? &sas->config->other : &sas->config->own;
}

/* The START of this exchange, as its starter sends it. */
static struct kt_sas_message start_message(const struct kt_sas *sas)
{
  struct kt_sas_message start = new_message(sas, KT_SAS_START);
  start.log_id = sas->config->log_id;
  start.starter = *starter_of(sas);
  start.joiner = *joiner_of(sas);
  return start;
}

enum kt_err kt_sas_start(struct kt_sas *sas, const struct kt_sas_config *config,
                         const uint8_t transaction[static KT_SAS_TRANSACTION_LEN],
                         const uint8_t secret[static KT_SAS_SECRET_LEN], uint64_t now_ms,
                         struct kt_sas_message *ret_message)
{
  enum kt_err err = begin(sas, config, secret, now_ms);
  if (err == KT_OK) {
    sas->state = KT_SAS_AWAIT_ACCEPT;
    sas->is_starter = true;
    sas->has_transaction = true;
    memcpy(sas->transaction, transaction, sizeof sas->transaction);
    *ret_message = start_message(sas);
  }
  return err;
}

enum kt_err kt_sas_join(struct kt_sas *sas, const struct kt_sas_config *config,
                        const uint8_t secret[static KT_SAS_SECRET_LEN], uint64_t now_ms)
{
  return begin(sas, config, secret, now_ms); /* AWAIT_START is the first state */
}

static bool is_over(const struct kt_sas *sas)
{
  return sas->state == KT_SAS_DONE || sas->state == KT_SAS_CANCELLED;
}

void kt_sas_cancel(struct kt_sas *sas, enum kt_sas_cancel why)
{
  if (!is_over(sas)) {
    sas->state = KT_SAS_CANCELLED;
    sas->cancel = why;
    kt_secret_free(sas->secret);
    sas->secret = NULL;
  }
}

/* Cancel, and say why. */
static enum kt_err fail(struct kt_sas *sas, enum kt_sas_cancel why, bool by_other, struct kt_reason *reason)
{
  const struct kt_sas_cancel_row *row = kt_sas_cancel_row(why);
  kt_sas_cancel(sas, why);
  sas->cancelled_by_other = by_other;
  return kt_fail(reason, row->err, row->code, by_other ? row->text_by_other : row->text, "ours");
}

/* A joiner whose first message was no START can name no transaction, and the starter waits for it all the same: it says
 * so with a transaction of zeros. Before any message there is nobody to tell. */
static bool has_somebody_to_tell(const struct kt_sas *sas)
{
  return sas->has_transaction || sas->cancel == KT_SAS_MALFORMED || sas->cancel == KT_SAS_UNEXPECTED;
}

bool kt_sas_cancellation(const struct kt_sas *sas, struct kt_sas_message *ret_message)
{
  if (sas->state != KT_SAS_CANCELLED || sas->cancel == KT_SAS_NOT_CANCELLED || sas->cancelled_by_other ||
      !has_somebody_to_tell(sas)) {
    return false;
  }
  *ret_message = new_message(sas, KT_SAS_CANCEL);
  ret_message->cancel = sas->cancel;
  return true;
}

enum kt_err kt_sas_tick(struct kt_sas *sas, uint64_t now_ms, struct kt_reason *reason)
{
  if (is_over(sas)) {
    return kt_fail(reason, KT_ERR_USAGE, "sas-over", "this comparison is over", "ours");
  }
  /* A clock that went back wraps around, and ends it as well. */
  if (now_ms - sas->started_ms >= KT_SAS_LIFETIME_MS) {
    return fail(sas, KT_SAS_EXPIRED, false, reason);
  }
  return KT_OK;
}

/* --- messages --------------------------------------------------------------------------------------------------------- */

static struct kt_sas_context context_of(const struct kt_sas *sas)
{
  return (struct kt_sas_context){
    .log_id = &sas->config->log_id,
    .transaction = sas->transaction,
    .starter = starter_of(sas),
    .joiner = joiner_of(sas),
    .starter_public = sas->is_starter ? &sas->own_public : &sas->other_public,
    .joiner_public = sas->is_starter ? &sas->other_public : &sas->own_public,
  };
}

static bool same_label(struct kt_bytes a, struct kt_bytes b)
{
  return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static enum kt_sas_cancel on_start(struct kt_sas *sas, const struct kt_sas_message *start, struct kt_sas_message *reply)
{
  const struct kt_sas_config *config = sas->config;
  memcpy(sas->transaction, start->transaction, sizeof sas->transaction);
  sas->has_transaction = true;
  if (!kt_hash_equal(&start->log_id, &config->log_id)) {
    return KT_SAS_OTHER_LOG;
  }
  if (!same_label(start->starter.label, config->other.label) || !same_label(start->joiner.label, config->own.label)) {
    return KT_SAS_OTHER_LABEL;
  }
  if (!kt_account_key_equal(&start->starter.key, &config->other.key) ||
      !kt_account_key_equal(&start->joiner.key, &config->own.key)) {
    return KT_SAS_OTHER_KEY;
  }
  *reply = new_message(sas, KT_SAS_ACCEPT);
  kt_sas_commitment(start, &sas->own_public, &reply->value);
  sas->state = KT_SAS_AWAIT_KEY;
  return KT_SAS_NOT_CANCELLED;
}

static enum kt_sas_cancel on_accept(struct kt_sas *sas, const struct kt_sas_message *accept,
                                    struct kt_sas_message *reply)
{
  sas->commitment = accept->value;
  *reply = new_message(sas, KT_SAS_KEY);
  reply->value = sas->own_public;
  sas->state = KT_SAS_AWAIT_KEY;
  return KT_SAS_NOT_CANCELLED;
}

/* The derivation key takes the place of the ephemeral secret, which is needed no more. */
static enum kt_err agree(struct kt_sas *sas)
{
  uint8_t *secret = sas->secret->seed;
  enum kt_err err = kt_x25519(secret, sas->other_public.b, secret);
  if (err == KT_OK) {
    kt_hkdf_extract((struct kt_bytes){ NULL, 0 }, (struct kt_bytes){ secret, KT_X25519_LEN }, secret);
  }
  return err;
}

static enum kt_sas_cancel on_key(struct kt_sas *sas, const struct kt_sas_message *key, struct kt_sas_message *reply)
{
  if (sas->is_starter) {
    const struct kt_sas_message start = start_message(sas);
    struct kt_hash commitment;
    kt_sas_commitment(&start, &key->value, &commitment);
    if (!kt_hash_equal(&commitment, &sas->commitment)) {
      return KT_SAS_WRONG_COMMITMENT;
    }
  }
  sas->other_public = key->value;
  if (agree(sas) != KT_OK) {
    return KT_SAS_WEAK_KEY;
  }
  if (!sas->is_starter) {
    *reply = new_message(sas, KT_SAS_KEY);
    reply->value = sas->own_public;
  }
  sas->state = KT_SAS_COMPARE;
  return KT_SAS_NOT_CANCELLED;
}

static enum kt_sas_cancel on_mac(struct kt_sas *sas, const struct kt_sas_message *mac)
{
  const struct kt_sas_context context = context_of(sas);
  struct kt_hash expected;
  if (sas->other_confirmed) {
    return KT_SAS_UNEXPECTED;
  }
  if (kt_sas_mac(sas->secret->seed, &context, !sas->is_starter, &expected) != KT_OK ||
      !kt_mac_equal(&expected, &mac->value)) {
    return KT_SAS_WRONG_MAC;
  }
  sas->other_confirmed = true;
  if (sas->own_confirmed) {
    sas->state = KT_SAS_DONE;
  }
  return KT_SAS_NOT_CANCELLED;
}

static enum kt_sas_type expected_type(enum kt_sas_state state)
{
  switch (state) {
  case KT_SAS_AWAIT_START: return KT_SAS_START;
  case KT_SAS_AWAIT_ACCEPT: return KT_SAS_ACCEPT;
  case KT_SAS_AWAIT_KEY: return KT_SAS_KEY;
  case KT_SAS_COMPARE: return KT_SAS_MAC;
  case KT_SAS_DONE:
  case KT_SAS_CANCELLED: break;
  }
  return KT_SAS_NONE;
}

static enum kt_sas_cancel step(struct kt_sas *sas, const struct kt_sas_message *message, struct kt_sas_message *reply)
{
  if (sas->has_transaction && memcmp(message->transaction, sas->transaction, sizeof sas->transaction) != 0) {
    return KT_SAS_OTHER_TRANSACTION;
  }
  if (message->type != expected_type(sas->state)) {
    return KT_SAS_UNEXPECTED;
  }
  switch (message->type) {
  case KT_SAS_START: return on_start(sas, message, reply);
  case KT_SAS_ACCEPT: return on_accept(sas, message, reply);
  case KT_SAS_KEY: return on_key(sas, message, reply);
  case KT_SAS_MAC: return on_mac(sas, message);
  case KT_SAS_CANCEL:
  case KT_SAS_NONE: break;
  }
  return KT_SAS_UNEXPECTED;
}

/* Before START a joiner cannot know what a CANCEL belongs to: a stray one is a deviation, not the other person's word. */
static bool is_cancel_by_other(const struct kt_sas *sas, const struct kt_sas_message *message)
{
  static const uint8_t unknown[KT_SAS_TRANSACTION_LEN];
  if (message->type != KT_SAS_CANCEL || message->cancel == KT_SAS_NOT_CANCELLED || !sas->has_transaction) {
    return false;
  }
  return memcmp(message->transaction, sas->transaction, sizeof sas->transaction) == 0 ||
         (sas->state == KT_SAS_AWAIT_ACCEPT && memcmp(message->transaction, unknown, sizeof unknown) == 0);
}

enum kt_err kt_sas_receive(struct kt_sas *sas, const struct kt_sas_message *message, uint64_t now_ms,
                           struct kt_sas_message *ret_reply, struct kt_reason *reason)
{
  struct kt_sas_message reply = { .type = KT_SAS_NONE };
  enum kt_err err = kt_sas_tick(sas, now_ms, reason);
  if (err != KT_OK) {
    return err;
  }
  if (is_cancel_by_other(sas, message)) {
    return fail(sas, message->cancel, true, reason);
  }
  enum kt_sas_cancel why = step(sas, message, &reply);
  if (why != KT_SAS_NOT_CANCELLED) {
    return fail(sas, why, false, reason);
  }
  *ret_reply = reply;
  return KT_OK;
}

/* --- the two people --------------------------------------------------------------------------------------------------- */

/* Emoji: 7 x 6 bits of 6 bytes. Decimals: 3 x 13 bits of the first 5 of them, each + 1000. */
static struct kt_sas_code split_code(const uint8_t bytes[static KT_SAS_CODE_LEN])
{
  struct kt_sas_code code;
  uint64_t bits = 0;
  for (size_t i = 0; i < KT_SAS_CODE_LEN; i++) {
    bits = bits << 8 | bytes[i];
  }
  for (unsigned i = 0; i < KT_SAS_EMOJI; i++) {
    code.emoji[i] = bits >> (42 - 6 * i) & 0x3f;
  }
  for (unsigned i = 0; i < KT_SAS_DECIMALS; i++) {
    code.decimals[i] = (uint16_t)((bits >> (35 - 13 * i) & 0x1fff) + 1000);
  }
  return code;
}

enum kt_err kt_sas_show(const struct kt_sas *sas, struct kt_sas_code *ret_code)
{
  uint8_t bytes[KT_SAS_CODE_LEN];
  if (sas->state != KT_SAS_COMPARE && sas->state != KT_SAS_DONE) {
    return KT_ERR_USAGE;
  }
  const struct kt_sas_context context = context_of(sas);
  enum kt_err err = kt_sas_code_bytes(sas->secret->seed, &context, bytes);
  if (err == KT_OK) {
    *ret_code = split_code(bytes);
  }
  return err;
}

enum kt_err kt_sas_confirm(struct kt_sas *sas, uint64_t now_ms, struct kt_sas_message *ret_message,
                           struct kt_reason *reason)
{
  enum kt_err err = kt_sas_tick(sas, now_ms, reason);
  if (err != KT_OK) {
    return err;
  }
  if (sas->state != KT_SAS_COMPARE || sas->own_confirmed) {
    return kt_fail(reason, KT_ERR_USAGE, "sas-not-now", "there is nothing to confirm now", "ours");
  }
  const struct kt_sas_context context = context_of(sas);
  struct kt_sas_message message = new_message(sas, KT_SAS_MAC);
  err = kt_sas_mac(sas->secret->seed, &context, sas->is_starter, &message.value);
  if (err != KT_OK) {
    return err;
  }
  sas->own_confirmed = true;
  if (sas->other_confirmed) {
    sas->state = KT_SAS_DONE;
  }
  *ret_message = message;
  return KT_OK;
}
