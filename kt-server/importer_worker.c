/* SPDX-License-Identifier: Apache-2.0 */
/* The expensive part of an import: reading lines, VRF outputs, commitments. */
#include <stdio.h>
#include <string.h>

#include "importer_impl.h"

#define CHUNK_ARENA_CAP ((size_t)512 << 20) /* a chunk's sets and the values before them, 64 KiB each, fit many times */

static bool is_general(enum kt_err err)
{
  return err == KT_ERR_STORE || err == KT_ERR_MEMORY || err == KT_ERR_CRYPTO || err == KT_ERR_UNDETERMINED;
}

void kt_importer_fail_item(struct kt_import_item *item, enum kt_err err, const char *text)
{
  item->state = is_general(err) ? KT_IMPORT_IS_FAILED : KT_IMPORT_IS_REFUSED;
  item->err = err;
  (void)snprintf(item->text, sizeof item->text, "%s", text);
}

/* False: it is refused, or there was no memory. */
static bool read_item(struct kt_import_item *item, struct kt_arena *arena, struct kt_json_provision *ret_set)
{
  char why[KT_JSON_TEXT_SIZE];
  if (item->len > KT_LINE_MAX) {
    kt_importer_fail_item(item, KT_ERR_LIMIT, "the line is longer than 1 MiB");
    return false;
  }
  enum kt_err err = kt_json_provision_line(item->chunk->text + item->start, item->len, arena, ret_set, why);
  if (err != KT_OK) {
    kt_importer_fail_item(item, err, why);
    return false;
  }
  item->label_hash = kt_import_label_hash(ret_set->label);
  return true;
}

static void look(struct kt_import_item *item, const struct kt_provisioner *provisioner, struct kt_arena *arena,
                 struct kt_provision *provision)
{
  struct kt_log_problem problem;
  enum kt_err err = kt_provision_look(provisioner, arena, provision, &problem);
  if (err != KT_OK) {
    kt_importer_fail_item(item, err, problem.text);
  }
}

static void prepare(struct kt_import_item *item, const struct kt_provisioner *provisioner, struct kt_arena *arena,
                    const struct kt_provision *provision)
{
  struct kt_log_problem problem;
  enum kt_err err = kt_provision_prepare(provisioner, provision, true, arena, &item->pending, &problem);
  if (err != KT_OK) {
    kt_importer_fail_item(item, err, problem.text);
  } else {
    item->state = item->pending != NULL ? KT_IMPORT_PREPARED : KT_IMPORT_SAME;
  }
}

void kt_importer_prepare_item(struct kt_import_item *item, const struct kt_provisioner *provisioner)
{
  struct kt_arena arena;
  struct kt_provision provision = { .latest_value = { NULL, 0 } };
  kt_arena_init(&arena, CHUNK_ARENA_CAP);
  item->state = KT_IMPORT_NEW;
  if (read_item(item, &arena, &provision.set)) {
    look(item, provisioner, &arena, &provision);
  }
  if (item->state == KT_IMPORT_NEW) {
    prepare(item, provisioner, &arena, &provision);
  }
  kt_arena_release(&arena);
}

/* Looking up all labels of a chunk in one read transaction costs much less than each on its own; the VRF outputs, which
 * take long, are computed after it. */
static void look_all(struct kt_import_chunk *chunk, const struct kt_provisioner *provisioner, struct kt_arena *arena,
                     struct kt_provision *provisions)
{
  struct kt_log_problem problem;
  enum kt_err err = kt_log_read_begin(provisioner->reader, &problem);
  for (size_t i = 0; i < chunk->n; i++) {
    if (chunk->items[i].state != KT_IMPORT_NEW) {
      continue;
    }
    if (err == KT_OK) {
      look(&chunk->items[i], provisioner, arena, &provisions[i]);
    } else {
      kt_importer_fail_item(&chunk->items[i], err, problem.text);
    }
  }
  if (err == KT_OK) {
    kt_log_read_end(provisioner->reader);
  }
}

/* Those of new labels, together. */
static void make_outputs(struct kt_import_chunk *chunk, const struct kt_provisioner *provisioner,
                         struct kt_arena *arena, struct kt_provision *provisions)
{
  struct kt_log_named_account *accounts = kt_arena_alloc(arena, chunk->n, sizeof *accounts);
  size_t n = 0;
  for (size_t i = 0; accounts != NULL && i < chunk->n; i++) { /* otherwise they are made one by one */
    if (chunk->items[i].state == KT_IMPORT_NEW) {
      accounts[n++] =
          (struct kt_log_named_account){ .label = provisions[i].set.label, .account = &provisions[i].account };
    }
  }
  kt_log_accounts_output(provisioner->log, accounts, n);
}

static void prepare_chunk(struct kt_import_chunk *chunk, const struct kt_provisioner *provisioner)
{
  struct kt_arena arena;
  kt_arena_init(&arena, CHUNK_ARENA_CAP);
  struct kt_provision *provisions = kt_arena_alloc(&arena, chunk->n, sizeof *provisions);
  for (size_t i = 0; i < chunk->n; i++) {
    if (provisions == NULL) {
      kt_importer_fail_item(&chunk->items[i], KT_ERR_MEMORY, "out of memory");
    } else if (read_item(&chunk->items[i], &arena, &provisions[i].set) && provisioner == NULL) {
      chunk->items[i].state = KT_IMPORT_IS_GOOD;
    }
  }
  if (provisioner != NULL) {
    look_all(chunk, provisioner, &arena, provisions);
    make_outputs(chunk, provisioner, &arena, provisions);
  }
  for (size_t i = 0; i < chunk->n; i++) {
    if (chunk->items[i].state == KT_IMPORT_NEW) {
      prepare(&chunk->items[i], provisioner, &arena, &provisions[i]);
    }
  }
  kt_arena_release(&arena);
}

/* NULL: there are no more. */
static struct kt_import_chunk *take_chunk(struct kt_importer *importer)
{
  struct kt_import_chunk *chunk = NULL;
  pthread_mutex_lock(&importer->lock);
  while (importer->take_seq == importer->ready_seq && !importer->ending) {
    pthread_cond_wait(&importer->work, &importer->lock);
  }
  if (importer->take_seq < importer->ready_seq) {
    chunk = &importer->ring[importer->take_seq % importer->n_ring];
    chunk->look_seq = importer->end_seq;
    importer->take_seq++;
  }
  pthread_mutex_unlock(&importer->lock);
  return chunk;
}

static void give_back(struct kt_import_chunk *chunk)
{
  struct kt_importer *importer = chunk->importer;
  pthread_mutex_lock(&importer->lock);
  chunk->is_prepared = true;
  importer->n_events++;
  pthread_cond_signal(&importer->wake);
  pthread_mutex_unlock(&importer->lock);
}

static void fail_chunk(struct kt_import_chunk *chunk, enum kt_err err, const char *text)
{
  for (size_t i = 0; i < chunk->n; i++) {
    kt_importer_fail_item(&chunk->items[i], err, text);
  }
}

void *kt_importer_work(void *ctx)
{
  struct kt_importer *importer = ctx;
  struct kt_provisioner provisioner = { .reader = NULL };
  struct kt_log_problem problem;
  struct kt_import_chunk *chunk;
  bool check_only = importer->options.check_only;
  enum kt_err err = check_only ? KT_OK : kt_provisioner_open(&provisioner, importer->options.instance, &problem);
  while ((chunk = take_chunk(importer)) != NULL) {
    if (err == KT_OK) {
      prepare_chunk(chunk, check_only ? NULL : &provisioner);
    } else {
      fail_chunk(chunk, is_general(err) ? err : KT_ERR_STORE, problem.text);
    }
    give_back(chunk);
  }
  kt_provisioner_close(&provisioner);
  return NULL;
}
