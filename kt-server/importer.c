/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side: chunks are filled, submitted and reported in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "importer_impl.h"

#define GROUP_ENTRIES_MAX 4 /* a commit of so many costs little more disk work than one of more */
#define DISK_CHUNKS 16      /* the workers go on meanwhile when a checkpoint takes a tenth of a second */

static struct kt_import_chunk *chunk_of(const struct kt_importer *importer, uint64_t seq)
{
  return &importer->ring[seq % importer->n_ring];
}

/* The first failure stays. */
void kt_importer_stop(struct kt_importer *importer, enum kt_err err, const char *text)
{
  if (importer->err == KT_OK) {
    importer->err = err;
    (void)snprintf(importer->text, sizeof importer->text, "%s", text);
  }
}

/* --- submitting --------------------------------------------------------------------------------------------------- */

/* From the log's thread. */
static void item_done(void *ctx, const struct kt_log_outcome *outcome)
{
  struct kt_import_item *item = ctx;
  struct kt_import_chunk *chunk = item->chunk;
  struct kt_importer *importer = chunk->importer;
  pthread_mutex_lock(&importer->lock);
  if (outcome->err != KT_OK) {
    kt_importer_fail_item(item, outcome->err, outcome->problem.text);
  } else {
    item->state = outcome->inserted ? KT_IMPORT_IS_INSERTED : KT_IMPORT_AGAIN;
  }
  chunk->n_waiting--;
  importer->n_in_flight--;
  if (chunk->n_waiting == 0 || importer->n_in_flight == 0 ||
      importer->n_in_flight + importer->group == importer->in_flight_max) {
    importer->n_events++;
    pthread_cond_signal(&importer->wake);
  }
  pthread_mutex_unlock(&importer->lock);
}

static void change_in_flight(struct kt_importer *importer, size_t more, size_t less)
{
  pthread_mutex_lock(&importer->lock);
  importer->n_in_flight = importer->n_in_flight + more - less;
  pthread_mutex_unlock(&importer->lock);
}

static size_t count_in_flight(struct kt_importer *importer)
{
  pthread_mutex_lock(&importer->lock);
  size_t n = importer->n_in_flight;
  pthread_mutex_unlock(&importer->lock);
  return n;
}

/* What was gathered and will not be submitted. */
static void give_up_gathered(struct kt_importer *importer)
{
  pthread_mutex_lock(&importer->lock);
  for (size_t i = 0; i < importer->n_gathered; i++) {
    struct kt_import_item *item = importer->gathered[i].done_ctx;
    kt_log_pending_free(importer->gathered[i].pending);
    kt_importer_fail_item(item, importer->err, importer->text);
    item->chunk->n_waiting--;
  }
  pthread_mutex_unlock(&importer->lock);
  importer->n_gathered = 0;
}

/* The first n that were gathered; false: the log has no room for them now. */
static bool submit_gathered(struct kt_importer *importer, size_t n)
{
  struct kt_log_problem problem;
  change_in_flight(importer, n, 0);
  enum kt_err err = kt_log_submit_all(importer->options.instance->log, importer->gathered, n, item_done, &problem);
  if (err != KT_OK) {
    change_in_flight(importer, 0, n);
    if (kt_importer_is_busy(&problem)) {
      return false;
    }
    kt_importer_stop(importer, err, problem.text);
    give_up_gathered(importer);
    return true;
  }
  importer->n_gathered -= n;
  memmove(importer->gathered, importer->gathered + n, importer->n_gathered * sizeof *importer->gathered);
  return true;
}

/* Full entries go out as soon as there is room. True: something changed. */
static bool submit_group(struct kt_importer *importer)
{
  return importer->n_gathered >= importer->group &&
         count_in_flight(importer) + importer->group <= importer->in_flight_max &&
         submit_gathered(importer, importer->group);
}

/* What a worker made of it may go out, unless its label is named by a line that was not in the log when the worker
 * looked. */
static void gather(struct kt_importer *importer, struct kt_import_item *item, uint64_t seq)
{
  uint64_t last = kt_import_labels_note(&importer->labels, item->label_hash, seq);
  if (last >= item->chunk->look_seq) {
    kt_log_pending_free(item->pending);
    item->state = KT_IMPORT_AGAIN;
  } else if (item->state == KT_IMPORT_SAME) {
    item->state = KT_IMPORT_IS_UNCHANGED;
  } else {
    item->state = KT_IMPORT_WAITING;
    item->chunk->n_waiting++;
    importer->gathered[importer->n_gathered++] = (struct kt_log_order){ .pending = item->pending, .done_ctx = item };
  }
  item->pending = NULL;
}

static bool is_prepared(struct kt_importer *importer, uint64_t seq)
{
  pthread_mutex_lock(&importer->lock);
  bool is = seq < importer->ready_seq && chunk_of(importer, seq)->is_prepared;
  pthread_mutex_unlock(&importer->lock);
  return is;
}

/* Take the next prepared chunk's updates. True: something changed. */
static bool submit_next(struct kt_importer *importer)
{
  uint64_t seq = importer->submit_seq;
  if (importer->n_gathered >= importer->group || !is_prepared(importer, seq)) {
    return false;
  }
  struct kt_import_chunk *chunk = chunk_of(importer, seq);
  pthread_mutex_lock(&importer->lock);
  for (size_t i = 0; i < chunk->n; i++) {
    struct kt_import_item *item = &chunk->items[i];
    if (item->state == KT_IMPORT_PREPARED || item->state == KT_IMPORT_SAME) {
      gather(importer, item, seq);
    }
  }
  pthread_mutex_unlock(&importer->lock);
  importer->submit_seq++;
  return true;
}

/* --- reporting ---------------------------------------------------------------------------------------------------- */

static void report(struct kt_importer *importer, const struct kt_import_item *item)
{
  static const enum kt_import_word words[] = {
    [KT_IMPORT_IS_GOOD] = KT_IMPORT_GOOD,
    [KT_IMPORT_IS_INSERTED] = KT_IMPORT_INSERTED,
    [KT_IMPORT_IS_UNCHANGED] = KT_IMPORT_UNCHANGED,
    [KT_IMPORT_IS_REFUSED] = KT_IMPORT_REFUSED,
  };
  if (item->state == KT_IMPORT_IS_FAILED) {
    kt_importer_stop(importer, item->err, item->text);
  } else if (item->state >= KT_IMPORT_IS_GOOD) { /* others were given up */
    importer->options.result(importer->options.ctx, item->line, words[item->state], item->text);
  }
}

/* Report the oldest chunk when all of it is decided. True: something changed. */
static bool report_next(struct kt_importer *importer)
{
  uint64_t seq = importer->end_seq; /* which only this thread moves */
  struct kt_import_chunk *chunk = chunk_of(importer, seq);
  pthread_mutex_lock(&importer->lock);
  bool is_decided = seq < importer->submit_seq && chunk->n_waiting == 0;
  pthread_mutex_unlock(&importer->lock);
  if (!is_decided) {
    return false;
  }
  kt_importer_insert_again(importer, chunk);
  for (size_t i = 0; i < chunk->n; i++) {
    report(importer, &chunk->items[i]);
  }
  chunk->n = 0;
  chunk->text_len = 0;
  chunk->is_prepared = false;
  pthread_mutex_lock(&importer->lock);
  importer->end_seq++;
  pthread_mutex_unlock(&importer->lock);
  return true;
}

/* After a failure nothing new goes to the log. */
static bool give_up_next(struct kt_importer *importer)
{
  bool changed = importer->n_gathered > 0;
  give_up_gathered(importer);
  if (!is_prepared(importer, importer->submit_seq)) {
    return changed;
  }
  struct kt_import_chunk *chunk = chunk_of(importer, importer->submit_seq++);
  for (size_t i = 0; i < chunk->n; i++) {
    kt_log_pending_free(chunk->items[i].pending);
    chunk->items[i].pending = NULL;
  }
  return true;
}

/* --- the one thread that moves things ----------------------------------------------------------------------------- */

static bool advance(struct kt_importer *importer)
{
  if (importer->err != KT_OK) {
    return give_up_next(importer) || report_next(importer);
  }
  return submit_group(importer) || submit_next(importer) || report_next(importer);
}

/* No worker has anything, the log has nothing: what was gathered will not become more. */
static bool is_stuck(const struct kt_importer *importer)
{
  return importer->n_gathered > 0 && importer->n_in_flight == 0 && importer->submit_seq == importer->ready_seq;
}

static void wait_for_event(struct kt_importer *importer, uint64_t seen)
{
  struct timespec until;
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)KT_IMPORT_WAIT_MS * 1000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  if (importer->n_events == seen) {
    (void)pthread_cond_timedwait(&importer->wake, &importer->lock, &until);
  }
}

/* Do what can be done; when that is nothing, wait until something can. */
static void advance_or_wait(struct kt_importer *importer)
{
  pthread_mutex_lock(&importer->lock);
  uint64_t seen = importer->n_events;
  pthread_mutex_unlock(&importer->lock);
  if (advance(importer)) {
    return;
  }
  pthread_mutex_lock(&importer->lock);
  bool stuck = is_stuck(importer);
  if (!stuck) {
    wait_for_event(importer, seen);
  }
  pthread_mutex_unlock(&importer->lock);
  if (stuck) {
    size_t n = importer->n_gathered < importer->group ? importer->n_gathered : importer->group;
    if (!submit_gathered(importer, n)) {
      kt_importer_wait();
    }
  }
}

/* --- filling ------------------------------------------------------------------------------------------------------ */

/* Let the workers have it. */
static void close_chunk(struct kt_importer *importer)
{
  importer->fill_seq++;
  pthread_mutex_lock(&importer->lock);
  importer->ready_seq = importer->fill_seq;
  pthread_cond_signal(&importer->work);
  pthread_mutex_unlock(&importer->lock);
}

static enum kt_err add_text(struct kt_import_chunk *chunk, const char *text, size_t len)
{
  if (len > chunk->text_size - chunk->text_len) {
    size_t size = chunk->text_len + len > KT_IMPORT_CHUNK_TEXT ? chunk->text_len + len : KT_IMPORT_CHUNK_TEXT;
    char *larger = realloc(chunk->text, size);
    if (larger == NULL) {
      return KT_ERR_MEMORY;
    }
    chunk->text = larger;
    chunk->text_size = size;
  }
  if (len > 0) {
    memcpy(chunk->text + chunk->text_len, text, len);
    chunk->text_len += len;
  }
  return KT_OK;
}

enum kt_err kt_importer_line(struct kt_importer *importer, const struct kt_line *line)
{
  while (importer->fill_seq - importer->end_seq == importer->n_ring && importer->err == KT_OK) {
    advance_or_wait(importer);
  }
  if (importer->err != KT_OK) {
    return importer->err;
  }
  struct kt_import_chunk *chunk = chunk_of(importer, importer->fill_seq);
  size_t kept = line->text != NULL ? line->len : 0;
  struct kt_import_item *item = &chunk->items[chunk->n];
  *item = (struct kt_import_item){ .chunk = chunk, .line = line->number, .start = chunk->text_len, .len = line->len };
  if (add_text(chunk, line->text, kept) != KT_OK) {
    kt_importer_stop(importer, KT_ERR_MEMORY, "out of memory");
    return importer->err;
  }
  chunk->n++;
  if (chunk->n == KT_IMPORT_CHUNK_LINES || chunk->text_len >= KT_IMPORT_CHUNK_TEXT) {
    close_chunk(importer);
    while (advance(importer)) {
    }
  }
  return importer->err;
}

enum kt_err kt_importer_finish(struct kt_importer *importer, struct kt_error *error)
{
  bool has_room = importer->fill_seq - importer->end_seq < importer->n_ring;
  if (has_room && chunk_of(importer, importer->fill_seq)->n > 0) {
    close_chunk(importer);
  }
  while (importer->end_seq < importer->fill_seq) {
    advance_or_wait(importer);
  }
  return importer->err == KT_OK ? KT_OK : kt_error_set(error, importer->err, "%s", importer->text);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

/* The groups that wait in the queue and are being committed leave half of the queue to others. */
static void set_sizes(struct kt_importer *importer)
{
  size_t queue_max = (size_t)importer->options.instance->settings.limits.queue;
  size_t entries = queue_max / 4 / KT_LOG_LEAVES_MAX;
  entries = entries < GROUP_ENTRIES_MAX ? entries : GROUP_ENTRIES_MAX;
  importer->group = entries > 0 ? entries * KT_LOG_LEAVES_MAX : 1 + queue_max / 4;
  importer->in_flight_max = 2 * importer->group;
}

static enum kt_err allocate(struct kt_importer *importer)
{
  /* In the log's hands, gathered, with the workers, ready for them, and being filled. */
  importer->n_ring = 3 * (importer->group / KT_LOG_LEAVES_MAX + 1) + 2 * importer->options.n_workers + 1 + DISK_CHUNKS;
  importer->ring = calloc(importer->n_ring, sizeof *importer->ring);
  importer->workers = calloc(importer->options.n_workers, sizeof *importer->workers);
  importer->gathered = calloc(importer->group + KT_IMPORT_CHUNK_LINES, sizeof *importer->gathered);
  if (importer->ring == NULL || importer->workers == NULL || importer->gathered == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < importer->n_ring; i++) {
    importer->ring[i].importer = importer;
  }
  return kt_import_labels_init(&importer->labels, importer->n_ring, KT_IMPORT_CHUNK_LINES);
}

static enum kt_err start_workers(struct kt_importer *importer)
{
  while (importer->n_workers < importer->options.n_workers) {
    if (pthread_create(&importer->workers[importer->n_workers], NULL, kt_importer_work, importer) != 0) {
      return KT_ERR_MEMORY;
    }
    importer->n_workers++;
  }
  return KT_OK;
}

static enum kt_err open_provisioner(struct kt_importer *importer, struct kt_error *error)
{
  struct kt_log_problem problem;
  if (importer->options.check_only) {
    return KT_OK;
  }
  enum kt_err err = kt_provisioner_open(&importer->provisioner, importer->options.instance, &problem);
  return err == KT_OK ? KT_OK : kt_error_set(error, err, "%s", problem.text);
}

enum kt_err kt_importer_new(const struct kt_importer_options *options, struct kt_importer **ret_importer,
                            struct kt_error *error)
{
  struct kt_importer *importer = calloc(1, sizeof *importer);
  if (importer == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  *importer = (struct kt_importer){
    .options = *options, .fill_seq = 1, .submit_seq = 1, .ready_seq = 1, .take_seq = 1, .end_seq = 1
  };
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_mutex_init(&importer->lock, NULL);
  pthread_cond_init(&importer->work, NULL);
  pthread_cond_init(&importer->wake, &clock);
  pthread_condattr_destroy(&clock);
  set_sizes(importer);
  enum kt_err err = open_provisioner(importer, error);
  if (err == KT_OK) {
    err = allocate(importer);
    err = err == KT_OK ? start_workers(importer) : err;
    err = err == KT_OK ? KT_OK : kt_error_set(error, err, "out of memory or threads");
  }
  if (err != KT_OK) {
    kt_importer_free(importer);
    return err;
  }
  *ret_importer = importer;
  return KT_OK;
}

void kt_importer_free(struct kt_importer *importer)
{
  if (importer == NULL) {
    return;
  }
  pthread_mutex_lock(&importer->lock);
  importer->ending = true;
  pthread_cond_broadcast(&importer->work);
  pthread_mutex_unlock(&importer->lock);
  for (size_t i = 0; i < importer->n_workers; i++) {
    (void)pthread_join(importer->workers[i], NULL);
  }
  for (size_t i = 0; importer->ring != NULL && i < importer->n_ring; i++) {
    free(importer->ring[i].text);
  }
  kt_import_labels_release(&importer->labels);
  kt_provisioner_close(&importer->provisioner);
  pthread_cond_destroy(&importer->wake);
  pthread_cond_destroy(&importer->work);
  pthread_mutex_destroy(&importer->lock);
  free(importer->gathered);
  free(importer->workers);
  free(importer->ring);
  free(importer);
}
