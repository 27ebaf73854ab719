/* SPDX-License-Identifier: Apache-2.0 */
/* All short sequences of what can happen to a contact, against the states as the documents have them, written down
 * naively: `unverified` (first sight pins the account key), `verified`, `changed` (alert); a later match settles a
 * mismatch, and nothing else does. */
#include <kt/contact.h>

#include "accounts.h"

#include "base/hex.h"

#define STEPS 5

enum event { SHOWS_PINNED, SHOWS_STRANGER, SHOWS_ENDORSED, MATCHES, MISMATCHES, TRUSTS, UNTRUSTS, N_EVENTS };

struct model {
  int pinned, shown; /* keys by number */
  bool verified;     /* somebody vouched for the pinned key, or for one that vouches for it */
  bool contradicted; /* a mismatch that no match or trust settled */
  int next;          /* number of the next key that nobody saw before */
};

/* As key_of, made once. */
static const struct kt_account_key *key_number(int n)
{
  static struct kt_account_key keys[STEPS + 2];
  assert_in_range(n, 1, STEPS + 1);
  if (keys[n].b[0] == 0) {
    keys[n] = key_of((uint8_t)n);
  }
  return &keys[n];
}

static enum kt_contact_standing state_of(const struct model *model)
{
  if (model->contradicted || model->shown != model->pinned) {
    return KT_CONTACT_CHANGED;
  }
  return model->verified ? KT_CONTACT_VERIFIED : KT_CONTACT_UNVERIFIED;
}

static void step_model(struct model *model, enum event event)
{
  switch (event) {
  case SHOWS_PINNED: model->shown = model->pinned; break;
  case SHOWS_STRANGER: model->shown = model->next++; break;
  case SHOWS_ENDORSED: model->pinned = model->shown = model->next++; break;
  case MATCHES:
  case TRUSTS:
    model->pinned = model->shown;
    model->verified = true;
    model->contradicted = false;
    break;
  case MISMATCHES: /* what was vouched for is the pinned key: a mismatch of that one takes it back */
    model->verified = model->verified && model->shown != model->pinned;
    model->contradicted = true;
    break;
  case UNTRUSTS: model->verified = false; break;
  case N_EVENTS: break;
  }
}

/* What the log shows is known by the model; what the contact makes of it is the code's. */
static void step_contact(struct kt_contact *contact, const struct model *after, enum event event)
{
  const struct kt_account_key *shown = key_number(after->shown);
  struct kt_hash fingerprint;
  char hex[KT_HEX_SIZE(KT_HASH_LEN)];
  switch (event) {
  case SHOWS_PINNED:
  case SHOWS_ENDORSED: kt_contact_key_confirmed(contact, shown, 9); break;
  case SHOWS_STRANGER: kt_contact_key_changed(contact, shown, 9); break;
  case MATCHES:
  case MISMATCHES:
    assert_int_equal(kt_contact_compared(contact, KT_METHOD_QR, event == MATCHES, 9, contact), KT_OK);
    break;
  case TRUSTS:
    kt_account_key_fingerprint(shown, &fingerprint);
    kt_hex_encode((struct kt_bytes){ fingerprint.b, sizeof fingerprint.b }, hex);
    assert_int_equal(kt_contact_trust(contact, hex, 9, contact), KT_OK);
    break;
  case UNTRUSTS: assert_int_equal(kt_contact_untrust(contact, 9, contact), KT_OK); break;
  case N_EVENTS: break;
  }
}

static void assert_as_model(const struct kt_contact *contact, const struct model *model)
{
  assert_int_equal(contact->state, state_of(model));
  assert_true(kt_account_key_equal(&contact->key, key_number(model->pinned)));
  assert_true(kt_account_key_equal(kt_contact_current_key(contact), key_number(model->shown)));
  assert_int_equal(contact->method != KT_METHOD_NONE, model->verified);
  bool changed = state_of(model) == KT_CONTACT_CHANGED;
  assert_int_equal(kt_contact_exit_code(0, contact), changed ? 4 : 0);
  assert_int_equal(kt_contact_exit_code(5, contact), changed ? 4 : 5);
  assert_int_equal(kt_contact_exit_code(1, contact), 1);
  assert_int_equal(kt_contact_exit_code(3, contact), 3);
}

static void walk(const struct kt_contact *contact, const struct model *model, int depth)
{
  assert_as_model(contact, model);
  for (int event = 0; depth > 0 && event < N_EVENTS; event++) {
    struct kt_contact next_contact = *contact;
    struct model next_model = *model;
    step_model(&next_model, (enum event)event);
    step_contact(&next_contact, &next_model, (enum event)event);
    walk(&next_contact, &next_model, depth - 1);
  }
}

static void test_all_short_sequences(void **state)
{
  struct model model = { .pinned = 1, .shown = 1, .next = 2 };
  struct kt_contact contact = { 0 };
  (void)state;
  kt_contact_pin(&contact, key_number(1), 1);
  walk(&contact, &model, STEPS);
}

int main(void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_short_sequences) };
  return kt_crypto_init() == KT_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
