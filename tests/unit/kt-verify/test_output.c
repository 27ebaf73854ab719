/* SPDX-License-Identifier: Apache-2.0 */
/* What people and scripts read: one JSON object, clean text, colour only where it belongs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output.h"

struct streams {
  FILE *data;
  FILE *messages;
  char *data_text;
  char *messages_text;
  size_t data_len;
  size_t messages_len;
  struct kt_output out;
};

static void start(struct streams *s, const char *color, bool json)
{
  s->data = open_memstream(&s->data_text, &s->data_len);
  s->messages = open_memstream(&s->messages_text, &s->messages_len);
  assert_non_null(s->data);
  assert_non_null(s->messages);
  kt_output_init(&s->out, s->data, s->messages, color, json);
}

static void end(struct streams *s)
{
  kt_output_release(&s->out);
  fclose(s->data);
  fclose(s->messages);
}

static void release(struct streams *s)
{
  free(s->data_text);
  free(s->messages_text);
}

static void test_json_is_one_object_also_on_failure(void **context)
{
  struct streams s;
  (void)context;
  start(&s, NULL, true);
  s.out.verb = "device add";
  kt_output_data(&s.out, "text\n");
  kt_output_status(&s.out, KT_EXIT_OK, "more text");
  assert_int_equal(kt_output_fail(&s.out, KT_EXIT_UNDECIDED, "network", "no %s", "answer"), KT_EXIT_UNDECIDED);
  kt_output_fail(&s.out, KT_EXIT_FAILED, "later", "not the first reason");
  kt_output_check(&s.out, "alice", false);
  assert_int_equal(kt_output_finish(&s.out, KT_EXIT_UNDECIDED), KT_EXIT_UNDECIDED);
  end(&s);
  assert_string_equal(s.data_text, "{\"schema\":\"kt.device-add/1\",\"verdict\":\"undecided\",\"reason\":{\"code\":"
                                   "\"network\",\"text\":\"no answer\"},\"checks\":[{\"name\":\"alice\",\"ok\":false}]}"
                                   "\n");
  assert_non_null(strstr(s.messages_text, "kt-verify: no answer\n"));
  release(&s);
}

static void test_verdict_words(void **context)
{
  static const struct {
    enum kt_exit code;
    bool verified;
    const char *verdict;
    const char *word;
  } cases[] = {
    { KT_EXIT_OK, false, "\"done\"", "DONE" },
    { KT_EXIT_OK, true, "\"verified\"", "VERIFIED" },
    { KT_EXIT_FAILED, true, "\"failed\"", "FAILED" },
    { KT_EXIT_USAGE, false, "\"usage\"", "USAGE" },
    { KT_EXIT_UNDECIDED, true, "\"undecided\"", "UNDECIDED" },
    { KT_EXIT_ALERT, true, "\"alert\"", "ALERT" },
    { KT_EXIT_ABSENT, true, "\"absent\"", "ABSENT" },
  };
  (void)context;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct streams s;
    start(&s, NULL, true);
    s.out.verified = cases[i].verified;
    assert_int_equal(kt_output_finish(&s.out, cases[i].code), cases[i].code);
    end(&s);
    assert_non_null(strstr(s.data_text, cases[i].verdict));
    release(&s);
    start(&s, NULL, false);
    s.out.verified = cases[i].verified;
    kt_output_status(&s.out, cases[i].code, "x");
    end(&s);
    assert_int_equal(strncmp(s.data_text, cases[i].word, strlen(cases[i].word)), 0);
    assert_null(strchr(s.data_text, '\033')); /* not a terminal */
    release(&s);
  }
}

static void test_colour_only_when_wanted(void **context)
{
  struct streams s;
  (void)context;
  start(&s, "always", false);
  kt_output_status(&s.out, KT_EXIT_ALERT, "x");
  end(&s);
  assert_non_null(strstr(s.data_text, "\033[31;1mALERT\033[0m x"));
  release(&s);
  start(&s, "always", true);
  assert_false(s.out.color);
  end(&s);
  release(&s);
}

static void test_reason_names_check_section_and_entry(void **context)
{
  struct streams s;
  const struct kt_reason reason = {
    .code = "vrf", .text = "a VRF proof does not verify", .section = "VRF", .position = 9, .has_position = true
  };
  (void)context;
  start(&s, NULL, true);
  assert_int_equal(kt_output_fail_reason(&s.out, KT_ERR_PROOF, &reason, "alice"), KT_EXIT_FAILED);
  assert_int_equal(kt_output_fail_reason(&s.out, KT_ERR_STALE, &reason, "alice"), KT_EXIT_UNDECIDED);
  kt_output_finish(&s.out, KT_EXIT_FAILED);
  end(&s);
  assert_non_null(strstr(s.data_text, "\"section\":\"VRF\",\"position\":9"));
  assert_non_null(
      strstr(s.messages_text, "alice: a VRF proof does not verify, at log entry 9 (check vrf; draft section: VRF)"));
  release(&s);
  const struct kt_reason own = { .code = "payload-damaged", .text = "scan it again", .section = "ours" };
  start(&s, NULL, false);
  assert_int_equal(kt_output_fail_reason(&s.out, KT_ERR_FORMAT, &own, "the payload"), KT_EXIT_FAILED);
  end(&s);
  assert_string_equal(s.messages_text, "kt-verify: the payload: scan it again\n"); /* no draft to look it up in */
  release(&s);
}

static void test_messages_and_json_cannot_either(void **context)
{
  struct streams s;
  (void)context;
  start(&s, NULL, true);
  kt_output_fail(&s.out, KT_EXIT_USAGE, "usage", "unknown verb a\033[2J\xff");
  kt_output_set(&s.out, "label", json_string("\xc2\x9b\xe2\x80\xae")); /* well-formed, and yet */
  kt_output_finish(&s.out, KT_EXIT_USAGE);
  end(&s);
  assert_string_equal(s.messages_text, "kt-verify: unknown verb a?[2J?\n");
  assert_non_null(strstr(s.data_text, "\"text\":\"unknown verb a?[2J?\""));
  assert_non_null(strstr(s.data_text, "\"label\":\"\\u009B\\u202E\""));
  release(&s);
}

static void test_a_check_made_twice_is_one_entry(void **context)
{
  struct streams s;
  (void)context;
  start(&s, NULL, true);
  kt_output_check(&s.out, "vrf", true);
  kt_output_check(&s.out, "clock", true);
  kt_output_check(&s.out, "vrf", false);
  kt_output_check(&s.out, "vrf", true);
  kt_output_finish(&s.out, KT_EXIT_FAILED);
  end(&s);
  assert_non_null(strstr(s.data_text, "\"checks\":[{\"name\":\"vrf\",\"ok\":false},{\"name\":\"clock\",\"ok\":true}]"));
  release(&s);
}

/* Somebody who chooses a label must not choose a command. */
static void test_words_of_commands(void **context)
{
  (void)context;
  static const char *const hostile[] = { "a; reboot", "$(id)", "`id`", "a\tb", "it's",
                                         "--home=x",  "-",     "",     "a?b",  "ünsal" };
  assert_string_equal(kt_output_word("alice.b_c+d-e@example.org"), "alice.b_c+d-e@example.org");
  for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
    assert_string_equal(kt_output_word(hostile[i]), "LABEL");
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_json_is_one_object_also_on_failure),
    cmocka_unit_test(test_verdict_words),
    cmocka_unit_test(test_colour_only_when_wanted),
    cmocka_unit_test(test_reason_names_check_section_and_entry),
    cmocka_unit_test(test_messages_and_json_cannot_either),
    cmocka_unit_test(test_a_check_made_twice_is_one_entry),
    cmocka_unit_test(test_words_of_commands),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
