/* SPDX-License-Identifier: Apache-2.0 */
/* Random flips in what a client retains: its state.db, or the rollback journal beside it after a kill in the middle of a
 * transaction, gets one to four other bits or another byte; then everything is read as kt-verify reads it, something is
 * committed, and everything is read again.
 *   kt-flips-state N SEED COUNTERS FOLDER
 * Goes on in COUNTERS until N are done; case i depends on SEED and i alone, but for the number that SQLite draws for a journal.
 *
 * The oracle is what was written: the retained head, pinned keys, monitoring maps, approvals, alerts, every column of every
 * row. What is read has to be that, or nothing: a client that goes on from another head, with another key pinned, or without
 * a contact it once verified, would accept what it must not. Exit 1 when something else was read, or a refusal does not say
 * that the file is damaged. */
#include <inttypes.h>
#include <sqlite3.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "flip.h"
#include "kt-verify/sql.h"
#include "kt-verify/state_accounts.h"
#include "kt-verify/state_alerts.h"
#include "kt-verify/state_contacts.h"
#include "support/tally.h"
#include "support/toy_scene.h"

#define CONTACTS 60
#define HEADS 40
#define SAVE_EVERY 1000
#define OTHERWISE "READ-SOMETHING-ELSE"
#define UNEXPLAINED "REFUSED-WITHOUT-A-REASON"

static const char *const tables[] = { "log",      "heads",         "named",     "accounts", "own_values", "approved",
                                      "contacts", "approved_keys", "hook_runs", "alerts",   "credentials" };
#define N_TABLES (sizeof tables / sizeof tables[0])

/* The files of a home; both are owned. */
struct image {
  struct flip_file database;
  struct flip_file journal; /* data NULL: none */
};

struct run {
  const char *home;
  char path[FLIP_PATH_SIZE];
  char journal[FLIP_PATH_SIZE];
  struct image rest; /* after a commit */
  struct image hot;  /* after a kill: half of a transaction is in the database, its journal takes it back */
  struct kt_hash truth;
  char said[320]; /* why it was refused */
};

static struct run run;

static struct kt_bytes text(const char *s)
{
  return (struct kt_bytes){ (const uint8_t *)s, strlen(s) };
}

/* --- the truth ----------------------------------------------------------------------------------------------------------- */

static void put_log(struct kt_state *state, struct crash_random *random)
{
  static struct toy_log log;
  static struct toy_scene scene;
  struct kt_pinned_log pinned = { .config = text("configuration"), .url = "https://kt.example.org", .seen_ms = 7 };
  toy_scene_log(&log);
  toy_scene_set(&log, 1, &scene);
  pinned.log = scene.user.state;
  flip_need(kt_state_put_log(state, &pinned) == KT_OK, state->error);
  for (size_t i = 0; i < HEADS; i++) {
    struct kt_seen_head head = { .size = i + 1, .config = pinned.config, .seen_ms = i };
    crash_random_bytes(random, head.root.b, KT_HASH_LEN);
    head.signature = (struct kt_bytes){ head.root.b, KT_HASH_LEN };
    flip_need(kt_state_add_head(state, &head) == KT_OK, state->error);
  }
  toy_user_release(&scene.user);
  toy_log_release(&log);
}

static void put_people(struct kt_state *state, struct crash_random *random)
{
  for (uint32_t i = 0; i < CONTACTS; i++) {
    char name[32];
    uint8_t value[200];
    const struct kt_version_at map[] = { { .position = i, .version = i } };
    struct kt_other_label other = { .has_version = true, .version = i, .watched = i % 2 == 0, .checked_ms = i };
    (void)snprintf(name, sizeof name, "person-%u@example.org", (unsigned)i);
    crash_random_bytes(random, value, sizeof value);
    other.label = text(name);
    other.last = (struct kt_bytes){ value, sizeof value };
    other.monitoring = (struct kt_contact_state){ .map = map, .n_map = 1 };
    other.contact.has_key = true;
    other.contact.key.b[0] = KT_ACCOUNT_KEY_TYPE;
    crash_random_bytes(random, other.contact.key.b + 1, sizeof other.contact.key.b - 1);
    flip_need(kt_state_put_contact(state, &other) == KT_OK, state->error);
  }
  struct kt_own_account account = { .label = text("alice"), .n_judged = 4, .own = text("value"), .created_ms = 5 };
  const struct kt_approved_device device = { .id = { { 1 } }, .keys = { { 2 } } };
  const struct kt_hash fingerprint = { { 3 } };
  flip_need(kt_state_put_account(state, &account) == KT_OK, state->error);
  flip_need(kt_state_approve(state, account.label, &device) == KT_OK, state->error);
  flip_need(kt_state_approve_key(state, account.label, &fingerprint) == KT_OK, state->error);
  flip_need(kt_state_add_own_value(state, account.label, &fingerprint) == KT_OK, state->error);
}

static void put_alerts(struct kt_state *state, struct kt_arena *arena)
{
  for (uint32_t i = 0; i < CONTACTS; i++) {
    const struct kt_alert alert = { .kind = KT_ALERT_UNKNOWN_DEVICE, .has_version = true, .version = i };
    enum kt_raised raised;
    flip_need(kt_state_raise(state, &alert, text("alice"), i, arena, &raised) == KT_OK, state->error);
  }
}

/* --- reading ------------------------------------------------------------------------------------------------------------- */

static void add_column(struct kt_writer *w, sqlite3_stmt *row, int column)
{
  const int type = sqlite3_column_type(row, column);
  kt_write_u8(w, (uint8_t)type);
  if (type == SQLITE_INTEGER) {
    kt_write_u64(w, kt_sql_u64(row, column));
  } else if (type != SQLITE_NULL) {
    const void *data = sqlite3_column_blob(row, column);
    const int len = sqlite3_column_bytes(row, column);
    kt_write_u64(w, (uint64_t)len);
    kt_write_bytes(w, data, (size_t)len);
  }
}

static enum kt_err read_table(struct kt_state *state, const char *table, struct kt_writer *w)
{
  sqlite3_stmt *rows;
  char sql[64];
  (void)snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
  enum kt_err err = kt_sql_query(state, &rows, sql, "");
  while (err == KT_OK) {
    err = kt_sql_next(state, rows);
    for (int i = 0; err == KT_OK && i < sqlite3_column_count(rows); i++) {
      add_column(w, rows, i);
    }
  }
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

/* Everything that is retained, hashed. */
static enum kt_err read_all(struct kt_state *state, struct kt_hash *ret_hash)
{
  struct kt_writer w;
  uint64_t generation;
  kt_writer_init(&w, FLIP_FILE_MAX);
  enum kt_err err = kt_state_begin_read(state, &generation);
  for (size_t i = 0; i < N_TABLES && err == KT_OK; i++) {
    err = read_table(state, tables[i], &w);
  }
  kt_state_rollback(state);
  flip_need(w.err == KT_OK, "out of memory");
  kt_sha256(w.buf, w.len, ret_hash);
  kt_writer_release(&w);
  return err;
}

/* A commit that brings back what was: pages are written anew, whatever was in them. */
static enum kt_err commit_something(struct kt_state *state)
{
  enum kt_err err = kt_state_begin_change(state);
  if (err == KT_OK) {
    err = kt_sql_run(state, "UPDATE contacts SET checked_ms = checked_ms + 1", "");
  }
  if (err == KT_OK) {
    err = kt_sql_run(state, "UPDATE contacts SET checked_ms = checked_ms - 1", "");
  }
  if (err == KT_OK) {
    return kt_state_commit(state);
  }
  kt_state_rollback(state);
  return err;
}

/* --- one case ------------------------------------------------------------------------------------------------------------ */

static enum kt_err open_and_read(bool then_commit, struct kt_hash *ret_hash)
{
  struct kt_state state;
  enum kt_err err = kt_state_open(run.home, false, &state);
  if (err == KT_OK) {
    err = read_all(&state, ret_hash);
  }
  if (err == KT_OK && then_commit) {
    err = commit_something(&state);
  }
  (void)snprintf(run.said, sizeof run.said, "%s", state.error);
  kt_state_close(&state);
  return err;
}

static const char *judge(void)
{
  struct kt_hash hash;
  for (int pass = 0; pass < 2; pass++) {
    const enum kt_err err = open_and_read(pass == 0, &hash);
    if (err != KT_OK) {
      const bool is_said = strstr(run.said, "damaged") != NULL || strstr(run.said, "malformed") != NULL ||
                           strstr(run.said, "not a database") != NULL;
      return is_said ? "refused" : UNEXPLAINED;
    }
    if (!kt_hash_equal(&hash, &run.truth)) {
      return OTHERWISE;
    }
  }
  return "harmless";
}

/* Something else in every row, with so small a cache that most of it is written before it is committed: the journal is
 * synced many times, and has a header each time. */
static void make_hot(void)
{
  struct kt_state state;
  flip_need(kt_state_open(run.home, false, &state) == KT_OK, "no state");
  flip_need(kt_sql_run(&state, "PRAGMA cache_size = 8", "") == KT_OK, state.error);
  flip_need(kt_state_begin_change(&state) == KT_OK, state.error);
  flip_need(kt_sql_run(&state, "UPDATE contacts SET checked_ms = checked_ms + 1, last = zeroblob(900)", "") == KT_OK,
            state.error);
  flip_need(kt_sql_run(&state, "DELETE FROM heads", "") == KT_OK, state.error);
  flip_read(run.path, &run.hot.database);
  flip_read(run.journal, &run.hot.journal);
  kt_state_rollback(&state);
  kt_state_close(&state);
}

static void write_image(const struct image *image)
{
  flip_write(run.path, &image->database);
  if (image->journal.data != NULL) {
    flip_write(run.journal, &image->journal);
  } else {
    (void)unlink(run.journal);
  }
}

static void make_state(struct crash_random *random)
{
  struct kt_state state;
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  flip_need(kt_crypto_init() == KT_OK, "no cryptography");
  flip_need(kt_state_open(run.home, true, &state) == KT_OK, "no state");
  flip_need(kt_state_begin_change(&state) == KT_OK, state.error);
  put_log(&state, random);
  put_people(&state, random);
  put_alerts(&state, &arena);
  flip_need(kt_state_put_value(&state, "x", text("named")) == KT_OK, state.error);
  flip_need(kt_state_commit(&state) == KT_OK, state.error);
  flip_need(read_all(&state, &run.truth) == KT_OK, state.error);
  kt_state_close(&state);
  kt_arena_release(&arena);
  flip_read(run.path, &run.rest.database);
  make_hot();
  write_image(&run.hot);
  flip_need(strcmp(judge(), "harmless") == 0, "what a kill leaves is not taken back");
}

static const struct subject {
  const char *name;
  const struct image *image;
  struct flip_file *file;
} subjects[] = {
  { "state.db", &run.rest, &run.rest.database },
  { "state.db-after-a-kill", &run.hot, &run.hot.database },
  { "state.db-journal", &run.hot, &run.hot.journal },
};
#define N_SUBJECTS (sizeof subjects / sizeof subjects[0])

static const char *run_one(uint64_t seed, uint64_t index, const struct subject *subject)
{
  struct crash_random random = { seed ^ (index * UINT64_C(0x9e3779b97f4a7c15)) };
  struct flip_change change;
  flip(&random, subject->file, &change);
  write_image(subject->image);
  flip_back(subject->file, &change);
  return judge();
}

int main(int argc, char **argv)
{
  static struct tally tally;
  if (argc != 5) {
    (void)fprintf(stderr, "usage: kt-flips-state N SEED COUNTERS FOLDER\n");
    return 2;
  }
  const uint64_t total = strtoull(argv[1], NULL, 10);
  const uint64_t seed = strtoull(argv[2], NULL, 10);
  struct crash_random random = { seed };
  run.home = argv[4];
  flip_need(snprintf(run.path, FLIP_PATH_SIZE, "%s/state.db", run.home) < FLIP_PATH_SIZE, "path too long");
  flip_need(snprintf(run.journal, FLIP_PATH_SIZE, "%s-journal", run.path) < FLIP_PATH_SIZE, "path too long");
  make_state(&random);
  tally_open(&tally, argv[3]);
  for (uint64_t i = tally_sum(&tally, "done"); i < total; i++) {
    const struct subject *subject = &subjects[i % N_SUBJECTS];
    const char *verdict = run_one(seed, i, subject);
    tally_add(&tally, subject->name, verdict, 1);
    tally_add(&tally, "all", "done", 1);
    if (strcmp(verdict, OTHERWISE) == 0 || strcmp(verdict, UNEXPLAINED) == 0) {
      (void)fprintf(stderr, "case %" PRIu64 ": %s: %s: %s\n", i, subject->name, verdict, run.said);
    }
    if (i % SAVE_EVERY == SAVE_EVERY - 1) {
      tally_save(&tally);
    }
  }
  tally_save(&tally);
  tally_print(&tally, "all", stdout);
  const uint64_t n_bad = tally_sum(&tally, OTHERWISE) + tally_sum(&tally, UNEXPLAINED);
  (void)printf("state: %" PRIu64 " flips, %" PRIu64 " states read that were never written, %" PRIu64
               " refusals without a reason\n",
               tally_sum(&tally, "done"), tally_sum(&tally, OTHERWISE), tally_sum(&tally, UNEXPLAINED));
  free(run.rest.database.data);
  free(run.hot.database.data);
  free(run.hot.journal.data);
  return n_bad > 0 ? 1 : 0;
}
