/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of a contact between the last look-up and this one. */
#include <string.h>

#include "watch.h"

/* Each costs a query. Beyond that a person compares codes once more. */
#define FOLLOW_MAX 64

bool kt_watch_wants_history(const struct kt_watch *watch)
{
  return watch->found && !watch->transient && !watch->followed && watch->other.contact.state == KT_CONTACT_CHANGED &&
         watch->verdict.judgement.set_class == KT_SET_UNENDORSED_KEY && watch->first_unseen < watch->version;
}

struct step {
  struct kt_watch *watch;
  uint32_t version;
};

static enum kt_err load(void *ctx, struct kt_session *session)
{
  const struct step *step = ctx;
  return kt_watch_read(step->watch, session);
}

static void request(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  const struct step *step = ctx;
  kt_request_search(w, log, step->watch->label, &step->version);
}

/* Only an endorsed version counts: what else is wrong on the way, the newest version shows or has repaired. */
static enum kt_err judge(struct kt_watch *watch, const struct kt_search_result *result, const struct kt_client *client)
{
  const struct kt_contact before = watch->other.contact;
  watch->position = result->terminal;
  watch->time_ms = result->terminal_ms;
  enum kt_err err = kt_watch_judge(watch, result->value, client->now_ms, client->arena);
  if (err == KT_OK && !watch->verdict.is_endorsed) {
    watch->other.contact = before;
    watch->verdict.n_alerts = 0;
  }
  return err;
}

static enum kt_err verify(void *ctx, const struct kt_client *client, struct kt_bytes response,
                          struct kt_log_state *ret_log)
{
  struct step *step = ctx;
  struct kt_watch *watch = step->watch;
  struct kt_search_result result;
  enum kt_err err =
      kt_verify_search(client, watch->label, &step->version, NULL, &watch->other.monitoring, response, &result);
  if (err != KT_OK) {
    return err;
  }
  *ret_log = result.log;
  watch->version = step->version;
  watch->other.monitoring = result.contact;
  watch->other.has_version = true;
  watch->other.version = step->version;
  return judge(watch, &result, client);
}

static enum kt_err commit(void *ctx, struct kt_session *session)
{
  const struct step *step = ctx;
  (void)session;
  return kt_watch_keep(step->watch);
}

void kt_watch_add_notes(struct kt_watch *watch)
{
  const struct kt_contact_verdict *verdict = &watch->verdict;
  struct kt_alert *notes =
      kt_arena_alloc(&watch->session->arena, watch->n_notes + verdict->n_alerts + 1, sizeof *notes);
  if (notes == NULL) {
    return; /* the judgement matters more than its notes */
  }
  size_t n = 0;
  for (; n < watch->n_notes; n++) {
    notes[n] = watch->notes[n];
  }
  for (size_t i = 0; i < verdict->n_alerts; i++) {
    if (verdict->alerts[i].is_note) {
      notes[n++] = verdict->alerts[i];
    }
  }
  watch->notes = notes;
  watch->n_notes = n;
}

static enum kt_exit follow_one(struct kt_watch *watch, uint32_t version)
{
  struct step step = { .watch = watch, .version = version };
  struct kt_query query = { .path = "/v1/search",
                            .what = watch->name,
                            .ctx = &step,
                            .load = load,
                            .request = request,
                            .verify = verify,
                            .commit = commit,
                            .quiet_expiry = true,
                            .quiet_refusal = true };
  enum kt_exit code = kt_session_query(watch->session, &query);
  if (code == KT_EXIT_OK) {
    kt_watch_add_notes(watch);
  }
  return code;
}

enum kt_exit kt_watch_follow(struct kt_watch *watch)
{
  const uint32_t first = watch->first_unseen;
  const uint32_t newest = watch->version;
  enum kt_exit code = KT_EXIT_OK;
  watch->followed = true;
  for (uint32_t i = 0; code == KT_EXIT_OK && i < FOLLOW_MAX && i < newest - first; i++) {
    code = follow_one(watch, first + i);
  }
  if (code == KT_EXIT_FAILED) {
    return code;
  }
  json_object_del(watch->session->out->object, "reason"); /* an erased version, an outage: the newest one decides */
  return KT_EXIT_OK;
}
