/* SPDX-License-Identifier: Apache-2.0 */
/* access-create, access-list, access-revoke: who may ask the log when the settings say `access: token`. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "access.h"
#include "admin.h"
#include "report.h"
#include "units.h"

static void make_token(char ret_token[static KT_ACCESS_TOKEN_LEN + 1], char ret_id[static KT_ACCESS_ID_LEN + 1])
{
  uint8_t id[KT_ACCESS_ID_LEN / 2];
  uint8_t secret[KT_ACCESS_SECRET_LEN / 2];
  char text[KT_ACCESS_SECRET_LEN + 1];
  randombytes_buf(id, sizeof id);
  randombytes_buf(secret, sizeof secret);
  (void)sodium_bin2hex(ret_id, KT_ACCESS_ID_LEN + 1, id, sizeof id);
  (void)sodium_bin2hex(text, sizeof text, secret, sizeof secret);
  (void)snprintf(ret_token, KT_ACCESS_TOKEN_LEN + 1, KT_ACCESS_PREFIX "%s_%s", ret_id, text);
  sodium_memzero(secret, sizeof secret);
  sodium_memzero(text, sizeof text);
}

int kt_verb_access_create(const struct kt_verb *verb, int argc, char **argv)
{
  const char *positional[2];
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  char token[KT_ACCESS_TOKEN_LEN + 1];
  char id[KT_ACCESS_ID_LEN + 1];
  char hash[65];
  struct kt_error error;
  json_t *response = NULL;
  if (kt_cli_parse(verb, argc, argv, options, 1, positional, 2) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  make_token(token, id);
  kt_access_hash(token, hash);
  enum kt_err err = kt_admin_ask(
      positional[0],
      json_pack("{s:s, s:s, s:s, s:s}", "op", "access-create", "id", id, "scopes", positional[1], "hash", hash), NULL,
      &response, &error);
  int code = KT_EXIT_DONE;
  if (err != KT_OK) {
    code = kt_report_failure(verb, as_json, NULL, err, &error);
  } else if (as_json) {
    code = kt_report_json(verb, json_pack("{s:s, s:s}", "id", id, "token", token));
  } else {
    (void)printf("%s\n", token);
    kt_say("this is the only time the token is shown; access-revoke %s %s ends it", positional[0], id);
  }
  json_decref(response);
  sodium_memzero(token, sizeof token);
  return code;
}

static void print_tokens(const json_t *tokens)
{
  size_t i;
  json_t *token;
  json_array_foreach(tokens, i, token)
  {
    char time[KT_TIME_TEXT_SIZE];
    kt_time_text((uint64_t)json_integer_value(json_object_get(token, "created_ms")), time);
    (void)printf("%s  %-20s since %s\n", json_string_value(json_object_get(token, "id")),
                 json_string_value(json_object_get(token, "scopes")), time);
  }
}

int kt_verb_access_list(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  struct kt_error error;
  json_t *response = NULL;
  if (kt_cli_parse(verb, argc, argv, options, 1, &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  enum kt_err err = kt_admin_ask(dir, json_pack("{s:s}", "op", "access-list"), NULL, &response, &error);
  int code = KT_EXIT_DONE;
  if (err != KT_OK) {
    code = kt_report_failure(verb, as_json, NULL, err, &error);
  } else if (as_json) {
    code = kt_report_json(verb, json_pack("{s:O}", "tokens", json_object_get(response, "tokens")));
  } else {
    print_tokens(json_object_get(response, "tokens"));
  }
  json_decref(response);
  return code;
}

int kt_verb_access_revoke(const struct kt_verb *verb, int argc, char **argv)
{
  const char *positional[2];
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  struct kt_error error;
  json_t *response = NULL;
  if (kt_cli_parse(verb, argc, argv, options, 1, positional, 2) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  enum kt_err err = kt_admin_ask(positional[0], json_pack("{s:s, s:s}", "op", "access-revoke", "id", positional[1]),
                                 NULL, &response, &error);
  int code = KT_EXIT_DONE;
  if (err != KT_OK) {
    code = kt_report_failure(verb, as_json, NULL, err, &error);
  } else if (as_json) {
    code = kt_report_json(verb, json_pack("{s:s}", "id", positional[1]));
  } else {
    kt_say("access token %s is revoked; requests that show it get 401 from now on", positional[1]);
  }
  json_decref(response);
  return code;
}
