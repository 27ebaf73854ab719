/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* madvise, MAP_ANONYMOUS */

#include "log/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

enum kt_err kt_log_pages_init(struct kt_log_pages *pages, size_t n_bytes)
{
  struct kt_log_pages made = { .mapped_len = n_bytes + HUGE_PAGE };
  if (n_bytes == 0) {
    *pages = (struct kt_log_pages){ .start = NULL };
    return KT_OK;
  }
  made.mapped = mmap(NULL, made.mapped_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (made.mapped == MAP_FAILED) {
    return KT_ERR_MEMORY;
  }
  size_t before = (size_t)(-(uintptr_t)made.mapped % HUGE_PAGE);
  made.start = (char *)made.mapped + before;
  (void)madvise(made.start, n_bytes, MADV_HUGEPAGE); /* a system without them answers EINVAL, and nothing is lost */
  *pages = made;
  return KT_OK;
}

void kt_log_pages_release(struct kt_log_pages *pages)
{
  if (pages->start != NULL) {
    (void)munmap(pages->mapped, pages->mapped_len);
  }
  *pages = (struct kt_log_pages){ .start = NULL };
}
