/* SPDX-License-Identifier: Apache-2.0 */
/* The route table against the HTTP table of the interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http_call.h"

static const struct {
  const char *method;
  const char *path;
} table[] = {
  { "GET", "/v1/config" },          { "GET", "/v1/tree-head" },       { "POST", "/v1/search" },
  { "POST", "/v1/owner/init" },     { "POST", "/v1/owner/monitor" },  { "POST", "/v1/contact-monitor" },
  { "POST", "/v1/distinguished" },  { "POST", "/v1/update" },         { "GET", "/v1/audit" },
  { "GET", "/v1/audit/state" },     { "GET", "/v1/log/consistency" }, { "PUT", "/v1/relay/{mailbox}" },
  { "GET", "/v1/relay/{mailbox}" }, { "POST", "/v1/credential" },     { "POST", "/v1/credential-update" },
  { "GET", "/openapi.yaml" },       { "GET", "/v1/auditor/head" },    { "PUT", "/v1/auditor/head" },
  { "POST", "/v1/manager/update" },
};

#define N (sizeof table / sizeof table[0])

static void every_route_is_there(void **state)
{
  const char *allow = "untouched";
  (void)state;
  for (size_t i = 0; i < N; i++) {
    const struct kt_route *route = kt_route_find(kt_log_routes, table[i].method, table[i].path, &allow);
    assert_non_null(route);
    assert_string_equal(route->path, table[i].path);
    assert_non_null(route->answer);
    /* Every answer of the log that has content has a JSON form. */
    bool has_content = route->type != NULL && strncmp(route->path, "/v1/", 4) == 0;
    assert_true((route->view != NULL) == has_content);
  }
  size_t n = 0;
  while (kt_log_routes[n].path != NULL) {
    n++;
  }
  assert_int_equal(n, N);
}

static void other_methods_are_told_which(void **state)
{
  const char *allow = NULL;
  (void)state;
  for (size_t i = 0; i < N; i++) {
    const char *other = strcmp(table[i].method, "POST") == 0 ? "GET" : "POST";
    assert_null(kt_route_find(kt_log_routes, other, table[i].path, &allow));
    assert_non_null(allow);
    assert_non_null(strstr(allow, table[i].method));
    assert_null(kt_route_find(kt_log_routes, "DELETE", table[i].path, &allow));
    assert_non_null(allow);
  }
}

static void the_rest_of_a_path_is_its_argument(void **state)
{
  char rest[KT_PATH_REST_SIZE];
  char longest[] = "/v1/relay/0123456789012345678901234567890123456789012345678901234567890123X";
  const char *allow = NULL;
  (void)state;
  const struct kt_route *route = kt_route_find(kt_log_routes, "PUT", "/v1/relay/abc", &allow);
  assert_non_null(route);
  assert_string_equal(route->method, "PUT");
  kt_route_rest(route, "/v1/relay/abc", rest);
  assert_string_equal(rest, "abc");
  kt_route_rest(route, longest, rest);
  assert_string_equal(rest, "");
  longest[sizeof longest - 2] = '\0';
  kt_route_rest(route, longest, rest);
  assert_int_equal(strlen(rest), 64);
  assert_null(kt_route_find(kt_log_routes, "POST", "/v1/relay/abc", &allow));
  assert_string_equal(allow, "GET, HEAD, PUT");
  kt_route_rest(kt_route_find(kt_log_routes, "GET", "/v1/config", &allow), "/v1/config", rest);
  assert_string_equal(rest, "");
}

static void head_is_a_get(void **state)
{
  const char *allow = NULL;
  (void)state;
  assert_non_null(kt_route_find(kt_log_routes, "HEAD", "/v1/config", &allow));
  assert_null(kt_route_find(kt_log_routes, "HEAD", "/v1/search", &allow));
  assert_string_equal(allow, "POST");
}

static void unknown_paths_have_no_methods(void **state)
{
  static const char *const paths[] = {
    "",       "/",         "/v1",        "/v1/",          "/v1/config/",   "/v1/Config", "//v1/config",
    "/livez", "/v1/relay", "/v1/relay/", "/v1/relay/a/b", "/v1/relays/abc"
  };
  (void)state;
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    const char *allow = "x";
    assert_null(kt_route_find(kt_log_routes, "GET", paths[i], &allow));
    assert_null(allow);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_route_is_there),
    cmocka_unit_test(other_methods_are_told_which),
    cmocka_unit_test(the_rest_of_a_path_is_its_argument),
    cmocka_unit_test(head_is_a_get),
    cmocka_unit_test(unknown_paths_have_no_methods),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
