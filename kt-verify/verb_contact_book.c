/* SPDX-License-Identifier: Apache-2.0 */
/* contact export, import: verified contacts between the computers of one owner, encrypted under the account key. */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include <kt/contact_book.h>

#include "base/hex.h"
#include "ceremony.h"
#include "owner_report.h"
#include "state_alerts.h"
#include "text_file.h"
#include "verbs.h"

#define BOOK_FILE_MAX ((size_t)16 << 20)

/* The session, one's own account and its key; secret: to be freed. */
static enum kt_exit open_owner(struct kt_ceremony *ceremony, const struct kt_cli *cli, struct kt_output *out,
                               struct kt_secret **ret_secret, struct kt_book_owner *ret_owner)
{
  struct kt_secret *secret = NULL;
  enum kt_exit code = kt_ceremony_begin(ceremony, cli, out, true);
  if (code == KT_EXIT_OK) {
    code = kt_own_load_key(&ceremony->own, &secret);
  }
  if (code == KT_EXIT_OK) {
    *ret_owner = (struct kt_book_owner){ .log_id = ceremony->session.log_id,
                                         .label = ceremony->own.label,
                                         .seed = secret->seed };
    *ret_secret = secret;
    kt_output_set(out, "label", kt_output_text(ceremony->own.label));
  }
  return code;
}

static const char *path_of(const struct kt_cli *cli)
{
  return cli->n_args > 0 ? cli->args[0] : "-";
}

/* --- export -------------------------------------------------------------------------------------------------------------- */

struct book {
  struct kt_book_entry *entries;
  size_t n;
};

/* In order of labels, as the database gives them. */
static enum kt_err read_verified(void *ctx, struct kt_session *session)
{
  struct book *book = ctx;
  struct kt_other_label *others;
  size_t n;
  enum kt_err err = kt_state_contacts(&session->state, &session->arena, &others, &n);
  if (err != KT_OK) {
    return err;
  }
  book->entries = kt_arena_alloc(&session->arena, n + 1, sizeof *book->entries);
  if (book->entries == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    const struct kt_contact *contact = &others[i].contact;
    if (contact->state == KT_CONTACT_VERIFIED) {
      book->entries[book->n++] = (struct kt_book_entry){ .label = others[i].label,
                                                         .key = contact->key,
                                                         .method = contact->method,
                                                         .verified_ms = contact->verified_ms,
                                                         .policy = contact->policy };
    }
  }
  return KT_OK;
}

static enum kt_exit write_book(struct kt_ceremony *ceremony, const struct kt_book_owner *owner, const struct book *book,
                               const char *path)
{
  struct kt_session *session = &ceremony->session;
  struct kt_bytes sealed;
  uint8_t nonce[KT_BOOK_NONCE_LEN];
  randombytes_buf(nonce, sizeof nonce);
  enum kt_err err = kt_contact_book_seal(owner, book->entries, book->n, nonce, &session->arena, &sealed);
  char *text = err == KT_OK ? kt_arena_alloc(&session->arena, 1, KT_BASE64_SIZE(sealed.len) + 1) : NULL;
  if (text == NULL) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "contacts", "the contacts cannot be exported: %s",
                          kt_err_text(err == KT_OK ? KT_ERR_MEMORY : err));
  }
  size_t len = kt_base64_encode(sealed, text);
  text[len++] = '\n';
  return kt_text_file_write(session->out, path, (struct kt_bytes){ (const uint8_t *)text, len });
}

static enum kt_exit export_to(struct kt_ceremony *ceremony, const struct kt_book_owner *owner, const char *path)
{
  struct kt_session *session = &ceremony->session;
  struct book book = { .n = 0 };
  enum kt_err err;
  enum kt_exit code = kt_session_read(session, read_verified, &book, &err);
  if (code == KT_EXIT_OK) {
    code = write_book(ceremony, owner, &book, path);
  }
  if (code == KT_EXIT_OK) {
    kt_output_set(session->out, "exported", json_integer((json_int_t)book.n));
    kt_output_note(session->out,
                   "kt-verify: %zu verified %s exported. Only your account key opens the file: on your other computer, "
                   "kt-verify contact import FILE\n",
                   book.n, book.n == 1 ? "contact" : "contacts");
  }
  return code;
}

enum kt_exit kt_verb_contact_export(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_ceremony ceremony;
  struct kt_secret *secret = NULL;
  struct kt_book_owner owner;
  if (out->json && strcmp(path_of(cli), "-") == 0) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage",
                          "the exported contacts are not JSON: name a FILE, or leave --json out");
  }
  enum kt_exit code = open_owner(&ceremony, cli, out, &secret, &owner);
  if (code == KT_EXIT_OK) {
    code = export_to(&ceremony, &owner, path_of(cli));
  }
  kt_secret_free(secret);
  kt_ceremony_close(&ceremony);
  return code;
}

/* --- import ---------------------------------------------------------------------------------------------------------------- */

struct import {
  const struct kt_book_entry *entries;
  size_t n;
  enum kt_book_merge *merges;
};

/* Its code did not match here, or its key changed: whatever was found elsewhere, a person has to look at that first. */
static enum kt_err has_open_alert(struct kt_session *session, struct kt_bytes label, bool *ret_has)
{
  struct kt_ledger_entry *alerts;
  size_t n = 0;
  bool has = false;
  enum kt_err err = kt_state_open_alerts(&session->state, label, &session->arena, &alerts, &n);
  for (size_t i = 0; i < n; i++) {
    enum kt_alert_kind kind = alerts[i].alert.kind;
    has = has || kind == KT_ALERT_CODE_MISMATCH || kind == KT_ALERT_ACCOUNT_KEY_CHANGED;
  }
  if (err == KT_OK) {
    *ret_has = has;
  }
  return err;
}

static enum kt_err merge_one(struct kt_session *session, const struct kt_book_entry *entry,
                             enum kt_book_merge *ret_merge)
{
  struct kt_other_label other;
  struct kt_contact merged;
  bool has_alert = false;
  enum kt_err err = kt_state_contact(&session->state, entry->label, &session->arena, &other);
  if (err == KT_OK) {
    err = has_open_alert(session, entry->label, &has_alert);
  }
  if (err != KT_OK) {
    return err;
  }
  *ret_merge = kt_contact_book_merge(&other.contact, entry, &merged);
  if (*ret_merge == KT_BOOK_KEPT_CHANGED || *ret_merge == KT_BOOK_DIFFERS) {
    return KT_OK;
  }
  if (has_alert) {
    *ret_merge = KT_BOOK_KEPT_CHANGED;
    return KT_OK;
  }
  other.contact = merged;
  return kt_state_put_contact(&session->state, &other);
}

/* All of it or nothing. */
static enum kt_err merge_all(void *ctx, struct kt_session *session)
{
  struct import *import = ctx;
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < import->n; i++) {
    err = merge_one(session, &import->entries[i], &import->merges[i]);
  }
  return err;
}

static const char *explain(enum kt_book_merge merge)
{
  switch (merge) {
  case KT_BOOK_ADDED: return "pinned and verified, as on your other computer";
  case KT_BOOK_VERIFIED: return "verified now: the key is the one seen here";
  case KT_BOOK_KNOWN: return "verified here already, with the same key";
  case KT_BOOK_KEPT_CHANGED: return "LEFT ALONE: an alert about this contact is open here. Settle it first";
  case KT_BOOK_DIFFERS:
    return "LEFT ALONE: another account key is pinned here than the one you verified on your other computer. It may "
           "have changed since. Compare codes";
  }
  return "";
}

static void report_entry(struct kt_output *out, const struct kt_book_entry *entry, enum kt_book_merge merge)
{
  char name[4 * KT_LABEL_MAX + 8];
  char since[KT_TIME_SIZE];
  json_t *object = json_object();
  bool left_alone = merge == KT_BOOK_KEPT_CHANGED || merge == KT_BOOK_DIFFERS;
  kt_text_clean(entry->label, name, sizeof name);
  kt_report_time(entry->verified_ms, since);
  kt_output_data(out, "  %s: %s (%s, %s)\n", name, explain(merge), kt_report_method(entry->method), since);
  if (left_alone) {
    kt_output_data(out, "      kt-verify lookup %s\n      kt-verify code show %s\n", kt_output_word(name),
                   kt_output_word(name));
  }
  json_object_set_new(object, "label", kt_output_text(entry->label));
  json_object_set_new(object, "result", json_string(kt_book_merge_name(merge)));
  json_object_set_new(object, "method", json_string(kt_contact_method_name(entry->method)));
  json_object_set_new(object, "verified_ms", json_integer((json_int_t)entry->verified_ms));
  kt_output_append(out, "contacts", object);
}

static enum kt_exit report_import(struct kt_output *out, const struct import *import)
{
  size_t left = 0;
  for (size_t i = 0; i < import->n; i++) {
    left += import->merges[i] == KT_BOOK_KEPT_CHANGED || import->merges[i] == KT_BOOK_DIFFERS;
  }
  enum kt_exit code = left > 0 ? KT_EXIT_ALERT : KT_EXIT_OK;
  kt_output_set(out, "contacts", json_array());
  kt_output_status(out, code, "%zu %s in the file, %zu left alone", import->n, import->n == 1 ? "contact" : "contacts",
                   left);
  for (size_t i = 0; i < import->n; i++) {
    report_entry(out, &import->entries[i], import->merges[i]);
  }
  return left == 0 ? code
                   : kt_output_fail(out, code, "contacts-differ",
                                    "%zu of the contacts in the file are not as this computer knows them; nothing was "
                                    "changed about these",
                                    left);
}

static enum kt_exit open_failed(struct kt_output *out, const char *path, enum kt_err err)
{
  if (err == KT_ERR_PROOF) {
    return kt_output_fail(
        out, KT_EXIT_FAILED, "contact-file",
        "%s: this file does not open with your account key, and nothing of it was used. It was changed "
        "on the way, or made for another account or log, or before the account key was replaced: export "
        "it anew on your other computer",
        path);
  }
  if (err == KT_ERR_MEMORY) {
    return kt_output_fail(out, KT_EXIT_USAGE, "memory", "%s: out of memory", path);
  }
  return kt_output_fail(out, KT_EXIT_USAGE, "contact-file",
                        "%s: this is not a file that contact export of this version wrote", path);
}

static enum kt_exit read_book(struct kt_ceremony *ceremony, const struct kt_book_owner *owner, const char *path,
                              struct import *import)
{
  struct kt_session *session = &ceremony->session;
  struct kt_bytes text;
  struct kt_book_entry *entries = NULL;
  size_t len = 0;
  enum kt_exit code = kt_text_file_read(session->out, path, BOOK_FILE_MAX, &session->arena, &text);
  if (code != KT_EXIT_OK) {
    return code;
  }
  while (text.len > 0 && strchr("\r\n", text.data[text.len - 1]) != NULL) {
    text.len--;
  }
  uint8_t *sealed = kt_arena_alloc(&session->arena, 1, text.len + 1);
  if (sealed == NULL) {
    return open_failed(session->out, path, KT_ERR_MEMORY);
  }
  enum kt_err err = kt_base64_decode((const char *)text.data, text.len, text.len, sealed, &len);
  if (err == KT_OK) {
    err = kt_contact_book_open(owner, (struct kt_bytes){ sealed, len }, &session->arena, &entries, &import->n);
  }
  import->entries = entries;
  import->merges = err == KT_OK ? kt_arena_alloc(&session->arena, import->n + 1, sizeof *import->merges) : NULL;
  return err == KT_OK && import->merges != NULL ? KT_EXIT_OK
                                                : open_failed(session->out, path, err == KT_OK ? KT_ERR_MEMORY : err);
}

enum kt_exit kt_verb_contact_import(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_ceremony ceremony;
  struct kt_secret *secret = NULL;
  struct kt_book_owner owner;
  struct import import = { .n = 0 };
  enum kt_err err = KT_OK;
  enum kt_exit code = open_owner(&ceremony, cli, out, &secret, &owner);
  if (code == KT_EXIT_OK) {
    code = read_book(&ceremony, &owner, path_of(cli), &import);
  }
  if (code == KT_EXIT_OK) {
    code = kt_session_write(&ceremony.session, merge_all, &import, &err);
  }
  if (code == KT_EXIT_OK && err != KT_OK) {
    code = kt_session_store_failed(&ceremony.session, err);
  }
  if (code == KT_EXIT_OK) {
    code = report_import(out, &import);
  }
  kt_secret_free(secret);
  kt_ceremony_close(&ceremony);
  return code;
}
