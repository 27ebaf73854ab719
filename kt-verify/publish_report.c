/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing on behalf of a verb: what came of it, and what the person has to decide when nothing did. */
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "owner_report.h"
#include "publish_set.h"
#include "state_alerts.h"

enum kt_exit kt_own_find_device(struct kt_own_label *own, const char *argument, const struct kt_device **ret_device)
{
  struct kt_device_set known;
  enum kt_err err = kt_publish_candidates(own, &known);
  if (err == KT_OK) {
    err = kt_device_set_find(&known, argument, ret_device);
  }
  struct kt_output *out = own->session->out;
  switch ((int)err) {
  case KT_OK: return KT_EXIT_OK;
  case KT_ERR_ABSENT: return KT_EXIT_ABSENT;
  case KT_ERR_USAGE:
    return kt_output_fail(out, KT_EXIT_USAGE, "device",
                          "%s: a device is given by the hex digits of its id or of a key's fingerprint, never by name",
                          argument);
  case KT_ERR_CONFLICT:
    return kt_output_fail(out, KT_EXIT_USAGE, "device", "%s: more than one device begins like this", argument);
  default: return kt_output_fail(out, KT_EXIT_USAGE, "device", "%s: %s", argument, kt_err_text(err));
  }
}

/* --- what is not listed ------------------------------------------------------------------------------------------------ */

struct fingerprint_text {
  char hex[KT_HEX_SIZE(KT_HASH_LEN)];
};

static struct fingerprint_text fingerprint_of(const struct kt_account_key *key)
{
  struct fingerprint_text text;
  struct kt_hash hash;
  kt_account_key_fingerprint(key, &hash);
  kt_hex_encode((struct kt_bytes){ hash.b, KT_HASH_LEN }, text.hex);
  return text;
}

static void note_device(const struct kt_own_label *own, const struct kt_device *device, bool undecided)
{
  char id[KT_HEX_SIZE(KT_DEVICE_ID_LEN)];
  const char *word = kt_output_word(own->name);
  char name[KT_TEXT_QUOTE_SIZE];
  kt_hex_encode((struct kt_bytes){ device->id.b, KT_DEVICE_ID_LEN }, id);
  kt_text_quote(device->name, name, sizeof name);
  if (undecided) {
    kt_output_note(own->session->out,
                   "  device %s, which calls itself %s\n"
                   "  if it is yours:\n"
                   "    kt-verify monitor approve %s %s\n"
                   "  if it is not:\n"
                   "    kt-verify device remove %s %s\n",
                   id, name, word, id, word, id);
  } else {
    kt_output_note(own->session->out,
                   "kt-verify: the new list leaves out device %s (%s), which was never approved here. To list it:\n"
                   "    kt-verify monitor approve %s %s\n",
                   id, name, word, id);
  }
}

static void note_recovery_key(const struct kt_own_label *own, const struct kt_account_key *key, bool undecided)
{
  struct fingerprint_text text = fingerprint_of(key);
  const char *word = kt_output_word(own->name);
  if (undecided) {
    kt_output_note(own->session->out,
                   "  recovery key with fingerprint %s\n"
                   "  if the paper is yours:\n"
                   "    kt-verify monitor approve %s %s\n"
                   "  if it is not:\n"
                   "    kt-verify account recovery-key remove %s %s\n",
                   text.hex, word, text.hex, word, text.hex);
  } else {
    kt_output_note(own->session->out,
                   "kt-verify: the new list leaves out recovery key %s, which was never approved here: that paper is "
                   "worth nothing now. To make another:\n    kt-verify account recovery-key create %s\n",
                   text.hex, word);
  }
}

/* Of the newest version: what the new one does not list, although nobody took it off. */
static void note_left_out(const struct kt_publication *publication, bool undecided)
{
  const struct kt_own_label *own = publication->own;
  const struct kt_account_state *account = &own->account.account;
  struct kt_device_set set;
  size_t n = kt_own_set(own->session, own->account.latest, &set) ? set.n_devices : 0;
  for (size_t i = 0; i < n; i++) {
    if (kt_publish_leaves_out(publication, &set.devices[i])) {
      note_device(own, &set.devices[i], undecided);
    }
  }
  for (size_t i = 0; i < account->n_recovery_keys; i++) {
    if (kt_publish_drops_recovery_key(publication, &account->recovery_keys[i])) {
      note_recovery_key(own, &account->recovery_keys[i], undecided);
    }
  }
}

/* --- publishing ----------------------------------------------------------------------------------------------------------- */

static enum kt_exit report_not_first(const struct kt_own_label *own)
{
  kt_output_status(own->session->out, KT_EXIT_ALERT, "%s: not published; this is the list as it stands now", own->name);
  return kt_output_fail(own->session->out, KT_EXIT_ALERT, "not-first",
                        "%s: another version was published before yours, so your change was not made, and nothing was "
                        "overwritten. Look at the list and settle its alerts, then give the same command again",
                        own->name);
}

static enum kt_exit report_undecided(const struct kt_publication *publication)
{
  const struct kt_own_label *own = publication->own;
  kt_output_status(own->session->out, KT_EXIT_ALERT, "%s: not published; this is the list as it stands now", own->name);
  kt_output_fail(own->session->out, KT_EXIT_ALERT, "undecided",
                 "%s: not published. The list shows what was never approved on this computer: to list it again would "
                 "vouch for it, to leave it out would remove it. Decide about each, then give the same command again",
                 own->name);
  note_left_out(publication, true);
  return KT_EXIT_ALERT;
}

static enum kt_exit report_outcome(const struct kt_publication *publication, enum kt_exit code)
{
  const struct kt_own_label *own = publication->own;
  switch (publication->outcome) {
  case KT_PUBLISH_FAILED: return code;
  case KT_PUBLISH_NOT_FIRST: return report_not_first(own);
  case KT_PUBLISH_UNDECIDED: return report_undecided(publication);
  case KT_PUBLISH_DONE:
    kt_output_status(own->session->out, code, "%s: version %" PRIu32 " published and verified, log entry %" PRIu64,
                     own->name, publication->version, publication->position);
    return code;
  }
  return code;
}

struct by_key {
  struct kt_bytes label;
  bool any_open;
};

static enum kt_err find_by_key(void *ctx, struct kt_session *session)
{
  struct by_key *found = ctx;
  struct kt_ledger_entry *entries;
  size_t n = 0;
  enum kt_err err = kt_state_open_alerts(&session->state, found->label, &session->arena, &entries, &n);
  for (size_t i = 0; i < n; i++) {
    found->any_open = found->any_open || entries[i].alert.by_account_key;
  }
  return err;
}

/* A list that was published looks like the end of it. */
static enum kt_exit advise_rotation(const struct kt_own_label *own)
{
  struct by_key found = { .label = own->label };
  const char *word = kt_output_word(own->name);
  enum kt_err err;
  enum kt_exit code = kt_session_read(own->session, find_by_key, &found, &err);
  if (code == KT_EXIT_OK && found.any_open) {
    kt_output_data(own->session->out,
                   "This is not over: a version that this computer did not publish was signed with your account key "
                   "(version-not-mine, above). If no computer of yours made it, somebody has a copy of the key and can "
                   "list devices again. Replace the key:\n"
                   "    kt-verify account rotate %s\n"
                   "If a computer of yours made it:\n"
                   "    kt-verify alerts ack ID\n",
                   word);
  }
  return code;
}

enum kt_exit kt_own_publish_and_report(struct kt_publication *publication)
{
  struct kt_own_label *own = publication->own;
  struct kt_session *session = own->session;
  enum kt_err err;
  kt_output_set(session->out, "label", kt_output_text(own->label));
  if (!kt_publish_is_undecided(publication)) {
    note_left_out(publication, false);
  }
  enum kt_exit code = kt_publish(publication);
  if (publication->outcome == KT_PUBLISH_FAILED) {
    return code;
  }
  enum kt_exit stored = kt_session_read(session, kt_own_load, own, &err); /* approvals as they are now */
  if (stored != KT_EXIT_OK) {
    return stored;
  }
  code = report_outcome(publication, code);
  kt_own_report_devices(own);
  code = (enum kt_exit)kt_exit_code_worse((int)kt_report_alerts(session, own->label, code), (int)code);
  stored = publication->outcome == KT_PUBLISH_DONE ? advise_rotation(own) : KT_EXIT_OK;
  return (enum kt_exit)kt_exit_code_worse((int)stored, (int)code);
}
