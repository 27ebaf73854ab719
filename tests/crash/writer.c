/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kt/device_set.h>

#define BUSY_PAUSE_MS 5

void crash_writer_init(struct crash_writer *writer, unsigned number, uint64_t seed, const struct kt_config *config,
                       struct crash_truth *truth)
{
  char name[24];
  (void)snprintf(name, sizeof name, "writer%u", number);
  *writer = (struct crash_writer){ .number = number, .random = { seed } };
  crash_user_init(&writer->user, name, config, truth);
}

static void account_release(struct crash_account *account)
{
  free(account->owner);
  free(account->pending);
}

void crash_writer_release(struct crash_writer *writer)
{
  for (size_t i = 0; i < CRASH_ACCOUNTS; i++) {
    account_release(&writer->accounts[i]);
  }
  crash_user_release(&writer->user);
}

static struct kt_bytes label_of(const struct crash_account *account)
{
  return (struct kt_bytes){ (const uint8_t *)account->label, strlen(account->label) };
}

/* The account keeps a copy of the state, which borrows from the arena. */
static bool keep_owner(struct crash_account *account, const struct kt_owner_state *owner)
{
  struct kt_writer w;
  kt_writer_init(&w, SIZE_MAX);
  kt_owner_state_write(&w, owner);
  free(account->owner);
  account->owner = NULL;
  return kt_writer_take(&w, &account->owner, &account->owner_len) == KT_OK;
}

/* Entry 0 is always distinguished, so that every account can start there. */
static enum crash_answer initialize(struct crash_writer *writer, struct crash_account *account)
{
  struct crash_user *user = &writer->user;
  struct kt_reason reason = { .code = NULL };
  struct kt_owner_result result;
  struct kt_bytes response = { .len = 0 };
  struct kt_writer request;
  kt_writer_init(&request, SIZE_MAX);
  kt_request_owner_init(&request, &user->log, label_of(account), 0);
  enum crash_answer answer = crash_user_ask(user, "/v1/owner/init", &request, "owner initialization", &response);
  if (answer != CRASH_OK) {
    return answer;
  }
  const struct kt_client client = crash_user_client(user, &reason);
  enum kt_err err = kt_verify_owner_init(&client, label_of(account), 0, response, &result);
  answer = crash_user_accept(user, err, &result.log, "owner initialization", &reason);
  if (answer == CRASH_OK && !keep_owner(account, &result.owner)) {
    answer = CRASH_WRONG;
  }
  return answer;
}

/* The account's next set: one device with a new key. */
static enum kt_err make_set(struct crash_writer *writer, struct crash_account *account, struct kt_arena *arena)
{
  uint8_t raw[32];
  crash_random_bytes(&writer->random, raw, sizeof raw);
  const struct kt_device_key key = { KT_KEY_X25519, { raw, sizeof raw } };
  struct kt_device device = { .name = { (const uint8_t *)"phone", 5 }, .added_ms = 1, .keys = &key, .n_keys = 1 };
  crash_random_bytes(&writer->random, device.id.b, sizeof device.id.b);
  struct kt_device_set set = {
    .log_id = writer->user.log_id,
    .label = label_of(account),
    .seq = account->n_versions,
    .previous = account->latest,
    .devices = &device,
    .n_devices = 1,
  };
  struct kt_bytes value;
  enum kt_err err = kt_device_set_sign(&set, account->seed);
  if (err == KT_OK) {
    err = kt_device_set_encode(&set, arena, &value);
  }
  if (err == KT_OK) {
    account->pending = malloc(value.len);
    err = account->pending != NULL ? KT_OK : KT_ERR_MEMORY;
  }
  if (err == KT_OK) {
    memcpy(account->pending, value.data, value.len);
    account->pending_len = value.len;
  }
  return err;
}

static void create_account(struct crash_writer *writer, struct crash_account *account)
{
  account_release(account);
  *account = (struct crash_account){ .n_versions = 0 };
  (void)snprintf(account->label, sizeof account->label, "writer%u-account%u", writer->number, writer->n_created++);
  crash_random_bytes(&writer->random, account->seed, sizeof account->seed);
}

/* Any account, with a set to publish; NULL when memory is short. */
static struct crash_account *choose_account(struct crash_writer *writer)
{
  struct crash_account *account = &writer->accounts[crash_random_below(&writer->random, CRASH_ACCOUNTS)];
  if (account->label[0] == '\0' || account->n_versions == CRASH_VERSIONS) {
    create_account(writer, account);
  }
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = make_set(writer, account, &arena);
  kt_arena_release(&arena);
  if (err != KT_OK) {
    crash_truth_fail(writer->user.truth, "%s: making a device set: %s", writer->user.name, kt_err_text(err));
    return NULL;
  }
  return account;
}

/* The log proved that the pending set is the account's next version. */
static enum crash_answer acknowledge(struct crash_writer *writer, struct crash_account *account,
                                     const struct kt_update_result *result)
{
  struct crash_ack ack = { .version = result->first_version };
  if (result->disregarded || result->first_version != account->n_versions || result->n_values != 1) {
    crash_truth_fail(writer->user.truth, "%s: version %u was expected, the log has %zu from %u on, %s", account->label,
                     (unsigned)account->n_versions, result->n_values, (unsigned)result->first_version,
                     result->disregarded ? "not ours" : "ours");
    return CRASH_WRONG;
  }
  writer->n_found += result->position < writer->start_size ? 1 : 0;
  memcpy(ack.label, account->label, sizeof ack.label);
  kt_device_set_value_hash((struct kt_bytes){ account->pending, account->pending_len }, &ack.value);
  crash_truth_add_ack(writer->user.truth, &ack);
  account->latest = ack.value;
  account->n_versions++;
  free(account->pending);
  account->pending = NULL;
  return keep_owner(account, &result->owner) ? CRASH_OK : CRASH_WRONG;
}

static enum crash_answer publish(struct crash_writer *writer, struct crash_account *account)
{
  struct crash_user *user = &writer->user;
  const struct kt_bytes value = { account->pending, account->pending_len };
  struct kt_reason reason = { .code = NULL };
  struct kt_update_result result;
  struct kt_owner_state owner;
  struct kt_bytes response = { .len = 0 };
  struct kt_writer request;
  struct kt_arena arena;
  enum crash_answer answer = CRASH_WRONG;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  if (kt_owner_state_decode((struct kt_bytes){ account->owner, account->owner_len }, &arena, &owner) == KT_OK) {
    kt_writer_init(&request, SIZE_MAX);
    kt_request_update(&request, &user->log, label_of(account), &owner, &value, 1);
    answer = crash_user_ask(user, "/v1/update", &request, account->label, &response);
  }
  if (answer == CRASH_OK) {
    const struct kt_client client = crash_user_client(user, &reason);
    enum kt_err err = kt_verify_update(&client, label_of(account), &owner, &value, 1, response, &result);
    answer = crash_user_accept(user, err, &result.log, account->label, &reason);
  }
  if (answer == CRASH_OK) {
    answer = acknowledge(writer, account, &result);
  }
  kt_arena_release(&arena);
  return answer;
}

static enum crash_answer step(struct crash_writer *writer)
{
  if (writer->busy == NULL) {
    writer->busy = choose_account(writer);
    if (writer->busy == NULL) {
      return CRASH_WRONG;
    }
  }
  enum crash_answer answer = CRASH_OK;
  if (writer->busy->owner == NULL) {
    answer = initialize(writer, writer->busy);
  }
  if (answer == CRASH_OK) {
    answer = publish(writer, writer->busy);
  }
  if (answer == CRASH_OK) {
    writer->busy = NULL;
  }
  return answer;
}

void *crash_writer_run(void *argument)
{
  struct crash_writer *writer = argument;
  const struct timespec pause = { .tv_nsec = BUSY_PAUSE_MS * 1000000 };
  if (writer->busy != NULL) {
    writer->n_resent++;
  }
  for (;;) {
    enum crash_answer answer = step(writer);
    if (answer == CRASH_GONE || answer == CRASH_WRONG) {
      return NULL;
    }
    if (answer == CRASH_BUSY) {
      (void)nanosleep(&pause, NULL);
    }
  }
}
