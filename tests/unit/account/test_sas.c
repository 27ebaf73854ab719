/* SPDX-License-Identifier: Apache-2.0 */
/* SAS exchanges that go as they should: values from make_sas_vectors.py, the published table, time, one use, the end. */
#include "sas_test.h"

#include "crypto/secret.h"
#include "published_emoji.h"
#include "sas_vectors.h"

#define N_VECTORS (sizeof sas_vectors / sizeof sas_vectors[0])

static void independent_values(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_VECTORS; i++) {
    const struct sas_vector *v = &sas_vectors[i];
    struct pair pair;
    begin(&pair, v);
    exchange_keys(&pair, NULL, NULL);
    assert_true(same_code(&pair));
    assert_memory_equal(pair.sent[M_ACCEPT].value.b, v->commitment, 32);
    assert_memory_equal(pair.sent[M_KEY_A].value.b, v->public_a, 32);
    assert_memory_equal(pair.sent[M_KEY_B].value.b, v->public_b, 32);
    assert_memory_equal(pair.code_a.emoji, v->emoji, sizeof v->emoji);
    assert_memory_equal(pair.code_a.decimals, v->decimals, sizeof v->decimals);
    compare(&pair, NULL, NULL);
    assert_memory_equal(pair.sent[M_MAC_A].value.b, v->mac_a, 32);
    assert_memory_equal(pair.sent[M_MAC_B].value.b, v->mac_b, 32);
    assert_int_equal(pair.a.state, KT_SAS_DONE);
    assert_int_equal(pair.b.state, KT_SAS_DONE);
    end(&pair);
  }
}

/* UTF-8 of one code point above U+07FF. */
static size_t put_utf8(uint32_t point, char *text)
{
  size_t len = 0;
  if (point >= 0x10000) {
    text[len++] = (char)(0xf0 | point >> 18);
    text[len++] = (char)(0x80 | (point >> 12 & 0x3f));
  } else {
    text[len++] = (char)(0xe0 | point >> 12);
  }
  text[len++] = (char)(0x80 | (point >> 6 & 0x3f));
  text[len++] = (char)(0x80 | (point & 0x3f));
  return len;
}

static void the_table_is_the_published_one(void **state)
{
  (void)state;
  for (uint8_t i = 0; i < KT_SAS_EMOJI_TABLE; i++) {
    const struct published_emoji *row = &published_emoji[i];
    char utf8[16] = "";
    size_t len = put_utf8(row->points[0], utf8);
    if (row->points[1] != 0) {
      put_utf8(row->points[1], utf8 + len);
    }
    assert_string_equal(kt_sas_emoji(i)->utf8, utf8);
    assert_string_equal(kt_sas_emoji(i)->name, row->name);
  }
}

/* The one who confirms second is done at once; nobody is done before both have confirmed. */
static void either_person_may_confirm_first(void **state)
{
  (void)state;
  struct pair pair;
  struct kt_sas_message mac;
  struct kt_sas_message reply;
  begin(&pair, &sas_vectors[0]);
  exchange_keys(&pair, NULL, NULL);
  assert_int_equal(kt_sas_confirm(&pair.b, T0, &mac, NULL), KT_OK);
  assert_int_equal(kt_sas_receive(&pair.a, &mac, T0, &reply, NULL), KT_OK);
  assert_int_equal(pair.a.state, KT_SAS_COMPARE); /* the other side's word alone is not enough */
  assert_int_equal(pair.b.state, KT_SAS_COMPARE);
  assert_int_equal(kt_sas_confirm(&pair.a, T0, &mac, NULL), KT_OK);
  assert_int_equal(pair.a.state, KT_SAS_DONE);
  assert_int_equal(kt_sas_receive(&pair.b, &mac, T0, &reply, NULL), KT_OK);
  assert_int_equal(pair.b.state, KT_SAS_DONE);
  end(&pair);
}

static void confirming_has_its_time(void **state)
{
  (void)state;
  struct pair pair;
  struct kt_sas_message message = { .type = KT_SAS_NONE };
  struct kt_sas_code code;
  struct kt_reason reason = { 0 };
  begin(&pair, &sas_vectors[0]);
  assert_int_equal(kt_sas_confirm(&pair.a, T0, &message, &reason), KT_ERR_USAGE);
  assert_string_equal(reason.code, "sas-not-now");
  assert_int_equal(kt_sas_show(&pair.a, &code), KT_ERR_USAGE);
  assert_int_equal(pair.a.state, KT_SAS_AWAIT_ACCEPT); /* a slip of the program, not of the other side */
  exchange_keys(&pair, NULL, NULL);
  assert_int_equal(kt_sas_confirm(&pair.a, T0, &message, NULL), KT_OK);
  assert_int_equal(kt_sas_confirm(&pair.a, T0, &message, NULL), KT_ERR_USAGE); /* twice */
  end(&pair);
}

static void ten_minutes_and_no_more(void **state)
{
  (void)state;
  static const uint64_t too_late[] = { T0 + KT_SAS_LIFETIME_MS, T0 + 10 * KT_SAS_LIFETIME_MS, UINT64_MAX, T0 - 1, 0 };
  for (size_t i = 0; i < sizeof too_late / sizeof too_late[0]; i++) {
    struct pair pair;
    struct kt_sas_message reply = { .type = KT_SAS_NONE };
    struct kt_reason reason = { 0 };
    begin(&pair, &sas_vectors[0]);
    assert_int_equal(kt_sas_tick(&pair.a, T0 + KT_SAS_LIFETIME_MS - 1, NULL), KT_OK);
    assert_int_equal(kt_sas_tick(&pair.a, too_late[i], &reason), KT_ERR_EXPIRED);
    assert_string_equal(reason.code, "sas-expired");
    assert_int_equal(kt_sas_receive(&pair.b, &pair.sent[M_START], too_late[i], &reply, NULL), KT_ERR_EXPIRED);
    assert_int_equal(reply.type, KT_SAS_NONE);
    assert_int_equal(pair.b.state, KT_SAS_CANCELLED);
    end(&pair);
    begin(&pair, &sas_vectors[0]);
    exchange_keys(&pair, NULL, NULL);
    assert_int_equal(kt_sas_confirm(&pair.a, too_late[i], &reply, NULL), KT_ERR_EXPIRED);
    assert_int_equal(pair.a.state, KT_SAS_CANCELLED);
    end(&pair);
  }
}

static void what_is_over_is_over(void **state)
{
  (void)state;
  struct pair pair;
  struct kt_sas_message message;
  struct kt_sas_message reply = { .type = KT_SAS_NONE };
  struct kt_reason reason = { 0 };
  begin(&pair, &sas_vectors[0]);
  exchange_keys(&pair, NULL, NULL);
  compare(&pair, NULL, NULL);
  for (size_t i = 0; i < N_MESSAGES; i++) {
    assert_int_equal(kt_sas_receive(&pair.a, &pair.sent[i], T0, &reply, NULL), KT_ERR_USAGE);
    assert_int_equal(kt_sas_receive(&pair.b, &pair.sent[i], T0, &reply, NULL), KT_ERR_USAGE);
  }
  kt_sas_cancel(&pair.a, KT_SAS_MISMATCH);
  assert_int_equal(pair.a.state, KT_SAS_DONE);
  assert_false(kt_sas_cancellation(&pair.a, &message));
  assert_int_equal(kt_sas_tick(&pair.a, T0, &reason), KT_ERR_USAGE);
  assert_string_equal(reason.code, "sas-over");
  assert_int_equal(kt_sas_confirm(&pair.a, T0, &message, NULL), KT_ERR_USAGE);
  end(&pair);
  assert_int_equal(kt_sas_receive(&pair.a, &pair.sent[0], T0, &reply, NULL), KT_ERR_USAGE); /* released */
}

/* Every reason has a name that comes back, a text for each side, and ends the exchange on both. */
static void both_sides_learn_why(void **state)
{
  (void)state;
  for (enum kt_sas_cancel why = KT_SAS_STOPPED; why <= KT_SAS_WRONG_MAC; why++) {
    struct pair pair;
    struct kt_sas_message message;
    struct kt_sas_message reply;
    struct kt_reason reason = { 0 };
    enum kt_sas_cancel again = KT_SAS_NOT_CANCELLED;
    const char *name = kt_sas_cancel_name(why);
    assert_int_equal(kt_sas_cancel_from_name((struct kt_bytes){ (const uint8_t *)name, strlen(name) }, &again), KT_OK);
    assert_int_equal(again, why);
    begin(&pair, &sas_vectors[0]);
    exchange_keys(&pair, NULL, NULL);
    kt_sas_cancel(&pair.a, why);
    assert_null(pair.a.secret);
    assert_true(kt_sas_cancellation(&pair.a, &message));
    assert_int_not_equal(kt_sas_receive(&pair.b, &message, T0, &reply, &reason), KT_OK);
    assert_int_equal(pair.b.state, KT_SAS_CANCELLED);
    assert_int_equal(pair.b.cancel, why);
    assert_true(pair.b.cancelled_by_other);
    assert_non_null(strstr(reason.text, "other"));
    assert_false(kt_sas_cancellation(&pair.b, &message)); /* no echo */
    end(&pair);
  }
  enum kt_sas_cancel again = KT_SAS_NOT_CANCELLED;
  assert_int_equal(kt_sas_cancel_from_name(BYTES("stoppe"), &again), KT_ERR_FORMAT);
  assert_int_equal(kt_sas_cancel_from_name(BYTES(""), &again), KT_ERR_FORMAT);
}

static void secrets_do_not_outlive_their_use(void **state)
{
  (void)state;
  struct pair pair;
  begin(&pair, &sas_vectors[0]);
  assert_memory_equal(pair.a.secret->seed, sas_vectors[0].secret_a, 32);
  exchange_keys(&pair, NULL, NULL);
  assert_memory_not_equal(pair.a.secret->seed, sas_vectors[0].secret_a, 32); /* the ephemeral secret is gone */
  assert_memory_equal(pair.a.secret->seed, pair.b.secret->seed, 32);
  kt_sas_cancel(&pair.a, KT_SAS_STOPPED);
  assert_null(pair.a.secret);
  end(&pair);
  assert_null(pair.b.secret);
}

static void labels_have_limits(void **state)
{
  (void)state;
  uint8_t longest[KT_LABEL_MAX + 1] = { 'x' };
  static const size_t lengths[] = { 0, KT_LABEL_MAX + 1 };
  for (size_t i = 0; i < 2; i++) {
    struct pair pair;
    configure(&pair, &sas_vectors[0]);
    pair.config_a.other.label = (struct kt_bytes){ longest, lengths[i] };
    pair.config_b.own.label = pair.config_a.other.label;
    assert_int_equal(
        kt_sas_start(&pair.a, &pair.config_a, sas_vectors[0].transaction, sas_vectors[0].secret_a, T0, &pair.sent[0]),
        KT_ERR_USAGE);
    assert_int_equal(kt_sas_join(&pair.b, &pair.config_b, sas_vectors[0].secret_b, T0), KT_ERR_USAGE);
    end(&pair); /* all zero is fine */
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(independent_values),
    account_test(the_table_is_the_published_one),
    account_test(either_person_may_confirm_first),
    account_test(confirming_has_its_time),
    account_test(ten_minutes_and_no_more),
    account_test(what_is_over_is_over),
    account_test(both_sides_learn_why),
    account_test(secrets_do_not_outlive_their_use),
    account_test(labels_have_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
