/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_ahead.h"

#include <pthread.h>
#include <stdlib.h>

#define PAGES_MAX 16                     /* waiting for their turn, the one at hand included */
#define BYTES_MAX ((size_t)16 << 20)     /* of those; the last one may go beyond */
#define THREAD_STACK ((size_t)512 << 10) /* a proof is walked 255 levels deep */

struct slot {
  struct kt_audit_page page;
  bool is_read;
};

/* Pages are numbered; page i is in slot i % PAGES_MAX. first <= to_read <= end. The numbers are written by the caller's
 * thread, but to_read by those that read; all under the lock. */
struct kt_audit_ahead {
  pthread_mutex_t lock;
  pthread_cond_t has_work;
  pthread_cond_t has_read;
  bool quit;
  size_t first;   /* oldest that is not done */
  size_t to_read; /* next that nobody reads */
  size_t end;     /* next to be fetched */
  struct slot slots[PAGES_MAX];
  /* Of the caller's thread alone. */
  uint64_t next_entry; /* at which page `end` begins */
  bool is_stuck;       /* where that is nobody knows until the last page was judged */
  size_t bytes;
  size_t pages_max;
  pthread_t threads[KT_THREADS_MAX];
  unsigned n_threads;
};

static struct slot *slot_of(struct kt_audit_ahead *ahead, size_t number)
{
  return &ahead->slots[number % PAGES_MAX];
}

/* --- threads that read ---------------------------------------------------------------------------------------------- */

static void *reader(void *ctx)
{
  struct kt_audit_ahead *ahead = ctx;
  pthread_mutex_lock(&ahead->lock);
  while (!ahead->quit) {
    if (ahead->to_read == ahead->end) {
      pthread_cond_wait(&ahead->has_work, &ahead->lock);
      continue;
    }
    struct slot *slot = slot_of(ahead, ahead->to_read++);
    pthread_mutex_unlock(&ahead->lock);
    if (slot->page.reply.kind == KT_REPLY_OK) {
      kt_audit_page_read(&slot->page);
    }
    pthread_mutex_lock(&ahead->lock);
    slot->is_read = true;
    pthread_cond_broadcast(&ahead->has_read);
  }
  pthread_mutex_unlock(&ahead->lock);
  return NULL;
}

static bool start_threads(struct kt_audit_ahead *ahead, unsigned jobs)
{
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0) {
    return false;
  }
  bool ok = pthread_attr_setstacksize(&attr, THREAD_STACK) == 0;
  while (ok && ahead->n_threads < jobs) {
    ok = pthread_create(&ahead->threads[ahead->n_threads], &attr, reader, ahead) == 0;
    ahead->n_threads += ok ? 1 : 0;
  }
  pthread_attr_destroy(&attr);
  return ahead->n_threads > 0; /* fewer will do */
}

enum kt_err kt_audit_ahead_new(unsigned jobs, struct kt_audit_ahead **ret_ahead)
{
  struct kt_audit_ahead *ahead = calloc(1, sizeof *ahead);
  if (ahead == NULL) {
    return KT_ERR_MEMORY;
  }
  pthread_mutex_init(&ahead->lock, NULL); /* none of the three can fail with default attributes */
  pthread_cond_init(&ahead->has_work, NULL);
  pthread_cond_init(&ahead->has_read, NULL);
  ahead->pages_max = jobs + 2 < PAGES_MAX ? jobs + 2 : PAGES_MAX;
  if (!start_threads(ahead, jobs)) {
    kt_audit_ahead_free(ahead);
    return KT_ERR_MEMORY;
  }
  *ret_ahead = ahead;
  return KT_OK;
}

/* --- the caller's thread ---------------------------------------------------------------------------------------------- */

/* Wait until page `number` was read. */
static struct slot *wait_for(struct kt_audit_ahead *ahead, size_t number)
{
  struct slot *slot = slot_of(ahead, number);
  pthread_mutex_lock(&ahead->lock);
  while (!slot->is_read) {
    pthread_cond_wait(&ahead->has_read, &ahead->lock);
  }
  pthread_mutex_unlock(&ahead->lock);
  return slot;
}

void kt_audit_ahead_done(struct kt_audit_ahead *ahead)
{
  struct slot *slot = wait_for(ahead, ahead->first);
  ahead->bytes -= slot->page.reply.len;
  kt_audit_page_release(&slot->page);
  pthread_mutex_lock(&ahead->lock);
  slot->is_read = false;
  ahead->first++;
  pthread_mutex_unlock(&ahead->lock);
}

static void forget(struct kt_audit_ahead *ahead)
{
  while (ahead->first < ahead->end) {
    kt_audit_ahead_done(ahead);
  }
}

static void fetch(struct kt_audit_ahead *ahead, struct kt_transport *transport, uint64_t target)
{
  struct kt_audit_page *page = &slot_of(ahead, ahead->end)->page;
  kt_audit_page_fetch(page, transport, ahead->next_entry, target);
  uint32_t count = kt_audit_page_count(page);
  ahead->is_stuck = count == 0 || count > page->limit;
  ahead->next_entry += count;
  ahead->bytes += page->reply.len;
  pthread_mutex_lock(&ahead->lock);
  ahead->end++;
  pthread_cond_signal(&ahead->has_work);
  pthread_mutex_unlock(&ahead->lock);
}

static bool has_room(const struct kt_audit_ahead *ahead)
{
  return ahead->end - ahead->first < ahead->pages_max && ahead->bytes < BYTES_MAX;
}

const struct kt_audit_page *kt_audit_ahead_next(struct kt_audit_ahead *ahead, struct kt_transport *transport,
                                                uint64_t start, uint64_t target)
{
  if (ahead->first < ahead->end && slot_of(ahead, ahead->first)->page.start != start) {
    forget(ahead); /* the audit was set back to what is durable */
  }
  if (ahead->first == ahead->end) {
    ahead->next_entry = start;
    ahead->is_stuck = false;
  }
  while (!ahead->is_stuck && has_room(ahead) && ahead->next_entry < target) {
    fetch(ahead, transport, target);
  }
  return &wait_for(ahead, ahead->first)->page;
}

void kt_audit_ahead_free(struct kt_audit_ahead *ahead)
{
  if (ahead == NULL) {
    return;
  }
  if (ahead->n_threads > 0) {
    forget(ahead);
  }
  pthread_mutex_lock(&ahead->lock);
  ahead->quit = true;
  pthread_cond_broadcast(&ahead->has_work);
  pthread_mutex_unlock(&ahead->lock);
  for (unsigned i = 0; i < ahead->n_threads; i++) {
    pthread_join(ahead->threads[i], NULL);
  }
  pthread_cond_destroy(&ahead->has_read);
  pthread_cond_destroy(&ahead->has_work);
  pthread_mutex_destroy(&ahead->lock);
  free(ahead);
}
