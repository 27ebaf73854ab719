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

/* --- lines of an import -------------------------------------------------------------------------------------------------- */

/* A line is read as its JSON is: to the same set, or refused with the same words. */
static void check_line(const char *text)
{
  struct read tree;
  struct kt_arena arena;
  struct kt_json_provision line = { .n_devices = 0 };
  char why[KT_JSON_TEXT_SIZE] = "";
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_json_provision_line(text, strlen(text), &arena, &line, why);
  read_text(&tree, text, "");
  assert_int_equal(err, tree.err);
  assert_string_equal(why, tree.why);
  const struct kt_device_set read = { .label = line.label, .devices = line.devices, .n_devices = line.n_devices };
  const struct kt_device_set wanted = { .label = tree.provision.label,
                                        .devices = tree.provision.devices,
                                        .n_devices = tree.provision.n_devices };
  struct kt_bytes a;
  struct kt_bytes b;
  if (err == KT_OK) {
    assert_int_equal(line.has_account_key, tree.provision.has_account_key);
    assert_int_equal(kt_device_set_encode(&read, &arena, &a), KT_OK);
    assert_int_equal(kt_device_set_encode(&wanted, &arena, &b), KT_OK);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
  }
  kt_arena_release(&tree.arena);
  kt_arena_release(&arena);
}

#define OTHER "{\"name\":\"a b\",\"keys\":[" KEY "," KEY "]}"
#define KEYS4 KEY "," KEY "," KEY "," KEY
#define ACCOUNT_KEY "45000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void a_line_is_read_as_its_json(void **state)
{
  static const char *const lines[] = {
    "{\"label\":\"alice\",\"devices\":[" DEVICE "]}",
    "{\"label\":\"alice\",\"devices\":[" OTHER "," DEVICE "]}",
    " { \"label\" : \"alice\" , \"devices\" : [ " DEVICE " , " OTHER " ] } ",
    "{\"label\":\"alice\",\"devices\":[" DEVICE "]}\r",
    "{\"label\":\"alice\",\"devices\":[]}",
    "{\"devices\":[" DEVICE "],\"label\":\"alice\"}",
    "{\"label\":\"alice\",\"devices\":[" DEVICE "],\"account_key\":\"" ACCOUNT_KEY "\"}",
    "{\"label\":\"\\u00e9l\\u00e8ve\",\"devices\":[" DEVICE "]}",
    "{\"label\":\"\xc3\xa9l\xc3\xa8ve\",\"devices\":[" DEVICE "]}",
    "{\"label\":\"a\\\"b\",\"devices\":[" DEVICE "]}",
    "{\"label\":\"a\x7f\",\"devices\":[" DEVICE "]}",
    "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[" KEYS4 "," KEYS4 "," KEY "]}]}", /* nine */
    "{\"label\":\"a\",\"devices\":[" DEVICE "," DEVICE "]}",
    "{\"label\":\"\",\"devices\":[]}",
    "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[]}]}",
    "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[{\"alg\":\"rot13\",\"key\":\"AA==\"}]}]}",
    "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[{\"alg\":\"raw\",\"key\":\"A*==\"}]}]}",
    "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[{\"alg\":\"raw\",\"key\":\"\"}]}]}",
    "{\"label\":\"a\",\"devices\":[{\"name\":\"n\",\"keys\":[{\"alg\":\"raw\",\"key\":\"AA==\",\"x\":1}]}]}",
    "{\"label\":\"a\",\"devices\":[" DEVICE "],\"x\":1}",
    "[]",
  };
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    check_line(lines[i]);
  }
}

static void what_is_no_json_is_refused(void **state)
{
  static const char good[] = "{\"label\":\"a\",\"devices\":[" DEVICE "]}";
  static const char *const bad[] = { "{\"label\":\"a\",\"devices\":[" DEVICE ",]}",
                                     "{\"label\":\"a\",\"devices\":[" DEVICE "]}}",
                                     "{\"label\":\"a\tb\",\"devices\":[" DEVICE "]}",
                                     "{\"label\":\"a\",\"label\":\"a\",\"devices\":[" DEVICE "]}" };
  struct kt_json_provision line;
  struct kt_arena arena;
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (size_t len = 0; len < sizeof good - 1; len++) { /* cut off anywhere */
    char why[KT_JSON_TEXT_SIZE] = "";
    assert_int_equal(kt_json_provision_line(good, len, &arena, &line, why), KT_ERR_FORMAT);
    assert_non_null(strstr(why, "column "));
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char why[KT_JSON_TEXT_SIZE] = "";
    assert_int_equal(kt_json_provision_line(bad[i], strlen(bad[i]), &arena, &line, why), KT_ERR_FORMAT);
    assert_non_null(strstr(why, "column "));
  }
  kt_arena_release(&arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_set_is_read_and_encodes),  cmocka_unit_test(ids_depend_on_label_name_and_keys_only),
    cmocka_unit_test(refusals_say_where),         cmocka_unit_test(another_label_is_refused),
    cmocka_unit_test(a_line_is_read_as_its_json), cmocka_unit_test(what_is_no_json_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
