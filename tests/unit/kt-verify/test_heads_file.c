/* SPDX-License-Identifier: Apache-2.0 */
/* The list of heads somebody else sends: what is read, and that nothing malformed is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "heads.h"

#define ROOT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LOG "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"

static enum kt_err decode(const char *text, struct kt_arena *arena, struct kt_heads_file **ret_file)
{
  return kt_heads_file_decode((struct kt_bytes){ (const uint8_t *)text, strlen(text) }, arena, ret_file);
}

static void assert_two_heads(const struct kt_heads_file *file)
{
  assert_int_equal(file->n, 2);
  assert_int_equal(file->log_id.b[0], 0xa0);
  assert_int_equal(file->log_id.b[31], 0xbf);
  assert_int_equal(file->heads[0].size, 7);
  assert_int_equal(file->heads[0].timestamp_ms, 1700000000123);
  assert_int_equal(file->heads[0].root.b[1], 0x11);
  assert_int_equal(file->heads[0].signature.len, 0);
  assert_int_equal(file->heads[1].size, 9);
  assert_int_equal(file->heads[1].signature.len, 2);
  assert_memory_equal(file->heads[1].signature.data, "\xab\xcd", 2);
  assert_int_equal(file->heads[1].config.len, 3);
  assert_memory_equal(file->heads[1].config.data, "\x01\x02\x03", 3);
}

static void text_and_json_say_the_same(void **state)
{
  static const char *const texts[] = {
    "kt-heads/1\nlog " LOG "\nhead 7 " ROOT " 1700000000123\nsigned 9 " ROOT " abcd 010203\n",
    "kt-heads/1 \r\n\r\n# from bob\r\nhead 7 " ROOT " 1700000000123\r\nsigned 9 " ROOT " ABCD 010203\r\nlog " LOG,
    "{\"schema\":\"kt.log-distinguished/1\",\"verdict\":\"verified\",\"log\":{\"id\":\"" LOG "\"},"
    "\"heads\":[{\"size\":7,\"root\":\"" ROOT "\",\"timestamp_ms\":1700000000123}],"
    "\"signed\":[{\"size\":9,\"root\":\"" ROOT "\",\"signature\":\"abcd\",\"config\":\"010203\"}]}",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct kt_arena arena;
    struct kt_heads_file *file = NULL;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    assert_int_equal(decode(texts[i], &arena, &file), KT_OK);
    assert_two_heads(file);
    kt_arena_release(&arena);
  }
}

static void malformed_lists_are_refused(void **state)
{
  static const char *const texts[] = {
    "",
    "kt-heads/2\nlog " LOG "\nhead 7 " ROOT " 5\n",
    "kt-heads/10\nlog " LOG "\nhead 7 " ROOT " 5\n",
    "kt-heads/1\nhead 7 " ROOT " 5\n",                           /* which log? */
    "kt-heads/1\nlog " LOG "\nlog " LOG "\nhead 7 " ROOT " 5\n", /* or which? */
    "kt-heads/1\nlog " LOG "\n",                                 /* nothing in it */
    "kt-heads/1\nlog " LOG "\nhead 0 " ROOT " 5\n",
    "kt-heads/1\nlog " LOG "\nhead -7 " ROOT " 5\n",
    "kt-heads/1\nlog " LOG "\nhead 9223372036854775808 " ROOT " 5\n",
    "kt-heads/1\nlog " LOG "\nhead 7 " ROOT "00 5\n",
    "kt-heads/1\nlog " LOG "\nhead 7 " ROOT "\n",
    "kt-heads/1\nlog " LOG "\nhead 7 " ROOT " 5 6\n",
    "kt-heads/1\nlog " LOG "\nhead 7 " ROOT " 5 6 7 8\n",
    "kt-heads/1\nlog " LOG "\nsigned 7 " ROOT " abc 01\n",
    "kt-heads/1\nlog " LOG "\nsigned 7 " ROOT " ab\n",
    "kt-heads/1\nlog " LOG "\nshead 7 " ROOT " 5\n",
    "{\"schema\":\"kt.lookup/1\",\"log\":{\"id\":\"" LOG "\"},\"heads\":[{\"size\":7,\"root\":\"" ROOT
    "\",\"timestamp_ms\":5}]}",
    "{\"schema\":\"kt.log-head/1\",\"log\":{\"id\":\"" LOG "\"},\"heads\":[{\"size\":-7,\"root\":\"" ROOT
    "\",\"timestamp_ms\":5}]}",
    "{\"schema\":\"kt.log-head/1\",\"log\":{\"id\":\"" LOG "\"},\"heads\":{\"size\":7}}",
    "{\"schema\":\"kt.log-head/1\",\"log\":{},\"heads\":[{\"size\":7,\"root\":\"" ROOT "\",\"timestamp_ms\":5}]}",
    "{\"schema\":\"kt.log-head/1\",\"log\":{\"id\":\"" LOG "\"},\"signed\":[{\"size\":7,\"root\":\"" ROOT
    "\",\"signature\":\"\",\"config\":\"01\"}]}",
    "{\"schema\":",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct kt_arena arena;
    struct kt_heads_file *file = NULL;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    assert_int_equal(decode(texts[i], &arena, &file), KT_ERR_FORMAT);
    assert_null(file);
    kt_arena_release(&arena);
  }
}

static void a_list_has_its_limit(void **state)
{
  char text[KT_HEADS_FILE_MAX * 100 + 200] = "kt-heads/1\nlog " LOG "\n";
  struct kt_arena arena;
  struct kt_heads_file *file = NULL;
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (size_t i = 0; i < KT_HEADS_FILE_MAX; i++) {
    strcat(text, "head 7 " ROOT " 5\n");
  }
  assert_int_equal(decode(text, &arena, &file), KT_OK);
  assert_int_equal(file->n, KT_HEADS_FILE_MAX);
  strcat(text, "head 7 " ROOT " 5\n");
  assert_int_equal(decode(text, &arena, &file), KT_ERR_FORMAT);
  kt_arena_release(&arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_and_json_say_the_same),
    cmocka_unit_test(malformed_lists_are_refused),
    cmocka_unit_test(a_list_has_its_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
