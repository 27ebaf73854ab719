/* SPDX-License-Identifier: Apache-2.0 */
/* The state database: what was committed stays, what was not is gone, and nobody commits upon an old generation. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "page_check.h"
#include "state_accounts.h"
#include "state_alerts.h"
#include "state_contacts.h"

struct fixture {
  char folder[64];
  char home[96];
  struct kt_state state;
  struct kt_arena arena;
};

static int set_up(void **context)
{
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  strcpy(f->folder, "/tmp/kt-state-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  snprintf(f->home, sizeof f->home, "%s/a/home", f->folder);
  kt_arena_init(&f->arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_state_open(f->home, true, &f->state), KT_OK);
  *context = f;
  return 0;
}

static int tear_down(void **context)
{
  struct fixture *f = *context;
  char command[128];
  kt_state_close(&f->state);
  kt_arena_release(&f->arena);
  snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
  assert_int_equal(system(command), 0);
  free(f);
  return 0;
}

static struct kt_bytes text(const char *s)
{
  return (struct kt_bytes){ (const uint8_t *)s, strlen(s) };
}

static void put(struct kt_state *state, const char *value)
{
  uint64_t generation;
  assert_int_equal(kt_state_begin_read(state, &generation), KT_OK);
  kt_state_rollback(state);
  assert_int_equal(kt_state_begin_write(state, generation), KT_OK);
  assert_int_equal(kt_state_put_value(state, "x", text(value)), KT_OK);
  assert_int_equal(kt_state_commit(state), KT_OK);
}

static void assert_value(struct fixture *f, struct kt_state *state, const char *expected)
{
  uint64_t generation;
  struct kt_bytes value;
  assert_int_equal(kt_state_begin_read(state, &generation), KT_OK);
  assert_int_equal(kt_state_value(state, "x", &f->arena, &value), KT_OK);
  kt_state_rollback(state);
  assert_int_equal(value.len, strlen(expected));
  assert_memory_equal(value.data, expected, value.len);
}

static void test_home_is_private_and_made_once(void **context)
{
  struct fixture *f = *context;
  struct kt_state other;
  struct stat st;
  char path[128];
  assert_int_equal(stat(f->home, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
  snprintf(path, sizeof path, "%s/state.db", f->home);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  snprintf(path, sizeof path, "%s/none", f->folder);
  assert_int_equal(kt_state_open(path, false, &other), KT_ERR_ABSENT);
  assert_int_equal(stat(path, &st), -1);
  kt_state_close(&other);
}

static void test_a_file_in_the_way_is_said(void **context)
{
  struct fixture *f = *context;
  struct kt_state other;
  char path[128];
  snprintf(path, sizeof path, "%s/file", f->folder);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fclose(file);
  assert_int_equal(kt_state_open(path, true, &other), KT_ERR_DENIED);
  assert_int_equal(errno, ENOTDIR);
  kt_state_close(&other);
}

static void assert_refused(const struct fixture *f, const char *why)
{
  struct kt_state other;
  assert_int_equal(kt_state_open(f->home, true, &other), KT_ERR_DENIED);
  assert_non_null(strstr(other.error, why));
  kt_state_close(&other);
  assert_int_equal(kt_state_open(f->home, false, &other), KT_ERR_DENIED);
  assert_non_null(strstr(other.error, why));
  kt_state_close(&other);
}

/* Whoever can write the folder or the file decides what is verified; who can read it knows the contacts. */
static void test_what_is_open_to_others_is_refused(void **context)
{
  struct fixture *f = *context;
  char path[128];
  kt_state_close(&f->state);
  snprintf(path, sizeof path, "%s/state.db", f->home);
  assert_int_equal(chmod(f->home, 0770), 0);
  assert_refused(f, "it is open to others (mode 0770): chmod 700 it, and think about who may have changed it");
  assert_int_equal(chmod(f->home, 0705), 0);
  assert_refused(f, "it is open to others (mode 0705): chmod 700 it, and think about who may have read it");
  assert_int_equal(chmod(f->home, 0700), 0);
  assert_int_equal(chmod(path, 0602), 0);
  assert_refused(f, "state.db in it is open to others (mode 0602): chmod 600 it");
  assert_int_equal(chmod(path, 0640), 0);
  assert_refused(f, "state.db in it is open to others (mode 0640): chmod 600 it");
  assert_int_equal(chmod(path, 0600), 0);
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_OK);
}

/* As somebody else whom the folder belongs to, but not the file. */
static void open_as(const struct fixture *f, uid_t user)
{
  if (setuid(user) != 0) {
    _exit(1);
  }
  struct kt_state state;
  enum kt_err err = kt_state_open(f->home, false, &state);
  _exit(err == KT_ERR_DENIED && strstr(state.error, "state.db in it belongs to another user") != NULL ? 0 : 2);
}

static void test_what_belongs_to_others_is_refused(void **context)
{
  const uid_t user = 65534;
  struct fixture *f = *context;
  char above[96];
  if (geteuid() != 0) {
    skip();
  }
  kt_state_close(&f->state);
  snprintf(above, sizeof above, "%s/a", f->folder);
  assert_int_equal(chmod(f->folder, 0711), 0);
  assert_int_equal(chmod(above, 0711), 0);
  assert_int_equal(chown(f->home, user, (gid_t)-1), 0);
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_OK); /* root reads everybody's */
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    open_as(f, user);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_commit_upon_an_old_generation_is_refused(void **context)
{
  struct fixture *f = *context;
  struct kt_state other;
  uint64_t generation;
  assert_int_equal(kt_state_begin_read(&f->state, &generation), KT_OK);
  kt_state_rollback(&f->state);
  assert_int_equal(kt_state_open(f->home, false, &other), KT_OK);
  put(&other, "theirs");
  assert_int_equal(kt_state_begin_write(&f->state, generation), KT_ERR_CONFLICT);
  assert_value(f, &f->state, "theirs");
  assert_int_equal(kt_state_begin_write(&f->state, generation + 1), KT_OK);
  kt_state_rollback(&f->state);
  assert_int_equal(kt_state_begin_write(&f->state, generation + 1), KT_OK); /* an undone write counts for nothing */
  kt_state_rollback(&f->state);
  kt_state_close(&other);
}

static void test_kill_in_the_middle_leaves_the_old_state(void **context)
{
  struct fixture *f = *context;
  put(&f->state, "before");
  kt_state_close(&f->state);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    struct kt_state state;
    if (kt_state_open(f->home, false, &state) == KT_OK && kt_state_begin_change(&state) == KT_OK &&
        kt_state_put_value(&state, "x", text("half")) == KT_OK) {
      kill(getpid(), SIGKILL);
    }
    _exit(1);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_OK);
  assert_value(f, &f->state, "before");
}

/* On the closed file, past kt_state_open; vfs NULL: as a program does that knows nothing of checksums. */
static void run_sql(const struct fixture *f, const char *vfs, const char *sql)
{
  char path[128];
  sqlite3 *db;
  snprintf(path, sizeof path, "%s/state.db", f->home);
  assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_newer_schema_is_refused(void **context)
{
  struct fixture *f = *context;
  kt_state_close(&f->state);
  run_sql(f, KT_PAGE_CHECK_VFS, "PRAGMA user_version = 99");
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_ERR_UNSUPPORTED);
}

/* Until schema 5 only the sentence said that the account key signed. */
static void test_an_older_schema_keeps_who_signed(void **context)
{
  static const char back_to_4[] = "ALTER TABLE alerts DROP COLUMN by_account_key; PRAGMA user_version = 4";
  static const char *const details[] = {
    "It is signed with your account key, by another computer of yours or by somebody who has a copy of the key.",
    "It is signed with the account key that took the place of yours.", NULL
  };
  struct fixture *f = *context;
  struct kt_ledger_entry entry;
  assert_int_equal(kt_state_begin_change(&f->state), KT_OK);
  for (uint8_t i = 0; i < 3; i++) {
    entry =
        (struct kt_ledger_entry){ .alert = { .kind = KT_ALERT_VERSION_NOT_MINE, .detail = details[i], .id = { { i } } },
                                  .label = text("alice") };
    assert_int_equal(kt_state_put_alert(&f->state, &entry), KT_OK);
  }
  assert_int_equal(kt_state_commit(&f->state), KT_OK);
  kt_state_close(&f->state);
  run_sql(f, KT_PAGE_CHECK_VFS, back_to_4);
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_OK);
  for (uint8_t i = 0; i < 3; i++) {
    const struct kt_alert_id id = { { i } };
    assert_int_equal(kt_state_alert(&f->state, &id, &f->arena, &entry), KT_OK);
    assert_int_equal(entry.alert.by_account_key, i == 0);
  }
}

/* Until schema 4 a mismatch was told by a contact that changed to the very key that is pinned. */
static void test_an_older_schema_keeps_its_mismatches(void **context)
{
  static const char back_to_3[] = "ALTER TABLE contacts DROP COLUMN contradicted;"
                                  "ALTER TABLE alerts DROP COLUMN by_account_key;"
                                  "ALTER TABLE alerts DROP COLUMN key_replaced; PRAGMA user_version = 3";
  struct fixture *f = *context;
  struct kt_other_label other = { .contact = { .has_key = true, .key = { { KT_ACCOUNT_KEY_TYPE, 1 } } } };
  assert_int_equal(kt_state_begin_change(&f->state), KT_OK);
  other.contact.state = KT_CONTACT_CHANGED;
  other.contact.changed_key = other.contact.key;
  other.label = text("contradicted");
  assert_int_equal(kt_state_put_contact(&f->state, &other), KT_OK);
  other.contact.changed_key.b[1] = 2;
  other.label = text("changed");
  assert_int_equal(kt_state_put_contact(&f->state, &other), KT_OK);
  assert_int_equal(kt_state_commit(&f->state), KT_OK);
  kt_state_close(&f->state);
  run_sql(f, KT_PAGE_CHECK_VFS, back_to_3);
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_OK);
  assert_int_equal(kt_state_contact(&f->state, text("contradicted"), &f->arena, &other), KT_OK);
  assert_true(other.contact.is_contradicted);
  assert_int_equal(kt_state_contact(&f->state, text("changed"), &f->arena, &other), KT_OK);
  assert_int_equal(other.contact.state, KT_CONTACT_CHANGED);
  assert_false(other.contact.is_contradicted);
}

/* --- checksums (page_check.h) -------------------------------------------------------------------------------------------- */

#define PAGE_LEN 4096

/* The closed file, changed in place. */
static void change_file(const struct fixture *f, void (*change)(uint8_t *file, size_t len, size_t which), size_t which)
{
  static uint8_t content[64 * PAGE_LEN];
  char path[128];
  snprintf(path, sizeof path, "%s/state.db", f->home);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  const size_t len = fread(content, 1, sizeof content, file);
  assert_true(len > 2 * PAGE_LEN && len < sizeof content);
  change(content, len, which);
  rewind(file);
  assert_int_equal(fwrite(content, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static void flip_bit(uint8_t *file, size_t len, size_t which)
{
  assert_true(which < len);
  file[which] ^= 4;
}

static void swap_last_pages(uint8_t *file, size_t len, size_t which)
{
  uint8_t page[PAGE_LEN];
  (void)which;
  memcpy(page, file + len - PAGE_LEN, PAGE_LEN);
  memmove(file + len - PAGE_LEN, file + len - (size_t)2 * PAGE_LEN, PAGE_LEN);
  memcpy(file + len - (size_t)2 * PAGE_LEN, page, PAGE_LEN);
}

/* Nothing of the value is read, and why is said. */
static void assert_damaged(struct fixture *f)
{
  uint64_t generation;
  struct kt_bytes value;
  enum kt_err err = kt_state_open(f->home, false, &f->state);
  if (err == KT_OK) {
    err = kt_state_begin_read(&f->state, &generation);
  }
  if (err == KT_OK) {
    err = kt_state_value(&f->state, "x", &f->arena, &value);
  }
  assert_int_equal(err, KT_ERR_STORE);
  assert_true(strstr(f->state.error, "damaged") != NULL || strstr(f->state.error, "not a database") != NULL);
  kt_state_close(&f->state);
}

static void test_damage_is_refused_wherever_it_is(void **context)
{
  /* What SQLite reads at once: the page size, whether there are checksums, versions; and the value, which is anywhere. */
  static const size_t places[] = { 16, 17, 20, 40, 60, 63, 68, 90, PAGE_LEN - 1 };
  struct fixture *f = *context;
  put(&f->state, "what was written");
  kt_state_close(&f->state);
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    change_file(f, flip_bit, places[i]);
    assert_damaged(f);
    change_file(f, flip_bit, places[i]);
  }
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_OK);
  assert_value(f, &f->state, "what was written");
}

static void test_a_page_in_another_s_place_is_refused(void **context)
{
  struct fixture *f = *context;
  uint64_t generation;
  sqlite3_stmt *rows;
  kt_state_close(&f->state);
  change_file(f, swap_last_pages, 0);
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_OK);
  assert_int_equal(kt_state_begin_read(&f->state, &generation), KT_OK);
  /* "PRAGMA integrity_check" reads every page. */
  assert_int_equal(sqlite3_prepare_v2(f->state.db, "PRAGMA integrity_check", -1, &rows, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
  const char *found = (const char *)sqlite3_column_text(rows, 0);
  assert_non_null(found);
  assert_non_null(strstr(found, "unable to get the page"));
  (void)sqlite3_finalize(rows);
}

static void test_what_another_program_wrote_is_refused(void **context)
{
  struct fixture *f = *context;
  put(&f->state, "what was written");
  kt_state_close(&f->state);
  run_sql(f, NULL, "UPDATE named SET value = 'something else'");
  assert_damaged(f);
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_ERR_STORE);
}

/* A file of a version before there were checksums is what it was. */
static void test_a_file_without_checksums_is_used(void **context)
{
  struct fixture *f = *context;
  char path[128];
  kt_state_close(&f->state);
  snprintf(path, sizeof path, "%s/state.db", f->home);
  assert_int_equal(unlink(path), 0);
  run_sql(f, NULL, "CREATE TABLE x(y)");
  assert_int_equal(chmod(path, 0600), 0);
  assert_int_equal(kt_state_open(f->home, false, &f->state), KT_OK);
  assert_false(kt_page_check_is_on(f->state.db));
  put(&f->state, "what was written");
  assert_value(f, &f->state, "what was written");
}

static void test_accounts_come_back(void **context)
{
  struct fixture *f = *context;
  const struct kt_version_at upcoming[] = { { .position = 7, .version = 3 } };
  struct kt_own_account account = { .label = text("alice"), .n_judged = 4, .own = text("value"), .created_ms = 5 };
  struct kt_own_account back;
  struct kt_owner_knowledge known = { .n_approved = 0 };
  const struct kt_approved_device device = { .id = { { 1 } }, .keys = { { 2 } } };
  account.owner = (struct kt_owner_state){ .start = 2, .upcoming = upcoming, .n_upcoming = 1 };
  account.account.n_sets = 9;
  assert_int_equal(kt_state_begin_change(&f->state), KT_OK);
  assert_int_equal(kt_state_account(&f->state, account.label, &f->arena, &back), KT_ERR_ABSENT);
  assert_int_equal(kt_state_put_account(&f->state, &account), KT_OK);
  assert_int_equal(kt_state_approve(&f->state, account.label, &device), KT_OK);
  assert_int_equal(kt_state_approve(&f->state, account.label, &device), KT_OK);
  assert_int_equal(kt_state_account(&f->state, account.label, &f->arena, &back), KT_OK);
  assert_int_equal(kt_state_approvals(&f->state, account.label, &f->arena, &known), KT_OK);
  assert_int_equal(back.owner.upcoming[0].version, 3);
  assert_int_equal(back.account.n_sets, 9);
  assert_int_equal(back.n_judged, 4);
  assert_memory_equal(back.own.data, "value", 5);
  assert_null(back.latest.data);
  assert_int_equal(known.n_approved, 1);
  assert_memory_equal(known.approved, &device, sizeof device);
  assert_int_equal(kt_state_disapprove(&f->state, account.label, &device.id), KT_OK);
  assert_int_equal(kt_state_approvals(&f->state, account.label, &f->arena, &known), KT_OK);
  assert_int_equal(known.n_approved, 0);
  kt_state_rollback(&f->state);
}

static void test_contacts_come_back(void **context)
{
  struct fixture *f = *context;
  struct kt_other_label other;
  struct kt_other_label *all;
  size_t n;
  assert_int_equal(kt_state_begin_change(&f->state), KT_OK);
  assert_int_equal(kt_state_contact(&f->state, text("bob"), &f->arena, &other), KT_OK);
  assert_false(other.has_version);
  other.has_version = true;
  other.version = 0;
  other.contact.has_key = true;
  other.contact.key.b[0] = KT_ACCOUNT_KEY_TYPE;
  other.contact.state = KT_CONTACT_CHANGED;
  other.contact.changed_key.b[32] = 8;
  other.contact.is_contradicted = true;
  other.contact.policy = KT_CONTACT_STRICT;
  assert_int_equal(kt_state_has_label(&f->state, other.label), KT_ERR_ABSENT);
  assert_int_equal(kt_state_put_contact(&f->state, &other), KT_OK);
  assert_int_equal(kt_state_has_label(&f->state, other.label), KT_OK);
  assert_int_equal(kt_state_contacts(&f->state, &f->arena, &all, &n), KT_OK);
  assert_int_equal(n, 1);
  assert_true(all[0].has_version);
  assert_int_equal(all[0].version, 0);
  assert_memory_equal(&all[0].contact, &other.contact, sizeof other.contact);
  kt_state_rollback(&f->state);
}

/* Who has the account is read first, until that is settled. */
static void test_a_replaced_key_stands_first(void **context)
{
  struct fixture *f = *context;
  const struct kt_alert replaced = { .kind = KT_ALERT_VERSION_NOT_MINE, .key_replaced = true, .id = { { 1 } } };
  const struct kt_alert later = { .kind = KT_ALERT_UNKNOWN_DEVICE, .id = { { 2 } } };
  struct kt_ledger_entry *entries;
  const struct kt_bytes label = text("alice");
  enum kt_raised raised;
  size_t n;
  assert_int_equal(kt_state_begin_change(&f->state), KT_OK);
  assert_int_equal(kt_state_raise(&f->state, &replaced, label, 10, &f->arena, &raised), KT_OK);
  assert_int_equal(kt_state_raise(&f->state, &later, label, 11, &f->arena, &raised), KT_OK);
  assert_int_equal(kt_state_alerts(&f->state, NULL, &f->arena, &entries, &n), KT_OK);
  assert_int_equal(n, 2);
  assert_true(entries[0].alert.key_replaced);
  assert_false(entries[1].alert.key_replaced);
  assert_int_equal(kt_state_settle(&f->state, &entries[0], KT_SETTLEMENT_ACKNOWLEDGED, 0, 12), KT_OK);
  assert_int_equal(kt_state_alerts(&f->state, NULL, &f->arena, &entries, &n), KT_OK);
  assert_true(entries[1].alert.key_replaced);
  assert_int_equal(kt_state_open_alerts(&f->state, label, &f->arena, &entries, &n), KT_OK);
  assert_int_equal(n, 1);
  assert_int_equal(entries[0].alert.kind, KT_ALERT_UNKNOWN_DEVICE);
  assert_int_equal(kt_state_open_alerts(&f->state, text("bob"), &f->arena, &entries, &n), KT_OK);
  assert_int_equal(n, 0);
  kt_state_rollback(&f->state);
}

static void test_an_alert_is_raised_once_until_settled(void **context)
{
  struct fixture *f = *context;
  const struct kt_alert alert = { .kind = KT_ALERT_UNKNOWN_DEVICE,
                                  .has_device = true,
                                  .device_name = text("phone"),
                                  .has_version = true,
                                  .version = 3,
                                  .id = { { 42 } } };
  struct kt_ledger_entry *entries;
  const struct kt_bytes label = text("alice");
  enum kt_raised raised;
  size_t n;
  assert_int_equal(kt_state_begin_change(&f->state), KT_OK);
  assert_int_equal(kt_state_raise(&f->state, &alert, label, 10, &f->arena, &raised), KT_OK);
  assert_int_equal(raised, KT_RAISED_NEW);
  assert_int_equal(kt_state_raise(&f->state, &alert, label, 11, &f->arena, &raised), KT_OK);
  assert_int_equal(raised, KT_RAISED_KNOWN);
  assert_int_equal(kt_state_alerts(&f->state, &label, &f->arena, &entries, &n), KT_OK);
  assert_int_equal(n, 1);
  assert_int_equal(entries[0].raised_ms, 10);
  assert_int_equal(entries[0].alert.version, 3);
  assert_memory_equal(entries[0].alert.device_name.data, "phone", 5);
  assert_int_equal(kt_state_settle(&f->state, &entries[0], KT_SETTLEMENT_REMOVED, 4, 12), KT_OK);
  assert_int_equal(kt_state_alerts(&f->state, NULL, &f->arena, &entries, &n), KT_OK);
  assert_int_equal(entries[0].settlement, KT_SETTLEMENT_REMOVED);
  assert_int_equal(entries[0].settled_version, 4);
  const struct kt_bytes other = text("bob");
  assert_int_equal(kt_state_alerts(&f->state, &other, &f->arena, &entries, &n), KT_OK);
  assert_int_equal(n, 0);
  kt_state_rollback(&f->state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
    TEST(test_home_is_private_and_made_once),
    TEST(test_a_file_in_the_way_is_said),
    TEST(test_what_is_open_to_others_is_refused),
    TEST(test_what_belongs_to_others_is_refused),
    TEST(test_commit_upon_an_old_generation_is_refused),
    TEST(test_kill_in_the_middle_leaves_the_old_state),
    TEST(test_newer_schema_is_refused),
    TEST(test_an_older_schema_keeps_who_signed),
    TEST(test_an_older_schema_keeps_its_mismatches),
    TEST(test_damage_is_refused_wherever_it_is),
    TEST(test_a_page_in_another_s_place_is_refused),
    TEST(test_what_another_program_wrote_is_refused),
    TEST(test_a_file_without_checksums_is_used),
    TEST(test_accounts_come_back),
    TEST(test_contacts_come_back),
    TEST(test_an_alert_is_raised_once_until_settled),
    TEST(test_a_replaced_key_stands_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
