/* SPDX-License-Identifier: Apache-2.0 */
/* A log with a maximum lifetime: what it keeps is enough for whoever is on time, and does not grow with its age; whoever is
 * late is told so. */
#include "log_test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/engine.h"
#include "store/backend.h"
#include "tree/ibst.h"

#define STEP_MS (HOUR_MS / 12) /* a heartbeat */
#define RMW_MS HOUR_MS
#define LIFETIME_MS (5 * HOUR_MS)
#define WINDOW_ENTRIES ((LIFETIME_MS + RMW_MS) / STEP_MS)

/* --- which entries stay, against the draft's own needs --------------------------------------------------------------------- */

static void expect_kept(uint64_t pos, uint64_t boundary, uint64_t size)
{
  if (!kt_log_is_kept(pos, boundary)) {
    fail_msg("entry %llu is needed in a log of %llu pruned up to %llu", (unsigned long long)pos,
             (unsigned long long)size, (unsigned long long)boundary);
  }
}

/* Every node of a proof over these leaves must be found in the row of the last entry under it. */
static void expect_provable(uint64_t size, uint64_t retained, const uint64_t *leaves, size_t n, uint64_t boundary)
{
  struct kt_arena arena;
  struct kt_log_node *nodes;
  size_t n_nodes;
  const struct kt_log_request request = {
    .size = size, .leaves = leaves, .n_leaves = n, .retained_size = retained, .auditor_size = retained
  };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_log_copath(&request, &arena, &nodes, &n_nodes), KT_OK);
  for (size_t i = 0; i < n_nodes; i++) {
    expect_kept(nodes[i].start + ((uint64_t)1 << nodes[i].level) - 1, boundary, size);
  }
  kt_arena_release(&arena);
}

static int compare_positions(const void *a, const void *b)
{
  const uint64_t *x = a;
  const uint64_t *y = b;
  return *x < *y ? -1 : *x > *y;
}

/* The walks of an answer: down to an entry that is not expired, and from the first such one on to its left, along
 * expired entries only. Each walk alone and with every retained size; entries left of the boundary must all be kept. */
static void expect_walk(uint64_t size, uint64_t boundary, uint64_t to, bool is_first)
{
  uint64_t path[2 * KT_IBST_DEPTH_MAX];
  uint64_t child;
  size_t n = kt_ibst_path(to, size, path);
  path[n++] = to;
  if (is_first && kt_ibst_left(to, &child)) {
    do {
      path[n++] = child;
    } while (kt_ibst_right(child, size, &child) && child < to);
  }
  qsort(path, n, sizeof path[0], compare_positions);
  for (size_t i = 0; i < n; i++) {
    expect_kept(path[i], boundary, size);
  }
  for (uint64_t retained = boundary + 1; retained <= size; retained++) {
    expect_provable(size, retained, path, n, boundary);
    expect_provable(size, retained, path + n - 1, 1, boundary);
  }
  expect_provable(size, 0, path, n, boundary);
}

static void what_is_needed_is_kept(void **state)
{
  (void)state;
  for (uint64_t size = 1; size <= 40; size++) {
    for (uint64_t boundary = 0; boundary < size; boundary++) {
      for (uint64_t expired = boundary; expired < size; expired++) {
        expect_walk(size, boundary, expired, true);
        expect_walk(size, boundary, expired, false);
      }
    }
  }
}

/* Nothing that went is ever asked for again, and what stays is few: at most the square of the logarithm. */
static void little_is_kept(void **state)
{
  (void)state;
  for (uint64_t boundary = 1; boundary < 2000; boundary++) {
    uint64_t n = 0;
    for (uint64_t pos = 0; pos < boundary; pos++) {
      n += kt_log_is_kept(pos, boundary) ? 1 : 0;
      assert_true(kt_log_is_kept(pos, boundary) || !kt_log_is_kept(pos, boundary + 1));
    }
    unsigned bits = 64 - (unsigned)__builtin_clzll(boundary);
    assert_true(n <= (uint64_t)bits * (bits + 1) / 2);
  }
}

/* --- a long run ------------------------------------------------------------------------------------------------------------- */

struct files {
  char dir[64];
  char path[96];
};

static void files_init(struct files *files)
{
  const char *base = getenv("TMPDIR");
  (void)snprintf(files->dir, sizeof files->dir, "%s/kt-prune-XXXXXX",
                 base != NULL && strlen(base) < 40 ? base : "/tmp");
  assert_non_null(mkdtemp(files->dir));
  (void)snprintf(files->path, sizeof files->path, "%s/log.db", files->dir);
}

static void files_remove(const struct files *files)
{
  DIR *dir = opendir(files->dir);
  assert_non_null(dir);
  for (const struct dirent *item = readdir(dir); item != NULL; item = readdir(dir)) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", files->dir, item->d_name);
    (void)unlink(path);
  }
  (void)closedir(dir);
  assert_int_equal(rmdir(files->dir), 0);
}

/* Exchange the world's store for a file. */
static void use_file(struct world *world, const char *path, bool create)
{
  const struct kt_store_options options = { .create = create, .node_len = KT_LOG_NODE_LEN, .cache_bytes = 1 << 20 };
  struct kt_store_error error;
  kt_store_close(world->store);
  if (kt_store_open_sqlite(path, &options, &world->store, &error) != KT_OK) {
    fail_msg("%s", error.text);
  }
  world->options.store = world->store;
}

static struct world *short_lived_world(const struct files *files)
{
  struct world *world = world_new();
  world->config.reasonable_monitoring_window = RMW_MS;
  world->config.has_maximum_lifetime = true;
  world->config.maximum_lifetime = LIFETIME_MS;
  if (files != NULL) {
    use_file(world, files->path, true);
  }
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  return world;
}

static void count_finding(void *ctx, const char *where, const char *what)
{
  size_t *n = ctx;
  (*n)++;
  print_error("%s: %s\n", where, what);
}

static void expect_sound(struct world *world)
{
  size_t n = 0;
  const struct kt_log_fsck fsck = { .vrf_every = 0, .ctx = &n, .report = count_finding };
  world_ok(world, kt_log_fsck(world->reader, &fsck, &world->problem));
  assert_int_equal(n, 0);
}

/* What is stored, counted row by row. */
struct volume {
  uint64_t n_entries;
  uint64_t n_whole; /* entries that still have their leaf changes */
  uint64_t n_nodes;
  uint64_t n_values;
};

static void count_entries(struct kt_store_conn *conn, uint64_t size, struct volume *volume)
{
  for (uint64_t pos = 0; pos < size; pos++) {
    struct kt_arena arena;
    struct kt_store_entry entry;
    struct kt_bytes leaves;
    struct kt_store_nodes nodes;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    assert_int_equal(kt_store_get_nodes(conn, pos, &arena, &nodes), KT_OK);
    volume->n_nodes += nodes.n;
    if (kt_store_get_entry(conn, pos, &entry) == KT_OK) {
      assert_int_equal(kt_store_get_leaves(conn, pos, &arena, &leaves), KT_OK);
      volume->n_entries++;
      volume->n_whole += leaves.len > 0 ? 1 : 0;
    }
    kt_arena_release(&arena);
  }
}

static void count_values(struct kt_store_conn *conn, struct volume *volume)
{
  struct kt_arena arena;
  struct kt_store_label label = { 0 };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  while (kt_store_next_label(conn, label.label_id, &arena, &label) == KT_OK) {
    for (uint32_t version = 0; version < label.n_versions; version++) {
      struct kt_store_payload payload;
      enum kt_err err = kt_store_get_payload(conn, label.label_id, version, &arena, &payload);
      assert_true(err == KT_OK || err == KT_ERR_EXPIRED);
      volume->n_values += err == KT_OK ? 1 : 0;
    }
  }
  kt_arena_release(&arena);
}

static struct volume measure(struct world *world)
{
  struct volume volume = { 0 };
  struct kt_store_conn *conn;
  struct kt_store_error error;
  assert_int_equal(kt_store_open_reader(world->store, &conn, &error), KT_OK);
  count_entries(conn, world_size(world), &volume);
  count_values(conn, &volume);
  kt_store_close_conn(conn);
  return volume;
}

#define N_OWNERS 3
#define N_CONTACTS 2

/* Somebody who looks at the log before their last view of it has expired, and only just. */
struct visitor {
  struct person *person;
  uint64_t next_ms;
};

struct run {
  struct world *world;
  uint64_t seed;
  char names[N_OWNERS][8];
  uint32_t n_versions[N_OWNERS];
  struct visitor owners[N_OWNERS];
  struct visitor twin; /* another device of the first owner */
  struct visitor contacts[N_CONTACTS];
  struct kt_contact_state maps[N_CONTACTS][N_OWNERS];
  uint64_t n_expired; /* searches for versions that have expired */
  uint64_t n_found;   /* searches for old versions that were answered */
};

static uint64_t dice(struct run *run, uint64_t sides)
{
  run->seed ^= run->seed << 13;
  run->seed ^= run->seed >> 7;
  run->seed ^= run->seed << 17;
  return (run->seed >> 11) % sides;
}

/* On time: a step before what was seen last expires, or any time before. */
static void plan(struct run *run, struct visitor *visitor)
{
  uint64_t longest = LIFETIME_MS / STEP_MS - 2;
  uint64_t steps = dice(run, 2) == 0 ? longest : 1 + dice(run, longest);
  visitor->next_ms = run->world->now_ms + steps * STEP_MS;
}

static void fetch_news(struct run *run, struct person *owner, size_t label)
{
  uint32_t known;
  while (!kt_owner_greatest(&owner->owner, &known) || known + 1 < run->n_versions[label]) {
    world_ok(run->world,
             person_try_update(run->world, owner, NULL, 0, (struct kt_bytes){ 0 }, update_result_new(run->world)));
  }
}

static void visit_owner(struct run *run, struct visitor *visitor, size_t label)
{
  fetch_news(run, visitor->person, label);
  while (!person_monitor(run->world, visitor->person)) {
  }
  if (dice(run, 2) == 0) {
    (void)person_update(run->world, visitor->person, (uint8_t)dice(run, 4));
    run->n_versions[label]++;
  }
  plan(run, visitor);
}

/* An old version: found, or expired, which only versions that are not the newest can be. */
static void search_old(struct run *run, struct person *contact, struct kt_contact_state *map, size_t label,
                       struct kt_search_result *found)
{
  uint32_t version = (uint32_t)dice(run, run->n_versions[label]);
  enum kt_err err = person_search(run->world, contact, TEXT(run->names[label]), &version, map, found);
  if (err == KT_ERR_EXPIRED) {
    assert_string_equal(run->world->problem.code, "version-expired");
    assert_true(version + 1 < run->n_versions[label]);
    run->n_expired++;
  } else {
    assert_int_equal(err, KT_OK);
    run->n_found++;
  }
}

static void visit_contact(struct run *run, size_t i)
{
  struct person *contact = run->contacts[i].person;
  struct kt_search_result *found = search_result_new(run->world);
  (void)person_heads(run->world, contact);
  for (size_t label = 0; label < N_OWNERS; label++) {
    struct kt_contact_state *map = &run->maps[i][label];
    person_contact(run->world, contact, TEXT(run->names[label]), map);
    world_ok(run->world, person_search(run->world, contact, TEXT(run->names[label]), NULL, map, found));
    assert_int_equal(found->version, run->n_versions[label] - 1);
    search_old(run, contact, map, label, found);
  }
  plan(run, &run->contacts[i]);
}

static void run_begin(struct run *run, const struct files *files)
{
  *run = (struct run){ .world = short_lived_world(files), .seed = 20261121 };
  for (size_t i = 0; i < N_OWNERS; i++) {
    memcpy(run->names[i], "label-", 6);
    run->names[i][6] = (char)('a' + i);
    run->owners[i].person = person_new(run->world, run->names[i], (uint8_t)(20 + i));
    person_register(run->world, run->owners[i].person);
    run->n_versions[i] = 1;
    plan(run, &run->owners[i]);
  }
  run->twin.person = person_copy(run->world, run->owners[0].person);
  plan(run, &run->twin);
  for (size_t i = 0; i < N_CONTACTS; i++) {
    run->contacts[i].person = person_new(run->world, "", 1);
    visit_contact(run, i);
  }
}

static void run_step(struct run *run)
{
  world_pass(run->world, STEP_MS);
  for (size_t i = 0; i < N_OWNERS; i++) {
    if (run->owners[i].next_ms <= run->world->now_ms) {
      visit_owner(run, &run->owners[i], i);
    }
  }
  if (run->twin.next_ms <= run->world->now_ms) {
    visit_owner(run, &run->twin, 0);
  }
  for (size_t i = 0; i < N_CONTACTS; i++) {
    if (run->contacts[i].next_ms <= run->world->now_ms) {
      visit_contact(run, i);
    }
  }
}

static uint64_t all_versions(const struct run *run)
{
  uint64_t n = 0;
  for (size_t i = 0; i < N_OWNERS; i++) {
    n += run->n_versions[i];
  }
  return n;
}

/* Bounded by the lifetime: entries, their changes and old values. By the newest prefix tree, which never loses a leaf: the
 * nodes, of which a tree of n leaves has 2n - 1. */
static void expect_bounded(struct run *run)
{
  const struct volume volume = measure(run->world);
  struct kt_log_status status;
  uint64_t size = world_size(run->world);
  uint64_t window = 2 * WINDOW_ENTRIES + 8; /* heartbeats, and as many updates at most */
  kt_log_status(run->world->log, &status);
  assert_true(volume.n_entries <= window + 100);
  assert_true(volume.n_whole <= window);
  assert_int_equal(size - status.pruned.n_entries, volume.n_entries);
  assert_int_equal(all_versions(run) - status.pruned.n_values, volume.n_values);
  assert_true(volume.n_values <= window);
  assert_true(volume.n_nodes >= 2 * size - 1); /* each entry of this run has a leaf, some more */
  assert_true(volume.n_nodes <= 5 * size + window * 16);
  assert_false(status.is_pruning_stopped);
  assert_true(status.pruned.boundary + window >= size);
}

static void long_run(const struct files *files, size_t steps)
{
  struct run *run = calloc(1, sizeof *run);
  run_begin(run, files);
  for (size_t i = 1; i <= steps; i++) {
    run_step(run);
    if (i % (steps / 4) == 0 && i >= 2 * WINDOW_ENTRIES) {
      expect_bounded(run);
      expect_sound(run->world);
    }
  }
  assert_true(run->n_expired > 0);
  assert_true(run->n_found > 0);
  if (files != NULL) {
    world_close(run->world);
    use_file(run->world, files->path, false);
    world_open(run->world);
    expect_sound(run->world);
    run_step(run);
  }
  world_end(run->world);
  free(run);
}

static void a_long_run_stays_bounded_in_memory(void **state)
{
  (void)state;
  long_run(NULL, 2000);
}

static void a_long_run_stays_bounded_in_a_file(void **state)
{
  struct files files;
  (void)state;
  files_init(&files);
  long_run(&files, 800);
  files_remove(&files);
}

/* --- late people ---------------------------------------------------------------------------------------------------------------- */

static void pass_hours(struct world *world, unsigned hours)
{
  for (unsigned i = 0; i < 12 * hours; i++) {
    world_pass(world, STEP_MS);
  }
}

#define EXPECT(world, call, code_)                       \
  do {                                                   \
    assert_int_equal(call, KT_ERR_EXPIRED);              \
    assert_string_equal((world)->problem.code, (code_)); \
  } while (0)

static enum kt_err try_monitor(struct world *world, struct person *person)
{
  struct kt_writer w;
  struct kt_bytes response;
  kt_writer_init(&w, 10000);
  kt_request_owner_monitor(&w, &person->log, person->label, &person->owner);
  return post_owner_monitor(world, world_take(world, &w), &response);
}

static enum kt_err try_contact(struct world *world, struct person *person, struct kt_bytes label,
                               const struct kt_contact_state *contact)
{
  struct kt_writer w;
  struct kt_bytes response;
  kt_writer_init(&w, 10000);
  kt_request_contact(&w, &person->log, label, contact);
  return post_contact(world, world_take(world, &w), &response);
}

/* A view that has expired is not gone on from; what one followed then is gone too, also for a new view; one's own label
 * can be initialized anew, and the label be looked up. */
static void late_people_are_told(void **state)
{
  struct world *world = short_lived_world(NULL);
  struct person *ann = person_new(world, "ann", 20);
  struct person *twin;
  struct person *bob = person_new(world, "", 1);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(world);
  const uint32_t first = 0;
  const uint64_t start = 0;
  (void)state;
  person_register(world, ann);
  twin = person_copy(world, ann);
  pass_hours(world, 1);
  (void)person_update(world, ann, 2);
  world_ok(world, person_search(world, bob, TEXT("ann"), NULL, &contact, found));
  assert_true(contact.n_map > 0);
  pass_hours(world, 3);
  (void)person_update(world, ann, 3);
  pass_hours(world, 9);
  EXPECT(world, try_monitor(world, ann), "last-pruned");
  EXPECT(world, try_contact(world, bob, TEXT("ann"), &contact), "last-pruned");
  EXPECT(world, person_search(world, bob, TEXT("ann"), NULL, &contact, found), "last-pruned");
  ann->log = twin->log = bob->log = (struct kt_log_state){ 0 };
  EXPECT(world, try_monitor(world, ann), "pruned");
  EXPECT(world, try_contact(world, bob, TEXT("ann"), &contact), "pruned");
  struct kt_contact_state again = { 0 };
  EXPECT(world, person_search(world, bob, TEXT("ann"), &first, &again, found), "version-expired");
  EXPECT(world, person_try_update(world, twin, NULL, 0, (struct kt_bytes){ 0 }, update_result_new(world)),
         "version-expired");
  world_ok(world, person_search(world, bob, TEXT("ann"), NULL, &again, found));
  assert_int_equal(found->version, 2);
  struct kt_writer w;
  struct kt_bytes response;
  kt_writer_init(&w, 1000);
  kt_request_owner_init(&w, &ann->log, ann->label, start);
  assert_int_equal(post_owner_init(world, world_take(world, &w), &response), KT_ERR_EXPIRED);
  const struct kt_distinguished_result *heads = person_heads(world, ann);
  person_own(world, ann, heads->heads[0].size - 1);
  while (!person_monitor(world, ann)) {
  }
  (void)person_update(world, ann, 1);
  world_end(world);
}

/* --- faults ------------------------------------------------------------------------------------------------------------------- */

/* A server that was off for long finds everything old at its first entry: one step after the other removes it. */
static void a_long_pause_is_caught_up_with(void **state)
{
  struct world *world = short_lived_world(NULL);
  struct kt_log_status status;
  (void)state;
  person_register(world, person_new(world, "ann", 20));
  for (size_t i = 0; i < 40; i++) {
    pass_hours(world, 1);
  }
  world->now_ms += 100 * HOUR_MS;
  size_t steps = 0;
  do {
    kt_log_step(world->log);
    kt_log_status(world->log, &status);
  } while (status.pruned.boundary + 1 < status.head.size && ++steps < 20);
  assert_int_equal(status.pruned.boundary + 1, status.head.size);
  assert_true(steps > 0);
  expect_sound(world);
  world_end(world);
}

/* Without a lifetime nothing goes, however old. */
static void no_lifetime_keeps_everything(void **state)
{
  struct world *world = world_start();
  struct kt_log_status status;
  (void)state;
  pass_hours(world, 100);
  kt_log_status(world->log, &status);
  assert_false(status.has_lifetime);
  assert_int_equal(status.pruned.boundary, 0);
  assert_int_equal(measure(world).n_whole, status.head.size);
  world_end(world);
}

static const struct kt_store_ops *real_ops;
static struct kt_store_ops failing_ops;

static enum kt_err fail_to_drop(struct kt_store_conn *conn, uint64_t pos)
{
  (void)pos;
  return kt_store_fail(&conn->error, KT_ERR_STORE, "a test's failure");
}

/* A step that fails is undone, and the log goes on. */
static void a_failed_step_changes_nothing(void **state)
{
  struct world *world = short_lived_world(NULL);
  struct kt_log_status status;
  (void)state;
  pass_hours(world, 5);
  real_ops = world->store->ops;
  failing_ops = *real_ops;
  failing_ops.strip_entry = fail_to_drop;
  world->store->ops = &failing_ops;
  pass_hours(world, 3);
  kt_log_status(world->log, &status);
  assert_false(status.is_fatal);
  assert_true(status.is_pruning_stopped);
  world->store->ops = real_ops;
  pass_hours(world, 1);
  assert_int_equal(measure(world).n_whole, world_size(world));
  world_close(world);
  world_open(world); /* a restart tries again */
  pass_hours(world, 1);
  kt_log_status(world->log, &status);
  assert_false(status.is_pruning_stopped);
  assert_true(status.pruned.boundary > 0);
  expect_sound(world);
  world_end(world);
}

static void lose_kept_entry(struct kt_store_conn *writer, uint64_t boundary)
{
  assert_int_equal(kt_store_drop_entry(writer, boundary - 1), KT_OK);
}

static void lose_sibling(struct kt_store_conn *writer, uint64_t boundary)
{
  uint64_t root = ((uint64_t)1 << (63 - __builtin_clzll(boundary))) - 1;
  assert_int_equal(kt_store_drop_entry(writer, root - 4), KT_OK);
}

static void lose_live_node(struct kt_store_conn *writer, uint64_t boundary)
{
  uint64_t n;
  assert_int_equal(kt_store_keep_nodes(writer, boundary / 2, NULL, 0, &n), KT_OK);
  assert_true(n > 0);
}

static void lose_entry(struct kt_store_conn *writer, uint64_t boundary)
{
  assert_int_equal(kt_store_strip_entry(writer, boundary + 3), KT_OK);
}

static void count_quietly(void *ctx, const char *where, const char *what)
{
  size_t *n = ctx;
  (void)where;
  (void)what;
  (*n)++;
}

/* What is lost beyond what pruning removes is found. */
static void fsck_finds_what_pruning_must_not_remove(void **state)
{
  static void (*const damages[])(struct kt_store_conn * writer, uint64_t boundary) = { lose_kept_entry, lose_sibling,
                                                                                       lose_live_node, lose_entry };
  (void)state;
  for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
    struct world *world = short_lived_world(NULL);
    struct kt_log_status status;
    size_t n = 0;
    const struct kt_log_fsck fsck = { .ctx = &n, .report = count_quietly };
    pass_hours(world, 10);
    expect_sound(world);
    kt_log_status(world->log, &status);
    assert_true(status.pruned.boundary > 33);
    assert_int_equal(kt_store_begin(world->log->writer), KT_OK);
    damages[i](world->log->writer, status.pruned.boundary);
    assert_int_equal(kt_store_commit(world->log->writer), KT_OK);
    assert_int_equal(kt_log_fsck(world->reader, &fsck, &world->problem), KT_ERR_PROOF);
    assert_true(n > 0);
    world_end(world);
  }
}

/* --- kill ------------------------------------------------------------------------------------------------------------------------ */

/* Adds entries and prunes without end, over a file that exists. */
static void prune_for_ever(struct world *world, const struct files *files, int fd)
{
  use_file(world, files->path, false);
  world_open(world);
  for (;;) {
    world_pass(world, STEP_MS);
    if (write(fd, &world->now_ms, sizeof world->now_ms) != (ssize_t)sizeof world->now_ms) {
      _exit(1);
    }
  }
}

static void run_and_kill(struct world *world, const struct files *files, unsigned after_us)
{
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    (void)close(fds[0]);
    prune_for_ever(world, files, fds[1]);
  }
  (void)close(fds[1]);
  uint64_t now_ms = 0;
  assert_int_equal(read(fds[0], &now_ms, sizeof now_ms), sizeof now_ms); /* it runs */
  const struct timespec wait = { .tv_nsec = (long)after_us * 1000 };
  (void)nanosleep(&wait, NULL);
  assert_int_equal(kill(child, SIGKILL), 0);
  do {
    world->now_ms = now_ms;
  } while (read(fds[0], &now_ms, sizeof now_ms) == (ssize_t)sizeof now_ms);
  (void)close(fds[0]);
  assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_kill_while_pruning_loses_nothing(void **state)
{
  struct files files;
  struct kt_log_status status;
  (void)state;
  files_init(&files);
  struct world *world = short_lived_world(&files);
  person_register(world, person_new(world, "ann", 20));
  pass_hours(world, 6);
  world->options.guard_may_be_missing = true; /* the child's is lost with it */
  for (unsigned round = 0; round < 6; round++) {
    world_close(world);
    kt_store_close(world->store); /* no connection may be carried over a fork */
    world->store = NULL;
    world->has_guard = false;
    run_and_kill(world, &files, 5000 + round * 9377 % 50000);
    use_file(world, files.path, false);
    world->now_ms += STEP_MS;
    world_open(world);
    expect_sound(world);
  }
  kt_log_status(world->log, &status);
  assert_true(status.pruned.boundary > 0);
  world_end(world);
  files_remove(&files);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_needed_is_kept),
    cmocka_unit_test(little_is_kept),
    cmocka_unit_test(a_long_run_stays_bounded_in_memory),
    cmocka_unit_test(a_long_run_stays_bounded_in_a_file),
    cmocka_unit_test(late_people_are_told),
    cmocka_unit_test(a_long_pause_is_caught_up_with),
    cmocka_unit_test(no_lifetime_keeps_everything),
    cmocka_unit_test(a_failed_step_changes_nothing),
    cmocka_unit_test(fsck_finds_what_pruning_must_not_remove),
    cmocka_unit_test(a_kill_while_pruning_loses_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
