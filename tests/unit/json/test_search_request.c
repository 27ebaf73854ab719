/* SPDX-License-Identifier: Apache-2.0 */
/* A search request in JSON means the binary request it stands for, and nothing else is one (S1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "json/search.h"

static enum kt_err read_text(const char *text, struct kt_arena *arena, struct kt_search_request *ret_request)
{
  char why[KT_JSON_SEARCH_TEXT_SIZE] = "";
  struct kt_bytes bytes = { (const uint8_t *)text, strlen(text) };
  enum kt_err err = kt_json_search_request_read(bytes, arena, ret_request, why);
  assert_int_equal(err == KT_ERR_FORMAT, why[0] != '\0');
  return err;
}

static void requests_are_read(void **state)
{
  struct kt_arena arena;
  struct kt_search_request request;
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(read_text("{\"label\":\"alice\"}", &arena, &request), KT_OK);
  assert_int_equal(request.label.len, 5);
  assert_memory_equal(request.label.data, "alice", 5);
  assert_false(request.version.present);
  assert_false(request.last.present);
  assert_int_equal(read_text("{\"label\":\"\\u00e9\",\"version\":4294967295,\"last\":12}", &arena, &request), KT_OK);
  assert_memory_equal(request.label.data, "\xc3\xa9", 2);
  assert_true(request.version.present && request.version.value == UINT32_MAX);
  assert_true(request.last.present && request.last.value == 12);
  assert_int_equal(read_text("{\"label\":\"a\",\"version\":null,\"last\":null}", &arena, &request), KT_OK);
  assert_false(request.version.present);
  kt_arena_release(&arena);
}

static void s1_everything_else_is_refused(void **state)
{
  static const char *const bad[] = {
    "",
    "null",
    "[]",
    "{}",
    "\"alice\"",
    "{\"label\":1}",
    "{\"label\":null}",
    "{\"label\":\"a\",\"label\":\"b\"}",
    "{\"label\":\"a\"} x",
    "{\"label\":\"a\"",
    "{\"label\":\"a\",\"versoin\":1}",
    "{\"label\":\"a\",\"version\":-1}",
    "{\"label\":\"a\",\"version\":4294967296}",
    "{\"label\":\"a\",\"version\":1.5}",
    "{\"label\":\"a\",\"version\":1.0}",
    "{\"label\":\"a\",\"version\":\"1\"}",
    "{\"label\":\"a\",\"version\":true}",
    "{\"label\":\"a\",\"last\":-5}",
    "{\"label\":\"a\",\"last\":99999999999999999999}",
    "{\"label\":\"\xff\"}",
    "{\"label\":\"\\ud800\"}",
  };
  struct kt_arena arena;
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct kt_search_request request = { .last = { true, 77 } };
    assert_int_equal(read_text(bad[i], &arena, &request), KT_ERR_FORMAT);
    assert_true(request.last.value == 77); /* untouched */
  }
  kt_arena_release(&arena);
}

static void s1_deep_nesting_is_refused(void **state)
{
  enum { DEPTH = 100000 };
  struct kt_arena arena;
  struct kt_search_request request;
  char *text = malloc(DEPTH + 1);
  (void)state;
  assert_non_null(text);
  memset(text, '[', DEPTH);
  text[DEPTH] = '\0';
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(read_text(text, &arena, &request), KT_ERR_FORMAT);
  kt_arena_release(&arena);
  free(text);
}

static void a_view_reads_back(void **state)
{
  struct kt_arena arena;
  struct kt_search_request request;
  const struct kt_search_request original = { .last = { true, 5 },
                                              .label = { (const uint8_t *)"bob", 3 },
                                              .version = { true, 9 } };
  (void)state;
  json_t *view = kt_json_search_request(&original);
  char *text = json_dumps(view, 0);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(read_text(text, &arena, &request), KT_OK);
  assert_true(request.last.value == 5 && request.version.value == 9 && request.label.len == 3);
  kt_arena_release(&arena);
  free(text);
  json_decref(view);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(requests_are_read),
    cmocka_unit_test(s1_everything_else_is_refused),
    cmocka_unit_test(s1_deep_nesting_is_refused),
    cmocka_unit_test(a_view_reads_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
