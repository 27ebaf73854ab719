/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/contact.h>
#include <kt/ledger.h>

#include "base/hex.h"
#include "crypto/hash.h"

#include <string.h>

const char *kt_contact_state_name(enum kt_contact_standing state)
{
  static const char *const names[] = {
    [KT_CONTACT_UNVERIFIED] = "unverified",
    [KT_CONTACT_VERIFIED] = "verified",
    [KT_CONTACT_CHANGED] = "changed",
  };
  return names[state];
}

const char *kt_contact_policy_name(enum kt_contact_policy policy)
{
  return policy == KT_CONTACT_STRICT ? "strict" : "normal";
}

enum kt_err kt_contact_policy_from_name(const char *name, enum kt_contact_policy *ret_policy)
{
  bool strict = strcmp(name, "strict") == 0;
  if (!strict && strcmp(name, "normal") != 0) {
    return KT_ERR_USAGE;
  }
  *ret_policy = strict ? KT_CONTACT_STRICT : KT_CONTACT_NORMAL;
  return KT_OK;
}

const char *kt_contact_method_name(enum kt_contact_method method)
{
  static const char *const names[] = {
    [KT_METHOD_NONE] = "none",
    [KT_METHOD_FINGERPRINT] = "fingerprint",
    [KT_METHOD_SAFETY_NUMBER] = "safety-number",
    [KT_METHOD_QR] = "qr",
    [KT_METHOD_SAS] = "sas",
    [KT_METHOD_PUBLIC_CODE] = "public-code",
  };
  return names[method];
}

/* Of a contact that has one. */
static const struct kt_account_key *current_key(const struct kt_contact *contact)
{
  return contact->state == KT_CONTACT_CHANGED ? &contact->changed_key : &contact->key;
}

const struct kt_account_key *kt_contact_current_key(const struct kt_contact *contact)
{
  return contact->has_key ? current_key(contact) : NULL;
}

void kt_contact_pin(struct kt_contact *contact, const struct kt_account_key *key, uint64_t now_ms)
{
  *contact = (struct kt_contact){
    .has_key = true, .key = *key, .state = KT_CONTACT_UNVERIFIED, .since_ms = now_ms, .policy = contact->policy
  };
}

void kt_contact_key_changed(struct kt_contact *contact, const struct kt_account_key *key, uint64_t now_ms)
{
  if (contact->state != KT_CONTACT_CHANGED) {
    contact->since_ms = now_ms;
  }
  contact->state = KT_CONTACT_CHANGED;
  contact->changed_key = *key;
}

void kt_contact_key_confirmed(struct kt_contact *contact, const struct kt_account_key *key, uint64_t now_ms)
{
  contact->key = *key;
  /* What the log shows once more, after whatever it showed meanwhile, says nothing about what people compared. */
  if (contact->is_contradicted) {
    contact->changed_key = *key;
    return;
  }
  if (contact->state != KT_CONTACT_CHANGED) {
    return;
  }
  bool was_verified = contact->method != KT_METHOD_NONE;
  contact->state = was_verified ? KT_CONTACT_VERIFIED : KT_CONTACT_UNVERIFIED;
  contact->since_ms = was_verified ? contact->verified_ms : now_ms;
  memset(&contact->changed_key, 0, sizeof contact->changed_key);
}

static struct kt_contact verified(const struct kt_contact *contact, enum kt_contact_method method, uint64_t now_ms)
{
  struct kt_contact next = *contact;
  kt_contact_pin(&next, current_key(contact), now_ms);
  next.state = KT_CONTACT_VERIFIED;
  next.method = method;
  next.verified_ms = now_ms;
  return next;
}

enum kt_err kt_contact_trust(const struct kt_contact *contact, const char *fingerprint, uint64_t now_ms,
                             struct kt_contact *ret_contact)
{
  struct kt_hash given;
  size_t len = 0;
  /* In full: an abbreviated fingerprint can be matched by grinding keys. */
  if (kt_hex_decode(fingerprint, strlen(fingerprint), sizeof given.b, given.b, &len) != KT_OK ||
      len != sizeof given.b) {
    return KT_ERR_USAGE;
  }
  if (!contact->has_key) {
    return KT_ERR_ABSENT;
  }
  struct kt_hash actual;
  kt_account_key_fingerprint(current_key(contact), &actual);
  if (!kt_hash_equal(&given, &actual)) {
    return KT_ERR_PROOF;
  }
  *ret_contact = verified(contact, KT_METHOD_FINGERPRINT, now_ms);
  return KT_OK;
}

enum kt_err kt_contact_compared(const struct kt_contact *contact, enum kt_contact_method method, bool matches,
                                uint64_t now_ms, struct kt_contact *ret_contact)
{
  if (!contact->has_key) {
    return KT_ERR_ABSENT;
  }
  if (matches) {
    *ret_contact = verified(contact, method, now_ms);
    return KT_OK;
  }
  struct kt_contact next = *contact;
  if (kt_account_key_equal(current_key(contact), &contact->key)) { /* who vouched for it was wrong */
    next.method = KT_METHOD_NONE;
    next.verified_ms = 0;
  }
  kt_contact_key_changed(&next, current_key(contact), now_ms);
  next.is_contradicted = true;
  *ret_contact = next;
  return KT_OK;
}

enum kt_err kt_contact_untrust(const struct kt_contact *contact, uint64_t now_ms, struct kt_contact *ret_contact)
{
  if (!contact->has_key) {
    return KT_ERR_ABSENT;
  }
  struct kt_contact next = *contact;
  if (contact->state == KT_CONTACT_CHANGED) { /* nobody vouched for the key the log shows now */
    next.method = KT_METHOD_NONE;
    next.verified_ms = 0;
  } else {
    kt_contact_pin(&next, &contact->key, now_ms);
  }
  *ret_contact = next;
  return KT_OK;
}

int kt_contact_exit_code(int run_code, const struct kt_contact *contact)
{
  return kt_ledger_exit_code(run_code, contact->state == KT_CONTACT_CHANGED);
}
