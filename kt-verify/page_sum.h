/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum at the end of a page of our SQLite files (docs/formats.md, Client state): the first 8 bytes of SHA-256 over the
 * page's place in the file and what stands before the checksum. The place is in it, for a page in another's is damage too. */
#ifndef KT_VERIFY_PAGE_SUM_H
#define KT_VERIFY_PAGE_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_PAGE_LEN 4096
#define KT_PAGE_SUM_LEN 8

/* bytes[0, len) and the checksum after them; at: the offset in the file that they belong to. */
void kt_page_sum_put(uint8_t *bytes, size_t len, int64_t at);
bool kt_page_sum_holds(const uint8_t *bytes, size_t len, int64_t at);

#endif
