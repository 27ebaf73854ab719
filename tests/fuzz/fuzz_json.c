/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that others write: search requests, an operator's device lists; and the views of encoded answers that are no
 * structure of the draft. The first byte selects. */
#include "fuzz.h"

#include "json/auditor.h"
#include "json/device_set.h"
#include "json/search.h"

static void check_search_request(struct kt_bytes text, struct kt_arena *arena)
{
  struct kt_search_request request;
  struct kt_search_request again;
  char wrong[KT_JSON_SEARCH_TEXT_SIZE] = "";
  enum kt_err err = kt_json_search_request_read(text, arena, &request, wrong);
  if (err != KT_OK) {
    FUZZ_CHECK(fuzz_is_refusal(err) && wrong[0] != '\0' && memchr(wrong, '\0', sizeof wrong) != NULL);
    return;
  }
  json_t *view = kt_json_search_request(&request);
  char *dump = json_dumps(view, 0);
  FUZZ_CHECK(dump != NULL);
  FUZZ_CHECK(kt_json_search_request_read((struct kt_bytes){ (const uint8_t *)dump, strlen(dump) }, arena, &again,
                                         wrong) == KT_OK);
  FUZZ_CHECK(fuzz_equal(request.label, again.label));
  FUZZ_CHECK(request.version.present == again.version.present && request.version.value == again.version.value);
  FUZZ_CHECK(request.last.present == again.last.present && request.last.value == again.last.value);
  free(dump);
  json_decref(view);
}

static bool same_device(const struct kt_device *a, const struct kt_device *b)
{
  bool same = memcmp(a->id.b, b->id.b, sizeof a->id.b) == 0 && fuzz_equal(a->name, b->name) && a->n_keys == b->n_keys;
  for (size_t i = 0; same && i < a->n_keys; i++) {
    same = a->keys[i].algorithm == b->keys[i].algorithm && fuzz_equal(a->keys[i].key, b->keys[i].key);
  }
  return same;
}

/* A line of the usual form is read without a JSON tree: to the same set, or to the same refusal. */
static void check_line(struct kt_bytes text, struct kt_arena *arena)
{
  struct kt_json_provision line = { .n_devices = 0 };
  struct kt_json_provision tree = { .n_devices = 0 };
  char line_wrong[KT_JSON_TEXT_SIZE] = "";
  char tree_wrong[KT_JSON_TEXT_SIZE] = "";
  json_t *object = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
  enum kt_err err = kt_json_provision_line((const char *)text.data, text.len, arena, &line, line_wrong);
  if (object == NULL) {
    FUZZ_CHECK(err == KT_ERR_FORMAT && line_wrong[0] != '\0');
    return;
  }
  FUZZ_CHECK(err == kt_json_provision_read(object, (struct kt_bytes){ .len = 0 }, arena, &tree, tree_wrong));
  FUZZ_CHECK(strcmp(line_wrong, tree_wrong) == 0 && line.n_devices == tree.n_devices);
  FUZZ_CHECK(fuzz_equal(line.label, tree.label) && line.has_account_key == tree.has_account_key);
  for (size_t i = 0; i < tree.n_devices; i++) {
    FUZZ_CHECK(same_device(&line.devices[i], &tree.devices[i]));
  }
  json_decref(object);
}

/* What an operator may insert is a device set that everybody reads. */
static void check_provision(struct kt_bytes text, struct kt_bytes label, struct kt_arena *arena)
{
  struct kt_json_provision provision;
  struct kt_device_set decoded;
  struct kt_bytes value;
  char wrong[KT_JSON_TEXT_SIZE] = "";
  json_t *object = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
  if (object == NULL) {
    return;
  }
  enum kt_err err = kt_json_provision_read(object, label, arena, &provision, wrong);
  if (err != KT_OK) {
    FUZZ_CHECK(fuzz_is_refusal(err) && wrong[0] != '\0' && memchr(wrong, '\0', sizeof wrong) != NULL);
  } else {
    const struct kt_device_set set = { .label = provision.label,
                                       .devices = provision.devices,
                                       .n_devices = provision.n_devices };
    err = kt_device_set_encode(&set, arena, &value);
    FUZZ_CHECK(err == KT_OK || err == KT_ERR_LIMIT);
    FUZZ_CHECK(err != KT_OK || kt_device_set_decode(value, arena, &decoded) == KT_OK);
  }
  json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const struct kt_bytes alice = { (const uint8_t *)"alice", 5 };
  struct fuzz_input input;
  struct kt_arena arena;
  if (!fuzz_split(data, size, &input)) {
    return 0;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  switch (input.selector) {
  case 's': check_search_request(input.rest, &arena); break;
  case 'i': check_provision(input.rest, (struct kt_bytes){ .len = 0 }, &arena); break;
  case 'p': check_provision(input.rest, alice, &arena); break;
  case 'l': check_line(input.rest, &arena); break;
  case 'v': json_decref(kt_json_value(input.rest)); break;
  case 'a': json_decref(kt_json_audit_page(input.rest)); break;
  case 't': json_decref(kt_json_audit_state(input.rest)); break;
  case 'c': json_decref(kt_json_consistency(input.rest)); break;
  default: break;
  }
  kt_arena_release(&arena);
  return 0;
}
