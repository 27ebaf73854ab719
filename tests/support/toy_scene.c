/* SPDX-License-Identifier: Apache-2.0 */
#include "toy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LABEL "alice"
#define ENTRIES 7
#define START_MS 1000
#define STEP_MS 10

/* Who is asking. A user who forgot lost the tree head and kept the label's state. */
enum before {
  NEWCOMER,
  SAW_LESS,
  SAW_ALL,
  WATCHES,
  WATCHES_FORGOT,
  OWNS,
  OWNS_FORGOT,
  OWNS_UPDATED,
  OWNS_UPDATED_FORGOT,
};

static const uint32_t version_1 = 1;
static const uint64_t entry_1 = 1;
static const struct kt_bytes values[] = { { (const uint8_t *)"alice/1", 7 }, { (const uint8_t *)"alice/2", 7 } };

#define GREATEST                       \
  {                                    \
    .kind = TOY_SEARCH, .label = LABEL \
  }
#define FIXED                                                 \
  {                                                           \
    .kind = TOY_SEARCH, .label = LABEL, .version = &version_1 \
  }
#define ABSENT                            \
  {                                       \
    .kind = TOY_SEARCH, .label = "nobody" \
  }
#define HEADS                 \
  {                           \
    .kind = TOY_DISTINGUISHED \
  }
#define HEADS_STOP                              \
  {                                             \
    .kind = TOY_DISTINGUISHED, .stop = &entry_1 \
  }
#define INIT                                           \
  {                                                    \
    .kind = TOY_OWNER_INIT, .label = LABEL, .start = 3 \
  }
#define CONTACT                         \
  {                                     \
    .kind = TOY_CONTACT, .label = LABEL \
  }
#define NEWER                          \
  {                                    \
    .kind = TOY_UPDATE, .label = LABEL \
  }
#define INSERT                                                          \
  {                                                                     \
    .kind = TOY_UPDATE, .label = LABEL, .values = values, .n_values = 2 \
  }
#define MONITOR                               \
  {                                           \
    .kind = TOY_OWNER_MONITOR, .label = LABEL \
  }

static const struct plan {
  const char *name;
  enum before before;
  struct toy_query query;
  enum kt_err verdict;
} plans[] = {
  { "search-greatest-newcomer", NEWCOMER, GREATEST, KT_OK },
  { "search-greatest-saw-less", SAW_LESS, GREATEST, KT_OK },
  { "search-greatest-saw-all", SAW_ALL, GREATEST, KT_OK },
  { "search-fixed-newcomer", NEWCOMER, FIXED, KT_OK },
  { "search-fixed-saw-less", SAW_LESS, FIXED, KT_OK },
  { "search-fixed-saw-all", SAW_ALL, FIXED, KT_OK },
  { "search-absent-newcomer", NEWCOMER, ABSENT, KT_ERR_ABSENT },
  { "search-absent-saw-less", SAW_LESS, ABSENT, KT_ERR_ABSENT },
  { "search-absent-saw-all", SAW_ALL, ABSENT, KT_ERR_ABSENT },
  { "distinguished-newcomer", NEWCOMER, HEADS, KT_OK },
  { "distinguished-saw-less", SAW_LESS, HEADS, KT_OK },
  { "distinguished-saw-all", SAW_ALL, HEADS, KT_OK },
  { "distinguished-stop-newcomer", NEWCOMER, HEADS_STOP, KT_OK },
  { "distinguished-stop-saw-less", SAW_LESS, HEADS_STOP, KT_OK },
  { "owner-init-newcomer", NEWCOMER, INIT, KT_OK },
  { "owner-init-saw-less", SAW_LESS, INIT, KT_OK },
  { "owner-init-saw-all", SAW_ALL, INIT, KT_OK },
  { "contact-watches", WATCHES, CONTACT, KT_OK },
  { "contact-forgot", WATCHES_FORGOT, CONTACT, KT_OK },
  { "search-watches", WATCHES, GREATEST, KT_OK },
  { "update-newer-owns", OWNS, NEWER, KT_OK },
  { "update-newer-forgot", OWNS_FORGOT, NEWER, KT_OK },
  { "update-insert-owns", OWNS, INSERT, KT_OK },
  { "update-insert-forgot", OWNS_FORGOT, INSERT, KT_OK },
  { "owner-monitor-updated", OWNS_UPDATED, MONITOR, KT_OK },
  { "owner-monitor-forgot", OWNS_UPDATED_FORGOT, MONITOR, KT_OK },
};

void toy_scene_log(struct toy_log *log)
{
  toy_scene_log_other(log, 0, ENTRIES);
}

void toy_scene_log_other(struct toy_log *log, uint8_t salt, uint64_t size)
{
  const struct toy_params params = { .window = 25, .max_ahead = 10, .max_behind = 10 };
  toy_log_init(log, &params);
  log->salt = salt;
  for (uint64_t pos = 0; pos < size; pos++) {
    const struct toy_add add = { .label = LABEL, .count = pos == 0 ? 1 : pos == 4 ? 2 : 0 };
    toy_log_append(log, START_MS + STEP_MS * pos, &add, 1);
  }
}

size_t toy_scene_count(void)
{
  return sizeof plans / sizeof plans[0];
}

static void prepare(struct toy_user *user, enum before before)
{
  static const struct toy_query search = GREATEST;
  static const struct toy_query init = { .kind = TOY_OWNER_INIT, .label = LABEL };
  static const struct toy_query newer = NEWER;
  switch (before) {
  case NEWCOMER: break;
  case SAW_LESS: toy_user_observe(user, 5); break;
  case SAW_ALL: toy_user_observe(user, ENTRIES); break;
  case WATCHES:
  case WATCHES_FORGOT: toy_run_ok(user, 5, &search); break;
  case OWNS:
  case OWNS_FORGOT: toy_run_ok(user, 4, &init); break;
  case OWNS_UPDATED:
  case OWNS_UPDATED_FORGOT:
    toy_run_ok(user, 4, &init);
    toy_run_ok(user, 5, &newer);
    break;
  }
  if (before == WATCHES_FORGOT || before == OWNS_FORGOT || before == OWNS_UPDATED_FORGOT) {
    user->state = (struct kt_log_state){ 0 };
  }
}

void toy_scene_set(struct toy_log *log, size_t index, struct toy_scene *ret_scene)
{
  const struct plan *plan = &plans[index];
  memset(ret_scene, 0, sizeof *ret_scene);
  ret_scene->name = plan->name;
  ret_scene->query = plan->query;
  ret_scene->verdict = plan->verdict;
  toy_user_init(&ret_scene->user, log);
  prepare(&ret_scene->user, plan->before);
  assert_int_equal(toy_ask(&ret_scene->user, log->size, &plan->query), KT_OK);
  ret_scene->request = ret_scene->user.request;
  ret_scene->response = ret_scene->user.response;
}
