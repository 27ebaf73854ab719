/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a file, read in large blocks by offset: the file's own position stays as it is, so that a file can be
 * read twice, and the memory is that of one block, whatever a line's length. */
#ifndef KT_SERVER_LINES_H
#define KT_SERVER_LINES_H

#include <stdint.h>

#include "cli.h"

#define KT_LINE_MAX ((size_t)1 << 20)

struct kt_lines {
  int fd; /* borrowed */
  char *buf;
  size_t start; /* of what was read and not yet given away */
  size_t end;
  uint64_t offset; /* of the next block in the file */
  uint64_t number; /* of the last line given, from 1 */
};

struct kt_line {
  const char *text; /* without its newline, not terminated; until the next call */
  size_t len;       /* KT_LINE_MAX + 1: it is longer than KT_LINE_MAX and was skipped, text is NULL */
  uint64_t number;
};

KT_MUST_USE enum kt_err kt_lines_init(struct kt_lines *lines, int fd);
void kt_lines_release(struct kt_lines *lines);
/* KT_ERR_ABSENT at the end; KT_ERR_STORE: reading failed, errno says why. */
KT_MUST_USE enum kt_err kt_lines_next(struct kt_lines *lines, struct kt_line *ret_line);
/* Bytes of the file that the lines given so far took. */
uint64_t kt_lines_offset(const struct kt_lines *lines);

#endif
