/* SPDX-License-Identifier: Apache-2.0 */
/* Text in the width of the terminal it goes to: lines break at blanks, what follows hangs under the line's beginning.
 *
 * Keys, codes, paths, and commands on an indented line of their own are never broken, however narrow the window: they
 * are there to be copied. Columns are counted
 * as the terminal shows them: wide characters take two, colours and combining marks none. Where the text does not go to
 * a terminal nothing is changed, so that scripts read whole lines. */
#ifndef KT_VERIFY_WRAP_H
#define KT_VERIFY_WRAP_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#define KT_WRAP_COLUMNS_MIN 20 /* in a narrower window lines are left to the terminal */

struct kt_wrap {
  FILE *to;       /* borrowed */
  size_t columns; /* 0: as it comes */
  size_t len;     /* of the line begun */
  char line[2048];
};

/* columns: kt_wrap_columns(to), or 0. */
void kt_wrap_init(struct kt_wrap *wrap, FILE *to, size_t columns);
/* Width of the terminal behind the stream; 0: it is none, or says nothing about itself. */
size_t kt_wrap_columns(FILE *to);
__attribute__((format(printf, 2, 0))) void kt_wrap_print(struct kt_wrap *wrap, const char *format, va_list args);
/* Write what stands there of an unfinished line, a question for example. */
void kt_wrap_flush(struct kt_wrap *wrap);

#endif
