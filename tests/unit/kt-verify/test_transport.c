/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of sockets: which are taken, and that whoever cannot be reached there is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "transport.h"

static enum kt_err open_socket(size_t path_len)
{
  char url[256] = "unix:/";
  struct kt_transport *transport = NULL;
  memset(url + strlen(url), 's', path_len - 1);
  enum kt_err err = kt_transport_new(url, &transport);
  kt_transport_free(transport);
  return err;
}

static void test_a_path_too_long_is_no_address(void **state)
{
  (void)state;
  assert_int_equal(open_socket(KT_SOCKET_PATH_MAX), KT_OK);
  assert_int_equal(open_socket(KT_SOCKET_PATH_MAX + 1), KT_ERR_LIMIT);
}

static void test_a_socket_that_is_not_there_is_named(void **state)
{
  static const char *const paths[] = { "/nowhere/http.sock", "nowhere/http.sock" };
  (void)state;
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    char url[64];
    struct kt_reply reply;
    struct kt_transport *transport = NULL;
    snprintf(url, sizeof url, "unix:%s", paths[i]);
    assert_int_equal(kt_transport_new(url, &transport), KT_OK);
    kt_transport_get(transport, "/v1/config", &reply);
    assert_int_equal(reply.kind, KT_REPLY_NETWORK);
    assert_non_null(strstr(reply.error, url));
    assert_non_null(strstr(reply.error, "No such file"));
    assert_null(strstr(reply.error, "localhost"));
    kt_reply_release(&reply);
    kt_transport_free(transport);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_path_too_long_is_no_address),
    cmocka_unit_test(test_a_socket_that_is_not_there_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
