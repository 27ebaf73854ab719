/* SPDX-License-Identifier: Apache-2.0 */
/* The account key in this home, and its replacement by an endorsed successor. */
#include "key_store.h"
#include "owner_report.h"

bool kt_own_is_established(const struct kt_own_label *own)
{
  const struct kt_account_state *account = &own->account.account;
  return account->has_key && kt_account_key_equal(&account->key, &own->account.key);
}

static enum kt_exit load_if_ours(struct kt_own_label *own, enum kt_key_slot slot, struct kt_secret **ret_secret)
{
  struct kt_session *session = own->session;
  struct kt_secret *secret = NULL;
  struct kt_account_key key;
  enum kt_exit code = kt_key_load(session->out, session->state.home, own->label, slot, &secret);
  if (code != KT_EXIT_OK) {
    return code;
  }
  if (kt_account_key_from_seed(secret->seed, &key) != KT_OK || !kt_account_key_equal(&key, &own->account.key)) {
    kt_secret_free(secret);
    return KT_EXIT_ABSENT;
  }
  *ret_secret = secret;
  return KT_EXIT_OK;
}

enum kt_exit kt_own_find_key(struct kt_own_label *own, struct kt_secret **ret_secret)
{
  struct kt_session *session = own->session;
  struct kt_secret *secret = NULL;
  enum kt_exit code = load_if_ours(own, KT_KEY_PRESENT, &secret);
  if (code == KT_EXIT_ABSENT) { /* cut off between the log's answer and the move of the file */
    code = load_if_ours(own, KT_KEY_NEXT, &secret);
    if (code == KT_EXIT_OK) {
      code = kt_key_promote(session->out, session->state.home, own->label);
    }
  }
  if (code != KT_EXIT_OK) {
    kt_secret_free(secret);
    return code;
  }
  *ret_secret = secret;
  return KT_EXIT_OK;
}

enum kt_exit kt_own_load_key(struct kt_own_label *own, struct kt_secret **ret_secret)
{
  enum kt_exit code = kt_own_find_key(own, ret_secret);
  const char *word = kt_output_word(own->name);
  if (code != KT_EXIT_ABSENT) {
    return code;
  }
  return kt_output_fail(own->session->out, KT_EXIT_USAGE, "no-key",
                        "%s: the account key is not in this home (%s/keys): it was lost, or it was replaced on another "
                        "computer; if that was not you, somebody has taken the account over (kt-verify alerts list). "
                        "With another computer of yours that has it: kt-verify account export there, account "
                        "import here. With a recovery key on paper: kt-verify account recovery-key use %s. With "
                        "neither: kt-verify account create %s makes a new one, which only the operator of the log can "
                        "put in place",
                        own->name, own->session->state.home, word, word);
}

enum kt_exit kt_own_check_key(struct kt_own_label *own)
{
  struct kt_secret *secret = NULL;
  enum kt_exit code = kt_own_load_key(own, &secret);
  kt_secret_free(secret);
  return code;
}

/* A key left behind by an attempt that was cut off may be in the log already: it is taken up again. */
static enum kt_exit find_or_make_next(struct kt_own_label *own, struct kt_secret **ret_secret, bool *ret_waited)
{
  struct kt_session *session = own->session;
  struct kt_secret *secret = NULL;
  enum kt_exit code = kt_key_load(session->out, session->state.home, own->label, KT_KEY_NEXT, &secret);
  bool waited = code == KT_EXIT_OK;
  if (code == KT_EXIT_ABSENT) {
    code = kt_key_make(session->out, true, &secret);
    if (code == KT_EXIT_OK) {
      code = kt_key_save(session->out, session->state.home, own->label, KT_KEY_NEXT, secret);
    }
  }
  if (code != KT_EXIT_OK) {
    kt_secret_free(secret);
    return code;
  }
  *ret_secret = secret;
  *ret_waited = waited;
  return KT_EXIT_OK;
}

static void explain_recovery(const struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  const char *word = kt_output_word(own->name);
  struct kt_device_set set;
  if (!kt_own_set(own->session, own->account.latest, &set) || set.n_devices == 0) {
    kt_output_data(out,
                   "  NO DEVICE IS LISTED in your account now, so nobody can encrypt to you. List the one you use:\n"
                   "    kt-verify device add %s --name NAME --key ALG:BASE64\n",
                   word);
  }
  kt_output_data(out,
                 "  The recovery key is used up: burn the paper. Other papers are good only if they are listed above. "
                 "Make the next one:\n"
                 "    kt-verify account recovery-key create %s\n",
                 word);
}

static void explain(const struct kt_own_label *own, bool by_recovery)
{
  struct kt_output *out = own->session->out;
  const char *word = kt_output_word(own->name);
  kt_report_key(out, "new account key", &own->account.key);
  kt_output_data(out,
                 "The old key is no longer accepted%s. What follows from that:\n"
                 "  Contacts who know the old key see a note at their next look-up, no alert, and stay verified.\n"
                 "  Codes are new, posted ones too:\n"
                 "    kt-verify code public %s\n"
                 "  Exported keys (account export) are worth nothing now. Make a new one:\n"
                 "    kt-verify account export %s > FILE\n"
                 "  Your other computers raise an alert until they have the new key. Import that file there:\n"
                 "    kt-verify account import %s < FILE\n",
                 by_recovery ? "" : ", and it was deleted here", word, word, word);
  if (by_recovery) {
    explain_recovery(own);
  }
}

struct succession {
  const struct kt_secret *endorser;
  const struct kt_account_key *used_recovery;
  struct kt_secret *next; /* to be freed */
  bool waited;            /* next was on disk before */
  bool is_done;
};

static enum kt_exit succeed(struct kt_own_label *own, struct succession *succession)
{
  struct kt_session *session = own->session;
  enum kt_exit code = find_or_make_next(own, &succession->next, &succession->waited);
  struct kt_publication publication = { .own = own,
                                        .secret = succession->next,
                                        .endorser = succession->endorser,
                                        .remove_recovery = succession->used_recovery,
                                        .settlement = KT_SETTLEMENT_REMOVED };
  if (code != KT_EXIT_OK) {
    return code;
  }
  code = kt_own_publish_and_report(&publication);
  succession->is_done = publication.outcome == KT_PUBLISH_DONE;
  if (succession->is_done) {
    enum kt_exit moved = kt_key_promote(session->out, session->state.home, own->label);
    code = moved == KT_EXIT_OK ? code : moved;
  }
  return code;
}

/* Whoever copied this home while a key waited in it has that key: it only leads on to one that nobody has seen. */
enum kt_exit kt_own_succeed(struct kt_own_label *own, const struct kt_secret *endorser,
                            const struct kt_account_key *used_recovery)
{
  struct succession first = { .endorser = endorser, .used_recovery = used_recovery };
  enum kt_exit code = succeed(own, &first);
  bool may_be_copied = first.is_done && first.waited && (code == KT_EXIT_OK || code == KT_EXIT_ALERT);
  struct succession second = { .endorser = first.next };
  if (may_be_copied) {
    kt_output_note(own->session->out,
                   "kt-verify: %s: that key was made by an attempt that was cut off, and may have been copied since: "
                   "it is replaced once more\n",
                   own->name);
    code = (enum kt_exit)kt_exit_code_worse((int)code, (int)succeed(own, &second));
  }
  if (first.is_done) {
    explain(own, used_recovery != NULL);
  }
  kt_secret_free(first.next);
  kt_secret_free(second.next);
  return code;
}
