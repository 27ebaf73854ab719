/* SPDX-License-Identifier: Apache-2.0 */
#include "conf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/hash.h"

#define ENCODING_MAX ((size_t)1 << 17)

bool conf_run_case(struct conf_case *c, conf_run run, const json_t *entry)
{
  const json_t *name = json_object_get(entry, "name");
  const json_t *input = json_object_get(entry, "input");
  c->name = json_is_string(name) ? json_string_value(name) : "(unnamed)";
  c->input = input != NULL ? input : entry;
  c->expect = json_object_get(entry, "expect");
  kt_arena_init(&c->arena, KT_ARENA_CAP_DEFAULT);
  bool passed = false;
  if (setjmp(c->failed) == 0) {
    conf_require(c, json_is_string(name), "field \"name\" is missing");
    conf_require(c, json_is_object(c->input), "field \"input\" is not an object");
    conf_require(c, c->expect != NULL, "field \"expect\" is missing");
    run(c);
    passed = true;
  }
  kt_arena_release(&c->arena);
  return passed;
}

void conf_fail(struct conf_case *c, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(c->why, sizeof c->why, format, args);
  va_end(args);
  longjmp(c->failed, 1);
}

void conf_require(struct conf_case *c, bool claim, const char *what)
{
  if (!claim) {
    conf_fail(c, "%s", what);
  }
}

void conf_err(struct conf_case *c, enum kt_err got, enum kt_err wanted, const char *what)
{
  if (got != wanted) {
    conf_fail(c, "%s: %s instead of %s%s%s", what, kt_err_text(got), kt_err_text(wanted),
              c->reason.text != NULL ? ": " : "", c->reason.text != NULL ? c->reason.text : "");
  }
}

void conf_same_u64(struct conf_case *c, uint64_t got, uint64_t wanted, const char *what)
{
  if (got != wanted) {
    conf_fail(c, "%s: %" PRIu64 " instead of %" PRIu64, what, got, wanted);
  }
}

void conf_same_bytes(struct conf_case *c, struct kt_bytes got, struct kt_bytes wanted, const char *what)
{
  conf_same_u64(c, got.len, wanted.len, what);
  for (size_t i = 0; i < got.len; i++) {
    if (got.data[i] != wanted.data[i]) {
      conf_fail(c, "%s: byte %zu of %zu is %02x instead of %02x", what, i, got.len, got.data[i], wanted.data[i]);
    }
  }
}

void conf_same_hash(struct conf_case *c, const struct kt_hash *got, const struct kt_hash *wanted, const char *what)
{
  if (!kt_hash_equal(got, wanted)) {
    char got_text[KT_HEX_SIZE(KT_HASH_LEN)];
    char wanted_text[KT_HEX_SIZE(KT_HASH_LEN)];
    kt_hex_encode((struct kt_bytes){ got->b, KT_HASH_LEN }, got_text);
    kt_hex_encode((struct kt_bytes){ wanted->b, KT_HASH_LEN }, wanted_text);
    conf_fail(c, "%s: %s instead of %s", what, got_text, wanted_text);
  }
}

void conf_same_hashes(struct conf_case *c, const struct kt_hash *got, size_t n, const json_t *object, const char *key)
{
  size_t n_wanted;
  const struct kt_hash *wanted = conf_hashes(c, object, key, &n_wanted);
  conf_same_u64(c, n, n_wanted, key);
  for (size_t i = 0; i < n; i++) {
    conf_same_hash(c, &got[i], &wanted[i], key);
  }
}

bool conf_is(const struct conf_case *c, const char *name)
{
  return strcmp(c->name, name) == 0;
}

void *conf_alloc(struct conf_case *c, size_t count, size_t size)
{
  void *memory = kt_arena_alloc(&c->arena, count, size);
  conf_require(c, memory != NULL, "out of memory");
  return memory;
}

struct kt_writer conf_writer(struct conf_case *c)
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, conf_alloc(c, ENCODING_MAX, 1), ENCODING_MAX);
  return w;
}

struct kt_bytes conf_written(struct conf_case *c, const struct kt_writer *w)
{
  conf_err(c, w->err, KT_OK, "encoding");
  return (struct kt_bytes){ w->buf, w->len };
}
