/* SPDX-License-Identifier: Apache-2.0 */
/* Random flips in the files of a log: its database, write-ahead log and head guard. Each time one of them gets one to four
 * other bits or another byte; then the log is opened over them, asked by clients, checked, and given one more update to sign.
 *   kt-flips-log N SEED COUNTERS FOLDER
 * Goes on in COUNTERS until N are done; case i depends on SEED and i alone.
 *
 * The oracle is kept outside: what each label's versions are, the log's entries, the heads it signed, and two clients: one
 * that saw the log when it was half as long and monitors what it looked up, one that sees it for the first time. Exit 1 when a
 * client accepts what is not so, when a head is signed that those entries do not lead to, or whose prefix tree lost something,
 * or when a refusal gives no reason. */
#include "unit/log/log_test.h"

#include <inttypes.h>
#include <unistd.h>

#include "flip.h"
#include "kt-server/guard_file.h"
#include "model/model.h"
#include "support/tally.h"

#define LABELS 4
#define ROUNDS 7 /* of one update per label */
#define SEEN_AFTER 3
#define SAVE_EVERY 1000
#define WRONG "WRONG-VALUE-ACCEPTED"
#define FORK "CONTRADICTORY-HEAD-SIGNED"
#define UNEXPLAINED "REFUSED-WITHOUT-A-REASON"

enum { DATABASE, WAL, GUARD, FILES };
static const char *const file_names[FILES] = { "log.db", "log.db-wal", "head.guard" };
static const char *const label_names[LABELS] = { "alice", "bob", "carol", "dave" };

struct version_list {
  struct kt_bytes values[ROUNDS + 1];
  uint32_t n;
};

struct client {
  struct kt_log_state log;
  struct kt_contact_state contacts[LABELS];
  uint32_t greatest[LABELS];
  bool has_seen;
};

/* The hashed entries of a log, everything that they added to the prefix tree, and the newest timestamp. */
struct entries {
  struct model_value leaves[MODEL_ENTRIES_MAX];
  uint64_t n;
  struct model_leaf prefix_leaves[MODEL_LEAVES_MAX];
  size_t n_prefix_leaves;
  uint64_t timestamp_ms;
};

struct run {
  struct world *world;
  struct person *people[LABELS];
  char paths[FILES][FLIP_PATH_SIZE];
  char shm_path[FLIP_PATH_SIZE];
  struct flip_file files[FILES];    /* the database with everything in it */
  struct flip_file half_a_database; /* the rest is in the write-ahead log */
  /* The truth. */
  struct kt_arena arena;
  struct version_list versions[LABELS];
  struct entries truth;
  struct client clients[2];
  /* This case. */
  struct crash_random random;
  struct entries entries; /* those, and what is signed now */
  const char *verdict;    /* NULL: nothing noticed yet */
};

static struct run run;

/* The worst of what a case showed is its outcome; of the rest, the first. */
static void note(const char *verdict)
{
  const bool is_bad = strcmp(verdict, WRONG) == 0 || strcmp(verdict, FORK) == 0 || strcmp(verdict, UNEXPLAINED) == 0;
  if (run.verdict == NULL || is_bad) {
    run.verdict = verdict;
  }
}

/* --- the signer ---------------------------------------------------------------------------------------------------------- */

/* What a new entry says that it adds, to all that was added before. */
static bool add_prefix_leaves(const struct world *world, uint64_t pos, struct entries *entries)
{
  struct kt_store_conn *conn = NULL;
  struct kt_store_error error;
  struct kt_arena arena;
  struct kt_bytes leaves = { 0 };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_store_open_reader(world->store, &conn, &error);
  err = err == KT_OK ? kt_store_get_leaves(conn, pos, &arena, &leaves) : err;
  for (size_t at = 0; err == KT_OK && at < leaves.len; at += KT_STORE_LEAF_LEN) {
    flip_need(entries->n_prefix_leaves < MODEL_LEAVES_MAX, "more leaves than the model holds");
    struct model_leaf *leaf = &entries->prefix_leaves[entries->n_prefix_leaves++];
    memcpy(leaf->key.b, leaves.data + at, KT_HASH_LEN);
    memcpy(leaf->commitment.b, leaves.data + at + KT_HASH_LEN, KT_HASH_LEN);
  }
  kt_store_close_conn(conn);
  kt_arena_release(&arena);
  return err == KT_OK;
}

/* May this entry be the next? Its tree has to have everything that was ever added, and what it adds. */
static bool follows(const struct world *world, const struct kt_log_added *added, struct entries *entries)
{
  struct model_value prefix_root;
  if (added->timestamp_ms < entries->timestamp_ms || !add_prefix_leaves(world, entries->n, entries)) {
    return false;
  }
  model_prefix_root(entries->prefix_leaves, entries->n_prefix_leaves, &prefix_root);
  return memcmp(&prefix_root, &added->prefix_root, sizeof prefix_root) == 0;
}

/* Does the head follow from all that was signed before and what is added? Computed the long way, from the draft's definitions. */
static bool extends_entries(const struct world *world, const struct kt_log_extension *extension,
                            const struct kt_log_guard *head)
{
  struct entries *entries = &run.entries;
  struct model_value root;
  uint64_t at = extension->size;
  flip_need(at + extension->n_added < MODEL_ENTRIES_MAX, "more entries than the model holds");
  if (at > entries->n) {
    return false;
  }
  for (size_t i = 0; i < extension->n_added; i++, at++) {
    const struct kt_log_added *added = &extension->added[i];
    uint8_t entry[8 + KT_HASH_LEN];
    struct model_value leaf;
    for (size_t k = 0; k < 8; k++) {
      entry[k] = (uint8_t)(added->timestamp_ms >> (56 - 8 * k));
    }
    memcpy(entry + 8, added->prefix_root.b, KT_HASH_LEN);
    model_hash(entry, sizeof entry, &leaf);
    if (at < entries->n && memcmp(&leaf, &entries->leaves[at], sizeof leaf) != 0) {
      return false;
    }
    if (at == entries->n && !follows(world, added, entries)) {
      return false;
    }
    entries->leaves[at] = leaf;
    entries->n = at >= entries->n ? at + 1 : entries->n;
    entries->timestamp_ms = at + 1 == entries->n ? added->timestamp_ms : entries->timestamp_ms;
  }
  model_log_head(entries->leaves, (struct model_node){ 0, head->size }, &root);
  return head->size == at && memcmp(&root, &head->root, sizeof root) == 0;
}

static enum kt_err save_guard(const struct world *world, const struct kt_log_extension *extension,
                              const struct kt_log_guard *to)
{
  struct kt_error error = { 0 };
  enum kt_err err = kt_guard_save(run.paths[GUARD], world->has_guard ? &world->guard : NULL, to, &error);
  if (err == KT_OK && !extends_entries(world, extension, to)) {
    note(FORK);
  }
  return err;
}

/* --- the truth ----------------------------------------------------------------------------------------------------------- */

static enum kt_err use_database(struct world *world, bool create, struct kt_store_error *ret_error)
{
  const struct kt_store_options options = { .create = create, .node_len = KT_LOG_NODE_LEN, .cache_bytes = 1 << 20 };
  enum kt_err err = kt_store_open_sqlite(run.paths[DATABASE], &options, &world->store, ret_error);
  world->options.store = world->store;
  return err;
}

/* One more version of each label, some hours later. */
static void add_round(struct world *world)
{
  world_pass(world, 7 * HOUR_MS);
  for (size_t i = 0; i < LABELS; i++) {
    struct version_list *list = &run.versions[i];
    if (list->n == 0) {
      run.people[i] = person_new(world, label_names[i], (uint8_t)(10 + i));
      const struct kt_distinguished_result *heads = person_heads(world, run.people[i]);
      person_own(world, run.people[i], heads->heads[0].size - 1);
    }
    const struct kt_update_result *result = person_update(world, run.people[i], (uint8_t)(1 + list->n % 3));
    flip_need(list->n <= ROUNDS && result->n_values == 1, "too many versions");
    list->values[list->n++] = result->values[0];
    world->now_ms += 1000;
  }
}

/* What a client keeps who looks everybody up now. */
static void see_everybody(struct world *world, struct client *client)
{
  struct person *visitor = person_new(world, "", 0);
  for (size_t i = 0; i < LABELS; i++) {
    struct kt_search_result *result = search_result_new(world);
    flip_need(person_search(world, visitor, TEXT(label_names[i]), NULL, &client->contacts[i], result) == KT_OK,
              "a label is not found");
    client->greatest[i] = result->version;
  }
  client->log = visitor->log;
  client->has_seen = true;
}

/* The files as the process has them open, with the second half of the log in the write-ahead log, and as it leaves them. */
static void make_log(const char *folder)
{
  struct world *world = run.world;
  struct kt_store_error error;
  for (size_t i = 0; i < FILES; i++) {
    flip_need(snprintf(run.paths[i], FLIP_PATH_SIZE, "%s/%s", folder, file_names[i]) < FLIP_PATH_SIZE, "path too long");
  }
  flip_need(snprintf(run.shm_path, FLIP_PATH_SIZE, "%s/log.db-shm", folder) < FLIP_PATH_SIZE, "path too long");
  kt_store_close(world->store);
  flip_need(use_database(world, true, &error) == KT_OK, "no database");
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  for (size_t i = 0; i < ROUNDS; i++) {
    if (i == SEEN_AFTER) {
      see_everybody(world, &run.clients[0]);
      world_close(world);
      kt_store_close(world->store);
      flip_need(use_database(world, false, &error) == KT_OK, "no database");
      world_open(world);
    }
    add_round(world);
  }
  flip_read(run.paths[WAL], &run.files[WAL]);
  flip_read(run.paths[GUARD], &run.files[GUARD]);
  flip_read(run.paths[DATABASE], &run.half_a_database);
  world_close(world);
  kt_store_close(world->store);
  flip_read(run.paths[DATABASE], &run.files[DATABASE]);
  world->store = NULL;
  run.truth = run.entries;
  run.arena = world->arena;
}

/* --- clients ------------------------------------------------------------------------------------------------------------- */

static void note_refusal(const struct kt_log_problem *problem)
{
  note(problem->code != NULL && problem->text[0] != '\0' ? "refused by the log" : UNEXPLAINED);
}

static void note_verdict(enum kt_err err, const struct kt_reason *reason)
{
  note(err == KT_ERR_MEMORY || reason->code != NULL ? "refused by a client" : UNEXPLAINED);
}

/* What an earlier lookup owes. */
static void monitor(struct world *world, const struct client *client, size_t label)
{
  struct kt_writer w;
  struct kt_bytes response;
  struct kt_contact_result *result = kt_arena_alloc(&world->arena, 1, sizeof *result);
  struct kt_reason reason = { 0 };
  const struct kt_client view = {
    .config = &world->config, .log = &client->log, .now_ms = world->now_ms, .arena = &world->arena, .reason = &reason
  };
  kt_writer_init(&w, KT_REQUEST_MAX);
  kt_request_contact(&w, &client->log, TEXT(label_names[label]), &client->contacts[label]);
  if (post_contact(world, world_take(world, &w), &response) != KT_OK) {
    note_refusal(&world->problem);
    return;
  }
  enum kt_err err = kt_verify_contact(&view, &client->contacts[label], response, result);
  if (err != KT_OK) {
    note_verdict(err, &reason);
  }
}

/* version NULL: the greatest. Whatever verifies has to be so. */
static void look_up(struct world *world, const struct client *client, size_t label, const uint32_t *version)
{
  const struct version_list *list = &run.versions[label];
  const uint32_t expected = version != NULL ? *version : list->n - 1;
  const uint32_t *known = client->has_seen ? &client->greatest[label] : NULL;
  struct kt_search_result *result = search_result_new(world);
  struct kt_writer w;
  struct kt_bytes response;
  struct kt_reason reason = { 0 };
  const struct kt_client view = {
    .config = &world->config, .log = &client->log, .now_ms = world->now_ms, .arena = &world->arena, .reason = &reason
  };
  kt_writer_init(&w, KT_REQUEST_MAX);
  kt_request_search(&w, &client->log, TEXT(label_names[label]), version);
  if (post_search(world, world_take(world, &w), &response) != KT_OK) {
    note_refusal(&world->problem);
    return;
  }
  enum kt_err err =
      kt_verify_search(&view, TEXT(label_names[label]), version, known, &client->contacts[label], response, result);
  if (err == KT_OK) {
    const struct kt_bytes truth = list->values[expected];
    const bool is_so = result->version == expected && result->value.len == truth.len &&
                       memcmp(result->value.data, truth.data, truth.len) == 0;
    if (!is_so) {
      note(WRONG);
    }
  } else if (err == KT_ERR_ABSENT) { /* proven, they say */
    note(WRONG);
  } else {
    note_verdict(err, &reason);
  }
}

/* The old client asks about everybody; in turn the new one, and both for a version of long ago. */
static void ask(struct world *world)
{
  const size_t chosen = (size_t)crash_random_below(&run.random, LABELS);
  const uint32_t version = (uint32_t)crash_random_below(&run.random, run.versions[chosen].n);
  for (size_t i = 0; i < LABELS; i++) {
    if (run.clients[0].contacts[i].n_map > 0) {
      monitor(world, &run.clients[0], i);
    }
    look_up(world, &run.clients[0], i, NULL);
  }
  look_up(world, &run.clients[1], chosen, NULL);
  look_up(world, &run.clients[version % 2], chosen, &version);
}

/* --- one case ------------------------------------------------------------------------------------------------------------ */

static void note_finding(void *ctx, const char *where, const char *what)
{
  (void)ctx;
  (void)where;
  (void)what;
  note("found by fsck");
}

/* The label's next version; false: the log would not. */
static bool update(struct world *world, size_t label)
{
  struct person person = *run.people[label];
  struct version_list *list = &run.versions[label];
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome = { .err = KT_OK };
  const struct kt_bytes value = person_set(world, &person, 2, true);
  enum kt_err err = kt_log_operator_prepare(world->reader, person.label, NULL, value, &pending, &world->problem);
  if (err == KT_OK) {
    kt_log_insert(world->log, &pending, 1, &outcome);
    err = outcome.err;
    world->problem = err != KT_OK ? outcome.problem : world->problem;
  }
  if (err != KT_OK) {
    note_refusal(&world->problem);
    return false;
  }
  list->values[list->n++] = value;
  return true;
}

static void use_log(struct world *world)
{
  const size_t label = (size_t)crash_random_below(&run.random, LABELS);
  const struct kt_log_fsck fsck = { .vrf_every = 4, .report = note_finding };
  ask(world);
  if (kt_log_fsck(world->reader, &fsck, &world->problem) != KT_OK) {
    note("found by fsck");
  }
  world->now_ms += 1000;
  if (update(world, label)) {
    ask(world);
    run.versions[label].n--;
  }
}

static void judge(struct world *world)
{
  struct kt_store_error store_error = { 0 };
  struct kt_error error = { 0 };
  run.verdict = NULL;
  run.entries = run.truth;
  world->problem = (struct kt_log_problem){ 0 };
  world->has_guard = kt_guard_load(run.paths[GUARD], &world->guard, &error) == KT_OK;
  if (!world->has_guard) {
    note(error.text[0] != '\0' ? "refused at start" : UNEXPLAINED);
  } else if (use_database(world, false, &store_error) != KT_OK) {
    note(store_error.text[0] != '\0' ? "refused at start" : UNEXPLAINED);
  } else if (kt_log_open(&world->options, &world->log, &world->problem) != KT_OK) {
    note(world->problem.text[0] != '\0' ? "refused at start" : UNEXPLAINED);
  } else if (kt_log_reader_new(world->log, &world->reader, &world->problem) != KT_OK) {
    note_refusal(&world->problem);
    kt_log_close(world->log);
  } else {
    use_log(world);
    world_close(world);
  }
  kt_store_close(world->store);
  world->store = NULL;
  if (run.verdict == NULL) {
    run.verdict = "harmless";
  }
}

static bool is_bad(const char *verdict)
{
  return strcmp(verdict, WRONG) == 0 || strcmp(verdict, FORK) == 0 || strcmp(verdict, UNEXPLAINED) == 0;
}

/* The database is most of a log. */
static size_t choose_file(struct crash_random *random)
{
  const uint64_t of_ten = crash_random_below(random, 10);
  const size_t wal_or_guard = of_ten < 9 ? WAL : GUARD;
  return of_ten < 6 ? DATABASE : wal_or_guard;
}

static size_t run_one(uint64_t seed, uint64_t index, uint64_t now_ms)
{
  struct world *world = run.world;
  struct flip_change change;
  run.random.state = seed ^ (index * UINT64_C(0x9e3779b97f4a7c15));
  const size_t file = choose_file(&run.random);
  flip(&run.random, &run.files[file], &change);
  flip_write(run.paths[GUARD], &run.files[GUARD]);
  flip_write(run.paths[DATABASE], file == WAL ? &run.half_a_database : &run.files[DATABASE]);
  (void)unlink(run.paths[WAL]);
  if (file == WAL) {
    flip_write(run.paths[WAL], &run.files[WAL]);
  }
  flip_back(&run.files[file], &change);
  (void)unlink(run.shm_path); /* it is memory */
  world->now_ms = now_ms;
  kt_arena_init(&world->arena, (size_t)1 << 30);
  judge(world);
  kt_arena_release(&world->arena);
  return file;
}

int main(int argc, char **argv)
{
  static struct tally tally;
  if (argc != 5) {
    (void)fprintf(stderr, "usage: kt-flips-log N SEED COUNTERS FOLDER\n");
    return 2;
  }
  const uint64_t total = strtoull(argv[1], NULL, 10);
  const uint64_t seed = strtoull(argv[2], NULL, 10);
  run.world = world_new();
  run.world->save_guard = save_guard;
  make_log(argv[4]);
  const uint64_t now_ms = run.world->now_ms;
  tally_open(&tally, argv[3]);
  for (uint64_t i = tally_sum(&tally, "done"); i < total; i++) {
    const size_t file = run_one(seed, i, now_ms);
    tally_add(&tally, file_names[file], run.verdict, 1);
    tally_add(&tally, "all", "done", 1);
    if (is_bad(run.verdict)) {
      (void)fprintf(stderr, "case %" PRIu64 " (%s): %s: %s\n", i, file_names[file], run.verdict,
                    run.world->problem.text);
    }
    if (i % SAVE_EVERY == SAVE_EVERY - 1) {
      tally_save(&tally);
    }
  }
  tally_save(&tally);
  tally_print(&tally, "all", stdout);
  const uint64_t n_bad = tally_sum(&tally, WRONG) + tally_sum(&tally, FORK) + tally_sum(&tally, UNEXPLAINED);
  (void)printf("log: %" PRIu64 " flips, %" PRIu64 " wrong values accepted, %" PRIu64
               " contradictory heads signed, %" PRIu64 " refusals without a reason\n",
               tally_sum(&tally, "done"), tally_sum(&tally, WRONG), tally_sum(&tally, FORK),
               tally_sum(&tally, UNEXPLAINED));
  for (size_t i = 0; i < FILES; i++) {
    free(run.files[i].data);
  }
  free(run.half_a_database.data);
  kt_arena_release(&run.arena);
  free(run.world);
  return n_bad > 0 ? 1 : 0;
}
