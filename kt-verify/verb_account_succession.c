/* SPDX-License-Identifier: Apache-2.0 */
/* account rotate, account recovery-key create, check, remove, use: another account key for the same label, without an alert
 * to anybody who knows the old one. */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include <kt/recovery_key.h>

#include "base/hex.h"
#include "key_store.h"
#include "owner_report.h"
#include "publish_set.h"
#include "verbs.h"

/* --- rotate -------------------------------------------------------------------------------------------------------------- */

/* There is something to replace, and we can vouch. */
static enum kt_exit check_established(const struct kt_own_label *own)
{
  if (!own->account.account.has_key) {
    return kt_output_fail(own->session->out, KT_EXIT_USAGE, "not-published",
                          "%s: nothing was published under the account key yet: kt-verify device add first", own->name);
  }
  if (!kt_own_is_established(own)) {
    return kt_output_fail(own->session->out, KT_EXIT_USAGE, "label-taken",
                          "%s: the log stands by another account key, so this home cannot publish for it. With a "
                          "recovery key: kt-verify account recovery-key use %s. Otherwise ask the operator of the log",
                          own->name, kt_output_word(own->name));
  }
  return KT_EXIT_OK;
}

enum kt_exit kt_verb_account_rotate(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_own_label own;
  struct kt_secret *secret = NULL;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_own_open_said(&own, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_load_key(&own, &secret);
  }
  if (code == KT_EXIT_OK) {
    code = check_established(&own);
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_succeed(&own, secret, NULL);
  }
  kt_secret_free(secret);
  kt_session_close(&session);
  return code;
}

/* --- recovery-key create --------------------------------------------------------------------------------------------------- */

/* On stdout and nowhere else. */
static void print_recovery_key(const struct kt_own_label *own, const struct kt_secret *recovery)
{
  struct kt_output *out = own->session->out;
  const char *word = kt_output_word(own->name);
  char text[KT_RECOVERY_TEXT_SIZE];
  kt_recovery_key_format(recovery->seed, text);
  kt_output_data(out, "\nRecovery key of %s. Write it on paper now: it is not kept here and is never shown again.\n\n",
                 own->name);
  for (const char *line = text; line != NULL && !out->json;) {
    size_t len = strcspn(line, "\n");
    kt_output_data(out, "    %.*s\n", (int)len, line);
    line = line[len] != '\0' ? line + len + 1 : NULL;
  }
  kt_output_data(out,
                 "\nWhat it does: it puts a new account key in place when this computer, or the passphrase, is lost. "
                 "Your contacts then see a note instead of an alert.\n"
                 "Whoever finds the paper can take over your account with it: keep it where you keep your passport, or "
                 "with somebody you trust. No photo, no cloud.\n"
                 "A paper is good once. Used on a computer that never had the account, it makes every other paper of "
                 "yours worthless too, and lists no device: write new ones and add your devices then.\n"
                 "Check what you wrote:\n"
                 "    kt-verify account recovery-key check %s\n"
                 "When you need it:\n"
                 "    kt-verify account recovery-key use %s\n"
                 "If the paper is lost:\n"
                 "    kt-verify account recovery-key remove %s FINGERPRINT\n",
                 word, word, word);
  kt_output_set(out, "recovery_key", json_string(text));
  sodium_memzero(text, sizeof text);
}

static enum kt_exit create(struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  struct kt_secret *secret = NULL;
  struct kt_secret *recovery = NULL;
  struct kt_account_key key;
  enum kt_exit code = kt_own_load_key(own, &secret);
  if (code == KT_EXIT_OK) {
    code = check_established(own);
  }
  if (code == KT_EXIT_OK) {
    code = kt_key_make(out, true, &recovery);
  }
  if (code == KT_EXIT_OK && kt_account_key_from_seed(recovery->seed, &key) != KT_OK) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "crypto", "a recovery key cannot be made");
  }
  if (code == KT_EXIT_OK) {
    struct kt_publication publication = {
      .own = own, .secret = secret, .add_recovery = &key, .settlement = KT_SETTLEMENT_REMOVED
    };
    code = kt_own_publish_and_report(&publication);
    if (publication.outcome == KT_PUBLISH_DONE) { /* a key that is not listed is worth no paper */
      print_recovery_key(own, recovery);
    }
  }
  kt_secret_free(recovery);
  kt_secret_free(secret);
  return code;
}

/* --- reading one back ------------------------------------------------------------------------------------------------------ */

#define TYPED_MAX 1024

static size_t significant(const char *text)
{
  size_t n = 0;
  for (; *text != '\0'; text++) {
    n += strchr(" -\t\r\n", *text) == NULL;
  }
  return n;
}

/* Lines, until there is enough for a key or nothing more. */
static void read_typed(FILE *file, char ret_text[static TYPED_MAX])
{
  size_t len = 0;
  ret_text[0] = '\0';
  setvbuf(file, NULL, _IONBF, 0); /* no copy of the key in a buffer of stdio */
  while (len + 1 < TYPED_MAX && significant(ret_text) < KT_RECOVERY_TEXT_LEN &&
         fgets(ret_text + len, (int)(TYPED_MAX - len), file) != NULL) {
    len += strlen(ret_text + len);
  }
}

static enum kt_exit parse(struct kt_output *out, const char *text, struct kt_secret *ret_recovery)
{
  struct kt_reason reason = { .code = NULL };
  size_t group;
  if (kt_recovery_key_parse(kt_text_bytes(text), ret_recovery->seed, &group, &reason) == KT_OK) {
    return KT_EXIT_OK;
  }
  if (group > 0) {
    return kt_output_fail(out, KT_EXIT_USAGE, reason.code,
                          "this is not the recovery key as it was written down: %s. Look at line %zu, group %zu again",
                          reason.text, (group - 1) / KT_RECOVERY_GROUPS_PER_LINE + 1,
                          (group - 1) % KT_RECOVERY_GROUPS_PER_LINE + 1);
  }
  if (strcmp(reason.code, "recovery-length") == 0) {
    return kt_output_fail(out, KT_EXIT_USAGE, reason.code,
                          "this is not the recovery key as it was written down: %s. This text has %zu characters",
                          reason.text, significant(text));
  }
  return kt_output_fail(out, KT_EXIT_USAGE, reason.code, "this is not the recovery key as it was written down: %s",
                        reason.text);
}

/* From FILE, or from standard input. */
static enum kt_exit read_recovery_key(const struct kt_cli *cli, struct kt_output *out, struct kt_secret **ret_recovery)
{
  char typed[TYPED_MAX];
  struct kt_secret *recovery = NULL;
  const char *path = cli->n_args > 2 && strcmp(cli->args[2], "-") != 0 ? cli->args[2] : NULL;
  FILE *file = path != NULL ? fopen(path, "r") : stdin;
  if (file == NULL) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: cannot be read", path);
  }
  if (path == NULL && isatty(STDIN_FILENO) == 1) {
    kt_output_note(out, "Type the recovery key from the paper, line by line:\n");
  }
  read_typed(file, typed);
  if (path != NULL) {
    fclose(file);
  }
  enum kt_exit code = kt_key_make(out, false, &recovery);
  if (code == KT_EXIT_OK) {
    code = parse(out, typed, recovery);
  }
  sodium_memzero(typed, sizeof typed);
  if (code != KT_EXIT_OK) {
    kt_secret_free(recovery);
    return code;
  }
  *ret_recovery = recovery;
  return KT_EXIT_OK;
}

static bool is_listed(const struct kt_own_label *own, const struct kt_account_key *key)
{
  const struct kt_account_state *account = &own->account.account;
  for (size_t i = 0; i < account->n_recovery_keys; i++) {
    if (kt_account_key_equal(&account->recovery_keys[i], key)) {
      return true;
    }
  }
  return false;
}

static enum kt_exit check_listed(const struct kt_own_label *own, const struct kt_account_key *key)
{
  struct kt_output *out = own->session->out;
  if (own->account.n_judged == 0) {
    kt_output_status(out, KT_EXIT_ABSENT, "%s: the log proves that this label does not exist", own->name);
    return kt_output_fail(out, KT_EXIT_ABSENT, "no-label", "%s: there is no such account in this log", own->name);
  }
  if (is_listed(own, key)) {
    return KT_EXIT_OK;
  }
  return kt_output_fail(
      out, KT_EXIT_ALERT, "not-listed",
      "%s: this is a recovery key, read without a mistake, but the account does not list it. It belongs to another "
      "account, was used or removed before, or somebody who has a copy of the account key took it off. If it was not "
      "you, only the operator of the log can help now: kt-verify account create %s tells how",
      own->name, kt_output_word(own->name));
}

/* --- check, use ------------------------------------------------------------------------------------------------------------ */

static enum kt_exit check(struct kt_own_label *own, const struct kt_secret *recovery)
{
  struct kt_account_key key;
  enum kt_exit code = kt_own_refresh(own);
  if (code == KT_EXIT_OK && kt_account_key_from_seed(recovery->seed, &key) != KT_OK) {
    code = kt_output_fail(own->session->out, KT_EXIT_USAGE, "crypto", "this key cannot be used");
  }
  if (code == KT_EXIT_OK) {
    code = check_listed(own, &key);
  }
  if (code == KT_EXIT_OK) {
    kt_output_set(own->session->out, "label", kt_output_text(own->label));
    kt_output_status(own->session->out, code, "%s: the paper is right, and the account lists this recovery key",
                     own->name);
    code = kt_report_alerts(own->session, own->label, code);
  }
  return code;
}

/* The account is not here: look whether the log lists the key before anything is kept, then follow the account with the key
 * it has, as if that key had been imported. Whoever holds a recovery key it lists is its owner. */
static enum kt_exit begin_here(struct kt_own_label *own, const struct kt_account_key *recovery)
{
  struct kt_session *session = own->session;
  const struct kt_bytes label = own->label;
  enum kt_exit code = kt_own_peek(own, session, label);
  if (code == KT_EXIT_OK) {
    code = check_listed(own, recovery);
  }
  if (code == KT_EXIT_OK) {
    const struct kt_account_key established = own->account.account.key;
    code = kt_own_create(own, session, label, &established);
  }
  if (code == KT_EXIT_OK) {
    own->baseline = true;
    code = kt_own_refresh(own);
    own->baseline = false;
  }
  return code;
}

static enum kt_exit refuse_needless(const struct kt_own_label *own)
{
  return kt_output_fail(own->session->out, KT_EXIT_USAGE, "nothing-to-recover",
                        "%s: this home has the account key, so nothing needs recovering. To replace the key: kt-verify "
                        "account rotate %s. Keep the paper",
                        own->name, kt_output_word(own->name));
}

static enum kt_exit begin_with(struct kt_own_label *own, bool is_here, const struct kt_account_key *recovery)
{
  struct kt_secret *present = NULL;
  if (!is_here) {
    return begin_here(own, recovery);
  }
  enum kt_exit code = kt_own_refresh(own);
  if (code != KT_EXIT_OK) {
    return code;
  }
  code = kt_own_find_key(own, &present);
  kt_secret_free(present);
  if (code == KT_EXIT_OK && kt_own_is_established(own)) {
    return refuse_needless(own);
  }
  return code == KT_EXIT_OK || code == KT_EXIT_ABSENT ? check_listed(own, recovery) : code;
}

static enum kt_exit use(struct kt_own_label *own, bool is_here, const struct kt_secret *recovery)
{
  struct kt_account_key key;
  if (kt_account_key_from_seed(recovery->seed, &key) != KT_OK) {
    return kt_output_fail(own->session->out, KT_EXIT_USAGE, "crypto", "this key cannot be used");
  }
  enum kt_exit code = begin_with(own, is_here, &key);
  return code == KT_EXIT_OK ? kt_own_succeed(own, recovery, &key) : code;
}

/* --- remove ------------------------------------------------------------------------------------------------------------------ */

/* A full fingerprint: an abbreviated one can be matched by grinding keys. */
static const struct kt_account_key *find_listed(const struct kt_own_label *own, const char *fingerprint)
{
  const struct kt_account_state *account = &own->account.account;
  struct kt_hash given;
  struct kt_hash hash;
  size_t len = 0;
  if (kt_hex_decode(fingerprint, strlen(fingerprint), KT_HASH_LEN, given.b, &len) != KT_OK || len != KT_HASH_LEN) {
    return NULL;
  }
  for (size_t i = 0; i < account->n_recovery_keys; i++) {
    kt_account_key_fingerprint(&account->recovery_keys[i], &hash);
    if (memcmp(hash.b, given.b, KT_HASH_LEN) == 0) {
      return &account->recovery_keys[i];
    }
  }
  return NULL;
}

static enum kt_exit remove_key(struct kt_own_label *own, const struct kt_cli *cli)
{
  struct kt_output *out = own->session->out;
  struct kt_secret *secret = NULL;
  if (cli->n_args < 3) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage",
                          "account recovery-key remove needs the fingerprint that account show prints");
  }
  const struct kt_account_key *listed = find_listed(own, cli->args[2]);
  if (listed == NULL) {
    return kt_output_fail(out, KT_EXIT_USAGE, "recovery-key",
                          "%s: the account lists no recovery key with this fingerprint (64 hex digits, in full; "
                          "kt-verify account show %s)",
                          cli->args[2], kt_output_word(own->name));
  }
  const struct kt_account_key key = *listed;
  enum kt_exit code = kt_own_load_key(own, &secret);
  if (code == KT_EXIT_OK) {
    struct kt_publication publication = {
      .own = own, .secret = secret, .remove_recovery = &key, .settlement = KT_SETTLEMENT_REMOVED
    };
    code = kt_own_publish_and_report(&publication);
  }
  kt_secret_free(secret);
  return code;
}

/* --- the verb ------------------------------------------------------------------------------------------------------------------ */

static enum kt_exit with_paper(const struct kt_cli *cli, struct kt_own_label *own, bool is_here)
{
  struct kt_secret *recovery = NULL;
  enum kt_exit code = read_recovery_key(cli, own->session->out, &recovery);
  if (code == KT_EXIT_OK) {
    code = strcmp(cli->args[0], "use") == 0 ? use(own, is_here, recovery) : check(own, recovery);
  }
  kt_secret_free(recovery);
  return code;
}

static enum kt_exit run(const struct kt_cli *cli, struct kt_session *session)
{
  const char *what = cli->args[0];
  struct kt_own_label own;
  bool needs_account = strcmp(what, "use") != 0;
  enum kt_exit code = kt_own_check_label(session->out, kt_text_bytes(cli->args[1]));
  if (code != KT_EXIT_OK) {
    return code;
  }
  code = needs_account ? kt_own_open_said(&own, session, cli->args[1])
                       : kt_own_open(&own, session, kt_text_bytes(cli->args[1]));
  bool is_here = code == KT_EXIT_OK;
  if (!is_here && (needs_account || code != KT_EXIT_ABSENT)) {
    return code;
  }
  if (strcmp(what, "create") == 0) {
    return create(&own);
  }
  return strcmp(what, "remove") == 0 ? remove_key(&own, cli) : with_paper(cli, &own, is_here);
}

enum kt_exit kt_verb_account_recovery_key(const struct kt_cli *cli, struct kt_output *out)
{
  static const char *const words[] = { "create", "check", "use", "remove" };
  struct kt_session session;
  bool known = false;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    known = known || strcmp(cli->args[0], words[i]) == 0;
  }
  if (!known) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "account recovery-key %s: it is create, check, use or remove",
                          cli->args[0]);
  }
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = run(cli, &session);
  }
  kt_session_close(&session);
  return code;
}
