/* SPDX-License-Identifier: Apache-2.0 */
/* SAS exchanges with somebody in between: whatever is done to the messages, nobody ends with DONE on keys that two people
 * did not compare. Two honest people confirm the same code and nothing else. */
#include "sas_test.h"

#include "crypto/x25519.h"
#include "sas_vectors.h"

static const struct sas_vector *const vector = &sas_vectors[0];

/* --- one altered field ------------------------------------------------------------------------------------------------ */

struct flip {
  size_t message;
  size_t bit; /* of the fields that the message has, one after the other */
  bool found; /* false: past the last bit */
};

static uint8_t altered_label[KT_LABEL_MAX];

static bool flip_bytes(uint8_t *bytes, size_t len, size_t *bit)
{
  if (*bit < 8 * len) {
    bytes[*bit / 8] ^= (uint8_t)(1u << *bit % 8);
    return true;
  }
  *bit -= 8 * len;
  return false;
}

static bool flip_label(struct kt_bytes *label, size_t *bit)
{
  memcpy(altered_label, label->data, label->len);
  if (*bit == 8 * label->len) {
    *label = (struct kt_bytes){ altered_label, label->len - 1 };
    return true;
  }
  if (flip_bytes(altered_label, label->len, bit)) {
    label->data = altered_label;
    return true;
  }
  (*bit)--;
  return false;
}

static void flip_one_bit(void *ctx, size_t index, struct kt_sas_message *message)
{
  struct flip *flip = ctx;
  size_t bit = flip->bit;
  if (index != flip->message) {
    return;
  }
  flip->found =
      flip_bytes(message->transaction, sizeof message->transaction, &bit) ||
      (index != M_START && flip_bytes(message->value.b, sizeof message->value.b, &bit)) ||
      (index == M_START && (flip_bytes(message->log_id.b, sizeof message->log_id.b, &bit) ||
                            flip_bytes(message->starter.key.b, KT_ACCOUNT_KEY_LEN, &bit) ||
                            flip_bytes(message->joiner.key.b, KT_ACCOUNT_KEY_LEN, &bit) ||
                            flip_label(&message->starter.label, &bit) || flip_label(&message->joiner.label, &bit)));
}

/* A lost MAC leaves its sender waiting or done, never its receiver. */
static void assert_caught(struct pair *pair, size_t message)
{
  bool a_done = pair->a.state == KT_SAS_DONE;
  bool b_done = pair->b.state == KT_SAS_DONE;
  assert_false(a_done && message != M_MAC_A);
  assert_false(b_done && message != M_MAC_B);
  assert_false(a_done && b_done);
}

static void every_flipped_bit_of_every_message_is_caught(void **state)
{
  (void)state;
  for (size_t message = 0; message < N_MESSAGES; message++) {
    struct flip flip = { .message = message, .found = true };
    for (flip.bit = 0; flip.found; flip.bit++) {
      struct pair pair;
      flip.found = false;
      begin(&pair, vector);
      exchange_keys(&pair, flip_one_bit, &flip);
      bool cancelled = pair.a.state == KT_SAS_CANCELLED || pair.b.state == KT_SAS_CANCELLED;
      if (message < M_MAC_A && flip.found) {
        assert_true(cancelled || !same_code(&pair));
        assert_true(cancelled || message == M_KEY_A); /* all but the starter's key is caught without the people */
      }
      compare(&pair, flip_one_bit, &flip);
      deliver_cancellations(&pair);
      if (flip.found) {
        assert_caught(&pair, message);
        assert_true(pair.a.state == KT_SAS_CANCELLED || pair.b.state == KT_SAS_CANCELLED);
      }
      end(&pair);
    }
    assert_in_range(flip.bit, 8 * 48 + 1, 4000); /* every bit there is was turned */
  }
}

static void assert_start_refused(const struct kt_sas_message *start, enum kt_sas_cancel why)
{
  struct pair pair;
  struct kt_sas_message reply = { .type = KT_SAS_NONE };
  begin(&pair, vector);
  assert_int_not_equal(kt_sas_receive(&pair.b, start, T0, &reply, NULL), KT_OK);
  assert_int_equal(pair.b.cancel, why);
  assert_int_equal(reply.type, KT_SAS_NONE);
  assert_true(kt_sas_cancellation(&pair.b, &reply));
  assert_memory_equal(reply.transaction, start->transaction, sizeof start->transaction);
  end(&pair);
}

/* At once, and not only because a commitment is wrong later. */
static void a_joiner_says_what_differs(void **state)
{
  (void)state;
  struct pair pair;
  begin(&pair, vector);
  const struct kt_sas_message good = pair.sent[M_START];
  end(&pair);
  struct kt_sas_message start = good;
  start.log_id.b[0] ^= 1;
  assert_start_refused(&start, KT_SAS_OTHER_LOG);
  start = good;
  start.starter.label = good.joiner.label;
  assert_start_refused(&start, KT_SAS_OTHER_LABEL);
  start = good;
  start.joiner.label = good.starter.label;
  assert_start_refused(&start, KT_SAS_OTHER_LABEL);
  start = good;
  start.starter.key = good.joiner.key;
  assert_start_refused(&start, KT_SAS_OTHER_KEY);
  start = good;
  start.joiner.key = good.starter.key;
  assert_start_refused(&start, KT_SAS_OTHER_KEY);
}

/* --- order ------------------------------------------------------------------------------------------------------------ */

/* Bring both sides to just before message `index` is delivered. */
static void advance(struct pair *pair, size_t index)
{
  begin(pair, vector);
  for (size_t i = 0; i < index && i <= M_KEY_B; i++) {
    deliver(pair, i, i % 2 == 0 ? &pair->b : &pair->a, NULL, NULL);
  }
  if (index >= M_MAC_A) {
    assert_int_equal(kt_sas_confirm(&pair->a, T0, &pair->sent[M_MAC_A], NULL), KT_OK);
    assert_int_equal(kt_sas_confirm(&pair->b, T0, &pair->sent[M_MAC_B], NULL), KT_OK);
  }
}

static void wrong_types_end_it_in_every_state(void **state)
{
  (void)state;
  static const struct {
    size_t index;
    bool to_a;
    enum kt_sas_type expected;
  } states[] = {
    { M_START, false, KT_SAS_START }, { M_ACCEPT, true, KT_SAS_ACCEPT }, { M_KEY_A, false, KT_SAS_KEY },
    { M_KEY_B, true, KT_SAS_KEY },    { M_MAC_A, false, KT_SAS_MAC },    { M_MAC_B, true, KT_SAS_MAC },
  };
  for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
    for (enum kt_sas_type type = KT_SAS_NONE; type <= KT_SAS_CANCEL; type++) {
      struct pair pair;
      struct kt_sas_message reply = { .type = KT_SAS_NONE };
      struct kt_reason reason = { 0 };
      advance(&pair, states[i].index);
      struct kt_sas_message message = pair.sent[states[i].index];
      struct kt_sas *to = states[i].to_a ? &pair.a : &pair.b;
      message.type = type; /* a CANCEL without a reason is none either */
      if (type != states[i].expected) {
        assert_int_equal(kt_sas_receive(to, &message, T0, &reply, &reason), KT_ERR_PROOF);
        assert_string_equal(reason.code, "sas-unexpected-message");
        assert_int_equal(to->state, KT_SAS_CANCELLED);
        assert_null(to->secret);
        assert_int_equal(reply.type, KT_SAS_NONE);
      }
      end(&pair);
    }
  }
}

static void duplicates_end_it(void **state)
{
  (void)state;
  struct pair pair;
  struct kt_sas_message reply;
  for (size_t i = 0; i <= M_KEY_B; i++) {
    advance(&pair, i + 1);
    struct kt_sas *to = i % 2 == 0 ? &pair.b : &pair.a;
    assert_int_equal(kt_sas_receive(to, &pair.sent[i], T0, &reply, NULL), KT_ERR_PROOF);
    assert_int_equal(to->cancel, KT_SAS_UNEXPECTED);
    end(&pair);
  }
  /* A MAC twice, before one's own person has confirmed. */
  begin(&pair, vector);
  exchange_keys(&pair, NULL, NULL);
  assert_int_equal(kt_sas_confirm(&pair.a, T0, &pair.sent[M_MAC_A], NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&pair.b, &pair.sent[M_MAC_A], T0, &reply, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&pair.b, &pair.sent[M_MAC_A], T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(pair.b.cancel, KT_SAS_UNEXPECTED);
  end(&pair);
}

/* Every message at every point of the exchange: taken only where it belongs. (The joiner's own key would pass for the
 * starter's, but nobody else knows it before the joiner has received that one.) */
static void reordered_messages_end_it(void **state)
{
  (void)state;
  struct pair whole;
  begin(&whole, vector);
  exchange_keys(&whole, NULL, NULL);
  compare(&whole, NULL, NULL);
  for (size_t at = 0; at < N_MESSAGES; at++) {
    for (size_t i = 0; i < N_MESSAGES; i++) {
      struct pair pair;
      struct kt_sas_message reply;
      advance(&pair, at);
      struct kt_sas *to = at % 2 == 0 ? &pair.b : &pair.a;
      enum kt_err err = kt_sas_receive(to, &whole.sent[i], T0, &reply, NULL);
      assert_true((err == KT_OK) == (i == at) || (at == M_KEY_A && i == M_KEY_B));
      assert_false(to->state == KT_SAS_DONE && i != at);
      end(&pair);
    }
  }
  end(&whole);
}

static void a_stray_cancel_is_no_word_of_the_other_person(void **state)
{
  (void)state;
  struct pair pair;
  struct kt_sas_message reply;
  struct kt_sas_message cancel = { .type = KT_SAS_CANCEL, .transaction = { 1 }, .cancel = KT_SAS_STOPPED };
  begin(&pair, vector);
  assert_int_equal(kt_sas_receive(&pair.a, &cancel, T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(pair.a.cancel, KT_SAS_OTHER_TRANSACTION);
  assert_false(pair.a.cancelled_by_other);
  assert_int_equal(kt_sas_receive(&pair.b, &cancel, T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(pair.b.cancel, KT_SAS_UNEXPECTED);
  end(&pair);
}

/* Its first message is none, or none that it can take: the joiner knows no transaction, and the starter is told anyway. */
static void a_joiner_without_a_transaction_tells_the_starter(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    struct pair pair;
    struct kt_sas_message cancel;
    struct kt_sas_message reply;
    begin(&pair, vector);
    if (i == 0) {
      kt_sas_cancel(&pair.b, KT_SAS_MALFORMED);
    } else {
      const struct kt_sas_message early = { .type = KT_SAS_KEY };
      assert_int_equal(kt_sas_receive(&pair.b, &early, T0, &reply, NULL), KT_ERR_PROOF);
    }
    assert_true(kt_sas_cancellation(&pair.b, &cancel));
    assert_int_not_equal(kt_sas_receive(&pair.a, &cancel, T0, &reply, NULL), KT_OK);
    assert_int_equal(pair.a.cancel, pair.b.cancel);
    assert_true(pair.a.cancelled_by_other);
    end(&pair);
    begin(&pair, vector); /* once the transaction was heard of, it has to be named */
    exchange_keys(&pair, NULL, NULL);
    assert_int_equal(kt_sas_receive(&pair.a, &cancel, T0, &reply, NULL), KT_ERR_PROOF);
    assert_int_equal(pair.a.cancel, KT_SAS_OTHER_TRANSACTION);
    end(&pair);
  }
  struct pair pair; /* a person who gives up before anybody was there has nobody to tell */
  struct kt_sas_message cancel;
  begin(&pair, vector);
  kt_sas_cancel(&pair.b, KT_SAS_STOPPED);
  assert_false(kt_sas_cancellation(&pair.b, &cancel));
  end(&pair);
}

/* --- replay and reflection -------------------------------------------------------------------------------------------- */

static void record(struct pair *old)
{
  begin(old, vector);
  exchange_keys(old, NULL, NULL);
  compare(old, NULL, NULL);
  assert_int_equal(old->a.state, KT_SAS_DONE);
  end(old);
}

/* Yesterday's starter, recorded as a whole, and today's joiner. */
static void a_recorded_starter_is_worth_nothing(void **state)
{
  (void)state;
  struct pair old;
  struct pair today;
  struct kt_sas_message reply;
  struct sas_vector fresh = *vector;
  memset(fresh.secret_b, 0x42, sizeof fresh.secret_b);
  record(&old);
  begin(&today, &fresh);
  assert_int_equal(kt_sas_receive(&today.b, &old.sent[M_START], T0, &reply, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&today.b, &old.sent[M_KEY_A], T0, &reply, NULL), KT_OK);
  assert_int_equal(kt_sas_show(&today.b, &today.code_b), KT_OK);
  assert_memory_not_equal(today.code_b.emoji, old.code_b.emoji, KT_SAS_EMOJI);
  assert_int_equal(kt_sas_receive(&today.b, &old.sent[M_MAC_A], T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(today.b.cancel, KT_SAS_WRONG_MAC);
  end(&today);
}

/* Yesterday's joiner, and today's starter: the transaction is new, and the commitment covers it. */
static void a_recorded_joiner_is_worth_nothing(void **state)
{
  (void)state;
  struct pair old;
  struct pair today;
  struct kt_sas_message reply;
  struct sas_vector fresh = *vector;
  memset(fresh.transaction, 0x42, sizeof fresh.transaction);
  record(&old);
  begin(&today, &fresh);
  assert_int_equal(kt_sas_receive(&today.a, &old.sent[M_ACCEPT], T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(today.a.cancel, KT_SAS_OTHER_TRANSACTION);
  end(&today);
  begin(&today, &fresh);
  memcpy(old.sent[M_ACCEPT].transaction, fresh.transaction, sizeof fresh.transaction);
  memcpy(old.sent[M_KEY_B].transaction, fresh.transaction, sizeof fresh.transaction);
  assert_int_equal(kt_sas_receive(&today.a, &old.sent[M_ACCEPT], T0, &reply, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&today.a, &old.sent[M_KEY_B], T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(today.a.cancel, KT_SAS_WRONG_COMMITMENT);
  end(&today);
}

static void ones_own_messages_sent_back_end_it(void **state)
{
  (void)state;
  struct pair pair;
  struct kt_sas_message reply;
  begin(&pair, vector);
  assert_int_equal(kt_sas_receive(&pair.a, &pair.sent[M_START], T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(pair.a.cancel, KT_SAS_UNEXPECTED);
  end(&pair);
  advance(&pair, M_KEY_A);
  assert_int_equal(kt_sas_receive(&pair.a, &pair.sent[M_KEY_A], T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(pair.a.cancel, KT_SAS_WRONG_COMMITMENT);
  end(&pair);
  advance(&pair, M_MAC_A);
  assert_int_equal(kt_sas_receive(&pair.a, &pair.sent[M_MAC_A], T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(pair.a.cancel, KT_SAS_WRONG_MAC);
  assert_int_equal(kt_sas_receive(&pair.b, &pair.sent[M_MAC_B], T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(pair.b.cancel, KT_SAS_WRONG_MAC);
  end(&pair);
}

/* --- a man in the middle ---------------------------------------------------------------------------------------------- */

/* Mallory is Bob to Alice and Alice to Bob, with keys of his own in both exchanges. */
struct mallory {
  struct kt_sas_config as_bob, as_alice;
  struct kt_sas to_alice, to_bob;
};

static void stand_between(struct pair *pair, struct mallory *m, uint8_t seed)
{
  struct kt_sas_message start;
  struct kt_sas_message accept;
  struct kt_sas_message key;
  struct kt_sas_message nothing;
  uint8_t secret[KT_SAS_SECRET_LEN];
  memset(secret, seed, sizeof secret);
  assert_int_equal(kt_sas_join(&m->to_alice, &m->as_bob, secret, T0), KT_OK);
  assert_int_equal(kt_sas_start(&m->to_bob, &m->as_alice, vector->transaction, secret, T0, &start), KT_OK);
  assert_int_equal(kt_sas_receive(&m->to_alice, &pair->sent[M_START], T0, &accept, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&pair->a, &accept, T0, &key, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&m->to_alice, &key, T0, &key, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&pair->a, &key, T0, &nothing, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&pair->b, &start, T0, &accept, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&m->to_bob, &accept, T0, &key, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&pair->b, &key, T0, &key, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&m->to_bob, &key, T0, &nothing, NULL), KT_OK);
  pair->a_shows = kt_sas_show(&pair->a, &pair->code_a) == KT_OK;
  pair->b_shows = kt_sas_show(&pair->b, &pair->code_b) == KT_OK;
}

static void two_replaced_ephemeral_keys_give_two_codes(void **state)
{
  (void)state;
  for (unsigned seed = 0; seed < 256; seed++) {
    struct pair pair;
    struct mallory mallory;
    begin(&pair, vector);
    mallory.as_bob = pair.config_b;
    mallory.as_alice = pair.config_a;
    stand_between(&pair, &mallory, (uint8_t)seed);
    assert_true(pair.a_shows && pair.b_shows);
    assert_memory_not_equal(pair.code_a.emoji, pair.code_b.emoji, KT_SAS_EMOJI);
    assert_memory_not_equal(pair.code_a.decimals, pair.code_b.decimals, sizeof pair.code_a.decimals);
    compare(&pair, NULL, NULL);
    assert_int_equal(pair.a.state, KT_SAS_CANCELLED);
    assert_int_equal(pair.b.state, KT_SAS_CANCELLED);
    kt_sas_release(&mallory.to_alice);
    kt_sas_release(&mallory.to_bob);
    end(&pair);
  }
}

/* The log shows each of them a key of Mallory's for the other, and he holds the relay. */
static void false_account_keys_on_both_sides_give_two_codes(void **state)
{
  (void)state;
  struct pair pair;
  struct mallory mallory;
  struct kt_sas_message reply;
  const struct kt_account_key mallorys = key_of(99);
  begin(&pair, vector);
  pair.config_a.other.key = mallorys;
  pair.config_b.other.key = mallorys;
  pair.sent[M_START].joiner.key = mallorys; /* what Alice's program sends then */
  mallory.as_bob = pair.config_b;
  mallory.as_bob.own.key = mallorys;
  mallory.as_bob.other = pair.config_a.own;
  mallory.as_alice = pair.config_a;
  mallory.as_alice.own.key = mallorys;
  mallory.as_alice.other = pair.config_b.own;
  stand_between(&pair, &mallory, 1);
  assert_true(pair.a_shows && pair.b_shows);
  assert_memory_not_equal(pair.code_a.emoji, pair.code_b.emoji, KT_SAS_EMOJI);
  kt_sas_release(&mallory.to_alice);
  kt_sas_release(&mallory.to_bob);
  end(&pair);
  /* If he passes the messages on instead, no person is needed. */
  begin(&pair, vector);
  pair.config_a.other.key = mallorys;
  pair.sent[M_START].joiner.key = mallorys;
  assert_int_equal(kt_sas_receive(&pair.b, &pair.sent[M_START], T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(pair.b.cancel, KT_SAS_OTHER_KEY);
  assert_true(kt_sas_cancellation(&pair.b, &reply)); /* and Alice is told */
  assert_int_equal(kt_sas_receive(&pair.a, &reply, T0, &reply, NULL), KT_ERR_PROOF);
  assert_int_equal(pair.a.cancel, KT_SAS_OTHER_KEY);
  end(&pair);
}

/* Having seen the starter's key, a joiner would look for an ephemeral key that gives a wanted code; it is bound. */
static void the_commitment_binds_the_joiner(void **state)
{
  (void)state;
  for (unsigned seed = 0; seed < 256; seed++) {
    struct pair pair;
    struct kt_sas_message reply;
    uint8_t secret[KT_SAS_SECRET_LEN];
    memset(secret, (int)seed, sizeof secret);
    advance(&pair, M_KEY_B);
    struct kt_sas_message other = pair.sent[M_KEY_B];
    assert_int_equal(kt_x25519_public(secret, other.value.b), KT_OK);
    assert_int_equal(kt_sas_receive(&pair.a, &other, T0, &reply, NULL), KT_ERR_PROOF);
    assert_int_equal(pair.a.cancel, KT_SAS_WRONG_COMMITMENT);
    end(&pair);
  }
}

static const char *const small_order[] = {
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* From the starter, and from a joiner that committed to it honestly. */
static void keys_of_small_order_end_it(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++) {
    struct pair pair;
    struct kt_sas_message reply;
    struct kt_sas_message key;
    advance(&pair, M_KEY_A);
    key = pair.sent[M_KEY_A];
    assert_int_equal(sodium_hex2bin(key.value.b, KT_HASH_LEN, small_order[i], 64, NULL, NULL, NULL), 0);
    assert_int_equal(kt_sas_receive(&pair.b, &key, T0, &reply, NULL), KT_ERR_CRYPTO);
    assert_int_equal(pair.b.cancel, KT_SAS_WEAK_KEY);
    assert_null(pair.b.secret);
    end(&pair);
    begin(&pair, vector);
    pair.b.own_public = key.value; /* what the hostile joiner commits to */
    exchange_keys(&pair, NULL, NULL);
    assert_int_equal(pair.a.cancel, KT_SAS_WEAK_KEY);
    assert_string_equal(pair.reason_a.code, "sas-weak-key");
    end(&pair);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(every_flipped_bit_of_every_message_is_caught),
    account_test(a_joiner_says_what_differs),
    account_test(wrong_types_end_it_in_every_state),
    account_test(duplicates_end_it),
    account_test(reordered_messages_end_it),
    account_test(a_stray_cancel_is_no_word_of_the_other_person),
    account_test(a_joiner_without_a_transaction_tells_the_starter),
    account_test(a_recorded_starter_is_worth_nothing),
    account_test(a_recorded_joiner_is_worth_nothing),
    account_test(ones_own_messages_sent_back_end_it),
    account_test(two_replaced_ephemeral_keys_give_two_codes),
    account_test(false_account_keys_on_both_sides_give_two_codes),
    account_test(the_commitment_binds_the_joiner),
    account_test(keys_of_small_order_end_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
