/* SPDX-License-Identifier: Apache-2.0 */
/* JSON views: the forms of numbers and bytes, sticky failure, and structures field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <kt/writer.h>
#include "json/auditor.h"
#include "json/monitor.h"
#include "json/proof.h"

static void assert_json(json_t *view, const char *expected)
{
  json_t *parsed = json_loads(expected, JSON_DECODE_ANY, NULL);
  assert_non_null(view);
  assert_non_null(parsed);
  if (!json_equal(view, parsed)) {
    fail_msg("got %s, wanted %s", json_dumps(view, JSON_ENCODE_ANY), expected);
  }
  json_decref(parsed);
  json_decref(view);
}

static void forms(void **state)
{
  static const uint8_t bytes[] = { 0xde, 0xad, 0x0f };
  (void)state;
  assert_json(kt_json_u64(0), "0");
  assert_json(kt_json_u64(INT64_MAX), "9223372036854775807");
  assert_json(kt_json_u64(UINT64_MAX), "\"18446744073709551615\"");
  assert_json(kt_json_hex((struct kt_bytes){ bytes, 3 }), "\"dead0f\"");
  assert_json(kt_json_hex((struct kt_bytes){ NULL, 0 }), "\"\"");
  assert_json(kt_json_base64((struct kt_bytes){ bytes, 3 }), "\"3q0P\"");
  assert_null(kt_json_text((struct kt_bytes){ (const uint8_t *)"\xff", 1 })); /* not UTF-8 */
  json_t *text = kt_json_text((struct kt_bytes){ (const uint8_t *)"a\0b", 3 });
  assert_int_equal(json_string_length(text), 3);
  json_decref(text);
}

static void a_failure_sticks(void **state)
{
  struct kt_json_builder b;
  (void)state;
  kt_json_begin(&b);
  kt_json_set(&b, "a", json_integer(1));
  kt_json_set(&b, "b", NULL);
  kt_json_set(&b, "c", json_integer(3)); /* released, not leaked: the sanitizer looks */
  assert_null(kt_json_end(&b));
}

static size_t n_until_failure; /* 0: never again */

static void *failing_malloc(size_t size)
{
  return n_until_failure > 0 && --n_until_failure == 0 ? NULL : malloc(size);
}

/* Each allocation of Jansson's in turn: the whole text, or none. */
static void a_text_is_whole_or_none(void **state)
{
  static const char expected[] = "{\"size\":7,\"a name that needs room\":[1,2],\"and another of that kind\":null}";
  (void)state;
  json_t *value = json_loads(expected, 0, NULL);
  size_t n = 0;
  size_t n_none = 0;
  do {
    n_until_failure = ++n;
    json_set_alloc_funcs(failing_malloc, free);
    char *text = kt_json_dump(value, JSON_COMPACT);
    json_set_alloc_funcs(malloc, free);
    n_none += text == NULL ? 1 : 0;
    if (text != NULL) {
      assert_string_equal(text, expected);
    }
    free(text);
  } while (n_until_failure == 0 && n < 1000);
  assert_true(n > 1 && n < 1000 && n_none > 0);
  assert_null(kt_json_dump(NULL, JSON_COMPACT));
  json_decref(value);
}

static void heads(void **state)
{
  static const uint8_t signature[] = { 1, 2 };
  const struct kt_full_tree_head same = { .type = KT_HEAD_SAME };
  const struct kt_full_tree_head updated = { .type = KT_HEAD_UPDATED, .tree_head = { 7, { signature, 2 } } };
  (void)state;
  assert_json(kt_json_full_tree_head(&same), "{\"type\":\"same\"}");
  assert_json(kt_json_full_tree_head(&updated),
              "{\"type\":\"updated\",\"tree_head\":{\"tree_size\":7,\"signature\":\"0102\"}}");
}

#define ZEROES "\"0000000000000000000000000000000000000000000000000000000000000000\""

static void proofs(void **state)
{
  static const struct kt_hash zero = { { 0 } };
  static const uint64_t timestamps[] = { 5, 6 };
  const struct kt_prefix_result results[] = { { .type = KT_PREFIX_INCLUSION, .depth = 3 },
                                              { .type = KT_PREFIX_NON_INCLUSION_LEAF, .depth = 4 },
                                              { .type = KT_PREFIX_NON_INCLUSION_PARENT, .depth = 255 } };
  const struct kt_prefix_proof prefix = { results, 3, &zero, 1 };
  const struct kt_combined_proof proof = {
    .timestamps = timestamps, .n_timestamps = 2, .prefix_proofs = &prefix, .n_prefix_proofs = 1
  };
  (void)state;
  assert_json(kt_json_combined_proof(&proof),
              "{\"timestamps\":[5,6],\"prefix_roots\":[],\"inclusion\":[],\"prefix_proofs\":[{\"elements\":[" ZEROES
              "],\"results\":[{\"type\":\"inclusion\",\"depth\":3},{\"type\":\"non-inclusion-leaf\",\"depth\":4,"
              "\"leaf\":{\"vrf_output\":" ZEROES ",\"commitment\":" ZEROES
              "}},{\"type\":\"non-inclusion-parent\",\"depth\":255}]}]}");
}

static void monitor_requests(void **state)
{
  static const struct kt_monitor_map_entry entries[] = { { 4, 1 }, { 9, 2 } };
  const struct kt_owner_monitor_request request = { .label = { (const uint8_t *)"al", 2 },
                                                    .entries = entries,
                                                    .n_entries = 2,
                                                    .start = 3,
                                                    .greatest_version = { true, 2 } };
  (void)state;
  assert_json(kt_json_owner_monitor_request(&request),
              "{\"last\":null,\"label\":\"al\",\"entries\":[{\"position\":4,\"version\":1},{\"position\":9,"
              "\"version\":2}],\"start\":3,\"greatest_version\":2}");
}

static void log_structures(void **state)
{
  uint8_t buf[256];
  struct kt_writer w;
  static const uint8_t zero[32] = { 0 };
  (void)state;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_u64(&w, 3);
  kt_write_count8(&w, 1);
  kt_write_bytes(&w, zero, 32);
  kt_write_count8(&w, 1);
  kt_write_u64(&w, 1000);
  kt_write_bytes(&w, zero, 32);
  kt_write_count16(&w, 0);
  assert_json(kt_json_audit_state((struct kt_bytes){ buf, w.len }),
              "{\"size\":3,\"full_subtrees\":[" ZEROES "],\"frontier\":[{\"timestamp_ms\":1000,\"prefix_root\":" ZEROES
              "}],\"elements\":[]}");
  for (size_t len = 0; len < w.len; len++) {
    assert_null(kt_json_audit_state((struct kt_bytes){ buf, len }));
  }
  assert_json(kt_json_consistency((struct kt_bytes){ (const uint8_t *)"\0\0\0", 3 }),
              "{\"full_subtrees\":[],\"elements\":[]}");
  assert_null(kt_json_consistency((struct kt_bytes){ (const uint8_t *)"\0\0\0\0", 4 }));
  assert_json(kt_json_audit_page((struct kt_bytes){ (const uint8_t *)"\0\0\0\0", 4 }), "{\"updates\":[]}");
  /* A count that promises more than there is. */
  assert_null(kt_json_audit_page((struct kt_bytes){ (const uint8_t *)"\xff\xff\xff\xff", 4 }));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(forms),
    cmocka_unit_test(a_failure_sticks),
    cmocka_unit_test(heads),
    cmocka_unit_test(proofs),
    cmocka_unit_test(monitor_requests),
    cmocka_unit_test(log_structures),
    cmocka_unit_test(a_text_is_whole_or_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
