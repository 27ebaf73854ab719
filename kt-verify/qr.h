/* SPDX-License-Identifier: Apache-2.0 */
/* QR symbols: drawing one in a terminal, writing and reading PNG images. Encoding is libqrencode's. Every side is drawn with the quiet zone that the standard asks for. */
#ifndef KT_VERIFY_QR_H
#define KT_VERIFY_QR_H

#include <kt/arena.h>

#include "output.h"

struct kt_qr {
  size_t width;           /* modules on a side */
  const uint8_t *modules; /* width * width, row by row; 1 is dark; in the arena */
};

/* What is drawn is this much wider and higher: four light modules on each side. */
#define KT_QR_QUIET 4

/* KT_ERR_LIMIT: more text than a symbol holds. */
KT_MUST_USE enum kt_err kt_qr_encode(const char *text, struct kt_arena *arena, struct kt_qr *ret_qr);

/* Columns that it takes in a terminal, and whether the window behind out->data has as many; what is
 * no terminal has room for it. */
size_t kt_qr_columns(const struct kt_qr *qr);
bool kt_qr_fits(const struct kt_qr *qr, const struct kt_output *out);

/* Two rows of modules per line. With colours both are said, so that it is dark on light whatever the terminal's own
 * are; without, dark modules are blocks, as on paper. Nothing with --json. */
void kt_qr_draw(const struct kt_qr *qr, struct kt_output *out);

/* KT_ERR_STORE: errno says why. */
KT_MUST_USE enum kt_err kt_qr_write_png(const struct kt_qr *qr, const char *path, struct kt_arena *arena);

#define KT_QR_IMAGE_SIDE_MAX 8192 /* pixels */

/* The text of the one symbol in an image, NUL-terminated, in the arena. KT_ERR_STORE: errno says why; KT_ERR_FORMAT: no
 * PNG image, or one that is too large; KT_ERR_ABSENT: no symbol in it; KT_ERR_CONFLICT: several with different texts; KT_ERR_UNSUPPORTED:
 * nothing is there that could look for them (qr_find.h). */
KT_MUST_USE enum kt_err kt_qr_read_png(const char *path, struct kt_arena *arena, const char **ret_text);

#endif
