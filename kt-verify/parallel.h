/* SPDX-License-Identifier: Apache-2.0 */
/* The same work on many items, on several threads. */
#ifndef KT_VERIFY_PARALLEL_H
#define KT_VERIFY_PARALLEL_H

#include <stddef.h>

#define KT_THREADS_MAX 64

/* As many as this machine has cores, at most KT_THREADS_MAX. */
unsigned kt_threads_default(void);

/* run(ctx, i) for each i below n, in any order; returns when all are done. The caller's thread works as well, and alone
 * when no other can be started. */
void kt_parallel_for(unsigned n_threads, size_t n, void (*run)(void *ctx, size_t i), void *ctx);

#endif
