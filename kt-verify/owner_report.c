/* SPDX-License-Identifier: Apache-2.0 */
#include "owner_report.h"

#include <inttypes.h>

#include "base/hex.h"
#include "publish_set.h"
#include "state_contacts.h"

enum kt_exit kt_own_check_label(struct kt_output *out, struct kt_bytes label)
{
  json_t *text = json_stringn((const char *)label.data, label.len); /* NULL: not UTF-8 */
  bool ok = text != NULL && label.len > 0 && label.len <= KT_LABEL_MAX;
  json_decref(text);
  return ok ? KT_EXIT_OK
            : kt_output_fail(out, KT_EXIT_USAGE, "label", "a label has 1 to %d bytes of UTF-8", KT_LABEL_MAX);
}

static enum kt_err find_label(void *ctx, struct kt_session *session)
{
  const struct kt_bytes *label = ctx;
  return kt_state_has_label(&session->state, *label);
}

/* A file of labels may be read without a home. */
static bool is_known(struct kt_session *session, struct kt_bytes label)
{
  enum kt_err err = KT_ERR_ABSENT;
  return session->state.db != NULL && kt_session_read(session, find_label, &label, &err) == KT_EXIT_OK && err == KT_OK;
}

enum kt_exit kt_own_check_typed(struct kt_session *session, struct kt_bytes label)
{
  size_t at = 0;
  char name[4 * KT_LABEL_MAX + 8];
  enum kt_exit code = kt_own_check_label(session->out, label);
  const char *slip = code == KT_EXIT_OK ? kt_text_slip(label, &at) : NULL;
  if (slip == NULL || is_known(session, label)) {
    return code;
  }
  kt_text_clean(label, name, sizeof name);
  return kt_output_fail(
      session->out, KT_EXIT_USAGE, "label",
      "the label \"%s\" has %s (character %zu): it is another label with it, and hardly the one that "
      "is meant. Give it without; if somebody's label really is so, kt-verify monitor add takes it first",
      name, slip, at);
}

enum kt_exit kt_own_open_said(struct kt_own_label *own, struct kt_session *session, const char *label)
{
  enum kt_exit code = kt_own_open(own, session, kt_text_bytes(label));
  if (code == KT_EXIT_ABSENT) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "no-account",
                          "%s: no such account here; kt-verify account create makes one", own->name);
  }
  return code;
}

/* Whoever holds one of them can put a new account key in place: those of the newest list that the account key signed. */
static void report_recovery_keys(const struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  const struct kt_account_state *account = &own->account.account;
  for (size_t i = 0; i < account->n_recovery_keys; i++) {
    char hex[KT_HEX_SIZE(KT_HASH_LEN)];
    struct kt_hash fingerprint;
    bool knows = kt_publish_knows_recovery_key(own, &account->recovery_keys[i]);
    json_t *object = json_object();
    kt_account_key_fingerprint(&account->recovery_keys[i], &fingerprint);
    kt_hex_encode((struct kt_bytes){ fingerprint.b, KT_HASH_LEN }, hex);
    kt_output_data(out, "  recovery key %s  %s\n", hex, knows ? "approved" : "NOT APPROVED");
    json_object_set_new(object, "fingerprint", json_string(hex));
    json_object_set_new(object, "approved", json_boolean(knows));
    kt_output_append(out, "recovery_keys", object);
  }
}

void kt_own_report_devices(struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  struct kt_device_set set;
  if (own->account.n_judged == 0) {
    kt_output_data(out,
                   "nothing is in the log for it so far. List your first device:\n"
                   "    kt-verify device add %s --name NAME --key ALG:BASE64\n",
                   kt_output_word(own->name));
    return;
  }
  uint32_t version = own->account.n_judged - 1;
  kt_output_set(out, "version", json_integer((json_int_t)version));
  if (!kt_own_set(own->session, own->account.latest, &set)) {
    kt_output_set(out, "signed", json_false());
    kt_output_data(out, "version %" PRIu32 " is not a list of devices\n", version);
    return;
  }
  kt_output_set(out, "signed", json_boolean(set.is_signed));
  kt_output_set(out, "devices", json_array());
  kt_output_data(out, "version %" PRIu32 ", %s, %zu %s\n", version, set.is_signed ? "signed" : "NOT SIGNED",
                 set.n_devices, set.n_devices == 1 ? "device" : "devices");
  for (size_t i = 0; i < set.n_devices; i++) {
    bool knows = false;
    if (kt_owner_knows_device(&own->known, &set.devices[i], &knows) != KT_OK) {
      knows = false;
    }
    kt_report_device(out, &set.devices[i], knows, knows ? "approved" : "NOT APPROVED");
  }
  report_recovery_keys(own);
}
