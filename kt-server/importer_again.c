/* SPDX-License-Identifier: Apache-2.0 */
/* Lines whose label changed after a worker looked, or is named by a line before them: one after the other. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "importer_impl.h"

bool kt_importer_is_busy(const struct kt_log_problem *problem)
{
  return strcmp(problem->code, "busy") == 0;
}

void kt_importer_wait(void)
{
  const struct timespec duration = { .tv_nsec = (long)KT_IMPORT_WAIT_MS * 1000000 };
  (void)nanosleep(&duration, NULL);
}

/* A line before it in the chunk, of the same label, is still to be inserted. */
static bool has_to_wait(const struct kt_import_chunk *chunk, size_t index)
{
  for (size_t i = 0; i < index; i++) {
    const struct kt_import_item *item = &chunk->items[i];
    if (item->label_hash == chunk->items[index].label_hash &&
        (item->state == KT_IMPORT_AGAIN || item->state == KT_IMPORT_WAITING)) {
      return true;
    }
  }
  return false;
}

struct round {
  struct kt_import_item *items[KT_IMPORT_CHUNK_LINES];
  struct kt_log_pending *pending[KT_IMPORT_CHUNK_LINES];
  struct kt_log_outcome outcomes[KT_IMPORT_CHUNK_LINES];
  size_t n;
};

/* One of each label that is left. */
static void fill_round(struct kt_importer *importer, struct kt_import_chunk *chunk, struct round *round)
{
  for (size_t i = 0; i < chunk->n; i++) {
    struct kt_import_item *item = &chunk->items[i];
    if (item->state != KT_IMPORT_AGAIN || has_to_wait(chunk, i)) {
      continue;
    }
    kt_importer_prepare_item(item, &importer->provisioner);
    if (item->state == KT_IMPORT_SAME) {
      item->state = KT_IMPORT_IS_UNCHANGED;
    } else if (item->state == KT_IMPORT_PREPARED) {
      item->state = KT_IMPORT_WAITING;
      round->items[round->n] = item;
      round->pending[round->n++] = item->pending;
      item->pending = NULL;
    }
  }
}

static void decide(struct kt_import_item *item, const struct kt_log_outcome *outcome, unsigned char *n_attempts)
{
  if (outcome->err == KT_OK && outcome->inserted) {
    item->state = KT_IMPORT_IS_INSERTED;
  } else if (outcome->err != KT_OK && !kt_importer_is_busy(&outcome->problem)) {
    kt_importer_fail_item(item, outcome->err, outcome->problem.text);
  } else if (outcome->err == KT_OK && ++*n_attempts == KT_PROVISION_ATTEMPTS_MAX) {
    kt_importer_fail_item(item, KT_ERR_CONFLICT, KT_PROVISION_CROWDED);
  } else {
    item->state = KT_IMPORT_AGAIN;
  }
}

static void run_round(struct kt_importer *importer, struct kt_import_chunk *chunk, struct round *round,
                      unsigned char *n_attempts)
{
  fill_round(importer, chunk, round);
  if (round->n > 0) {
    kt_log_insert(importer->options.instance->log, round->pending, round->n, round->outcomes);
  }
  bool has_gone = false;
  for (size_t i = 0; i < round->n; i++) {
    decide(round->items[i], &round->outcomes[i], &n_attempts[round->items[i] - chunk->items]);
    has_gone = has_gone || round->items[i]->state != KT_IMPORT_AGAIN;
  }
  if (round->n > 0 && !has_gone) {
    kt_importer_wait();
  }
}

static bool has_again(const struct kt_import_chunk *chunk)
{
  for (size_t i = 0; i < chunk->n; i++) {
    if (chunk->items[i].state == KT_IMPORT_AGAIN) {
      return true;
    }
  }
  return false;
}

/* Everything before this chunk is in the log, so what had to wait need not any more. */
void kt_importer_insert_again(struct kt_importer *importer, struct kt_import_chunk *chunk)
{
  unsigned char n_attempts[KT_IMPORT_CHUNK_LINES] = { 0 };
  while (importer->err == KT_OK && has_again(chunk)) {
    struct round *round = calloc(1, sizeof *round);
    if (round == NULL) {
      kt_importer_stop(importer, KT_ERR_MEMORY, "out of memory");
      return;
    }
    run_round(importer, chunk, round, n_attempts);
    free(round);
  }
}
