/* SPDX-License-Identifier: Apache-2.0 */
#include "parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct work {
  void (*run)(void *ctx, size_t i);
  void *ctx;
  size_t n;
  atomic_size_t next;
};

unsigned kt_threads_default(void)
{
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n < 1 ? 1 : n > KT_THREADS_MAX ? KT_THREADS_MAX : (unsigned)n;
}

static void *do_work(void *ctx)
{
  struct work *work = ctx;
  for (size_t i = atomic_fetch_add(&work->next, 1); i < work->n; i = atomic_fetch_add(&work->next, 1)) {
    work->run(work->ctx, i);
  }
  return NULL;
}

void kt_parallel_for(unsigned n_threads, size_t n, void (*run)(void *ctx, size_t i), void *ctx)
{
  struct work work = { .run = run, .ctx = ctx, .n = n };
  pthread_t threads[KT_THREADS_MAX];
  unsigned n_started = 0;
  while (n_started + 1 < n_threads && n_started + 1 < n && n_started < KT_THREADS_MAX &&
         pthread_create(&threads[n_started], NULL, do_work, &work) == 0) {
    n_started++;
  }
  (void)do_work(&work);
  for (unsigned i = 0; i < n_started; i++) {
    pthread_join(threads[i], NULL);
  }
}
