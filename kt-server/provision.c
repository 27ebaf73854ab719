/* SPDX-License-Identifier: Apache-2.0 */
#include "provision.h"

#include <stdio.h>

#include "operate.h"
#include "provision_value.h"

enum kt_err kt_provisioner_open(struct kt_provisioner *provisioner, const struct kt_instance *instance,
                                struct kt_log_problem *ret_problem)
{
  *provisioner = (struct kt_provisioner){ .log = instance->log };
  kt_config_log_id(&instance->config, &provisioner->log_id);
  return kt_log_reader_new(instance->log, &provisioner->reader, ret_problem);
}

void kt_provisioner_close(struct kt_provisioner *provisioner)
{
  kt_log_reader_free(provisioner->reader);
  provisioner->reader = NULL;
}

enum kt_err kt_provision_look(const struct kt_provisioner *provisioner, struct kt_arena *arena,
                              struct kt_provision *provision, struct kt_log_problem *ret_problem)
{
  enum kt_err err =
      kt_log_account_get(provisioner->reader, provision->set.label, arena, &provision->account, ret_problem);
  if (err == KT_OK) {
    err = kt_log_account_value(provisioner->reader, &provision->account, arena, &provision->latest_value, ret_problem);
  }
  return err;
}

enum kt_err kt_provision_prepare(const struct kt_provisioner *provisioner, const struct kt_provision *provision,
                                 bool skip_unchanged, struct kt_arena *arena, struct kt_log_pending **ret_pending,
                                 struct kt_log_problem *ret_problem)
{
  const struct kt_provision_place place = { .log_id = provisioner->log_id,
                                            .state = &provision->account.state,
                                            .latest_value = provision->latest_value };
  struct kt_bytes value = { 0 };
  enum kt_err err = kt_provision_value(&provision->set, &place, skip_unchanged, arena, &value);
  if (err != KT_OK) {
    *ret_problem = (struct kt_log_problem){ .code = "value" };
    (void)snprintf(ret_problem->text, sizeof ret_problem->text, "%s", kt_err_text(err));
    return err;
  }
  if (value.len == 0) {
    *ret_pending = NULL;
    return KT_OK;
  }
  return kt_log_operator_prepare(provisioner->reader, provision->set.label, &provision->account, value, ret_pending,
                                 ret_problem);
}

/* --- update-label ------------------------------------------------------------------------------------------------- */

/* NULL: somebody else changed the label meanwhile. */
static json_t *try_insert(const struct kt_provisioner *provisioner, struct kt_provision *provision,
                          struct kt_arena *arena)
{
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome;
  struct kt_log_problem problem;
  enum kt_err err = kt_provision_look(provisioner, arena, provision, &problem);
  if (err == KT_OK) {
    err = kt_provision_prepare(provisioner, provision, false, arena, &pending, &problem);
  }
  if (err != KT_OK) {
    return kt_provision_failure("refused", problem.text);
  }
  kt_log_insert(provisioner->log, &pending, 1, &outcome);
  if (outcome.err != KT_OK) {
    return kt_provision_failure("failed", outcome.problem.text);
  }
  return outcome.inserted ? kt_provision_inserted(outcome.first_version, outcome.position) : NULL;
}

static json_t *insert(const struct kt_provisioner *provisioner, struct kt_provision *provision, struct kt_arena *arena)
{
  for (size_t i = 0; i < KT_PROVISION_ATTEMPTS_MAX; i++) {
    json_t *result = try_insert(provisioner, provision, arena);
    if (result != NULL) {
      return result;
    }
  }
  return kt_provision_failure("failed", KT_PROVISION_CROWDED);
}

json_t *kt_operate_insert(struct kt_instance *instance, const json_t *item)
{
  struct kt_provisioner provisioner;
  struct kt_provision provision = { .latest_value = { NULL, 0 } };
  struct kt_log_problem problem;
  struct kt_arena arena;
  char why[KT_JSON_TEXT_SIZE];
  json_t *result;
  enum kt_err err = kt_provisioner_open(&provisioner, instance, &problem);
  if (err != KT_OK) {
    return kt_operate_failure(err, problem.text);
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  if (kt_json_provision_read(item, (struct kt_bytes){ 0 }, &arena, &provision.set, why) != KT_OK) {
    result = kt_provision_failure("refused", why);
  } else {
    result = insert(&provisioner, &provision, &arena);
  }
  kt_arena_release(&arena);
  kt_provisioner_close(&provisioner);
  return json_pack("{s:b, s:o}", "ok", 1, "result", result);
}
