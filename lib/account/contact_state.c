/* SPDX-License-Identifier: Apache-2.0 */
/* A contact as bytes, for storage (docs/formats.md, Contact state). */
#include <kt/contact.h>

#include "account/key_codec.h"

#define STATE_FORMAT 2 /* 1 is read as well: without is_contradicted */

void kt_contact_write(struct kt_writer *w, const struct kt_contact *contact)
{
  kt_write_u8(w, STATE_FORMAT);
  kt_account_key_write_optional(w, contact->has_key, &contact->key);
  kt_write_u8(w, (uint8_t)contact->state);
  kt_write_u64(w, contact->since_ms);
  kt_write_u8(w, (uint8_t)contact->method);
  kt_write_u64(w, contact->verified_ms);
  kt_account_key_write_optional(w, contact->state == KT_CONTACT_CHANGED, &contact->changed_key);
  kt_write_u8(w, (uint8_t)contact->policy);
  kt_write_u8(w, contact->is_contradicted ? 1 : 0);
}

/* A number from 0 to max. */
static uint8_t read_choice(struct kt_reader *r, uint8_t max)
{
  uint8_t choice = kt_read_u8(r);
  if (choice > max) {
    kt_reader_fail(r, KT_ERR_FORMAT);
  }
  return choice <= max ? choice : 0;
}

/* Format 1 told a mismatch by the key it changed to, the pinned one: what the log showed afterwards could hide it. */
static bool read_contradicted(struct kt_reader *r, uint8_t format, const struct kt_contact *contact)
{
  bool changed = contact->state == KT_CONTACT_CHANGED;
  if (format == 1) {
    return changed && kt_account_key_equal(&contact->changed_key, &contact->key);
  }
  return read_choice(r, changed ? 1 : 0) == 1;
}

enum kt_err kt_contact_decode(struct kt_bytes encoded, struct kt_contact *ret_contact)
{
  struct kt_reader r;
  struct kt_contact contact = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  uint8_t format = kt_read_u8(&r);
  if (format < 1 || format > STATE_FORMAT) {
    kt_reader_fail(&r, KT_ERR_UNSUPPORTED);
  }
  contact.has_key = kt_account_key_read_optional(&r, &contact.key);
  contact.state = (enum kt_contact_standing)read_choice(&r, KT_CONTACT_CHANGED);
  contact.since_ms = kt_read_u64(&r);
  contact.method = (enum kt_contact_method)read_choice(&r, KT_METHOD_PUBLIC_CODE);
  contact.verified_ms = kt_read_u64(&r);
  bool has_changed_key = kt_account_key_read_optional(&r, &contact.changed_key);
  contact.policy = (enum kt_contact_policy)read_choice(&r, KT_CONTACT_STRICT);
  contact.is_contradicted = read_contradicted(&r, format, &contact);
  /* Nothing is verified or changed without a pinned key. */
  if (has_changed_key != (contact.state == KT_CONTACT_CHANGED) ||
      (!contact.has_key && contact.state != KT_CONTACT_UNVERIFIED)) {
    kt_reader_fail(&r, KT_ERR_FORMAT);
  }
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret_contact = contact;
  }
  return err;
}
