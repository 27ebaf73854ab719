/* SPDX-License-Identifier: Apache-2.0 */
/* contact list, show, trust, untrust, policy: what is pinned about other people. Nothing here asks the log. */
#include <inttypes.h>

#include "owner_report.h"
#include "verbs.h"
#include "watch.h"

#define BIT(kind) (1u << (kind))

static bool is_contact(const struct kt_other_label *other)
{
  return other->contact.has_key || other->has_version || other->watched;
}

static enum kt_err list_contacts(void *ctx, struct kt_session *session)
{
  struct kt_other_label *others;
  size_t n;
  (void)ctx;
  enum kt_err err = kt_state_contacts(&session->state, &session->arena, &others, &n);
  kt_output_set(session->out, "contacts", json_array());
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    char name[4 * KT_LABEL_MAX + 8];
    const struct kt_contact *contact = &others[i].contact;
    json_t *object = kt_report_contact_json(contact);
    kt_text_clean(others[i].label, name, sizeof name);
    kt_output_data(session->out, "%-10s %s%s\n", kt_contact_state_name(contact->state), name,
                   others[i].watched ? " (watched)" : "");
    json_object_set_new(object, "label", kt_output_text(others[i].label));
    json_object_set_new(object, "watched", json_boolean(others[i].watched));
    kt_output_append(session->out, "contacts", object);
  }
  return err;
}

enum kt_exit kt_verb_contact_list(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  enum kt_err err;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_session_read(&session, list_contacts, NULL, &err);
  }
  kt_session_close(&session);
  return code;
}

static enum kt_exit open_contact(struct kt_watch *watch, struct kt_session *session, const char *label)
{
  kt_watch_init(watch, session, kt_text_bytes(label));
  kt_output_set(session->out, "label", kt_output_text(watch->label));
  enum kt_exit code = kt_watch_load(watch);
  if (code == KT_EXIT_OK && !is_contact(&watch->other)) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "no-contact", "%s: never looked up (kt-verify lookup)",
                          watch->name);
  }
  return code;
}

static void show_contact(struct kt_watch *watch)
{
  struct kt_output *out = watch->session->out;
  const struct kt_account_key *key = kt_contact_current_key(&watch->other.contact);
  struct kt_device_set set;
  kt_output_data(out, "%s\n", watch->name);
  kt_report_contact(out, &watch->other.contact);
  if (key != NULL) {
    kt_report_key(out, "account key", key);
  }
  if (watch->other.has_version) {
    kt_output_set(out, "version", json_integer((json_int_t)watch->other.version));
    kt_output_data(out, "newest version seen %" PRIu32 ", answers of the log that are still to be followed up: %zu\n",
                   watch->other.version, watch->other.monitoring.n_map);
  }
  if (watch->other.last.data != NULL &&
      kt_device_set_decode(watch->other.last, &watch->session->arena, &set) == KT_OK) {
    for (size_t i = 0; i < set.n_devices; i++) {
      kt_report_device(out, &set.devices[i], true, "endorsed");
    }
  }
}

enum kt_exit kt_verb_contact_show(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_watch watch;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = open_contact(&watch, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    show_contact(&watch);
  }
  kt_session_close(&session);
  return code;
}

/* --- changes ---------------------------------------------------------------------------------------------------------- */

struct change {
  struct kt_watch *watch;
  const char *fingerprint; /* trust */
  enum kt_contact_policy policy;
  enum kt_err (*apply)(struct change *change);
};

static enum kt_err change_contact(void *ctx, struct kt_session *session)
{
  struct change *change = ctx;
  struct kt_watch *watch = change->watch;
  enum kt_err err = kt_state_contact(&session->state, watch->label, &session->arena, &watch->other);
  if (err == KT_OK) {
    err = change->apply(change);
  }
  return err == KT_OK ? kt_state_put_contact(&session->state, &watch->other) : err;
}

static enum kt_err apply_trust(struct change *change)
{
  struct kt_contact *contact = &change->watch->other.contact;
  struct kt_session *session = change->watch->session;
  enum kt_err err = kt_contact_trust(contact, change->fingerprint, kt_now_ms(), contact);
  if (err == KT_OK) { /* a fingerprint in full is a comparison as well */
    err = kt_watch_settle(session, change->watch->label, BIT(KT_ALERT_CODE_MISMATCH), KT_SETTLEMENT_MATCHED, 0);
  }
  return err == KT_OK ? kt_watch_settle(session, change->watch->label, BIT(KT_ALERT_ACCOUNT_KEY_CHANGED),
                                        KT_SETTLEMENT_APPROVED, 0)
                      : err;
}

static enum kt_err apply_untrust(struct change *change)
{
  struct kt_contact *contact = &change->watch->other.contact;
  return kt_contact_untrust(contact, kt_now_ms(), contact); /* a changed key's alert stays open */
}

static enum kt_err apply_policy(struct change *change)
{
  change->watch->other.contact.policy = change->policy;
  return KT_OK;
}

static enum kt_exit run_change(const struct kt_cli *cli, struct kt_output *out, struct change *change)
{
  struct kt_session session;
  struct kt_watch watch;
  enum kt_err err = KT_OK;
  enum kt_exit code = kt_session_open(&session, cli, out);
  /* cppcheck-suppress autoVariables; taken back below */
  change->watch = &watch;
  if (code == KT_EXIT_OK) {
    code = open_contact(&watch, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = kt_session_write(&session, change_contact, change, &err);
  }
  if (code == KT_EXIT_OK && err == KT_ERR_PROOF) {
    code =
        kt_output_fail(out, KT_EXIT_ALERT, "fingerprint-mismatch",
                       "%s: the log shows another account key than this fingerprint; nothing was changed", watch.name);
  } else if (code == KT_EXIT_OK && err == KT_ERR_USAGE) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "fingerprint", "a fingerprint is 64 hex digits, in full");
  } else if (code == KT_EXIT_OK && err != KT_OK) {
    code =
        kt_output_fail(out, KT_EXIT_USAGE, "no-contact", "%s: no account key seen yet (kt-verify lookup)", watch.name);
  }
  if (code == KT_EXIT_OK) {
    kt_output_status(out, code, "%s", watch.name);
    kt_report_contact(out, &watch.other.contact);
  }
  kt_session_close(&session);
  change->watch = NULL;
  return code;
}

enum kt_exit kt_verb_contact_trust(const struct kt_cli *cli, struct kt_output *out)
{
  struct change change = { .fingerprint = cli->values[KT_OPT_KEY], .apply = apply_trust };
  if (change.fingerprint == NULL) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "contact trust needs --key FINGERPRINT");
  }
  return run_change(cli, out, &change);
}

enum kt_exit kt_verb_contact_untrust(const struct kt_cli *cli, struct kt_output *out)
{
  struct change change = { .apply = apply_untrust };
  return run_change(cli, out, &change);
}

enum kt_exit kt_verb_contact_policy(const struct kt_cli *cli, struct kt_output *out)
{
  struct change change = { .apply = apply_policy };
  if (kt_contact_policy_from_name(cli->args[1], &change.policy) != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "%s: a policy is normal or strict", cli->args[1]);
  }
  return run_change(cli, out, &change);
}
