/* SPDX-License-Identifier: Apache-2.0 */
#include "user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kt/device_set.h>

#include "transport.h"

void crash_user_init(struct crash_user *user, const char *name, const struct kt_config *config,
                     struct crash_truth *truth)
{
  *user = (struct crash_user){ .truth = truth, .config = config };
  (void)snprintf(user->name, sizeof user->name, "%s", name);
  kt_config_log_id(config, &user->log_id);
  kt_arena_init(&user->arena, KT_ARENA_CAP_DEFAULT);
}

void crash_user_release(struct crash_user *user)
{
  kt_transport_free(user->transport);
  kt_arena_release(&user->arena);
  free(user->response);
}

void crash_user_connect(struct crash_user *user, const char *url)
{
  kt_transport_free(user->transport);
  user->transport = NULL;
  if (kt_transport_new(url, &user->transport) != KT_OK) {
    crash_truth_fail(user->truth, "%s: cannot use the address %s", user->name, url);
  }
}

enum crash_answer crash_user_ask(struct crash_user *user, const char *path, struct kt_writer *request, const char *what,
                                 struct kt_bytes *ret_response)
{
  struct kt_reply reply = { .kind = KT_REPLY_NETWORK };
  enum crash_answer answer = CRASH_OK;
  if (user->transport != NULL && request->err == KT_OK) {
    kt_transport_post(user->transport, path, (struct kt_bytes){ request->buf, request->len }, NULL, &reply);
  }
  kt_writer_release(request);
  if (reply.kind == KT_REPLY_NETWORK) {
    answer = CRASH_GONE;
  } else if (reply.kind == KT_REPLY_PROBLEM && reply.status == 503) {
    answer = CRASH_BUSY;
  } else if (reply.kind == KT_REPLY_PROBLEM) {
    crash_truth_fail(user->truth, "%s: %s: %d %s %s", user->name, what, reply.status, reply.type, reply.error);
    answer = CRASH_WRONG;
  } else {
    free(user->response);
    user->response = reply.body;
    *ret_response = (struct kt_bytes){ reply.body, reply.len };
    reply.body = NULL;
    kt_arena_release(&user->arena);
    kt_arena_init(&user->arena, KT_ARENA_CAP_DEFAULT);
  }
  kt_reply_release(&reply);
  return answer;
}

static uint64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct kt_client crash_user_client(struct crash_user *user, struct kt_reason *reason)
{
  return (struct kt_client){
    .config = user->config, .log = &user->log, .now_ms = now_ms(), .arena = &user->arena, .reason = reason
  };
}

enum crash_answer crash_user_accept(struct crash_user *user, enum kt_err err, const struct kt_log_state *log,
                                    const char *what, const struct kt_reason *reason)
{
  if (err != KT_OK) {
    crash_truth_fail(user->truth, "%s: %s: %s", user->name, what,
                     reason->text != NULL ? reason->text : kt_err_text(err));
    return CRASH_WRONG;
  }
  user->log = *log;
  crash_truth_add_head(user->truth, user->name, log->tree.size, &log->root);
  return CRASH_OK;
}

enum crash_answer crash_user_check(struct crash_user *user, const struct crash_ack *ack)
{
  static const struct kt_contact_state nothing = { .n_map = 0 };
  const struct kt_bytes label = { (const uint8_t *)ack->label, strlen(ack->label) };
  char what[CRASH_LABEL_SIZE + 40];
  struct kt_reason reason = { .code = NULL };
  struct kt_search_result result;
  struct kt_bytes response = { .len = 0 };
  struct kt_writer request;
  struct kt_hash value;
  (void)snprintf(what, sizeof what, "look-up of %s version %u", ack->label, (unsigned)ack->version);
  kt_writer_init(&request, SIZE_MAX);
  kt_request_search(&request, &user->log, label, &ack->version);
  enum crash_answer answer = crash_user_ask(user, "/v1/search", &request, what, &response);
  if (answer != CRASH_OK) {
    return answer;
  }
  const struct kt_client client = crash_user_client(user, &reason);
  enum kt_err err = kt_verify_search(&client, label, &ack->version, NULL, &nothing, response, &result);
  answer = crash_user_accept(user, err, &result.log, what, &reason);
  if (answer == CRASH_OK) {
    kt_device_set_value_hash(result.value, &value);
    if (memcmp(value.b, ack->value.b, sizeof value.b) != 0) {
      crash_truth_fail(user->truth, "%s: another value than was acknowledged", what);
      answer = CRASH_WRONG;
    }
  }
  return answer;
}
