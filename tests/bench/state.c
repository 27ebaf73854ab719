/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA "kt.bench-state/2"

bool bench_state_load(const char *path, struct bench_state *ret_state)
{
  json_error_t error;
  json_int_t labels, entries, accounts, cold, warm, value_len, disk, proved;
  const char *schema = NULL;
  struct bench_state state = { 0 };
  if (access(path, F_OK) != 0) {
    return false;
  }
  json_t *object = json_load_file(path, 0, &error);
  if (object == NULL ||
      json_unpack_ex(object, &error, 0, "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:F, s:F, s:F, s:I, s:F, s:F}",
                     "schema", &schema, "labels", &labels, "entries", &entries, "accounts", &accounts, "cold", &cold,
                     "warm", &warm, "value_len", &value_len, "disk_bytes", &disk, "import_s", &state.import_s,
                     "import_cpu_s", &state.import_cpu_s, "import_bound", &state.import_bound, "proved_bytes", &proved,
                     "prove_s", &state.prove_s, "prove_bound", &state.prove_bound) != 0) {
    bench_die("%s: %s (of an earlier kt-bench? remove the folder)", path, error.text);
  }
  if (strcmp(schema, SCHEMA) != 0) {
    bench_die("%s: of another kt-bench; remove the folder", path);
  }
  json_decref(object);
  state.n_labels = (size_t)labels;
  state.n_entries = (uint64_t)entries;
  state.n_accounts = (size_t)accounts;
  state.n_cold = (size_t)cold;
  state.n_warm = (size_t)warm;
  state.value_len = (size_t)value_len;
  state.disk_bytes = (uint64_t)disk;
  state.proved_bytes = (uint64_t)proved;
  *ret_state = state;
  return true;
}

void bench_state_save(const char *path, const struct bench_state *state)
{
  json_t *object = json_pack(
      "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:f, s:f}", "schema", SCHEMA, "labels",
      (json_int_t)state->n_labels, "entries", (json_int_t)state->n_entries, "accounts", (json_int_t)state->n_accounts,
      "cold", (json_int_t)state->n_cold, "warm", (json_int_t)state->n_warm, "value_len", (json_int_t)state->value_len,
      "disk_bytes", (json_int_t)state->disk_bytes, "import_s", state->import_s, "import_cpu_s", state->import_cpu_s,
      "import_bound", state->import_bound, "proved_bytes", (json_int_t)state->proved_bytes, "prove_s", state->prove_s,
      "prove_bound", state->prove_bound);
  if (object == NULL || json_dump_file(object, path, JSON_INDENT(2)) != 0) {
    bench_die("%s cannot be written", path);
  }
  json_decref(object);
}
