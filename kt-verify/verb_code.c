/* SPDX-License-Identifier: Apache-2.0 */
/* code show, compare: safety numbers. The person types or pastes the other's digits, the program compares. */
#include <kt/safety_number.h>

#include <stdio.h>

#include "ceremony.h"
#include "report.h"
#include "verbs.h"

#define TYPED_MAX 1024

static void compute(const struct kt_ceremony *ceremony, struct kt_safety_number *ret_number)
{
  kt_safety_number_compute(&ceremony->own.account.key, ceremony->own.label, &ceremony->theirs, ceremony->watch.label,
                           ret_number);
}

enum kt_exit kt_verb_code_show(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_ceremony ceremony;
  struct kt_safety_number number;
  enum kt_exit code = kt_ceremony_open(&ceremony, cli, out, true, false);
  if (code == KT_EXIT_OK) {
    char text[KT_SAFETY_NUMBER_TEXT_SIZE];
    compute(&ceremony, &number);
    kt_safety_number_format(&number, text);
    kt_output_set(out, "code", json_string(number.digits));
    kt_output_data(out, "%s\n", text);
    kt_output_note(out,
                   "kt-verify: between %s and %s. Ask for the digits the other person sees, by voice or in person, "
                   "then: kt-verify code compare %s DIGITS\n",
                   ceremony.own.name, ceremony.watch.name, kt_output_word(ceremony.watch.name));
    kt_report_contact(out, &ceremony.watch.other.contact);
  }
  kt_ceremony_close(&ceremony);
  return code;
}

static void describe_groups(uint16_t differ, char *ret_text, size_t size)
{
  size_t len = (size_t)snprintf(ret_text, size, "Of the 12 groups these differ:");
  for (unsigned i = 0; i < KT_SAFETY_NUMBER_GROUPS; i++) {
    if ((differ & (1u << i)) != 0) {
      len += (size_t)snprintf(ret_text + len, size - len, " %u", i + 1);
    }
  }
}

static enum kt_exit compare(struct kt_ceremony *ceremony, const char *text)
{
  struct kt_reason reason = { .code = NULL };
  struct kt_safety_number number;
  struct kt_safety_number typed;
  char detail[128];
  enum kt_err err = kt_safety_number_parse(kt_text_bytes(text), &typed, &reason);
  if (err != KT_OK) {
    return kt_output_fail_reason(ceremony->session.out, err, &reason, "the digits");
  }
  compute(ceremony, &number);
  uint16_t differ = kt_safety_number_compare(&number, &typed);
  describe_groups(differ, detail, sizeof detail);
  const struct kt_ceremony_outcome outcome = { .method = KT_METHOD_SAFETY_NUMBER,
                                               .matches = differ == 0,
                                               .detail = detail };
  return kt_ceremony_settle(ceremony, &outcome);
}

enum kt_exit kt_verb_code_compare(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_ceremony ceremony;
  char text[TYPED_MAX];
  kt_ceremony_read_typed(cli, 1, text, sizeof text);
  out->verified = true;
  enum kt_exit code = kt_ceremony_open(&ceremony, cli, out, true, false);
  if (code == KT_EXIT_OK) {
    code = compare(&ceremony, text);
  }
  kt_ceremony_close(&ceremony);
  return code;
}
