/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a QR symbol in an image, with libzbar. It is loaded when an image is to be read, and not before: it brings those of X11,
 * D-Bus and cameras along, which nothing else here needs. */
#ifndef KT_VERIFY_QR_FIND_H
#define KT_VERIFY_QR_FIND_H

#include <stdint.h>

#include <kt/arena.h>
#include <kt/err.h>

/* Rows from the top, one byte per pixel: 0 is black. */
struct kt_qr_pixels {
  unsigned width;
  unsigned height;
  const uint8_t *gray;
};

/* The text of the one symbol, NUL-terminated, in the arena. KT_ERR_UNSUPPORTED: there is no libzbar; KT_ERR_ABSENT: no symbol in
 * the image; KT_ERR_CONFLICT: several with different texts; KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_qr_find(const struct kt_qr_pixels *pixels, struct kt_arena *arena, const char **ret_text);

#endif
