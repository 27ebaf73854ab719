/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's form of a device set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "json/device_set.h"

#define KEY "{\"alg\":\"raw\",\"key\":\"AAEC\"}"
#define DEVICE "{\"name\":\"phone\",\"keys\":[" KEY "]}"

struct read {
  struct kt_arena arena;
  struct kt_json_provision provision;
  char why[KT_JSON_TEXT_SIZE];
  enum kt_err err;
};

static void read_text(struct read *read, const char *text, const char *label)
{
  json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(object);
  kt_arena_init(&read->arena, KT_ARENA_CAP_DEFAULT);
  read->why[0] = '\0';
  read->err = kt_json_provision_read(object, (struct kt_bytes){ (const uint8_t *)label, strlen(label) }, &read->arena,
                                     &read->provision, read->why);
  json_decref(object); /* what was read must not need it */
}

static void a_set_is_read_and_encodes(void **state)
{
  struct read read;
  struct kt_bytes value;
  (void)state;
  read_text(&read,
            "{\"label\":\"alice\",\"devices\":[" DEVICE ",{\"name\":\"laptop\",\"keys\":[" KEY "," KEY "]}],"
            "\"account_key\":\"45000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}",
            "");
  assert_int_equal(read.err, KT_OK);
  assert_int_equal(read.provision.n_devices, 2);
  assert_true(read.provision.has_account_key);
  assert_int_equal(read.provision.account_key.b[1], 0);
  assert_int_equal(read.provision.account_key.b[32], 0x1f);
  assert_int_equal(read.provision.label.len, 5);
  const struct kt_device_set set = { .label = read.provision.label,
                                     .devices = read.provision.devices,
                                     .n_devices = read.provision.n_devices };
  assert_int_equal(kt_device_set_encode(&set, &read.arena, &value), KT_OK); /* ascending ids, fitting keys */
  kt_arena_release(&read.arena);
}

static void ids_depend_on_label_name_and_keys_only(void **state)
{
  struct read a;
  struct read b;
  (void)state;
  read_text(&a, "{\"devices\":[" DEVICE "]}", "alice");
  read_text(&b, "{\"label\":\"alice\",\"devices\":[" DEVICE "]}", "");
  assert_memory_equal(a.provision.devices[0].id.b, b.provision.devices[0].id.b, KT_DEVICE_ID_LEN);
  kt_arena_release(&b.arena);
  read_text(&b, "{\"devices\":[" DEVICE "]}", "bob");
  assert_memory_not_equal(a.provision.devices[0].id.b, b.provision.devices[0].id.b, KT_DEVICE_ID_LEN);
  kt_arena_release(&b.arena);
  read_text(&b, "{\"devices\":[{\"name\":\"phone\",\"keys\":[{\"alg\":\"raw\",\"key\":\"AAED\"}]}]}", "alice");
  assert_memory_not_equal(a.provision.devices[0].id.b, b.provision.devices[0].id.b, KT_DEVICE_ID_LEN);
  kt_arena_release(&b.arena);
  kt_arena_release(&a.arena);
}

static void refusals_say_where(void **state)
{
  static const struct {
    const char *text;
    const char *needle;
  } bad[] = {
    { "[]", "object" },
    { "{\"devices\":[]}", "label" },
    { "{\"label\":\"\",\"devices\":[]}", "label" },
    { "{\"label\":7,\"devices\":[]}", "label" },
    { "{\"label\":\"a\"}", "devices" },
    { "{\"label\":\"a\",\"devices\":{}}", "devices" },
    { "{\"label\":\"a\",\"devices\":[],\"x\":1}", "\"x\"" },
    { "{\"label\":\"a\",\"devices\":[7]}", "devices[0]" },
    { "{\"label\":\"a\",\"devices\":[" DEVICE ",{\"name\":\"n\",\"keys\":[]}]}", "devices[1]" },
    { "{\"label\":\"a\",\"devices\":[" DEVICE "," DEVICE "]}", "twice" },
    { "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[" KEY ",{\"alg\":\"rot13\",\"key\":\"AA==\"}]}]}",
      "devices[0].keys[1]: unknown key algorithm" },
    { "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[{\"alg\":\"raw\",\"key\":\"A*==\"}]}]}", "base64" },
    { "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[{\"alg\":\"raw\",\"key\":\"\"}]}]}", "0 bytes" },
    { "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[{\"alg\":\"ed25519\",\"key\":\"AAEC\"}]}]}", "3 bytes" },
    { "{\"label\":\"a\",\"devices\":[],\"account_key\":\"45\"}", "account_key" },
    { "{\"label\":\"a\",\"devices\":[],\"account_key\":\"00000102030405060708090a0b0c0d0e0f10111213141516171819"
      "1a1b1c1d1e1f\"}",
      "account_key" },
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct read read;
    read_text(&read, bad[i].text, "");
    assert_int_equal(read.err, KT_ERR_FORMAT);
    if (strstr(read.why, bad[i].needle) == NULL) {
      fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].text, read.why, bad[i].needle);
    }
    kt_arena_release(&read.arena);
  }
}

static void another_label_is_refused(void **state)
{
  struct read read;
  (void)state;
  read_text(&read, "{\"label\":\"bob\",\"devices\":[]}", "alice");
  assert_int_equal(read.err, KT_ERR_FORMAT);
  kt_arena_release(&read.arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_set_is_read_and_encodes),
    cmocka_unit_test(ids_depend_on_label_name_and_keys_only),
    cmocka_unit_test(refusals_say_where),
    cmocka_unit_test(another_label_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
