/* SPDX-License-Identifier: Apache-2.0 */
#include "qr.h"

#include <errno.h>
#include <png.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#include "evidence_store.h"
#include "qr_find.h"

#define PIXELS_PER_MODULE 8
#define IMAGE_FILE_MAX ((size_t)32 << 20)

enum kt_err kt_qr_encode(const char *text, struct kt_arena *arena, struct kt_qr *ret_qr)
{
  /* A screen at arm's length is read without much error correction, and a smaller symbol is read from further away. */
  QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
  if (code == NULL) {
    return errno == ENOMEM ? KT_ERR_MEMORY : KT_ERR_LIMIT;
  }
  size_t width = (size_t)code->width;
  uint8_t *modules = kt_arena_alloc(arena, width, width);
  for (size_t i = 0; modules != NULL && i < width * width; i++) {
    modules[i] = code->data[i] & 1; /* the other bits tell what the module is for */
  }
  QRcode_free(code);
  if (modules == NULL) {
    return KT_ERR_MEMORY;
  }
  *ret_qr = (struct kt_qr){ .width = width, .modules = modules };
  return KT_OK;
}

/* Rows and columns count from the corner of the quiet zone. */
static bool is_dark(const struct kt_qr *qr, size_t row, size_t column)
{
  row -= KT_QR_QUIET; /* wraps in the quiet zone: out of range as well */
  column -= KT_QR_QUIET;
  return row < qr->width && column < qr->width && qr->modules[row * qr->width + column] != 0;
}

size_t kt_qr_columns(const struct kt_qr *qr)
{
  return qr->width + 2 * (size_t)KT_QR_QUIET;
}

bool kt_qr_fits(const struct kt_qr *qr, const struct kt_output *out)
{
  size_t columns = kt_wrap_columns(out->data);
  return columns == 0 || kt_qr_columns(qr) <= columns;
}

void kt_qr_draw(const struct kt_qr *qr, struct kt_output *out)
{
  static const char *const blocks[] = { " ", "▀", "▄", "█" };
  size_t side = kt_qr_columns(qr);
  for (size_t row = 0; row < side; row += 2) {
    kt_output_data(out, "%s", out->color ? "\033[38;5;16;48;5;231m" : "");
    for (size_t column = 0; column < side; column++) {
      kt_output_data(out, "%s", blocks[is_dark(qr, row, column) | is_dark(qr, row + 1, column) << 1]);
    }
    kt_output_data(out, "%s\n", out->color ? "\033[0m" : "");
  }
}

/* --- PNG ------------------------------------------------------------------------------------------------------------ */

static png_image gray_image(size_t side)
{
  return (png_image){
    .version = PNG_IMAGE_VERSION, .width = (png_uint_32)side, .height = (png_uint_32)side, .format = PNG_FORMAT_GRAY
  };
}

enum kt_err kt_qr_write_png(const struct kt_qr *qr, const char *path, struct kt_arena *arena)
{
  size_t side = kt_qr_columns(qr) * PIXELS_PER_MODULE;
  uint8_t *pixels = kt_arena_alloc(arena, side, side);
  png_image image = gray_image(side);
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  uint8_t *file = kt_arena_alloc(arena, 1, size);
  if (pixels == NULL || file == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < side * side; i++) {
    pixels[i] = is_dark(qr, i / side / PIXELS_PER_MODULE, i % side / PIXELS_PER_MODULE) ? 0 : 255;
  }
  if (png_image_write_to_memory(&image, file, &size, 0, pixels, 0, NULL) == 0) {
    return KT_ERR_MEMORY;
  }
  return kt_evidence_write_file(path, (struct kt_bytes){ file, size });
}

static enum kt_err decode_png(struct kt_bytes file, struct kt_arena *arena, struct kt_qr_pixels *ret_pixels)
{
  static const png_color white = { 255, 255, 255 }; /* behind what is transparent */
  png_image image = { .version = PNG_IMAGE_VERSION };
  if (png_image_begin_read_from_memory(&image, file.data, file.len) == 0) {
    return KT_ERR_FORMAT;
  }
  if (image.width > KT_QR_IMAGE_SIDE_MAX || image.height > KT_QR_IMAGE_SIDE_MAX) {
    png_image_free(&image);
    return KT_ERR_FORMAT;
  }
  image.format = PNG_FORMAT_GRAY;
  uint8_t *gray = kt_arena_alloc(arena, image.width, image.height);
  if (gray == NULL) {
    png_image_free(&image);
    return KT_ERR_MEMORY;
  }
  if (png_image_finish_read(&image, &white, gray, 0, NULL) == 0) {
    return KT_ERR_FORMAT;
  }
  *ret_pixels = (struct kt_qr_pixels){ .width = image.width, .height = image.height, .gray = gray };
  return KT_OK;
}

enum kt_err kt_qr_read_png(const char *path, struct kt_arena *arena, const char **ret_text)
{
  struct kt_bytes file;
  struct kt_qr_pixels pixels;
  enum kt_err err = kt_evidence_read_file(path, IMAGE_FILE_MAX, arena, &file);
  if (err == KT_OK) {
    err = decode_png(file, arena, &pixels);
  }
  return err == KT_OK ? kt_qr_find(&pixels, arena, ret_text) : err;
}
