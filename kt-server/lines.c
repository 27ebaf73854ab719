/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUF_SIZE (2 * (KT_LINE_MAX + 1))

enum kt_err kt_lines_init(struct kt_lines *lines, int fd)
{
  *lines = (struct kt_lines){ .fd = fd, .buf = malloc(BUF_SIZE) };
  return lines->buf != NULL ? KT_OK : KT_ERR_MEMORY;
}

void kt_lines_release(struct kt_lines *lines)
{
  free(lines->buf);
  *lines = (struct kt_lines){ .fd = -1 };
}

/* Move what is left to the front and read behind it. ret_len 0: the end of the file. */
static enum kt_err read_more(struct kt_lines *lines, size_t *ret_len)
{
  memmove(lines->buf, lines->buf + lines->start, lines->end - lines->start);
  lines->end -= lines->start;
  lines->start = 0;
  ssize_t len;
  do {
    len = pread(lines->fd, lines->buf + lines->end, BUF_SIZE - lines->end, (off_t)lines->offset);
  } while (len < 0 && errno == EINTR);
  if (len < 0) {
    return KT_ERR_STORE;
  }
  lines->end += (size_t)len;
  lines->offset += (size_t)len;
  *ret_len = (size_t)len;
  return KT_OK;
}

/* Until a newline, more than a line may have, or the end of the file. ret_len: of the line; ret_ends: in a newline. */
static enum kt_err find_end(struct kt_lines *lines, size_t *ret_len, bool *ret_ends)
{
  size_t searched = 0;
  for (;;) {
    size_t left = lines->end - lines->start;
    const char *newline = left > searched ? memchr(lines->buf + lines->start + searched, '\n', left - searched) : NULL;
    *ret_ends = newline != NULL;
    *ret_len = newline != NULL ? (size_t)(newline - (lines->buf + lines->start)) : left;
    if (newline != NULL || left > KT_LINE_MAX) {
      return KT_OK;
    }
    size_t n;
    enum kt_err err = read_more(lines, &n);
    if (err != KT_OK) {
      return err;
    }
    if (n == 0) {
      return left > 0 ? KT_OK : KT_ERR_ABSENT;
    }
    searched = left;
  }
}

/* What is left of a line that is too long. */
static enum kt_err skip_rest(struct kt_lines *lines)
{
  size_t len;
  bool ends = false;
  enum kt_err err = KT_OK;
  while (err == KT_OK && !ends) {
    err = find_end(lines, &len, &ends);
    if (err == KT_OK) {
      lines->start += len + (ends ? 1 : 0);
    }
  }
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

enum kt_err kt_lines_next(struct kt_lines *lines, struct kt_line *ret_line)
{
  size_t len;
  bool ends;
  enum kt_err err = find_end(lines, &len, &ends);
  if (err != KT_OK) {
    return err;
  }
  struct kt_line line = { .text = lines->buf + lines->start, .len = len, .number = ++lines->number };
  lines->start += len + (ends ? 1 : 0);
  if (len > KT_LINE_MAX) {
    line.text = NULL;
    line.len = KT_LINE_MAX + 1;
    err = ends ? KT_OK : skip_rest(lines);
  }
  if (err == KT_OK) {
    *ret_line = line;
  }
  return err;
}

uint64_t kt_lines_offset(const struct kt_lines *lines)
{
  return lines->offset - (lines->end - lines->start);
}
