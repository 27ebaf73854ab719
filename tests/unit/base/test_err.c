/* SPDX-License-Identifier: Apache-2.0 */
/* Words for errors, and the first reason that counts. */
#include <kt/err.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_each_error_has_words_of_its_own(void **state)
{
  const char *unknown = kt_err_text((enum kt_err)1000);
  (void)state;
  assert_true(strlen(unknown) > 0);
  for (int i = KT_OK; i <= KT_ERR_CRYPTO; i++) {
    const char *text = kt_err_text((enum kt_err)i);
    assert_true(strlen(text) > 0);
    assert_string_not_equal(text, unknown);
    for (int k = KT_OK; k < i; k++) {
      assert_string_not_equal(text, kt_err_text((enum kt_err)k));
    }
  }
}

static void test_the_first_reason_stays(void **state)
{
  struct kt_reason reason = { .code = NULL };
  (void)state;
  assert_int_equal(kt_fail(NULL, KT_ERR_PROOF, "one", "text", "section"), KT_ERR_PROOF);
  assert_int_equal(kt_fail_at(NULL, KT_ERR_LIMIT, "one", "text", "section", 7), KT_ERR_LIMIT);
  assert_int_equal(kt_fail_at(&reason, KT_ERR_PROOF, "one", "text", "section", 7), KT_ERR_PROOF);
  assert_int_equal(kt_fail(&reason, KT_ERR_LIMIT, "two", "other", "elsewhere"), KT_ERR_LIMIT);
  assert_int_equal(kt_fail_at(&reason, KT_ERR_LIMIT, "three", "other", "elsewhere", 8), KT_ERR_LIMIT);
  assert_string_equal(reason.code, "one");
  assert_true(reason.has_position && reason.position == 7);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_each_error_has_words_of_its_own),
    cmocka_unit_test(test_the_first_reason_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
