/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance DIR: runs every vector file of a folder. kt-conformance --emit FILE, --emit-tampered FILE: write proofs for
 * others to judge. See docs/conformance.md.
 *
 * Prints each failing case as "file: case: why" and ends with "N passed, N failed, N skipped". Exit code 0 when nothing
 * failed, 1 when something did, 2 when the folder or a file in it cannot be read. */
#include "emit.h"

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

static void run_cases(struct totals *totals, const char *file, conf_run run, const struct kt_suite *suite,
                      const json_t *cases)
{
  for (size_t i = 0; i < json_array_size(cases); i++) {
    struct conf_case c = { .suite = suite };
    if (conf_run_case(&c, run, json_array_get(cases, i))) {
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

static int usage(void)
{
  fprintf(stderr, "usage: kt-conformance DIR\n"
                  "       kt-conformance --emit|--emit-tampered FILE [--suite 1|2] [--seed N]\n");
  return 2;
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

static int run_folder(const char *folder)
{
  struct dirent **entries = NULL;
  struct totals totals = { 0 };
  int n = scandir(folder, &entries, is_vector_file, alphasort);
  if (n <= 0) {
    fprintf(stderr, "%s: %s\n", folder, n < 0 ? strerror(errno) : "no *.json files");
    return 2;
  }
  bool readable = true;
  for (int i = 0; i < n; i++) {
    readable = run_file(&totals, folder, entries[i]->d_name) && readable;
    free(entries[i]);
  }
  free(entries);
  printf("%zu passed, %zu failed, %zu skipped\n", totals.passed, totals.failed, totals.skipped);
  return !readable ? 2 : totals.failed > 0 ? 1 : 0;
}

static bool read_number(const char *text, uint64_t *ret_number)
{
  char *end;
  errno = 0;
  unsigned long long number = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
    return false;
  }
  *ret_number = number;
  return true;
}

/* argv: FILE [--suite ID] [--seed N] */
static int emit(enum emit_form form, int argc, char **argv)
{
  uint64_t id = KT_SUITE_ED25519;
  uint64_t seed = 1;
  for (int i = 1; i < argc; i += 2) {
    uint64_t *number = strcmp(argv[i], "--suite") == 0 ? &id : strcmp(argv[i], "--seed") == 0 ? &seed : NULL;
    if (number == NULL || i + 1 == argc || !read_number(argv[i + 1], number)) {
      return usage();
    }
  }
  const struct kt_suite *suite = id <= UINT16_MAX ? kt_suite_by_id((uint16_t)id) : NULL;
  char why[512];
  if (suite == NULL) {
    fprintf(stderr, "no cipher suite has the number %llu\n", (unsigned long long)id);
    return 2;
  }
  if (!emit_file(argv[0], form, suite, seed, why)) {
    fprintf(stderr, "%s: %s\n", argv[0], why);
    return 1;
  }
  return 0;
}

int main(int argc, char **argv)
{
  bool tampered = argc >= 3 && strcmp(argv[1], "--emit-tampered") == 0;
  bool emitting = tampered || (argc >= 3 && strcmp(argv[1], "--emit") == 0);
  if (!emitting && (argc != 2 || argv[1][0] == '-')) {
    return usage();
  }
  if (kt_crypto_init() != KT_OK) {
    fprintf(stderr, "the cryptographic libraries do not start\n");
    return 2;
  }
  return emitting ? emit(tampered ? EMIT_TAMPERED : EMIT_FROM_KT, argc - 2, argv + 2) : run_folder(argv[1]);
}
