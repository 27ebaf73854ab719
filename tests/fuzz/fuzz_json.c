/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that others write: search requests, an operator's device lists; and the views of encoded answers that are no
 * structure of the draft. The first byte selects. */
#include "fuzz.h"

#include "base/hex.h"
#include "base/reader.h"
#include "json/auditor.h"
#include "json/device_set.h"
#include "json/search.h"

#define WRITER_LIMIT ((size_t)64 << 20)

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

/* --- views of encoded answers: every byte of the answer is in them ------------------------------------------------ */

static void check_value(struct kt_bytes value, struct kt_arena *arena)
{
  struct kt_device_set set;
  const bool is_set = kt_device_set_decode(value, arena, &set) == KT_OK;
  json_t *view = kt_json_value(value);
  FUZZ_CHECK(is_set ? json_is_object(view) : json_is_null(view));
  FUZZ_CHECK(!is_set || json_array_size(json_object_get(view, "devices")) == set.n_devices);
  json_decref(view);
}

static void write_hash(struct kt_writer *w, const json_t *hex)
{
  uint8_t hash[KT_HASH_LEN];
  size_t len = 0;
  const char *text = json_string_value(hex);
  FUZZ_CHECK(text != NULL && kt_hex_decode(text, strlen(text), sizeof hash, hash, &len) == KT_OK && len == sizeof hash);
  kt_write_bytes(w, hash, sizeof hash);
}

static void write_hashes(struct kt_writer *w, const json_t *list)
{
  for (size_t i = 0; i < json_array_size(list); i++) {
    write_hash(w, json_array_get(list, i));
  }
}

static void write_u64(struct kt_writer *w, const json_t *number)
{
  const char *text = json_string_value(number);
  kt_write_u64(w, text != NULL ? strtoull(text, NULL, 10) : (uint64_t)json_integer_value(number));
}

static void write_consistency(struct kt_writer *w, const json_t *view)
{
  const json_t *subtrees = json_object_get(view, "full_subtrees");
  const json_t *elements = json_object_get(view, "elements");
  kt_write_count8(w, json_array_size(subtrees));
  write_hashes(w, subtrees);
  kt_write_count16(w, json_array_size(elements));
  write_hashes(w, elements);
}

static void write_audit_state(struct kt_writer *w, const json_t *view)
{
  const json_t *subtrees = json_object_get(view, "full_subtrees");
  const json_t *frontier = json_object_get(view, "frontier");
  const json_t *elements = json_object_get(view, "elements");
  write_u64(w, json_object_get(view, "size"));
  kt_write_count8(w, json_array_size(subtrees));
  write_hashes(w, subtrees);
  kt_write_count8(w, json_array_size(frontier));
  for (size_t i = 0; i < json_array_size(frontier); i++) {
    const json_t *entry = json_array_get(frontier, i);
    write_u64(w, json_object_get(entry, "timestamp_ms"));
    write_hash(w, json_object_get(entry, "prefix_root"));
  }
  kt_write_count16(w, json_array_size(elements));
  write_hashes(w, elements);
}

static void check_view(struct kt_bytes answer, json_t *view, void (*write)(struct kt_writer *w, const json_t *view))
{
  struct kt_writer w;
  if (view != NULL) {
    kt_writer_init(&w, WRITER_LIMIT);
    write(&w, view);
    FUZZ_CHECK(fuzz_wrote(&w, answer));
    kt_writer_release(&w);
    json_decref(view);
  }
}

/* There is a view just where there are as many updates as it says, and nothing else. */
static void check_audit_page(struct kt_bytes page, struct kt_arena *arena)
{
  struct kt_reader r;
  struct kt_auditor_update update;
  uint64_t n = 0;
  kt_reader_init(&r, page.data, page.len);
  const uint32_t count = kt_read_u32(&r);
  for (; r.err == KT_OK && n < count; n++) {
    kt_auditor_update_read(&r, arena, &update);
  }
  const enum kt_err err = kt_reader_end(&r);
  json_t *view = kt_json_audit_page(page);
  FUZZ_CHECK((view != NULL) == (err == KT_OK) || err == KT_ERR_MEMORY);
  FUZZ_CHECK(view == NULL || json_array_size(json_object_get(view, "updates")) == count);
  json_decref(view);
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
  case 'v': check_value(input.rest, &arena); break;
  case 'a': check_audit_page(input.rest, &arena); break;
  case 't': check_view(input.rest, kt_json_audit_state(input.rest), write_audit_state); break;
  case 'c': check_view(input.rest, kt_json_consistency(input.rest), write_consistency); break;
  default: break;
  }
  kt_arena_release(&arena);
  return 0;
}
