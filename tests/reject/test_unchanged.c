/* SPDX-License-Identifier: Apache-2.0 */
/* Until everything is verified nothing is used: every kind of query, by newcomers and by people who know something. */
#include "reject_test.h"

#include "support/toy_scene.h"

typedef void (*scene_test)(struct toy_scene *scene, uint64_t newest_ms);

/* Results that no verification can have left behind. */
static void fill_results(struct toy_user *user)
{
  memset(&user->search, 0xa5, sizeof user->search);
  memset(&user->owner_result, 0xa5, sizeof user->owner_result);
  memset(&user->update, 0xa5, sizeof user->update);
  memset(&user->distinguished, 0xa5, sizeof user->distinguished);
}

static void in_every_scene(scene_test test)
{
  static struct toy_log log;
  static struct toy_scene scene;
  toy_scene_log(&log);
  for (size_t i = 0; i < toy_scene_count(); i++) {
    toy_scene_set(&log, i, &scene);
    accept_honest(&scene.user, &scene.query, scene.verdict);
    fill_results(&scene.user);
    test(&scene, log.timestamps[log.size - 1]);
    toy_user_release(&scene.user);
  }
  toy_log_release(&log);
}

/* The clock is compared last: all of the response is right, and none of it may count. */
static void come_late(struct toy_scene *scene, uint64_t newest_ms)
{
  reject_response(&scene->user, &scene->query, newest_ms + 11, KT_ERR_STALE, "stale-or-clock");
  reject_response(&scene->user, &scene->query, newest_ms - 11, KT_ERR_STALE, "stale-or-clock");
}

static void test_R46_R59_right_but_for_the_clock(void **state)
{
  (void)state;
  in_every_scene(come_late);
}

/* The decoder has read everything when it meets the end, or what follows it. */
static void cut_or_extend(struct toy_scene *scene, uint64_t newest_ms)
{
  const struct kt_bytes whole = scene->user.response;
  uint8_t *longer = edit_array(&scene->user.arena, whole.data, whole.len, 1);
  scene->user.response = (struct kt_bytes){ longer, whole.len + 1 };
  reject_response(&scene->user, &scene->query, newest_ms, KT_ERR_FORMAT, "malformed-response");
  scene->user.response = (struct kt_bytes){ longer, whole.len - 1 };
  reject_response(&scene->user, &scene->query, newest_ms, KT_ERR_FORMAT, "malformed-response");
}

static void test_R3_R59_not_of_the_right_length(void **state)
{
  (void)state;
  in_every_scene(cut_or_extend);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R46_R59_right_but_for_the_clock),
    cmocka_unit_test(test_R3_R59_not_of_the_right_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
