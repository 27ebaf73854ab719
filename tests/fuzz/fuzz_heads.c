/* SPDX-License-Identifier: Apache-2.0 */
/* The list of heads that somebody sends: what is read is printed, as text and as JSON, so that it reads the same. */
#include "fuzz.h"

#include "heads.h"

static void check_same(const struct kt_heads_file *a, const struct kt_heads_file *b)
{
  FUZZ_CHECK(a->n == b->n && memcmp(&a->log_id, &b->log_id, sizeof a->log_id) == 0);
  for (size_t i = 0; i < a->n; i++) {
    const struct kt_exchanged_head *x = &a->heads[i];
    size_t same = 0; /* the JSON form has two lists: the order between signed and unsigned heads is lost */
    for (size_t k = 0; k < b->n; k++) {
      const struct kt_exchanged_head *y = &b->heads[k];
      same += x->size == y->size && x->timestamp_ms == y->timestamp_ms &&
              memcmp(&x->root, &y->root, sizeof x->root) == 0 && fuzz_equal(x->signature, y->signature) &&
              fuzz_equal(x->config, y->config);
    }
    FUZZ_CHECK(same > 0);
  }
}

static void check_reads_again(const struct kt_heads_file *file, const char *text, size_t len, struct kt_arena *arena)
{
  struct kt_heads_file *again = NULL;
  FUZZ_CHECK(kt_heads_file_decode((struct kt_bytes){ (const uint8_t *)text, len }, arena, &again) == KT_OK);
  check_same(file, again);
}

static void print_text(const struct kt_heads_file *file, struct kt_arena *arena)
{
  char *text = NULL;
  size_t len = 0;
  struct kt_output out;
  FILE *stream = open_memstream(&text, &len);
  FUZZ_CHECK(stream != NULL);
  kt_output_init(&out, stream, stream, "never", false);
  kt_heads_file_print(file, &out);
  kt_output_release(&out);
  FUZZ_CHECK(fclose(stream) == 0);
  check_reads_again(file, text, len, arena);
  free(text);
}

/* The members that the verb itself would add. */
static void print_json(const struct kt_heads_file *file, struct kt_arena *arena)
{
  struct kt_output out;
  kt_output_init(&out, stderr, stderr, "never", true);
  kt_heads_file_print(file, &out);
  json_t *log = json_object();
  json_object_set_new(log, "id", kt_output_hex((struct kt_bytes){ file->log_id.b, sizeof file->log_id.b }));
  kt_output_set(&out, "log", log);
  kt_output_set(&out, "schema", json_string("kt.log-head/1"));
  char *text = json_dumps(out.object, 0);
  FUZZ_CHECK(text != NULL);
  check_reads_again(file, text, strlen(text), arena);
  free(text);
  kt_output_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kt_arena arena;
  struct kt_heads_file *file = NULL;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_heads_file_decode((struct kt_bytes){ data, size }, &arena, &file);
  if (err == KT_OK) {
    FUZZ_CHECK(file->n > 0 && file->n <= KT_HEADS_FILE_MAX);
    print_text(file, &arena);
    print_json(file, &arena);
  } else {
    FUZZ_CHECK(fuzz_is_refusal(err));
  }
  kt_arena_release(&arena);
  return 0;
}
