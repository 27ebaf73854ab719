/* SPDX-License-Identifier: Apache-2.0 */
/* One response of every kind, damaged in every way a wire can damage it: each bit flipped, cut at each byte, one byte too
 * many. Each is refused, or means the same: equal verdict, equal new state, equal value. States stay what they were when
 * it is refused (R59). */
#include "pair_test.h"

/* A label with several versions, in a log whose newest entries are not distinguished. */
static void make_log(struct toy_log *log)
{
  const struct toy_params params = { .window = 25, .max_ahead = 10, .max_behind = 10 };
  toy_log_init(log, &params);
  for (uint64_t pos = 0; pos < 7; pos++) {
    const struct toy_add add = { .label = PAIR_LABEL, .count = pos == 0 ? 1 : pos == 4 ? 2 : 0 };
    toy_log_append(log, PAIR_START_MS + PAIR_STEP_MS * pos, &add, 1);
  }
}

struct scene {
  struct toy_log log;
  struct toy_user before; /* as it is when the response arrives */
  struct toy_query query;
  struct kt_bytes response;
  struct kt_bytes before_encoded;
  /* What the undamaged response leads to. */
  enum kt_err verdict;
  struct kt_bytes after_encoded;
  struct toy_user after;
};

/* Get the response, and verify it undamaged. */
static void scene_set(struct scene *scene, const struct toy_query *query, enum kt_err verdict)
{
  scene->query = *query;
  scene->verdict = verdict;
  assert_int_equal(toy_ask(&scene->before, scene->log.size, query), KT_OK);
  scene->response = scene->before.response;
  scene->before_encoded = toy_user_encode(&scene->before);
  scene->after = scene->before;
  kt_arena_init(&scene->after.arena, (size_t)1 << 20);
  assert_int_equal(toy_verify(&scene->after, query, scene->response, scene->log.timestamps[scene->log.size - 1]),
                   verdict);
  scene->after_encoded = toy_user_encode(&scene->after);
}

static void check_same_result(const struct scene *scene, const struct toy_user *user)
{
  switch (scene->query.kind) {
  case TOY_SEARCH:
    assert_int_equal(user->search.version, scene->after.search.version);
    assert_int_equal(user->search.terminal, scene->after.search.terminal);
    toy_assert_bytes_equal(user->search.value, scene->after.search.value);
    break;
  case TOY_UPDATE:
    assert_int_equal(user->update.n_values, scene->after.update.n_values);
    for (size_t i = 0; i < user->update.n_values; i++) {
      toy_assert_bytes_equal(user->update.values[i], scene->after.update.values[i]);
    }
    assert_int_equal(user->update.position, scene->after.update.position);
    break;
  case TOY_DISTINGUISHED:
    assert_memory_equal(user->distinguished.heads, scene->after.distinguished.heads,
                        scene->after.distinguished.n_heads * sizeof user->distinguished.heads[0]);
    assert_int_equal(user->distinguished.n_heads, scene->after.distinguished.n_heads);
    break;
  case TOY_CONTACT:
  case TOY_OWNER_INIT:
  case TOY_OWNER_MONITOR: break; /* the state is the result */
  }
}

static void check_damaged(const struct scene *scene, struct kt_bytes damaged, size_t at)
{
  static struct toy_user user;
  user = scene->before;
  kt_arena_init(&user.arena, (size_t)1 << 20);
  enum kt_err err = toy_verify(&user, &scene->query, damaged, scene->log.timestamps[scene->log.size - 1]);
  const struct kt_bytes encoded = toy_user_encode(&user);
  if (err != scene->verdict) {
    if (err == KT_OK || err == KT_ERR_ABSENT) {
      fail_msg("damage at %u turned the verdict", (unsigned)at);
    }
    assert_non_null(user.reason.code);
    toy_assert_bytes_equal(encoded, scene->before_encoded);
  } else {
    if (encoded.len != scene->after_encoded.len || memcmp(encoded.data, scene->after_encoded.data, encoded.len) != 0) {
      fail_msg("damage at %u was accepted, with another state", (unsigned)at);
    }
    check_same_result(scene, &user);
  }
  kt_arena_release(&user.arena);
}

static void damage_everything(const struct scene *scene)
{
  static uint8_t copy[8192];
  const size_t len = scene->response.len;
  assert_true(len < sizeof copy);
  memcpy(copy, scene->response.data, len);
  for (size_t bit = 0; bit < 8 * len; bit++) {
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    check_damaged(scene, (struct kt_bytes){ copy, len }, bit / 8);
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t cut = 0; cut < len; cut++) {
    check_damaged(scene, (struct kt_bytes){ copy, cut }, cut);
  }
  copy[len] = 0;
  check_damaged(scene, (struct kt_bytes){ copy, len + 1 }, len);
}

/* seen: entries observed before; 0 for a first contact. */
static void scene_begin(struct scene *scene, uint64_t seen)
{
  make_log(&scene->log);
  toy_user_init(&scene->before, &scene->log);
  if (seen > 0) {
    toy_user_observe(&scene->before, seen);
  }
}

static void scene_end(struct scene *scene)
{
  damage_everything(scene);
  kt_arena_release(&scene->after.arena);
  toy_user_release(&scene->before);
  toy_log_release(&scene->log);
}

static const uint64_t seen_before[] = { 0, 5, 7 }; /* nothing, less, this very head */

static void damage_query(const struct toy_query *query, enum kt_err verdict)
{
  for (size_t i = 0; i < PAIR_COUNT(seen_before); i++) {
    static struct scene scene;
    scene_begin(&scene, seen_before[i]);
    scene_set(&scene, query, verdict);
    scene_end(&scene);
  }
}

static void test_search_greatest(void **state)
{
  const struct toy_query query = { .kind = TOY_SEARCH, .label = PAIR_LABEL };
  (void)state;
  damage_query(&query, KT_OK);
}

/* With the head of an auditor who is one entry behind. */
static void test_search_audited(void **state)
{
  const struct toy_query query = { .kind = TOY_SEARCH, .label = PAIR_LABEL };
  (void)state;
  for (size_t i = 0; i < PAIR_COUNT(seen_before); i++) {
    static struct scene scene;
    make_log(&scene.log);
    toy_log_set_auditor(&scene.log, 0, PAIR_STEP_MS, 0);
    scene.log.auditor_size = scene.log.size - 1;
    toy_user_init(&scene.before, &scene.log);
    if (seen_before[i] > 0) {
      toy_user_observe(&scene.before, seen_before[i]);
    }
    scene_set(&scene, &query, KT_OK);
    scene_end(&scene);
  }
}

static void test_search_fixed(void **state)
{
  static const uint32_t version = 1;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = PAIR_LABEL, .version = &version };
  (void)state;
  damage_query(&query, KT_OK);
}

static void test_search_absent(void **state)
{
  const struct toy_query query = { .kind = TOY_SEARCH, .label = "nobody" };
  (void)state;
  damage_query(&query, KT_ERR_ABSENT);
}

static void test_distinguished(void **state)
{
  static const uint64_t stop = 1;
  const struct toy_query query = { .kind = TOY_DISTINGUISHED };
  const struct toy_query query_stop = { .kind = TOY_DISTINGUISHED, .stop = &stop };
  (void)state;
  damage_query(&query, KT_OK);
  damage_query(&query_stop, KT_OK);
}

static void test_owner_init(void **state)
{
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = PAIR_LABEL, .start = 3 };
  (void)state;
  damage_query(&query, KT_OK);
}

/* A user who watches what was added at entry 4; forget: without the tree head that came with it. */
static void watch(struct scene *scene, bool forget)
{
  const struct toy_query query = { .kind = TOY_SEARCH, .label = PAIR_LABEL };
  scene_begin(scene, 0);
  toy_run_ok(&scene->before, 5, &query);
  assert_int_equal(scene->before.contact.n_map, 1);
  if (forget) {
    scene->before.state = (struct kt_log_state){ 0 };
  }
}

static void test_contact(void **state)
{
  const struct toy_query query = { .kind = TOY_CONTACT, .label = PAIR_LABEL };
  (void)state;
  for (int forget = 0; forget <= 1; forget++) {
    static struct scene scene;
    watch(&scene, forget);
    scene_set(&scene, &query, KT_OK);
    scene_end(&scene);
  }
}

/* An owner since entry 0, who knows nothing of what entry 4 added. */
static void own(struct scene *scene, bool forget)
{
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = PAIR_LABEL };
  scene_begin(scene, 0);
  toy_run_ok(&scene->before, 4, &query);
  if (forget) {
    scene->before.state = (struct kt_log_state){ 0 };
  }
}

static const struct toy_query update_query = { .kind = TOY_UPDATE, .label = PAIR_LABEL };

static void test_update(void **state)
{
  (void)state;
  for (int forget = 0; forget <= 1; forget++) {
    static struct scene scene;
    own(&scene, forget);
    scene_set(&scene, &update_query, KT_OK);
    scene_end(&scene);
  }
}

static void test_update_with_values(void **state)
{
  (void)state;
  static struct scene scene;
  own(&scene, false);
  const struct kt_bytes values[] = { toy_label("alice/1"), toy_label("alice/2") };
  const struct toy_query query = { .kind = TOY_UPDATE, .label = PAIR_LABEL, .values = values, .n_values = 2 };
  scene_set(&scene, &query, KT_OK);
  assert_false(scene.after.update.disregarded);
  scene_end(&scene);
}

static void test_owner_monitor(void **state)
{
  const struct toy_query query = { .kind = TOY_OWNER_MONITOR, .label = PAIR_LABEL };
  (void)state;
  for (int forget = 0; forget <= 1; forget++) {
    static struct scene scene;
    own(&scene, false);
    toy_run_ok(&scene.before, 5, &update_query);
    if (forget) {
      scene.before.state = (struct kt_log_state){ 0 };
    }
    scene_set(&scene, &query, KT_OK);
    scene_end(&scene);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_search_greatest),
    cmocka_unit_test(test_search_audited),
    cmocka_unit_test(test_search_fixed),
    cmocka_unit_test(test_search_absent),
    cmocka_unit_test(test_distinguished),
    cmocka_unit_test(test_owner_init),
    cmocka_unit_test(test_contact),
    cmocka_unit_test(test_update),
    cmocka_unit_test(test_update_with_values),
    cmocka_unit_test(test_owner_monitor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
