/* SPDX-License-Identifier: Apache-2.0 */
/* The engine over the store it runs on: closed and opened again, checked, and an old copy that must not go on. */
#include "log_test.h"

#include <dirent.h>
#include <sqlite3.h>
#include <unistd.h>

struct files {
  char dir[64];
  char path[96];
  char copy[96];
};

static void files_init(struct files *files)
{
  const char *base = getenv("TMPDIR");
  (void)snprintf(files->dir, sizeof files->dir, "%s/kt-log-XXXXXX", base != NULL && strlen(base) < 40 ? base : "/tmp");
  assert_non_null(mkdtemp(files->dir));
  (void)snprintf(files->path, sizeof files->path, "%s/log.db", files->dir);
  (void)snprintf(files->copy, sizeof files->copy, "%s/copy.db", files->dir);
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
  const struct kt_store_options options = { .create = create,
                                            .node_len = KT_LOG_NODE_LEN,
                                            .cache_bytes = KT_STORE_CACHE_BYTES_DEFAULT };
  struct kt_store_error error;
  kt_store_close(world->store);
  if (kt_store_open_sqlite(path, &options, &world->store, &error) != KT_OK) {
    fail_msg("%s", error.text);
  }
  world->options.store = world->store;
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
  const struct kt_log_fsck fsck = { .vrf_every = 3, .ctx = &n, .report = count_finding };
  world_ok(world, kt_log_fsck(world->reader, &fsck, &world->problem));
  assert_int_equal(n, 0);
}

static void survives_closing_and_refuses_its_old_self(void **state)
{
  struct files files;
  struct world *world = world_new();
  struct kt_contact_state contact = { 0 };
  struct kt_log *log;
  struct kt_store_conn *reader;
  struct kt_store_error error;
  (void)state;
  files_init(&files);
  use_file(world, files.path, true);
  struct kt_search_result *found = search_result_new(world);
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  person_register(world, alice);
  for (size_t i = 0; i < 5; i++) {
    world_pass(world, WINDOW_MS / 2);
    (void)person_update(world, alice, 2);
  }
  world_close(world);
  use_file(world, files.path, false);
  world_open(world);
  expect_sound(world);
  world_ok(world, person_search(world, bob, TEXT("alice"), NULL, &contact, found));
  assert_int_equal(found->version, 5);
  while (!person_monitor(world, alice)) {
  }
  assert_int_equal(kt_store_open_reader(world->store, &reader, &error), KT_OK);
  assert_int_equal(kt_store_backup(reader, files.copy), KT_OK);
  kt_store_close_conn(reader);
  (void)person_update(world, alice, 3);
  world_close(world);
  use_file(world, files.copy, false);
  assert_int_equal(kt_log_open(&world->options, &log, &world->problem), KT_ERR_CONFLICT);
  assert_string_equal(world->problem.code, "guard-behind");
  use_file(world, files.path, false);
  world_open(world);
  world_end(world);
  files_remove(&files);
}

/* What the disk keeps of an entry is not what the sequencer wrote: a flipped bit on the way, or another hand. */
static void s12_what_the_store_does_not_hold_is_not_signed(void **state)
{
  struct files files;
  struct world *world = world_new();
  sqlite3 *db = NULL;
  (void)state;
  files_init(&files);
  use_file(world, files.path, true);
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  assert_int_equal(sqlite3_open(files.path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db,
                                "CREATE TRIGGER change AFTER INSERT ON entries BEGIN"
                                " UPDATE entries SET prefix_root = zeroblob(32) WHERE pos = NEW.pos; END",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  const struct kt_log_guard before = world->guard;
  world_pass(world, WINDOW_MS);
  kt_log_step(world->log); /* a heartbeat */
  struct kt_log_head head;
  kt_log_head(world->log, &head);
  assert_int_equal(head.size, before.size);
  assert_int_equal(world->guard.size, before.size);
  assert_non_null(strstr(world->fatal, "the data is damaged"));
  world_end(world);
  files_remove(&files);
}

static void execute(const struct files *files, const char *sql)
{
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(files->path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A log of a few entries whose files somebody changed while it was closed does not open, and nothing is signed. */
static void expect_refused(const char *sql, const char *place)
{
  struct files files;
  struct world *world = world_new();
  files_init(&files);
  use_file(world, files.path, true);
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  for (size_t i = 0; i < 3; i++) {
    world_pass(world, WINDOW_MS); /* a heartbeat */
  }
  world_close(world);
  const struct kt_log_guard before = world->guard;
  execute(&files, sql);
  use_file(world, files.path, false);
  assert_int_equal(kt_log_open(&world->options, &world->log, &world->problem), KT_ERR_PROOF);
  assert_true(world->problem.is_damaged);
  assert_non_null(strstr(world->problem.text, place));
  assert_memory_equal(&world->guard, &before, sizeof before);
  world_end(world);
  files_remove(&files);
}

/* An older tree is consistent in itself; what is added to it would come without what was added since. */
static void s12_an_older_tree_is_not_gone_on_from(void **state)
{
  (void)state;
  expect_refused("UPDATE entries SET prefix_root_ref = (SELECT prefix_root_ref FROM entries WHERE pos = 2)"
                 " WHERE pos = 3",
                 "quad 0 of entry 2");
}

/* Nor with the root that goes with it: the log tree has another leaf for the entry. */
static void s12_an_entry_that_is_not_its_leaf_is_not_gone_on_from(void **state)
{
  (void)state;
  expect_refused("UPDATE entries SET (prefix_root_ref, prefix_root) = "
                 "(SELECT prefix_root_ref, prefix_root FROM entries WHERE pos = 2) WHERE pos = 3",
                 "entry 3");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(survives_closing_and_refuses_its_old_self),
    cmocka_unit_test(s12_what_the_store_does_not_hold_is_not_signed),
    cmocka_unit_test(s12_an_older_tree_is_not_gone_on_from),
    cmocka_unit_test(s12_an_entry_that_is_not_its_leaf_is_not_gone_on_from),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
