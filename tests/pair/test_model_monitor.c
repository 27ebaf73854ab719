/* SPDX-License-Identifier: Apache-2.0 */
/* Contact monitoring, owner initialization and owner monitoring against the model, with and without advertised sizes.
 *   All logs of up to 3 entries (level 2: 4; level 3: 5) that each add 0, 1 or 2 versions; every window and lifetime that
 *   makes a difference; every monitoring map that a user can hold (an owner at level 1: of up to 2 entries), every start,
 *   every version that an owner can know of, every entry at which the log may end its answer.
 *   With an auditor behind the log, and with skipped versions (third-party management): all such logs of up to 2 entries
 *   (level 2: 4; level 3: 5).
 *   100 random logs of up to 40 entries (level 2: 2000; level 3: 20000), with 100 cases of each operation. */
#include "model_pair.h"

#define MAPS_MAX 4096

static struct model_pair pair;

/* --- monitoring maps ------------------------------------------------------------------------------------------------------- */

/* "position always lies on the direct path of the first log entry to contain the associated version", at or right of
 * it. */
static bool may_stand_at(const struct model_bst *bst, uint64_t pos, uint64_t added)
{
  uint64_t path[MODEL_ENTRIES_MAX];
  size_t n = model_direct_path(bst, added, path);
  bool on_path = pos == added;
  for (size_t i = 0; i < n; i++) {
    on_path = on_path || (path[i] == pos && pos > added);
  }
  return on_path;
}

struct maps {
  struct model_map maps[MAPS_MAX];
  size_t n;
};

/* All maps over entries from pos on whose versions are above those of `map` and at most `greatest`. */
static void list_maps(const struct model_bst *bst, uint64_t pos, const struct model_map *map, int64_t greatest,
                      size_t n_max, struct maps *maps)
{
  if (pos == pair.model.size) {
    assert_true(maps->n < MAPS_MAX);
    maps->maps[maps->n++] = *map;
    return;
  }
  list_maps(bst, pos + 1, map, greatest, n_max, maps);
  int64_t first = map->n > 0 ? (int64_t)map->entries[map->n - 1].version + 1 : 0;
  for (int64_t version = first; version <= greatest && map->n < n_max; version++) {
    if (may_stand_at(bst, pos, pair.model.added[version])) {
      struct model_map longer = *map;
      longer.entries[longer.n++] = (struct model_map_entry){ .pos = pos, .version = (uint32_t)version };
      list_maps(bst, pos + 1, &longer, greatest, n_max, maps);
    }
  }
}

static const struct kt_version_at *to_lib_map(const struct model_map *map)
{
  struct kt_version_at *entries = kt_arena_alloc(&pair.user.arena, map->n, sizeof *entries);
  assert_non_null(entries);
  for (size_t i = 0; i < map->n; i++) {
    entries[i] = (struct kt_version_at){ .position = map->entries[i].pos, .version = map->entries[i].version };
  }
  return entries;
}

static void assert_map(const struct kt_contact_state *contact, const struct model_map *map)
{
  assert_int_equal(contact->n_map, map->n);
  for (size_t i = 0; i < map->n; i++) {
    assert_int_equal(contact->map[i].position, map->entries[i].pos);
    assert_int_equal(contact->map[i].version, map->entries[i].version);
  }
}

static void assert_monitor_response(void)
{
  struct kt_monitor_response response;
  assert_int_equal(kt_monitor_response_decode(pair.user.response, &pair.toy.config, &pair.user.arena, &response),
                   KT_OK);
  model_pair_assert_proof(&pair, &response.monitor);
  for (size_t i = 0; i < MODEL_FORMATS; i++) {
    struct model_format format;
    struct kt_config config;
    struct kt_writer w;
    model_pair_format(&pair, i, &format, &config);
    model_pair_complete_head(&response.full_tree_head);
    kt_writer_init(&w, MODEL_ARENA_CAP);
    kt_monitor_response_write(&w, &config, &response);
    model_pair_assert_length(&pair, i, &w, model_monitor_size(&pair.run, &format));
  }
}

/* --- Contact Monitor ------------------------------------------------------------------------------------------------------- */

static void compare_contact(uint64_t last, const struct model_map *map)
{
  const struct toy_query query = { .kind = TOY_CONTACT, .label = MODEL_LABEL };
  struct model_map moved;
  model_pair_begin(&pair, last);
  pair.user.contact.map = to_lib_map(map);
  pair.user.contact.n_map = map->n;
  assert_int_equal(model_contact(&pair.run, map, MODEL_NONE, &moved), MODEL_OK);
  assert_int_equal(model_pair_ask(&pair, &query), KT_OK);
  assert_monitor_response();
  assert_int_equal(model_pair_check(&pair, &query), KT_OK);
  assert_map(&pair.user.contact, &moved);
  model_pair_assert_state(&pair);
}

static struct maps maps;

static void list_all_maps(int64_t greatest, size_t n_max)
{
  static const struct model_map empty;
  struct model_bst bst;
  model_bst_build(pair.model.size, &bst);
  maps.n = 0;
  list_maps(&bst, 0, &empty, greatest, n_max, &maps);
}

static void compare_contacts(struct model_pair *p)
{
  list_all_maps(model_greatest_at(&p->model, p->model.size - 1), MODEL_ENTRIES_MAX);
  for (uint64_t last = 0; last <= p->model.size; last++) {
    for (size_t i = 0; i < maps.n; i++) {
      compare_contact(last, &maps.maps[i]);
    }
  }
}

/* --- Owner Initialization ---------------------------------------------------------------------------------------------------- */

static void assert_init_lengths(const struct kt_owner_init_response *response, const struct model_owner_init *init)
{
  for (size_t i = 0; i < MODEL_FORMATS; i++) {
    struct kt_owner_init_response same = *response;
    struct model_format format;
    struct kt_config config;
    struct kt_writer w;
    model_pair_format(&pair, i, &format, &config);
    model_pair_complete_head(&same.full_tree_head);
    kt_writer_init(&w, MODEL_ARENA_CAP);
    kt_owner_init_response_write(&w, &config, &same);
    model_pair_assert_length(&pair, i, &w, model_owner_init_size(&pair.run, &format, init));
  }
}

static void assert_init_response(const struct model_owner_init *init)
{
  struct kt_owner_init_response response;
  assert_int_equal(kt_owner_init_response_decode(pair.user.response, &pair.toy.config, &pair.user.arena, &response),
                   KT_OK);
  assert_int_equal(response.n_greatest_versions, init->n_greatest_versions);
  for (size_t i = 0; i < init->n_greatest_versions; i++) {
    assert_int_equal(response.greatest_versions[i], init->greatest_versions[i]);
  }
  assert_int_equal(response.n_ladder, init->n_ladder);
  for (size_t i = 0; i < init->n_ladder; i++) {
    model_pair_assert_step(&pair, &response.binary_ladder[i], init->ladder[i], init->committed[i]);
  }
  model_pair_assert_proof(&pair, &response.init);
  assert_init_lengths(&response, init);
}

static void compare_init(uint64_t last, uint64_t start)
{
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = MODEL_LABEL, .start = start };
  struct model_owner_init init;
  model_pair_begin(&pair, last);
  enum model_outcome outcome = model_owner_init(&pair.run, start, &init);
  enum kt_err err = model_pair_ask(&pair, &query);
  if (outcome != MODEL_OK) {
    assert_int_equal(err, outcome == MODEL_EXPIRED ? KT_ERR_EXPIRED : KT_ERR_PROOF);
    return;
  }
  assert_int_equal(err, KT_OK);
  assert_init_response(&init);
  assert_int_equal(model_pair_check(&pair, &query), KT_OK);
  const struct kt_owner_state *owner = &pair.user.owner;
  assert_int_equal(owner->start, start);
  assert_int_equal(owner->has_version_at_start, init.n_greatest_versions > 0);
  assert_int_equal(owner->has_version_at_start ? (int64_t)owner->version_at_start : -1,
                   model_greatest_at(&pair.model, start));
  assert_int_equal(owner->n_upcoming + owner->contact.n_map, 0);
  model_pair_assert_state(&pair);
}

static void compare_inits(struct model_pair *p)
{
  for (uint64_t last = 0; last <= p->model.size; last++) {
    for (uint64_t start = 0; start < p->model.size; start++) {
      compare_init(last, start);
    }
  }
}

/* --- Owner Monitoring -------------------------------------------------------------------------------------------------------- */

/* What an owner of the label knows whose start is verified and who processed the updates up to version `known`. */
static void set_owner(uint64_t start, int64_t known, struct kt_owner_state *ret_owner)
{
  const struct model_log *log = &pair.model;
  struct kt_version_at *upcoming = kt_arena_alloc(&pair.user.arena, log->size, sizeof *upcoming);
  int64_t greatest = model_greatest_at(log, start);
  assert_non_null(upcoming);
  ret_owner->start = start;
  ret_owner->has_version_at_start = greatest >= 0;
  ret_owner->version_at_start = greatest >= 0 ? (uint32_t)greatest : 0;
  ret_owner->upcoming = upcoming;
  ret_owner->n_upcoming = 0;
  for (uint64_t pos = start + 1; pos < log->size && model_greatest_at(log, pos) <= known; pos++) {
    if (model_greatest_at(log, pos) > model_greatest_at(log, pos - 1)) {
      upcoming[ret_owner->n_upcoming++] =
          (struct kt_version_at){ .position = pos, .version = (uint32_t)model_greatest_at(log, pos) };
    }
  }
}

/* Versions at or left of what was verified "have … been proven to be included in a distinguished log entry". */
static void drop_verified(struct model_map *map, uint64_t verified)
{
  size_t kept = 0;
  for (size_t i = 0; i < map->n; i++) {
    if (map->entries[i].pos > verified) {
      map->entries[kept++] = map->entries[i];
    }
  }
  map->n = kept;
}

struct owner_case {
  uint64_t last;
  uint64_t start;
  int64_t known;
  uint64_t limit; /* entry at which the log ends its answer */
  const struct model_map *map;
};

static void compare_owner(const struct owner_case *c)
{
  const struct toy_query query = { .kind = TOY_OWNER_MONITOR, .label = MODEL_LABEL };
  struct model_progress progress;
  struct model_map moved;
  struct kt_owner_state expected = { 0 };
  struct kt_owner_state *owner = &pair.user.owner;
  model_pair_begin(&pair, c->last);
  set_owner(c->start, c->known, owner);
  owner->contact.map = to_lib_map(c->map);
  owner->contact.n_map = c->map->n;
  assert_int_equal(model_contact(&pair.run, c->map, c->start, &moved), MODEL_OK);
  model_owner_monitor(&pair.run, c->start, c->known, c->limit, &progress);
  drop_verified(&moved, progress.verified);
  pair.toy.owner_limit = c->limit;
  assert_int_equal(model_pair_ask(&pair, &query), KT_OK);
  assert_monitor_response();
  assert_int_equal(model_pair_check(&pair, &query), KT_OK);
  assert_int_equal(pair.user.owner_result.complete, progress.complete);
  set_owner(progress.verified, c->known, &expected);
  assert_int_equal(owner->start, expected.start);
  assert_int_equal(owner->has_version_at_start, expected.has_version_at_start);
  assert_int_equal(owner->has_version_at_start ? owner->version_at_start : 0, expected.version_at_start);
  assert_int_equal(owner->n_upcoming, expected.n_upcoming);
  assert_map(&owner->contact, &moved);
  model_pair_assert_state(&pair);
}

/* Every map with one limit, every limit with one map. */
static void compare_owners_at(struct owner_case *c)
{
  static const struct model_map empty;
  for (size_t i = 0; i < maps.n; i++) {
    c->limit = MODEL_NONE;
    c->map = &maps.maps[i];
    compare_owner(c);
  }
  c->map = &empty;
  for (c->limit = c->start + 1; c->limit < pair.model.size; c->limit++) {
    compare_owner(c);
  }
}

/* Whether an owner is compared who saw that size: at level 1, beside a first contact and a view that is still current, one
 * size in between. */
static bool is_compared(uint64_t last, uint64_t size)
{
  return model_level() > 1 || last == 0 || last == size / 2 || last == size;
}

/* The versions an owner can know of are those that were the greatest of some entry. */
static void compare_owners(struct model_pair *p)
{
  const uint64_t size = p->model.size;
  for (uint64_t until = 0; until < size; until++) {
    int64_t known = model_greatest_at(&p->model, until);
    if (until > 0 && known == model_greatest_at(&p->model, until - 1)) {
      continue;
    }
    list_all_maps(known, model_up_to(2, MODEL_ENTRIES_MAX, MODEL_ENTRIES_MAX));
    for (uint64_t start = 0; start < size && model_greatest_at(&p->model, start) <= known; start++) {
      for (uint64_t last = 0; last <= size; last++) {
        struct owner_case c = { .last = last, .start = start, .known = known };
        if (is_compared(last, size)) {
          compare_owners_at(&c);
        }
      }
    }
  }
}

/* --- which logs ------------------------------------------------------------------------------------------------------------------ */

static void compare_small(struct model_pair *p)
{
  compare_contacts(p);
  compare_inits(p);
  compare_owners(p);
}

static void all_small_logs(void **state)
{
  (void)state;
  model_pair_all(&pair, model_up_to(3, 4, 5), 2, compare_small);
}

/* A random map: from the right, entries that the rules allow. */
static void random_map(uint64_t *seed, int64_t known, struct model_map *ret_map)
{
  struct model_bst bst;
  model_bst_build(pair.model.size, &bst);
  ret_map->n = 0;
  for (uint64_t pos = 0; pos < pair.model.size; pos++) {
    int64_t first = ret_map->n > 0 ? (int64_t)ret_map->entries[ret_map->n - 1].version + 1 : 0;
    for (int64_t version = first; version <= known; version++) {
      if (model_pair_random(seed, 3) == 0 && may_stand_at(&bst, pos, pair.model.added[version])) {
        ret_map->entries[ret_map->n++] = (struct model_map_entry){ .pos = pos, .version = (uint32_t)version };
        break;
      }
    }
  }
}

static void monitoring_of_skipped_versions(void **state)
{
  (void)state;
  model_pair_all_skipping(&pair, model_up_to(2, 4, 5), 1, compare_small);
}

/* The same with an auditor behind the log, of any size. */
static void monitoring_with_an_auditor(void **state)
{
  (void)state;
  model_pair_all_audited(&pair, model_up_to(2, 4, 5), 2, compare_small);
}

static void compare_random(struct model_pair *p)
{
  static uint64_t seed = 2;
  const uint64_t size = p->model.size;
  for (size_t i = 0; i < 100; i++) {
    struct model_map map;
    uint64_t start = model_pair_random(&seed, size);
    int64_t known = model_greatest_at(&p->model, start + model_pair_random(&seed, size - start));
    uint64_t last = model_pair_random(&seed, size + 1);
    uint64_t limit = model_pair_random(&seed, 4) == 0 ? start + 1 + model_pair_random(&seed, size) : MODEL_NONE;
    random_map(&seed, known, &map);
    compare_contact(last, &map);
    compare_init(last, start);
    const struct owner_case c = { .last = last, .start = start, .known = known, .limit = limit, .map = &map };
    compare_owner(&c);
  }
}

static void random_logs(void **state)
{
  (void)state;
  model_pair_random_logs(&pair, model_up_to(100, 2000, 20000), 40, compare_random);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_small_logs),
    cmocka_unit_test(monitoring_of_skipped_versions),
    cmocka_unit_test(monitoring_with_an_auditor),
    cmocka_unit_test(random_logs),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  model_pair_report(&pair);
  return failed;
}
