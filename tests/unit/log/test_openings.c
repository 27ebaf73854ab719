/* SPDX-License-Identifier: Apache-2.0 */
/* Commitment: "opening" is "random": each is drawn for one version and used for no other. A reader draws many at once,
 * so here the source numbers what it gives, and the openings are read back from the store. */
#include "log_test.h"

#include "log/engine.h"

#define BLOCK_MARK "openings"
#define N_LABELS (2 * KT_LOG_OPENINGS_AHEAD + 6)

/* Blocks as long as an opening: the mark, then the block's number. */
static enum kt_err numbered_random(void *ctx, uint8_t *ret_bytes, size_t len)
{
  struct world *world = ctx;
  for (size_t at = 0; at < len; at += KT_OPENING_LEN) {
    uint8_t block[KT_OPENING_LEN] = BLOCK_MARK;
    uint64_t number = world->n_random++;
    memcpy(block + sizeof BLOCK_MARK - 1, &number, sizeof number);
    memcpy(ret_bytes + at, block, len - at < sizeof block ? len - at : sizeof block);
  }
  return KT_OK;
}

/* Fails when some of it is written. */
static enum kt_err broken_random(void *ctx, uint8_t *ret_bytes, size_t len)
{
  (void)ctx;
  memset(ret_bytes, 0x55, len / 2);
  return KT_ERR_CRYPTO;
}

static struct world *world_with_numbers(void)
{
  struct world *world = world_new();
  world->options.random = numbered_random;
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  return world;
}

static enum kt_err add_label(struct world *world, size_t i)
{
  char *name = kt_arena_alloc(&world->arena, 1, 16);
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome = { .err = KT_OK };
  (void)snprintf(name, 16, "label-%zu", i);
  struct person *person = person_new(world, name, 1);
  auditor_keep_up(world);
  enum kt_err err = kt_log_operator_prepare(world->reader, person->label, NULL, person_set(world, person, 1, false),
                                            &pending, &world->problem);
  if (err == KT_OK) {
    kt_log_insert(world->log, &pending, 1, &outcome);
    assert_int_equal(outcome.err, KT_OK);
    assert_true(outcome.inserted);
  }
  return err;
}

/* Every label has one version. Each of their openings is the source's, and no other has it; the count. */
static size_t check_openings(struct world *world)
{
  struct kt_arena arena;
  struct kt_store_label label = { .label_id = 0 };
  struct kt_store_payload payload;
  bool *is_seen = calloc(world->n_random, sizeof *is_seen);
  size_t n = 0;
  assert_non_null(is_seen);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  while (kt_store_next_label(world->reader->conn, label.label_id, &arena, &label) == KT_OK) {
    uint64_t number;
    assert_int_equal(label.n_versions, 1);
    assert_int_equal(kt_store_get_payload(world->reader->conn, label.label_id, 0, &arena, &payload), KT_OK);
    assert_memory_equal(payload.opening, BLOCK_MARK, sizeof BLOCK_MARK - 1);
    memcpy(&number, payload.opening + sizeof BLOCK_MARK - 1, sizeof number);
    assert_true(number < world->n_random);
    assert_false(is_seen[number]);
    is_seen[number] = true;
    n++;
  }
  kt_arena_release(&arena);
  free(is_seen);
  return n;
}

static void no_opening_is_used_twice(void **state)
{
  struct world *world = world_with_numbers();
  (void)state;
  for (size_t i = 0; i < N_LABELS; i++) {
    assert_int_equal(add_label(world, i), KT_OK);
  }
  assert_int_equal(check_openings(world), N_LABELS);
  world_end(world);
}

static void a_source_that_fails_gives_no_opening(void **state)
{
  struct world *world = world_with_numbers();
  const uint64_t size = world_size(world);
  (void)state;
  for (size_t i = 0; i < KT_LOG_OPENINGS_AHEAD; i++) {
    assert_int_equal(add_label(world, i), KT_OK);
  }
  world->log->options.random = broken_random;
  for (size_t i = 0; i < 2; i++) { /* the second finds nothing left behind by the first */
    assert_int_equal(add_label(world, KT_LOG_OPENINGS_AHEAD), KT_ERR_CRYPTO);
    assert_string_equal(world->problem.code, "commitment");
  }
  assert_int_equal(world_size(world), size + KT_LOG_OPENINGS_AHEAD);
  world->log->options.random = numbered_random;
  assert_int_equal(add_label(world, KT_LOG_OPENINGS_AHEAD), KT_OK);
  assert_int_equal(check_openings(world), KT_LOG_OPENINGS_AHEAD + 1);
  world_end(world);
}

/* What proves a value that is erased later is not to be found in the process. */
static void a_used_opening_is_wiped(void **state)
{
  static const uint8_t nothing[KT_OPENING_LEN];
  struct world *world = world_with_numbers();
  const struct kt_log_reader *reader = world->reader;
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(add_label(world, i), KT_OK);
  }
  assert_int_equal(reader->n_openings, KT_LOG_OPENINGS_AHEAD - 3);
  for (size_t i = 0; i < KT_LOG_OPENINGS_AHEAD; i++) {
    bool is_wiped = memcmp(reader->openings + i * KT_OPENING_LEN, nothing, sizeof nothing) == 0;
    assert_int_equal(is_wiped, i >= reader->n_openings);
  }
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_opening_is_used_twice),
    cmocka_unit_test(a_source_that_fails_gives_no_opening),
    cmocka_unit_test(a_used_opening_is_wiped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
