/* SPDX-License-Identifier: Apache-2.0 */
/* Which labels the last chunks named, against a list that forgets nothing. */
#include "import_labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N_LABELS 700
#define N_CHUNKS 9
#define N_PER_CHUNK 40

static uint64_t hash_of(unsigned label)
{
  char text[16];
  int n = snprintf(text, sizeof text, "label %u", label);
  return kt_import_label_hash((struct kt_bytes){ (const uint8_t *)text, (size_t)n });
}

static void the_last_chunks_are_remembered(void **state)
{
  struct kt_import_labels labels;
  uint64_t last[N_LABELS] = { 0 };
  uint32_t random = 1;
  (void)state;
  assert_int_equal(kt_import_labels_init(&labels, N_CHUNKS, N_PER_CHUNK), KT_OK);
  for (uint64_t seq = 1; seq < 400; seq++) {
    if (seq == 200) {
      seq += 5 * N_CHUNKS; /* chunks that name nothing */
    }
    for (size_t i = 0; i < N_PER_CHUNK; i++) {
      random = random * 1664525 + 1013904223;
      unsigned label = (random >> 8) % N_LABELS;
      uint64_t found = kt_import_labels_note(&labels, hash_of(label), seq);
      if (last[label] + N_CHUNKS > seq) {
        assert_int_equal(found, last[label]); /* never forgotten so soon */
      }
      assert_true(found == last[label] || found == 0);
      last[label] = seq;
    }
  }
  kt_import_labels_release(&labels);
}

/* Each chunk brings as many new labels as there is room for. */
static void full_tables_are_searched_to_an_end(void **state)
{
  struct kt_import_labels labels;
  uint64_t n = 0;
  (void)state;
  assert_int_equal(kt_import_labels_init(&labels, N_CHUNKS, N_PER_CHUNK), KT_OK);
  for (uint64_t seq = 1; seq < 10 * N_CHUNKS; seq++) {
    for (size_t i = 0; i < N_PER_CHUNK; i++) {
      assert_int_equal(kt_import_labels_note(&labels, n++ * labels.n_places, seq), 0); /* all at one place */
    }
  }
  kt_import_labels_release(&labels);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_last_chunks_are_remembered),
    cmocka_unit_test(full_tables_are_searched_to_an_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
