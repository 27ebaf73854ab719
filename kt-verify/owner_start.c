/* SPDX-License-Identifier: Apache-2.0 */
/* Beginning to follow one's own label: walking the distinguished heads, owner initialization; and changing the key that
 * the owner stands by. */
#include "owner.h"
#include "report.h"

static void request_walk(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  (void)ctx;
  kt_request_distinguished(w, log, NULL);
}

static enum kt_err verify_walk(void *ctx, const struct kt_client *client, struct kt_bytes response,
                               struct kt_log_state *ret_log)
{
  struct kt_own_label *own = ctx;
  struct kt_distinguished_result result;
  enum kt_err err = kt_verify_distinguished(client, NULL, response, &result);
  if (err == KT_OK && result.n_heads == 0) {
    err = kt_fail(client->reason, KT_ERR_PROOF, "distinguished-none", "the log shows no distinguished entry",
                  "Walking Distinguished Heads");
  }
  if (err == KT_OK) {
    own->start = result.heads[0].size - 1;
    *ret_log = result.log;
  }
  return err;
}

/* An account that exists keeps everything but its owner state. */
static enum kt_err load_init(void *ctx, struct kt_session *session)
{
  enum kt_err err = kt_own_load(ctx, session);
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

static void request_init(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct kt_own_label *own = ctx;
  kt_request_owner_init(w, log, own->label, own->start);
}

static enum kt_err verify_init(void *ctx, const struct kt_client *client, struct kt_bytes response,
                               struct kt_log_state *ret_log)
{
  struct kt_own_label *own = ctx;
  struct kt_owner_result result;
  enum kt_err err = kt_verify_owner_init(client, own->label, own->start, response, &result);
  if (err == KT_OK) {
    own->account.owner = result.owner;
    own->account.checked_ms = client->now_ms;
    *ret_log = result.log;
  }
  return err;
}

enum kt_exit kt_own_initialize(struct kt_own_label *own)
{
  struct kt_query walk = { .path = "/v1/distinguished",
                           .what = "the log's recent heads",
                           .ctx = own,
                           .request = request_walk,
                           .verify = verify_walk };
  struct kt_query init = { .path = "/v1/owner/init",
                           .what = own->name,
                           .ctx = own,
                           .load = load_init,
                           .request = request_init,
                           .verify = verify_init,
                           .commit = kt_own_commit };
  enum kt_exit code = kt_session_query(own->session, &walk);
  return code == KT_EXIT_OK ? kt_session_query(own->session, &init) : code;
}

enum kt_exit kt_own_initialize_anew(struct kt_own_label *own, enum kt_exit code)
{
  const struct kt_own_account *account = &own->account;
  uint64_t since_ms = account->checked_ms > 0 ? account->checked_ms : account->created_ms;
  char time[KT_TIME_SIZE];
  if (own->is_late || !kt_session_is_late(own->session, since_ms)) {
    return kt_output_fail(
        own->session->out, code, "gone-early",
        "%s: the log says that it removed what this account needs, but it was checked recently enough: "
        "no log may have removed that yet",
        own->name);
  }
  kt_report_time(since_ms, time);
  kt_session_tell_gap(
      own->session, own->name,
      "last checked completely on %s, longer ago than the log keeps entries. Changes made since then that "
      "have expired cannot be seen any more; everything from now on is checked as before. Look at the "
      "list of devices: kt-verify account show",
      time);
  own->is_late = true;
  return kt_own_initialize(own);
}

enum kt_exit kt_own_create(struct kt_own_label *own, struct kt_session *session, struct kt_bytes label,
                           const struct kt_account_key *key)
{
  kt_own_init(own, session, label);
  own->account = (struct kt_own_account){ .label = label, .key = *key, .created_ms = kt_now_ms() };
  return kt_own_initialize(own);
}

enum kt_exit kt_own_peek(struct kt_own_label *own, struct kt_session *session, struct kt_bytes label)
{
  kt_own_init(own, session, label);
  own->transient = true;
  own->kept = (struct kt_own_account){ .label = label };
  enum kt_exit code = kt_own_initialize(own);
  return code == KT_EXIT_OK ? kt_own_refresh(own) : code;
}

struct new_key {
  struct kt_own_label *own;
  const struct kt_account_key *key;
};

static enum kt_err put_key(void *ctx, struct kt_session *session)
{
  struct new_key *change = ctx;
  enum kt_err err = kt_own_load(change->own, session);
  if (err == KT_OK) {
    change->own->account.key = *change->key;
    err = kt_state_put_account(&session->state, &change->own->account);
  }
  return err;
}

enum kt_exit kt_own_stand_by(struct kt_own_label *own, const struct kt_account_key *key)
{
  struct new_key change = { .own = own, .key = key };
  enum kt_err err;
  enum kt_exit code = kt_session_write(own->session, put_key, &change, &err);
  return code == KT_EXIT_OK && err != KT_OK ? kt_session_store_failed(own->session, err) : code;
}
