/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* wcwidth */
#include "wrap.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define HANG 2 /* columns that a continued line stands further in */

void kt_wrap_init(struct kt_wrap *wrap, FILE *to, size_t columns)
{
  wrap->to = to;
  wrap->columns = columns < KT_WRAP_COLUMNS_MIN ? 0 : columns;
  wrap->len = 0;
}

size_t kt_wrap_columns(FILE *to)
{
  struct winsize size = { 0 };
  int fd = fileno(to);
  return fd >= 0 && isatty(fd) == 1 && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* Bytes of a colour at the beginning of text: ESC [ … m; 0: there is none. */
static size_t color_len(const char *text, size_t len)
{
  if (len < 3 || text[0] != '\033' || text[1] != '[') {
    return 0;
  }
  size_t n = 2 + strspn(text + 2, "0123456789;");
  return n < len && text[n] == 'm' ? n + 1 : 0;
}

/* Columns of text[0, len), which is followed by a terminator or a blank. */
static size_t width(const char *text, size_t len)
{
  size_t columns = 0;
  mbstate_t state = { 0 };
  for (size_t at = 0; at < len;) {
    wchar_t character;
    size_t n = color_len(text + at, len - at);
    if (n == 0) {
      n = mbrtowc(&character, text + at, len - at, &state);
      int w = n == 0 || n > len - at ? -1 : wcwidth(character);
      if (w < 0) { /* not in this locale, but UTF-8 all the same: the bytes that continue a character take no column */
        state = (mbstate_t){ 0 };
        n = 1;
        w = ((unsigned char)text[at] & 0xc0) == 0x80 ? 0 : 1;
      }
      columns += (size_t)w;
    }
    at += n;
  }
  return columns;
}

/* A command on a line of its own: pasted in two pieces it would be another command. */
static bool is_command(const char *line)
{
  static const char program[] = "kt-verify ";
  size_t indent = strspn(line, " ");
  return indent > 0 && strncmp(line + indent, program, sizeof program - 1) == 0;
}

/* One line without its end. */
static void write_line(const struct kt_wrap *wrap, const char *line, size_t len)
{
  if (is_command(line)) {
    fwrite(line, 1, len, wrap->to);
    return;
  }
  size_t indent = strspn(line, " ");
  size_t hang = indent + HANG < wrap->columns / 2 ? indent + HANG : 0;
  size_t used = 0;
  for (size_t at = 0; at < len;) {
    size_t blanks = strspn(line + at, " ");
    size_t word = strcspn(line + at + blanks, " ");
    size_t columns = width(line + at + blanks, word);
    bool breaks = used > hang && used + blanks + columns > wrap->columns && word > 0;
    if (breaks) {
      fprintf(wrap->to, "\n%*s", (int)hang, "");
      used = hang;
    } else {
      fprintf(wrap->to, "%*s", (int)blanks, "");
      used += blanks;
    }
    fwrite(line + at + blanks, 1, word, wrap->to);
    used += columns;
    at += blanks + word;
  }
}

/* The finished lines of wrap->line; the rest moves to the front. */
static void write_finished(struct kt_wrap *wrap)
{
  char *line = wrap->line;
  char *end = wrap->line + wrap->len;
  for (char *stop; (stop = memchr(line, '\n', (size_t)(end - line))) != NULL; line = stop + 1) {
    *stop = '\0';
    write_line(wrap, line, (size_t)(stop - line));
    fputc('\n', wrap->to);
  }
  wrap->len = (size_t)(end - line);
  memmove(wrap->line, line, wrap->len + 1);
}

void kt_wrap_print(struct kt_wrap *wrap, const char *format, va_list args)
{
  va_list again;
  if (wrap->columns == 0) {
    vfprintf(wrap->to, format, args);
    return;
  }
  va_copy(again, args);
  int n = vsnprintf(wrap->line + wrap->len, sizeof wrap->line - wrap->len, format, args);
  if (n >= 0 && (size_t)n < sizeof wrap->line - wrap->len) {
    wrap->len += (size_t)n;
    write_finished(wrap);
  } else { /* longer than any screen: nothing of it may be lost */
    wrap->line[wrap->len] = '\0';
    kt_wrap_flush(wrap);
    vfprintf(wrap->to, format, again);
  }
  va_end(again);
}

void kt_wrap_flush(struct kt_wrap *wrap)
{
  if (wrap->len > 0) {
    write_line(wrap, wrap->line, wrap->len);
    wrap->len = 0;
  }
  fflush(wrap->to);
}
