/* SPDX-License-Identifier: Apache-2.0 */
/* A message is one line of what can be shown, whoever wrote the words in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"

static void one_line_without_control_characters(void **state)
{
  char written[256] = "";
  FILE *file = tmpfile();
  (void)state;
  assert_non_null(file);
  int saved = dup(STDERR_FILENO);
  assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
  kt_say("the Manager says: %s", "a\nkt-server: b\r\033[2Jc\x7f, größer");
  assert_true(dup2(saved, STDERR_FILENO) >= 0);
  (void)close(saved);
  rewind(file);
  size_t len = fread(written, 1, sizeof written - 1, file);
  written[len] = '\0';
  (void)fclose(file);
  assert_string_equal(written, "kt-server: the Manager says: a?kt-server: b??[2Jc?, größer\n");
}

int main(void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test(one_line_without_control_characters) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
