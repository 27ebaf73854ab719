/* SPDX-License-Identifier: Apache-2.0 */
/* account export, import: the account key under a passphrase (Argon2id, secretbox), as one line of Base64. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/hex.h"
#include "key_store.h"
#include "owner_report.h"
#include "verbs.h"

#define PASSPHRASE_MAX 1024
#define PASSPHRASE_MIN 8

struct passphrase {
  char text[PASSPHRASE_MAX];
};

static bool read_line(FILE *file, struct passphrase *ret)
{
  if (fgets(ret->text, sizeof ret->text, file) == NULL) {
    return false;
  }
  ret->text[strcspn(ret->text, "\r\n")] = '\0';
  return true;
}

/* From the terminal, not echoed; stdin may be the exported key. */
static bool ask(const char *prompt, struct passphrase *ret)
{
  struct termios shown;
  struct termios hidden;
  FILE *terminal = fopen("/dev/tty", "r+");
  if (terminal == NULL) {
    return false;
  }
  bool ok = tcgetattr(fileno(terminal), &shown) == 0;
  if (ok) {
    hidden = shown;
    hidden.c_lflag &= (tcflag_t)~ECHO;
    ok = tcsetattr(fileno(terminal), TCSAFLUSH, &hidden) == 0;
  }
  if (ok) {
    fputs(prompt, terminal);
    fflush(terminal);
    ok = read_line(terminal, ret);
    tcsetattr(fileno(terminal), TCSAFLUSH, &shown);
    fputc('\n', terminal);
  }
  fclose(terminal);
  return ok;
}

static bool from_file(const char *path, struct passphrase *ret)
{
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    return false;
  }
  setvbuf(file, NULL, _IONBF, 0); /* no copy of the passphrase in a buffer of stdio */
  bool ok = read_line(file, ret);
  fclose(file);
  return ok;
}

static enum kt_exit get_passphrase(const struct kt_cli *cli, struct kt_output *out, bool twice, struct passphrase *ret)
{
  struct passphrase again;
  const char *path = cli->values[KT_OPT_PASSPHRASE_FILE];
  bool ok = path != NULL ? from_file(path, ret) : ask("Passphrase: ", ret);
  if (!ok) {
    return kt_output_fail(out, KT_EXIT_USAGE, "passphrase", "cannot read a passphrase from %s: %s",
                          path != NULL ? path : "the terminal", strerror(errno));
  }
  if (strlen(ret->text) < PASSPHRASE_MIN) {
    return kt_output_fail(out, KT_EXIT_USAGE, "passphrase", "a passphrase has at least %d characters", PASSPHRASE_MIN);
  }
  if (!twice || path != NULL) {
    return KT_EXIT_OK;
  }
  bool same = ask("The same again: ", &again) && strcmp(ret->text, again.text) == 0;
  sodium_memzero(&again, sizeof again);
  return same ? KT_EXIT_OK : kt_output_fail(out, KT_EXIT_USAGE, "passphrase", "the two passphrases differ");
}

static enum kt_exit seal(struct kt_output *out, const struct kt_secret *secret, const struct passphrase *passphrase)
{
  uint8_t salt[KT_ACCOUNT_SALT_LEN];
  uint8_t nonce[KT_ACCOUNT_NONCE_LEN];
  uint8_t sealed[KT_ACCOUNT_SEALED_LEN];
  char text[KT_BASE64_SIZE(KT_ACCOUNT_SEALED_LEN)];
  randombytes_buf(salt, sizeof salt);
  randombytes_buf(nonce, sizeof nonce);
  if (kt_account_key_seal(secret->seed, kt_text_bytes(passphrase->text), salt, nonce, sealed) != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "memory", "encrypting the key needs 256 MiB of memory");
  }
  kt_base64_encode((struct kt_bytes){ sealed, sizeof sealed }, text);
  fprintf(out->data, "%s\n", text);
  return KT_EXIT_OK;
}

enum kt_exit kt_verb_account_export(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_own_label own;
  struct kt_secret *secret = NULL;
  struct passphrase passphrase;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK && out->json) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "usage", "the exported key is not JSON: leave --json out");
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_open_said(&own, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_load_key(&own, &secret);
  }
  if (code == KT_EXIT_OK) {
    code = get_passphrase(cli, out, true, &passphrase);
  }
  if (code == KT_EXIT_OK) {
    code = seal(out, secret, &passphrase);
  }
  sodium_memzero(&passphrase, sizeof passphrase);
  kt_secret_free(secret);
  kt_session_close(&session);
  return code;
}

/* --- import ------------------------------------------------------------------------------------------------------------------ */

static enum kt_exit read_sealed(struct kt_output *out, uint8_t ret_sealed[static KT_ACCOUNT_SEALED_LEN])
{
  char text[KT_BASE64_SIZE(KT_ACCOUNT_SEALED_LEN) + 2];
  size_t len = 0;
  size_t n = fread(text, 1, sizeof text - 1, stdin);
  text[n] = '\0';
  text[strcspn(text, "\r\n")] = '\0';
  if (kt_base64_decode(text, strlen(text), KT_ACCOUNT_SEALED_LEN, ret_sealed, &len) != KT_OK ||
      len != KT_ACCOUNT_SEALED_LEN) {
    return kt_output_fail(out, KT_EXIT_USAGE, "sealed-key", "standard input is not an exported account key");
  }
  return KT_EXIT_OK;
}

static enum kt_exit unseal(const struct kt_cli *cli, struct kt_output *out, struct kt_secret *secret)
{
  uint8_t sealed[KT_ACCOUNT_SEALED_LEN];
  struct passphrase passphrase;
  enum kt_exit code = read_sealed(out, sealed);
  if (code == KT_EXIT_OK) {
    code = get_passphrase(cli, out, false, &passphrase);
  }
  if (code == KT_EXIT_OK) {
    enum kt_err err =
        kt_account_key_open((struct kt_bytes){ sealed, sizeof sealed }, kt_text_bytes(passphrase.text), secret->seed);
    if (err != KT_OK) {
      code = kt_output_fail(out, KT_EXIT_USAGE, "sealed-key", "the key cannot be opened: %s",
                            err == KT_ERR_PROOF ? "wrong passphrase, or a damaged file" : kt_err_text(err));
    }
  }
  sodium_memzero(&passphrase, sizeof passphrase);
  return code;
}

/* Into a home where the account is: because its key was lost here, or replaced on another computer, or because another key
 * was made here that the log does not stand by. */
static enum kt_exit import_again(struct kt_own_label *own, const struct kt_secret *secret)
{
  struct kt_account_key key;
  struct kt_secret *present = NULL;
  const struct kt_account_state *account = &own->account.account;
  enum kt_exit code = kt_own_find_key(own, &present);
  kt_secret_free(present);
  if (code == KT_EXIT_OK && (!account->has_key || kt_own_is_established(own))) {
    return kt_output_fail(own->session->out, KT_EXIT_USAGE, "account-exists",
                          "%s: this account is here already, and its key too: nothing to import", own->name);
  }
  if (code != KT_EXIT_OK && code != KT_EXIT_ABSENT) {
    return code;
  }
  bool fits = kt_account_key_from_seed(secret->seed, &key) == KT_OK &&
              (kt_account_key_equal(&key, &own->account.key) ||
               (account->has_key && kt_account_key_equal(&key, &account->key)));
  return fits ? kt_own_take_key(own, secret)
              : kt_output_fail(own->session->out, KT_EXIT_USAGE, "other-key",
                               "%s: this file holds a key that the account does not have now: of another account, or "
                               "exported before the key was replaced. Export it anew where the account works",
                               own->name);
}

static enum kt_exit import_key(struct kt_session *session, struct kt_bytes label, const struct kt_secret *secret)
{
  struct kt_own_label own;
  enum kt_exit code = kt_own_open(&own, session, label);
  if (code == KT_EXIT_OK) {
    code = kt_own_refresh(&own); /* a replaced key has to be known before it can be recognised */
    return code == KT_EXIT_OK ? import_again(&own, secret) : code;
  }
  return code == KT_EXIT_ABSENT ? kt_own_take_up(&own, secret, true) : code;
}

enum kt_exit kt_verb_account_import(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_secret *secret = NULL;
  const struct kt_bytes label = kt_text_bytes(cli->args[0]);
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_own_check_label(out, label);
  }
  if (code == KT_EXIT_OK) {
    code = kt_key_make(out, false, &secret);
  }
  if (code == KT_EXIT_OK) {
    code = unseal(cli, out, secret);
  }
  if (code == KT_EXIT_OK) {
    code = import_key(&session, label, secret);
  }
  kt_secret_free(secret);
  kt_session_close(&session);
  return code;
}
