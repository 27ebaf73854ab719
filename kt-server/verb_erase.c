/* SPDX-License-Identifier: Apache-2.0 */
/* erase: remove a person's data from the log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "account/utf8.h"
#include "base/noun.h"
#include "report.h"

static enum kt_err read_version(const char *text, uint32_t *ret_version, struct kt_error *error)
{
  char *end;
  errno = 0;
  unsigned long long version = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || version >= UINT32_MAX) {
    return kt_error_set(error, KT_ERR_USAGE, "\"%s\" is no version: a number from 0 on is wanted", text);
  }
  *ret_version = (uint32_t)version;
  return KT_OK;
}

/* {"op":"erase"} for these arguments; version NULL: the whole label. */
static enum kt_err make_request(const char *label, const char *version_text, json_t **ret_request,
                                struct kt_error *error)
{
  const struct kt_bytes bytes = { (const uint8_t *)label, strlen(label) };
  uint32_t version = 0;
  if (bytes.len == 0 || bytes.len > KT_LABEL_MAX || !kt_utf8_is_valid(bytes)) {
    return kt_error_set(error, KT_ERR_USAGE, "a label is 1 to %d bytes of UTF-8", KT_LABEL_MAX);
  }
  enum kt_err err = version_text != NULL ? read_version(version_text, &version, error) : KT_OK;
  if (err != KT_OK) {
    return err;
  }
  json_t *request = json_pack("{s:s, s:s}", "op", "erase", "label", label);
  if (request == NULL ||
      (version_text != NULL && json_object_set_new(request, "version", json_integer(version)) != 0)) {
    json_decref(request);
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  *ret_request = request;
  return KT_OK;
}

static void tell_done(const char *label, const char *version, json_int_t n)
{
  if (n == 0) {
    (void)printf("%s: was erased before; nothing of it is here\n", label);
  } else if (version != NULL) {
    (void)printf("%s: value and opening of version %s are erased\n", label, version);
  } else {
    (void)printf("%s: the label and its %" JSON_INTEGER_FORMAT " %s are erased\n", label, n,
                 kt_noun((uint64_t)n, "version", "versions"));
  }
  kt_say("the log's entries keep hashes of it, which nobody can read without what was erased; every other proof stays "
         "valid");
  kt_say("backups made before still hold it: delete them, or erase it again after a restore");
  if (version == NULL) {
    kt_say("lookups of the label are answered 410 from now on, its owner's program says what that means, and it cannot "
           "be registered again");
  }
}

static int show(const struct kt_verb *verb, const char *label, const char *version, const json_t *erased, bool as_json)
{
  const json_t *n = json_object_get(erased, "versions");
  bool is_clean = json_is_true(json_object_get(erased, "clean"));
  if (as_json) {
    return kt_report_json(verb, json_pack("{s:s, s:O, s:b}", "label", label, "erased", n, "clean", (int)is_clean));
  }
  tell_done(label, version, json_integer_value(n));
  if (!is_clean) {
    kt_say(
        "copies of what was erased are still in the database's files, because somebody reads an older state of it or "
        "the disk fails; they are overwritten as soon as that ends, and `kt-server status` says when it is done");
  }
  return KT_EXIT_DONE;
}

int kt_verb_erase(const struct kt_verb *verb, int argc, char **argv)
{
  const char *arguments[3] = { NULL, NULL, NULL };
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  struct kt_error error;
  json_t *request = NULL;
  json_t *response = NULL;
  if (kt_cli_parse_some(verb, argc, argv, options, 1, arguments, 2, 3) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  const char *version = arguments[2];
  enum kt_err err = make_request(arguments[1], version, &request, &error);
  if (err != KT_OK) {
    return kt_report_failure(verb, as_json, NULL, err, &error);
  }
  err = kt_admin_ask(arguments[0], request, NULL, &response, &error);
  int code = err == KT_OK ? show(verb, arguments[1], version, json_object_get(response, "erased"), as_json)
                          : kt_report_failure(verb, as_json, NULL, err, &error);
  json_decref(response);
  return code;
}
