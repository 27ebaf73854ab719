/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/contact_book.h>

#include <kt/arena.h>

#include "account/contact_book_body.h"
#include "account/utf8.h"
#include "base/reader.h"
#include "crypto/box.h"
#include "crypto/hkdf.h"

#include <string.h>

#define MAGIC_LEN (sizeof magic - 1)
#define BOX_AT (MAGIC_LEN + KT_BOOK_NONCE_LEN)
#define ENTRY_MIN (1 + 1 + KT_ACCOUNT_KEY_LEN + 1 + 8 + 1)
#define ENTRY_MAX (ENTRY_MIN - 1 + KT_LABEL_MAX)
#define INFO_MAX (MAGIC_LEN + KT_HASH_LEN + 1 + KT_LABEL_MAX)

_Static_assert(KT_BOOK_NONCE_LEN == KT_BOX_NONCE_LEN, "nonce");

static const char magic[] = "kt-contacts/1";

/* HKDF binds the file to the log and the label; the domain keeps this key apart from every other use of the seed. */
static enum kt_err book_key(const struct kt_book_owner *owner, uint8_t ret_key[static KT_BOX_KEY_LEN])
{
  uint8_t info[INFO_MAX];
  uint8_t prk[KT_HASH_LEN];
  struct kt_writer w;
  kt_writer_init_fixed(&w, info, sizeof info);
  kt_write_bytes(&w, magic, MAGIC_LEN);
  kt_write_bytes(&w, owner->log_id.b, sizeof owner->log_id.b);
  kt_write_opaque8(&w, owner->label);
  if (w.err != KT_OK) {
    return w.err;
  }
  kt_hkdf_extract((struct kt_bytes){ NULL, 0 }, (struct kt_bytes){ owner->seed, KT_ACCOUNT_SEED_LEN }, prk);
  enum kt_err err = kt_hkdf_expand(prk, (struct kt_bytes){ info, w.len }, KT_BOX_KEY_LEN, ret_key);
  kt_wipe(prk, sizeof prk);
  return err;
}

/* --- entries ------------------------------------------------------------------------------------------------------------ */

static bool is_label(struct kt_bytes label)
{
  return label.len > 0 && label.len <= KT_LABEL_MAX && kt_utf8_is_valid(label);
}

static void write_entry(struct kt_writer *w, const struct kt_book_entry *entry)
{
  if (!is_label(entry->label) || entry->method == KT_METHOD_NONE) {
    kt_writer_fail(w, KT_ERR_LIMIT);
  }
  kt_write_opaque8(w, entry->label);
  kt_write_bytes(w, entry->key.b, sizeof entry->key.b);
  kt_write_u8(w, (uint8_t)entry->method);
  kt_write_u64(w, entry->verified_ms);
  kt_write_u8(w, (uint8_t)entry->policy);
}

static void read_entry(struct kt_reader *r, struct kt_book_entry *entry)
{
  entry->label = kt_read_opaque8(r);
  const uint8_t *key = kt_read_bytes(r, sizeof entry->key.b);
  uint8_t method = kt_read_u8(r);
  entry->verified_ms = kt_read_u64(r);
  uint8_t policy = kt_read_u8(r);
  if (r->err != KT_OK) {
    return;
  }
  if (!is_label(entry->label) || key[0] != KT_ACCOUNT_KEY_TYPE || method == KT_METHOD_NONE ||
      method > KT_METHOD_PUBLIC_CODE || policy > KT_CONTACT_STRICT) {
    kt_reader_fail(r, KT_ERR_FORMAT);
    return;
  }
  memcpy(entry->key.b, key, sizeof entry->key.b);
  entry->method = (enum kt_contact_method)method;
  entry->policy = (enum kt_contact_policy)policy;
}

static int compare_labels(struct kt_bytes a, struct kt_bytes b)
{
  int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Ascending by label, so that no label stands there twice. */
void kt_contact_book_write(struct kt_writer *w, const struct kt_book_entry *entries, size_t n_entries)
{
  kt_write_count16(w, n_entries);
  for (size_t i = 0; i < n_entries && w->err == KT_OK; i++) {
    if (i > 0 && compare_labels(entries[i - 1].label, entries[i].label) >= 0) {
      kt_writer_fail(w, KT_ERR_USAGE);
    }
    write_entry(w, &entries[i]);
  }
}

enum kt_err kt_contact_book_read(struct kt_bytes plain, struct kt_arena *arena, struct kt_book_entry **ret_entries,
                                 size_t *ret_n_entries)
{
  struct kt_reader r;
  kt_reader_init(&r, plain.data, plain.len);
  size_t n = kt_read_count16(&r, ENTRY_MIN);
  struct kt_book_entry *entries = kt_arena_alloc(arena, n + 1, sizeof *entries);
  if (entries == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n && r.err == KT_OK; i++) {
    read_entry(&r, &entries[i]);
    if (r.err == KT_OK && i > 0 && compare_labels(entries[i - 1].label, entries[i].label) >= 0) {
      kt_reader_fail(&r, KT_ERR_FORMAT);
    }
  }
  enum kt_err err = kt_reader_end(&r);
  if (err != KT_OK) {
    return KT_ERR_FORMAT;
  }
  *ret_entries = entries;
  *ret_n_entries = n;
  return KT_OK;
}

/* --- the file ------------------------------------------------------------------------------------------------------------- */

static enum kt_err seal(const struct kt_book_owner *owner, struct kt_bytes plain, const uint8_t *nonce,
                        struct kt_arena *arena, struct kt_bytes *ret_sealed)
{
  uint8_t key[KT_BOX_KEY_LEN];
  size_t len = BOX_AT + KT_BOX_TAG_LEN + plain.len;
  uint8_t *sealed = kt_arena_alloc(arena, 1, len);
  if (sealed == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = book_key(owner, key);
  if (err != KT_OK) {
    return err;
  }
  memcpy(sealed, magic, MAGIC_LEN);
  memcpy(sealed + MAGIC_LEN, nonce, KT_BOOK_NONCE_LEN);
  err = kt_box_seal(key, nonce, plain, sealed + BOX_AT);
  kt_wipe(key, sizeof key);
  if (err == KT_OK) {
    *ret_sealed = (struct kt_bytes){ sealed, len };
  }
  return err;
}

enum kt_err kt_contact_book_seal(const struct kt_book_owner *owner, const struct kt_book_entry *entries,
                                 size_t n_entries, const uint8_t nonce[static KT_BOOK_NONCE_LEN],
                                 struct kt_arena *arena, struct kt_bytes *ret_sealed)
{
  struct kt_writer w;
  kt_writer_init(&w, 2 + (size_t)KT_BOOK_ENTRIES_MAX * ENTRY_MAX);
  kt_contact_book_write(&w, entries, n_entries);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    err = seal(owner, (struct kt_bytes){ w.buf, w.len }, nonce, arena, ret_sealed);
  }
  kt_writer_release(&w);
  return err;
}

enum kt_err kt_contact_book_open(const struct kt_book_owner *owner, struct kt_bytes sealed, struct kt_arena *arena,
                                 struct kt_book_entry **ret_entries, size_t *ret_n_entries)
{
  uint8_t key[KT_BOX_KEY_LEN];
  if (sealed.len < BOX_AT + KT_BOX_TAG_LEN || memcmp(sealed.data, magic, MAGIC_LEN) != 0) {
    return KT_ERR_UNSUPPORTED;
  }
  size_t len = sealed.len - BOX_AT - KT_BOX_TAG_LEN;
  uint8_t *plain = kt_arena_alloc(arena, 1, len + 1);
  if (plain == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = book_key(owner, key);
  if (err != KT_OK) {
    return err;
  }
  const struct kt_bytes box = { sealed.data + BOX_AT, sealed.len - BOX_AT };
  err = kt_box_open(key, sealed.data + MAGIC_LEN, box, plain);
  kt_wipe(key, sizeof key);
  return err == KT_OK ? kt_contact_book_read((struct kt_bytes){ plain, len }, arena, ret_entries, ret_n_entries) : err;
}

/* --- merging ---------------------------------------------------------------------------------------------------------------- */

const char *kt_book_merge_name(enum kt_book_merge merge)
{
  static const char *const names[] = {
    [KT_BOOK_ADDED] = "added",     [KT_BOOK_VERIFIED] = "verified",
    [KT_BOOK_KNOWN] = "known",     [KT_BOOK_KEPT_CHANGED] = "kept-changed",
    [KT_BOOK_DIFFERS] = "differs",
  };
  return names[merge];
}

enum kt_book_merge kt_contact_book_merge(const struct kt_contact *contact, const struct kt_book_entry *entry,
                                         struct kt_contact *ret_contact)
{
  *ret_contact = *contact;
  if (contact->state == KT_CONTACT_CHANGED) {
    return KT_BOOK_KEPT_CHANGED;
  }
  if (contact->has_key && !kt_account_key_equal(&contact->key, &entry->key)) {
    return KT_BOOK_DIFFERS;
  }
  if (entry->policy == KT_CONTACT_STRICT) {
    ret_contact->policy = KT_CONTACT_STRICT;
  }
  if (contact->state == KT_CONTACT_VERIFIED) {
    return KT_BOOK_KNOWN;
  }
  kt_contact_pin(ret_contact, &entry->key, entry->verified_ms);
  ret_contact->state = KT_CONTACT_VERIFIED;
  ret_contact->method = entry->method;
  ret_contact->verified_ms = entry->verified_ms;
  return contact->has_key ? KT_BOOK_VERIFIED : KT_BOOK_ADDED;
}
