/* SPDX-License-Identifier: Apache-2.0 */
/* A log with a maximum lifetime: what it keeps is enough for whoever is on time, and does not grow with its age. */
#include "prune_test.h"

#include "tree/ibst.h"

/* --- which entries stay, against the draft's own needs ------------------------------------------------------------ */

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

/* --- a long run --------------------------------------------------------------------------------------------------- */

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

/* Bounded by the lifetime: entries, their changes and old values. By the newest prefix tree, which never loses a leaf:
 * the quads, of which a tree of n leaves has (n - 1) / 3 at least, since each has four places at most. */
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
  assert_true(volume.n_nodes >= (size - 1) / 3); /* each entry of this run has a leaf, some more */
  assert_true(volume.n_nodes <= 2 * size + window * 8);
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

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_needed_is_kept),
    cmocka_unit_test(little_is_kept),
    cmocka_unit_test(a_long_run_stays_bounded_in_memory),
    cmocka_unit_test(a_long_run_stays_bounded_in_a_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
