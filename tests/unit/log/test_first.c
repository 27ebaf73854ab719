/* SPDX-License-Identifier: Apache-2.0 */
/* S8 for a label that is new: several claim it at once, and one is first. */
#include "log_test.h"

#include "crypto/hash.h"
#include "log/engine.h"

static struct kt_hash add_token(struct world *world, struct kt_bytes token)
{
  struct kt_hash hash;
  kt_sha256(token.data, token.len, &hash);
  world_ok(world, kt_log_add_token(world->log, &hash, &world->problem));
  return hash;
}

static struct kt_log_pending *claim(struct world *world, struct person *person, struct kt_bytes token)
{
  struct kt_log_pending *pending = NULL;
  struct kt_bytes value = person_set(world, person, 1, true);
  const struct kt_update_request request = { .label = person->label, .values = &value, .n_values = 1 };
  auditor_keep_up(world);
  world_ok(world, kt_log_update_prepare(world->reader, &request, token, &pending, &world->problem));
  return pending;
}

/* Both were prepared while there was no such label. Who comes too late has used nothing up. */
static void s8_second_claim_keeps_its_token(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *other = person_new(world, "alice", 11);
  struct kt_log_outcome outcomes[2];
  (void)state;
  world_close(world);
  world->options.registration = KT_REGISTRATION_TOKEN;
  world_open(world);
  const struct kt_hash first = add_token(world, TEXT("token-1"));
  const struct kt_hash second = add_token(world, TEXT("token-2"));
  struct kt_log_pending *claims[] = { claim(world, alice, TEXT("token-1")), claim(world, other, TEXT("token-2")) };
  kt_log_insert(world->log, claims, 2, outcomes);
  assert_int_equal(outcomes[0].err, KT_OK);
  assert_true(outcomes[0].inserted);
  assert_int_equal(outcomes[1].err, KT_OK);
  assert_false(outcomes[1].inserted); /* and the response shows what is there */
  assert_int_equal(world_size(world), 2);
  assert_int_equal(kt_store_check_token(world->reader->conn, &first), KT_ERR_CONFLICT);
  assert_int_equal(kt_store_check_token(world->reader->conn, &second), KT_OK);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test(s8_second_claim_keeps_its_token) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
