/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance DIR: runs every vector file of a folder; see docs/conformance.md.
 *
 * Prints each failing case as "file: case: why" and ends with "N passed, N failed, N skipped". Exit code 0 when nothing
 * failed, 1 when something did, 2 when the folder or a file in it cannot be read. */
#include "conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *primitive;
  conf_run run;
} primitives[] = {
  { "auditor-update", conf_auditor_update },
  { "binary-ladder", conf_binary_ladder },
  { "commitment", conf_commitment },
  { "distinguished", conf_distinguished },
  { "from-kt", conf_from_kt },
  { "ibst", conf_ibst },
  { "ladder-interpretation", conf_ladder_interpretation },
  { "log-append", conf_log_append },
  { "log-math", conf_log_math },
  { "log-tree", conf_log_tree },
  { "monitor", conf_monitor },
  { "prefix-mutation", conf_prefix_mutation },
  { "prefix-tree", conf_prefix_tree },
  { "requests", conf_requests },
  { "search", conf_search },
  { "tampered", conf_tampered },
  { "tree-head", conf_tree_head },
  { "update", conf_update },
  { "update-view", conf_update_view },
  { "vrf", conf_vrf },
};

struct totals {
  size_t passed;
  size_t failed;
  size_t skipped;
};

static conf_run find_primitive(const char *name)
{
  for (size_t i = 0; name != NULL && i < sizeof primitives / sizeof primitives[0]; i++) {
    if (strcmp(primitives[i].primitive, name) == 0) {
      return primitives[i].run;
    }
  }
  return NULL;
}

static void report(struct totals *totals, const char *file, const char *name, const char *why)
{
  printf("%s: %s: %s\n", file, name, why);
  totals->failed++;
}

/* The two forms of a case: `input` and `expect`, or fields beside a verdict. */
static bool run_case(struct conf_case *c, conf_run run, const json_t *entry)
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

static void run_cases(struct totals *totals, const char *file, conf_run run, const struct kt_suite *suite,
                      const json_t *cases)
{
  for (size_t i = 0; i < json_array_size(cases); i++) {
    struct conf_case c = { .suite = suite };
    if (run_case(&c, run, json_array_get(cases, i))) {
      totals->passed++;
    } else {
      report(totals, file, c.name, c.why);
    }
  }
}

static void run_document(struct totals *totals, const char *file, const json_t *document)
{
  const json_t *suite_id = json_object_get(document, "cipher_suite"); /* absent where nothing depends on it */
  const json_t *cases = json_object_get(document, "cases");
  conf_run run = find_primitive(json_string_value(json_object_get(document, "primitive")));
  if (run == NULL) {
    report(totals, file, "(file)", "unknown or missing primitive");
    return;
  }
  if (!json_is_array(cases)) {
    report(totals, file, "(file)", "field \"cases\" is not an array");
    return;
  }
  json_int_t id = suite_id == NULL ? KT_SUITE_ED25519 : json_integer_value(suite_id);
  if (id != KT_SUITE_P256 && id != KT_SUITE_ED25519) {
    report(totals, file, "(file)", "unknown cipher_suite");
    return;
  }
  const struct kt_suite *suite = kt_suite_by_id((uint16_t)id);
  if (suite == NULL) { /* registered, but not in this build */
    totals->skipped += json_array_size(cases);
    return;
  }
  run_cases(totals, file, run, suite, cases);
}

static int is_vector_file(const struct dirent *entry)
{
  size_t len = strlen(entry->d_name);
  return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static bool run_file(struct totals *totals, const char *folder, const char *file)
{
  size_t size = strlen(folder) + strlen(file) + 2;
  char *path = malloc(size);
  if (path == NULL) {
    return false;
  }
  snprintf(path, size, "%s/%s", folder, file);
  json_error_t error;
  json_t *document = conf_load(path, &error);
  if (document == NULL) {
    fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
  } else {
    run_document(totals, file, document);
  }
  free(path);
  json_decref(document);
  return document != NULL;
}

int main(int argc, char **argv)
{
  struct dirent **entries = NULL;
  struct totals totals = { 0 };
  if (argc != 2 || argv[1][0] == '-') {
    fprintf(stderr, "usage: kt-conformance DIR\n");
    return 2;
  }
  int n = scandir(argv[1], &entries, is_vector_file, alphasort);
  if (n <= 0 || kt_crypto_init() != KT_OK) {
    fprintf(stderr, "%s: %s\n", argv[1], n < 0 ? strerror(errno) : n == 0 ? "no *.json files" : "libsodium failed");
    return 2;
  }
  bool readable = true;
  for (int i = 0; i < n; i++) {
    readable = run_file(&totals, argv[1], entries[i]->d_name) && readable;
    free(entries[i]);
  }
  free(entries);
  printf("%zu passed, %zu failed, %zu skipped\n", totals.passed, totals.failed, totals.skipped);
  return !readable ? 2 : totals.failed > 0 ? 1 : 0;
}
