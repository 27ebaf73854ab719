/* SPDX-License-Identifier: Apache-2.0 */
/* Crash images: a log takes updates while everything that changes its database, write-ahead log and head guard is recorded;
 * then the files are made as a disk may hold them after a crash at any of these moments, and the log is opened over them.
 *   kt-crash-images N SEED COUNTERS FOLDER [UPDATES]
 * Goes on in COUNTERS until N images are done: moments with all that was written, with what was flushed, and, by chance, with
 * any sector of the rest there or not; and moments with all that was written where the power goes as soon as the log is open
 * again. What was not flushed before and was not written again is gone then: after a flush that failed, a later one does not
 * write it.
 *
 * The oracle is what the run said to the world: every head it signed, every update it acknowledged. An image has to open; it
 * has each update that was acknowledged before, the root of each head that was signed before, and what it signs next
 * contradicts none of them and is not earlier. Where the process died and the power did not, what was not flushed has to be
 * before anything is signed. Exit 1 otherwise; images that were refused are counted by the reason. */
#include "unit/log/world_test.h"

#include <inttypes.h>
#include <unistd.h>

#include "crash/random.h"
#include "crypto/hash.h"
#include "kt-server/guard_file.h"
#include "record.h"
#include "support/tally.h"

#define LABELS 5
#define FSCK_EVERY 100
#define SAVE_EVERY 200
#define VALUE_MAX_LEN ((size_t)40 << 10)
#define OPENED "opened"
#define LOST "ACKNOWLEDGED-UPDATE-LOST"
#define FORK "TWO-ROOTS"
#define EARLIER "EARLIER-TIMESTAMP"
#define DAMAGED "FSCK-FINDS-DAMAGE"
#define STUCK "OPENED-BUT-DOES-NOT-GO-ON"
#define HASTY "SIGNED-BEFORE-IT-WAS-DURABLE"

enum kind { ALL, DURABLE, TWICE, TORN };

#define KINDS_IN_TURN 5

static const char *const labels[LABELS] = { "alice", "bob", "carol", "dave", "eve" };

struct run {
  struct world *world;
  struct record record;
  struct record again; /* of an image being opened that the power will be taken from */
  struct crash_random random;
  char guard_path[4096];
  char db_path[4096];
  /* While an image is looked at. */
  size_t n_ops;
  bool is_durable;          /* what the process that died had written to the database */
  struct kt_log_guard said; /* the head that was signed last since; size 0: none */
  const char *verdict;
};

static struct run run;

/* Settling writes the whole write-ahead log anew before it flushes that; a checkpoint, which ends with a flush of the database,
 * does for what a log said that is gone. */
static void take_event(const struct shim_event *event)
{
  record_put(&run.record, event);
  record_put(&run.again, event);
  if (event->call == SHIM_SYNC && strcmp(event->name, "head.guard") != 0) {
    run.is_durable = true;
  }
}

/* --- the guard, through the functions that write it ------------------------------------------------------------------------- */

/* The linker's --wrap gives the functions these names. */
// NOLINTBEGIN(bugprone-reserved-identifier)
bool __real_kt_file_write_at(int fd, const char *data, size_t len, off_t offset);
bool __wrap_kt_file_write_at(int fd, const char *data, size_t len, off_t offset);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
// NOLINTEND(bugprone-reserved-identifier)

bool __wrap_kt_file_write_at(int fd, const char *data, size_t len, off_t offset)
{
  const struct shim_event event = {
    .call = SHIM_WRITE, .name = "head.guard", .offset = (uint64_t)offset, .data = (const uint8_t *)data, .len = len
  };
  const bool ok = __real_kt_file_write_at(fd, data, len, offset);
  if (ok) {
    take_event(&event);
  }
  return ok;
}

int __wrap_fdatasync(int fd)
{
  const struct shim_event event = { .call = SHIM_SYNC, .name = "head.guard" };
  int rc = __real_fdatasync(fd);
  if (rc == 0) {
    take_event(&event);
  }
  return rc;
}

static void on_event(void *ctx, const struct shim_event *event)
{
  (void)ctx;
  take_event(event);
}

/* --- the signer --------------------------------------------------------------------------------------------------------- */

static void compare(uint64_t size, uint64_t timestamp_ms, const struct kt_hash *root, const struct kt_log_guard *head)
{
  if (size == head->size && !kt_hash_equal(root, &head->root)) {
    run.verdict = FORK;
  }
  if (size <= head->size && timestamp_ms > head->timestamp_ms) {
    run.verdict = EARLIER;
  }
}

/* The heads signed before the crash and since, and this one. */
static void compare_with_signed(const struct kt_log_guard *head)
{
  for (size_t i = 0; i < run.record.n_marks; i++) {
    const struct record_mark *mark = &run.record.marks[i];
    if (mark->size > 0 && mark->n_ops <= run.n_ops) {
      compare(mark->size, mark->timestamp_ms, &mark->root, head);
    }
  }
  if (run.said.size > 0) {
    compare(run.said.size, run.said.timestamp_ms, &run.said.root, head);
  }
}

static enum kt_err save_guard(const struct world *world, const struct kt_log_extension *extension,
                              const struct kt_log_guard *to)
{
  struct kt_error error = { 0 };
  const struct record_mark mark = { .size = to->size, .timestamp_ms = to->timestamp_ms, .root = to->root };
  enum kt_err err = kt_guard_save(run.guard_path, world->has_guard ? &world->guard : NULL, to, &error);
  (void)extension;
  if (err != KT_OK) {
    return err;
  }
  if (run.record.is_on) {
    record_mark(&run.record, &mark);
  } else {
    compare_with_signed(to);
    run.said = *to;
    run.verdict = to->size == world->guard.size || run.is_durable ? run.verdict : HASTY;
  }
  return KT_OK;
}

/* --- updates ------------------------------------------------------------------------------------------------------------ */

static struct kt_bytes make_set(struct world *world, struct kt_bytes label, const struct kt_account_state *state,
                                size_t len, struct kt_arena *arena)
{
  struct kt_hash log_id;
  struct kt_bytes value = { 0 };
  uint8_t *key_bytes = kt_arena_alloc(arena, len, 1);
  assert_non_null(key_bytes);
  crash_random_bytes(&run.random, key_bytes, len);
  kt_config_log_id(&world->config, &log_id);
  const struct kt_device_key key = { KT_KEY_RAW, { key_bytes, len } };
  const struct kt_device device = { .name = TEXT("device"), .keys = &key, .n_keys = 1 };
  struct kt_device_set set = { .log_id = log_id,
                               .label = label,
                               .seq = state->n_sets,
                               .previous = state->latest,
                               .devices = &device,
                               .n_devices = 1 };
  assert_int_equal(kt_device_set_encode(&set, arena, &value), KT_OK);
  return value;
}

/* The next set of the label; KT_OK: acknowledged. */
static enum kt_err update(struct world *world, size_t label, size_t len)
{
  struct kt_arena arena;
  struct kt_log_account account;
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome;
  const struct kt_bytes name = TEXT(labels[label]);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_log_account_get(world->reader, name, &arena, &account, &world->problem);
  if (err == KT_OK) {
    const struct kt_bytes value = make_set(world, name, &account.state, len, &arena);
    err = kt_log_operator_prepare(world->reader, name, &account, value, &pending, &world->problem);
  }
  if (err == KT_OK) {
    kt_log_insert(world->log, &pending, 1, &outcome);
    err = outcome.err;
  }
  if (err == KT_OK && run.record.is_on) {
    record_mark(&run.record, &(struct record_mark){ .label = label, .n_sets = account.state.n_sets + 1 });
  }
  kt_arena_release(&arena);
  return err;
}

/* --- the recorded run --------------------------------------------------------------------------------------------------- */

static enum kt_err use_database(struct world *world, bool create, struct kt_store_error *ret_error)
{
  const struct kt_store_options options = { .create = create, .node_len = KT_LOG_NODE_LEN, .cache_bytes = 1 << 20 };
  enum kt_err err = kt_store_open_sqlite(run.db_path, &options, &world->store, ret_error);
  world->options.store = world->store;
  return err;
}

static void set_folder(const char *folder)
{
  (void)snprintf(run.db_path, sizeof run.db_path, "%s/log.db", folder);
  (void)snprintf(run.guard_path, sizeof run.guard_path, "%s/head.guard", folder);
}

/* Small and large updates, heartbeats, checkpoints. The process then dies: nothing is closed before the recording ends. */
static void record_run(const char *folder, size_t n_updates)
{
  struct world *world = run.world;
  struct kt_store_error error;
  set_folder(folder);
  kt_store_close(world->store);
  assert_int_equal(use_database(world, true, &error), KT_OK);
  world_ok(world, kt_log_create(&world->options, &world->problem));
  kt_store_close(world->store);
  record_begin(&run.record, folder);
  assert_int_equal(use_database(world, false, &error), KT_OK);
  world_open(world);
  for (size_t i = 0; i < n_updates; i++) {
    world->now_ms += 1000;
    if (i % 16 == 15) {
      world->now_ms += world->config.max_behind;
      kt_log_step(world->log);
    }
    const size_t len = i % 2 == 0 ? VALUE_MAX_LEN : 100 + 10 * i;
    assert_int_equal(update(world, (size_t)crash_random_below(&run.random, LABELS), len), KT_OK);
  }
  run.record.is_on = false;
  world_close(world);
  kt_store_close(world->store);
  world->store = NULL;
}

/* --- images ------------------------------------------------------------------------------------------------------------- */

static uint64_t next_random(void *ctx)
{
  return crash_random_next(ctx);
}

static bool is_bad(const char *verdict)
{
  return strcmp(verdict, OPENED) != 0;
}

/* What was said before the crash is still so. */
static void check_promises(struct world *world)
{
  const uint64_t size = world_size(world);
  uint32_t n_sets[LABELS] = { 0 };
  const struct record_mark *last = NULL;
  for (size_t i = 0; i < run.record.n_marks && run.record.marks[i].n_ops <= run.n_ops; i++) {
    const struct record_mark *mark = &run.record.marks[i];
    last = mark->size > 0 ? mark : last;
    if (mark->size == 0) {
      n_sets[mark->label] = mark->n_sets;
    }
  }
  for (size_t i = 0; i < LABELS; i++) {
    struct kt_arena arena;
    struct kt_log_account account;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    world_ok(world, kt_log_account_get(world->reader, TEXT(labels[i]), &arena, &account, &world->problem));
    run.verdict = account.state.n_sets < n_sets[i] ? LOST : run.verdict;
    kt_arena_release(&arena);
  }
  if (size < run.said.size || (last != NULL && size < last->size)) {
    run.verdict = LOST;
  } else if (last != NULL) {
    struct kt_log_guard head = { .size = last->size };
    auditor_view(world, last->size, &head.root, &head.timestamp_ms);
    compare_with_signed(&head);
  }
}

static void count_finding(void *ctx, const char *where, const char *what)
{
  (void)ctx;
  (void)fprintf(stderr, "%s: %s\n", where, what);
  run.verdict = DAMAGED;
}

static const char *judge_opened(struct world *world, bool with_fsck)
{
  check_promises(world);
  world->now_ms += 1000;
  if (update(world, 0, 100) != KT_OK) {
    (void)fprintf(stderr, "%s: %s\n", world->problem.code, world->problem.text);
    run.verdict = STUCK;
  }
  if (with_fsck) {
    const struct kt_log_fsck fsck = { .vrf_every = 50, .report = count_finding };
    run.verdict = kt_log_fsck(world->reader, &fsck, &world->problem) == KT_OK ? run.verdict : DAMAGED;
  }
  return run.verdict;
}

static const char *open_image(uint64_t now_ms)
{
  struct world *world = run.world;
  struct kt_store_error store_error = { 0 };
  struct kt_error error = { 0 };
  world->now_ms = now_ms;
  world->problem = (struct kt_log_problem){ 0 };
  run.verdict = OPENED;
  world->has_guard = kt_guard_settle(run.guard_path, &world->guard, &error) == KT_OK;
  if (!world->has_guard) {
    return "refused: guard";
  }
  if (use_database(world, false, &store_error) != KT_OK) {
    return "refused: database";
  }
  if (kt_log_open(&world->options, &world->log, &world->problem) != KT_OK) {
    return world->problem.code != NULL ? world->problem.code : "refused: log";
  }
  world_ok(world, kt_log_reader_new(world->log, &world->reader, &world->problem));
  return OPENED;
}

static void close_image(struct world *world)
{
  if (world->log != NULL) {
    world_close(world);
  }
  kt_store_close(world->store);
  world->store = NULL;
}

static const char *judge_image(uint64_t now_ms, bool with_fsck)
{
  const char *verdict = open_image(now_ms);
  verdict = is_bad(verdict) ? verdict : judge_opened(run.world, with_fsck);
  close_image(run.world);
  return verdict;
}

/* Opened with all that was written, and then the power goes: beside what was flushed before there is what opening wrote and
 * flushed. */
static const char *open_for_a_while(uint64_t now_ms, const char *folder)
{
  record_image(&run.record, run.n_ops, IMAGE_DURABLE, next_random, &run.random, folder);
  record_begin(&run.again, folder);
  record_image(&run.record, run.n_ops, IMAGE_ALL, next_random, &run.random, folder);
  run.is_durable = record_is_flushed(&run.record, run.n_ops, RECORD_WAL);
  const char *verdict = open_image(now_ms);
  verdict = is_bad(verdict) ? verdict : run.verdict;
  run.again.is_on = false;
  close_image(run.world);
  record_image(&run.again, run.again.n_ops, IMAGE_DURABLE, next_random, &run.random, folder);
  record_release(&run.again);
  return verdict;
}

#define SPREAD UINT64_C(2654435761) /* a prime beyond any number of moments: goes through all of them */

/* In turn: every moment with what was written, with what was flushed, and twice, and two by chance. */
static enum kind choose(uint64_t index, size_t *ret_n_ops)
{
  static const enum kind in_turn[] = { ALL, DURABLE, TWICE, TORN, TORN };
  const uint64_t n = run.record.n_ops + 1;
  const enum kind kind = in_turn[index % KINDS_IN_TURN];
  *ret_n_ops = (size_t)(kind == TORN ? crash_random_below(&run.random, n) : index / KINDS_IN_TURN * SPREAD % n);
  return kind;
}

static const char *try_image(enum kind kind, uint64_t now_ms, bool with_fsck, const char *folder)
{
  run.said = (struct kt_log_guard){ 0 };
  static const enum image_kind kinds[] = { [ALL] = IMAGE_ALL, [DURABLE] = IMAGE_DURABLE, [TORN] = IMAGE_TORN };
  if (kind == TWICE) {
    const char *verdict = open_for_a_while(now_ms, folder);
    if (is_bad(verdict)) {
      return verdict;
    }
  } else {
    record_image(&run.record, run.n_ops, kinds[kind], next_random, &run.random, folder);
  }
  run.is_durable = kind != ALL || record_is_flushed(&run.record, run.n_ops, RECORD_WAL);
  return judge_image(now_ms, with_fsck);
}

int main(int argc, char **argv)
{
  static const char *const kinds[] = { "all written", "flushed only", "opened, then flushed only", "torn" };
  static struct tally tally;
  char image[4096];
  if (argc != 5 && argc != 6) {
    (void)fprintf(stderr, "usage: kt-crash-images N SEED COUNTERS FOLDER [UPDATES]\n");
    return 2;
  }
  const uint64_t total = strtoull(argv[1], NULL, 10);
  const uint64_t seed = strtoull(argv[2], NULL, 10);
  if (!shim_vfs_install(on_event, NULL) || snprintf(image, sizeof image, "%s", argv[4]) >= (int)sizeof image) {
    return 2;
  }
  run.world = world_new();
  run.world->save_guard = save_guard;
  run.random.state = seed;
  record_run(argv[4], argc == 6 ? (size_t)strtoull(argv[5], NULL, 10) : 150);
  const uint64_t now_ms = run.world->now_ms;
  (void)printf("recorded: %zu operations, %zu heads and acknowledgements\n", run.record.n_ops, run.record.n_marks);
  tally_open(&tally, argv[3]);
  bool bad = false;
  for (uint64_t i = tally_sum(&tally, "done"); i < total; i++) {
    run.random.state = seed ^ (i * UINT64_C(0x9e3779b97f4a7c15));
    const enum kind kind = choose(i, &run.n_ops);
    const char *verdict = try_image(kind, now_ms, i % FSCK_EVERY == 0, image);
    tally_add(&tally, kinds[kind], verdict, 1);
    tally_add(&tally, "all", "done", 1);
    if (is_bad(verdict)) {
      bad = true;
      (void)fprintf(stderr, "image %" PRIu64 " (%s, after %zu operations): %s: %s\n", i, kinds[kind], run.n_ops,
                    verdict, run.world->problem.text);
    }
    if (i % SAVE_EVERY == SAVE_EVERY - 1) {
      tally_save(&tally);
    }
  }
  tally_save(&tally);
  tally_print(&tally, "all", stdout);
  record_release(&run.record);
  kt_arena_release(&run.world->arena);
  free(run.world);
  return bad ? 1 : 0;
}
