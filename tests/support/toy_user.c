/* SPDX-License-Identifier: Apache-2.0 */
#include "toy_user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WRITER_LIMIT ((size_t)1 << 20)

void toy_user_init(struct toy_user *user, struct toy_log *log)
{
  memset(user, 0, sizeof *user);
  user->log = log;
  kt_arena_init(&user->arena, (size_t)512 << 20);
}

void toy_user_release(struct toy_user *user)
{
  kt_arena_release(&user->arena);
}

/* Move what was written into the user's arena. */
static struct kt_bytes keep(struct toy_user *user, struct kt_writer *w)
{
  assert_int_equal(w->err, KT_OK);
  struct kt_bytes bytes = { kt_arena_copy(&user->arena, w->buf, w->len), w->len };
  assert_non_null(bytes.data);
  kt_writer_release(w);
  return bytes;
}

static void write_request(const struct toy_user *user, const struct toy_query *query, struct kt_writer *w)
{
  const struct kt_log_state *log = &user->state;
  const struct kt_bytes label = query->label != NULL ? toy_label(query->label) : (struct kt_bytes){ 0 };
  switch (query->kind) {
  case TOY_SEARCH: kt_request_search(w, log, label, query->version); break;
  case TOY_CONTACT: kt_request_contact(w, log, label, &user->contact); break;
  case TOY_OWNER_INIT: kt_request_owner_init(w, log, label, query->start); break;
  case TOY_OWNER_MONITOR: kt_request_owner_monitor(w, log, label, &user->owner); break;
  case TOY_UPDATE: kt_request_update(w, log, label, &user->owner, query->values, query->n_values); break;
  case TOY_DISTINGUISHED: kt_request_distinguished(w, log, query->stop); break;
  }
}

enum kt_err toy_ask(struct toy_user *user, uint64_t size, const struct toy_query *query)
{
  struct kt_writer request;
  struct kt_writer response;
  kt_writer_init(&request, WRITER_LIMIT);
  write_request(user, query, &request);
  user->request = keep(user, &request);
  kt_writer_init(&response, WRITER_LIMIT);
  enum kt_err err = toy_answer(user->log, size, query->kind, user->request, &response);
  if (err == KT_OK) {
    user->response = keep(user, &response);
  } else {
    kt_writer_release(&response);
  }
  return err;
}

static enum kt_err verify_search(struct toy_user *user, const struct kt_client *client, const struct toy_query *query,
                                 struct kt_bytes response)
{
  enum kt_err err = kt_verify_search(client, toy_label(query->label), query->version, query->known_greatest,
                                     &user->contact, response, &user->search);
  if (err == KT_OK || err == KT_ERR_ABSENT) {
    user->state = user->search.log;
  }
  if (err == KT_OK) {
    user->contact = user->search.contact;
  }
  return err;
}

static enum kt_err verify_contact(struct toy_user *user, const struct kt_client *client, struct kt_bytes response)
{
  static struct kt_contact_result result;
  enum kt_err err = kt_verify_contact(client, &user->contact, response, &result);
  if (err == KT_OK) {
    user->state = result.log;
    user->contact = result.contact;
  }
  return err;
}

static enum kt_err verify_owner(struct toy_user *user, const struct kt_client *client, const struct toy_query *query,
                                struct kt_bytes response)
{
  enum kt_err err =
      query->kind == TOY_OWNER_INIT
          ? kt_verify_owner_init(client, toy_label(query->label), query->start, response, &user->owner_result)
          : kt_verify_owner_monitor(client, &user->owner, response, &user->owner_result);
  if (err == KT_OK) {
    user->state = user->owner_result.log;
    user->owner = user->owner_result.owner;
  }
  return err;
}

static enum kt_err verify_update(struct toy_user *user, const struct kt_client *client, const struct toy_query *query,
                                 struct kt_bytes response)
{
  enum kt_err err = kt_verify_update(client, toy_label(query->label), &user->owner, query->values, query->n_values,
                                     response, &user->update);
  if (err == KT_OK) {
    user->state = user->update.log;
    user->owner = user->update.owner;
  }
  return err;
}

enum kt_err toy_verify(struct toy_user *user, const struct toy_query *query, struct kt_bytes response, uint64_t now_ms)
{
  user->reason = (struct kt_reason){ 0 };
  static struct kt_log_state old;
  old = user->state;
  const struct kt_client client = { .config = &user->log->config,
                                    .log = &old,
                                    .now_ms = now_ms,
                                    .arena = &user->arena,
                                    .reason = &user->reason,
                                    .log_only = user->log_only };
  switch (query->kind) {
  case TOY_SEARCH: return verify_search(user, &client, query, response);
  case TOY_CONTACT: return verify_contact(user, &client, response);
  case TOY_OWNER_INIT:
  case TOY_OWNER_MONITOR: return verify_owner(user, &client, query, response);
  case TOY_UPDATE: return verify_update(user, &client, query, response);
  case TOY_DISTINGUISHED: break;
  }
  enum kt_err err = kt_verify_distinguished(&client, query->stop, response, &user->distinguished);
  if (err == KT_OK) {
    user->state = user->distinguished.log;
  }
  return err;
}

enum kt_err toy_run(struct toy_user *user, uint64_t size, const struct toy_query *query)
{
  enum kt_err err = toy_ask(user, size, query);
  return err == KT_OK
             ? toy_verify(user, query, user->response, user->has_now ? user->now_ms : user->log->timestamps[size - 1])
             : err;
}

void toy_run_ok(struct toy_user *user, uint64_t size, const struct toy_query *query)
{
  enum kt_err err = toy_run(user, size, query);
  if (err != KT_OK) {
    const struct kt_reason *reason = &user->reason;
    fail_msg("size %u after %u: %s (%s at %u)", (unsigned)size, (unsigned)user->state.tree.size, kt_err_text(err),
             reason->code != NULL ? reason->code : "refused by the log", (unsigned)reason->position);
  }
}

struct kt_bytes toy_user_encode(struct toy_user *user)
{
  struct kt_writer w;
  kt_writer_init(&w, WRITER_LIMIT);
  kt_log_state_write(&w, &user->state);
  kt_contact_state_write(&w, &user->contact);
  kt_owner_state_write(&w, &user->owner);
  return keep(user, &w);
}

void toy_assert_bytes_equal(struct kt_bytes a, struct kt_bytes b)
{
  assert_int_equal(a.len, b.len);
  assert_true(a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

void toy_user_observe(struct toy_user *user, uint64_t size)
{
  const struct toy_query query = { .kind = TOY_DISTINGUISHED };
  toy_run_ok(user, size, &query);
}
