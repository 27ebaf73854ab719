/* SPDX-License-Identifier: Apache-2.0 */
/* Zeroed memory for large tables that are read at random: on huge pages where the system has them, since otherwise most
 * reads would miss the processor's table of pages, too. What is never used stays untouched. */
#ifndef KT_LOG_PAGES_H
#define KT_LOG_PAGES_H

#include <kt/err.h>

#include <stddef.h>

struct kt_log_pages {
  void *start; /* aligned to a huge page; NULL: nothing was asked for */
  void *mapped;
  size_t mapped_len;
};

/* KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_log_pages_init(struct kt_log_pages *pages, size_t n_bytes);
void kt_log_pages_release(struct kt_log_pages *pages);

#endif
