/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the log's distinguished heads for credentials, and states as bytes: what is too old, of another clock, or
 * not what was written is refused. */
#include <kt/credential.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WINDOW_MS UINT64_C(36000000) /* ten hours, so that eight windows are more than a day */
#define RECENT_MAX 8
#define LEARNED_MS UINT64_C(5000000000)

static const struct kt_config config = { .max_ahead = 1000, .reasonable_monitoring_window = WINDOW_MS };

static enum kt_err age_of(uint64_t now_ms, struct kt_reason *ret_reason)
{
  const struct kt_recent_heads recent = { .learned_ms = LEARNED_MS };
  *ret_reason = (struct kt_reason){ .code = NULL };
  return kt_recent_check_age(&recent, &config, now_ms, ret_reason);
}

/* "They serve for 8 monitoring windows after the walk" (docs/formats.md). */
static void test_heads_serve_for_eight_windows(void **state)
{
  struct kt_reason reason;
  (void)state;
  assert_int_equal(age_of(LEARNED_MS, &reason), KT_OK);
  assert_int_equal(age_of(LEARNED_MS + RECENT_MAX * WINDOW_MS, &reason), KT_OK);
  assert_int_equal(age_of(LEARNED_MS + RECENT_MAX * WINDOW_MS + 1, &reason), KT_ERR_STALE);
  assert_string_equal(reason.code, "heads-too-old");
}

static void test_a_clock_that_went_back_tells_nothing(void **state)
{
  struct kt_reason reason;
  (void)state;
  assert_int_equal(age_of(LEARNED_MS - config.max_ahead, &reason), KT_OK);
  assert_int_equal(age_of(LEARNED_MS - config.max_ahead - 1, &reason), KT_ERR_STALE);
  assert_string_equal(reason.code, "stale-or-clock");
}

static struct kt_tree_state heads[KT_RECENT_HEADS_MAX + 2];

/* A head of one entry. */
static void set_head(size_t i, uint64_t timestamp_ms)
{
  memset(&heads[i], 0, sizeof heads[i]);
  heads[i].size = 1;
  heads[i].n_heads = 1;
  heads[i].n_frontier = 1;
  heads[i].frontier[0].timestamp_ms = timestamp_ms;
}

/* A head older than a window is settled; where there is none, the oldest has to do. */
static void test_the_settled_head(void **state)
{
  struct kt_recent_heads recent = { .heads = heads, .n = 3, .n_recent = 3, .rightmost_ms = LEARNED_MS };
  (void)state;
  set_head(0, LEARNED_MS);
  set_head(1, LEARNED_MS - 5);
  set_head(2, LEARNED_MS - WINDOW_MS);
  assert_ptr_equal(kt_recent_settled(&recent, &config), &heads[2]);
  recent.n_recent = 2;
  assert_ptr_equal(kt_recent_settled(&recent, &config), &heads[1]);
  recent.n_recent = 0;
  assert_null(kt_recent_settled(&recent, &config));
  /* What has expired settles nothing. */
  struct kt_config short_lived = config;
  short_lived.has_maximum_lifetime = true;
  short_lived.maximum_lifetime = WINDOW_MS / 2;
  recent.n_recent = 3;
  assert_ptr_equal(kt_recent_settled(&recent, &short_lived), &heads[1]);
}

/* --- bytes --------------------------------------------------------------------------------------------------------------- */

static enum kt_err decode(uint8_t *bytes, size_t len)
{
  struct kt_arena arena;
  struct kt_recent_heads decoded = { .n = 77 };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_recent_heads_decode((struct kt_bytes){ bytes, len }, &arena, &decoded);
  assert_true(err == KT_OK || decoded.n == 77);
  kt_arena_release(&arena);
  return err;
}

#define AT_N_RECENT 17 /* format, two times */
#define AT_N 18
#define AT_SIZE 19

static void test_heads_as_bytes(void **state)
{
  const struct kt_recent_heads recent = { .heads = heads, .n = 1, .n_recent = 1 };
  struct kt_writer w;
  (void)state;
  set_head(0, LEARNED_MS);
  kt_writer_init(&w, 1000);
  kt_recent_heads_write(&w, &recent);
  assert_int_equal(w.err, KT_OK);
  assert_int_equal(decode(w.buf, w.len), KT_OK);
  for (size_t len = 0; len < w.len; len++) {
    assert_true(decode(w.buf, len) != KT_OK);
  }
  w.buf[0]++;
  assert_int_equal(decode(w.buf, w.len), KT_ERR_UNSUPPORTED);
  w.buf[0]--;
  w.buf[AT_N_RECENT] = 2; /* more than there are */
  assert_int_equal(decode(w.buf, w.len), KT_ERR_FORMAT);
  w.buf[AT_N_RECENT] = 1;
  memset(w.buf + AT_SIZE, 0, 8); /* of a log without entries */
  assert_int_equal(decode(w.buf, w.len), KT_ERR_FORMAT);
  kt_writer_release(&w);
}

static void test_no_more_heads_than_are_kept(void **state)
{
  struct kt_recent_heads recent = { .heads = heads, .n = KT_RECENT_HEADS_MAX };
  struct kt_writer w;
  (void)state;
  for (size_t i = 0; i < KT_RECENT_HEADS_MAX + 1; i++) {
    set_head(i, i);
  }
  for (; recent.n <= KT_RECENT_HEADS_MAX + 1; recent.n++) {
    kt_writer_init(&w, 100000);
    kt_recent_heads_write(&w, &recent);
    assert_int_equal(decode(w.buf, w.len), recent.n <= KT_RECENT_HEADS_MAX ? KT_OK : KT_ERR_FORMAT);
    kt_writer_release(&w);
  }
}

/* A log state of a later format, or one that claims an auditor's head of another size than it can have. */
static void test_log_states_of_another_format(void **state)
{
  static struct kt_log_state log = { .auditor_size = 1 };
  static struct kt_log_state decoded;
  struct kt_writer w;
  (void)state;
  set_head(0, 7);
  log.tree = heads[0];
  kt_writer_init(&w, 1000);
  kt_log_state_write(&w, &log);
  const struct kt_bytes bytes = { w.buf, w.len };
  assert_int_equal(kt_log_state_decode(bytes, &decoded), KT_OK);
  assert_int_equal(decoded.auditor_size, 1);
  decoded.auditor_size = 77;
  w.buf[w.len - 1] = 2; /* the tree has one entry */
  assert_int_equal(kt_log_state_decode(bytes, &decoded), KT_ERR_FORMAT);
  w.buf[0] = 3;
  assert_int_equal(kt_log_state_decode(bytes, &decoded), KT_ERR_UNSUPPORTED);
  assert_int_equal(decoded.auditor_size, 77);
  kt_writer_release(&w);
}

/* Memory for ever more of it: nothing is half decoded. */
static void test_states_without_memory(void **state)
{
  const struct kt_version_at map[] = { { .position = 1, .version = 2 } };
  const struct kt_known_version known[] = { { .version = 2 } };
  const struct kt_contact_state contact = { map, 1, known, 1 };
  const struct kt_recent_heads recent = { .heads = heads, .n = 1, .n_recent = 1 };
  struct kt_writer w;
  struct kt_writer encoded;
  size_t n_refused = 0;
  (void)state;
  set_head(0, LEARNED_MS);
  kt_writer_init(&w, 1000);
  kt_contact_state_write(&w, &contact);
  kt_writer_init(&encoded, 1000);
  kt_recent_heads_write(&encoded, &recent);
  for (size_t cap = 1; cap < 100000; cap *= 2) {
    struct kt_contact_state decoded = { .n_map = 77 };
    struct kt_recent_heads decoded_heads = { .n = 77 };
    struct kt_arena arena;
    kt_arena_init(&arena, cap);
    enum kt_err err = kt_contact_state_decode((struct kt_bytes){ w.buf, w.len }, &arena, &decoded);
    assert_int_equal(decoded.n_map, err == KT_OK ? 1 : 77);
    n_refused += err == KT_ERR_MEMORY ? 1 : 0;
    kt_arena_release(&arena);
    kt_arena_init(&arena, cap);
    err = kt_recent_heads_decode((struct kt_bytes){ encoded.buf, encoded.len }, &arena, &decoded_heads);
    assert_int_equal(decoded_heads.n, err == KT_OK ? 1 : 77);
    n_refused += err == KT_ERR_MEMORY ? 1 : 0;
    kt_arena_release(&arena);
  }
  assert_true(n_refused > 2);
  kt_writer_release(&w);
  kt_writer_release(&encoded);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_heads_serve_for_eight_windows),
    cmocka_unit_test(test_a_clock_that_went_back_tells_nothing),
    cmocka_unit_test(test_the_settled_head),
    cmocka_unit_test(test_heads_as_bytes),
    cmocka_unit_test(test_no_more_heads_than_are_kept),
    cmocka_unit_test(test_log_states_of_another_format),
    cmocka_unit_test(test_states_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
