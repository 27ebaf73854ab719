/* SPDX-License-Identifier: Apache-2.0 */
#include "qr_find.h"

#include <assert.h>
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY "libzbar.so.0"

/* --- libzbar's functions, as its zbar.h declares them -------------------------------------------------------------------- */

enum { ZBAR_NONE = 0, ZBAR_QRCODE = 64 };                    /* zbar_symbol_type_t */
enum { ZBAR_CFG_ENABLE = 0, ZBAR_CFG_TEST_INVERTED = 0x81 }; /* zbar_config_t */

#define ZBAR_Y800 0x30303859UL /* the four letters, the first one lowest: a byte of gray per pixel */

struct zbar_scanner;
struct zbar_image;
struct zbar_symbol;

struct zbar {
  struct zbar_scanner *(*image_scanner_create)(void);
  void (*image_scanner_destroy)(struct zbar_scanner *scanner);
  int (*image_scanner_set_config)(struct zbar_scanner *scanner, int symbology, int config, int value);
  int (*scan_image)(struct zbar_scanner *scanner, struct zbar_image *image);
  struct zbar_image *(*image_create)(void);
  void (*image_destroy)(struct zbar_image *image);
  void (*image_set_format)(struct zbar_image *image, unsigned long format);
  void (*image_set_size)(struct zbar_image *image, unsigned width, unsigned height);
  void (*image_set_data)(struct zbar_image *image, const void *data, unsigned long len,
                         void (*release)(struct zbar_image *image));
  const struct zbar_symbol *(*image_first_symbol)(const struct zbar_image *image);
  const struct zbar_symbol *(*symbol_next)(const struct zbar_symbol *symbol);
  const char *(*symbol_get_data)(const struct zbar_symbol *symbol);
};

#define FUNCTION(member)                           \
  {                                                \
    "zbar_" #member, offsetof(struct zbar, member) \
  }

static const struct {
  const char *name;
  size_t at;
} functions[] = {
  FUNCTION(image_scanner_create), FUNCTION(image_scanner_destroy), FUNCTION(image_scanner_set_config),
  FUNCTION(scan_image),           FUNCTION(image_create),          FUNCTION(image_destroy),
  FUNCTION(image_set_format),     FUNCTION(image_set_size),        FUNCTION(image_set_data),
  FUNCTION(image_first_symbol),   FUNCTION(symbol_next),           FUNCTION(symbol_get_data),
};

#define N_FUNCTIONS (sizeof functions / sizeof functions[0])
static_assert(sizeof(struct zbar) == N_FUNCTIONS * sizeof(void *),
              "each function has its name, and is no larger than a pointer");

/* It stays loaded: what its own libraries have set up is never taken down. */
static enum kt_err load(struct zbar *ret_zbar)
{
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  for (size_t i = 0; library != NULL && i < N_FUNCTIONS; i++) {
    void *function = dlsym(library, functions[i].name);
    if (function == NULL) {
      return KT_ERR_UNSUPPORTED;
    }
    memcpy((uint8_t *)ret_zbar + functions[i].at, &function, sizeof function);
  }
  return library != NULL ? KT_OK : KT_ERR_UNSUPPORTED;
}

/* --- finding the symbol --------------------------------------------------------------------------------------------------- */

static enum kt_err only_text(const struct zbar *zbar, const struct zbar_image *image, struct kt_arena *arena,
                             const char **ret_text)
{
  const char *text = NULL;
  for (const struct zbar_symbol *symbol = zbar->image_first_symbol(image); symbol != NULL;
       symbol = zbar->symbol_next(symbol)) {
    const char *found = zbar->symbol_get_data(symbol);
    if (text != NULL && strcmp(text, found) != 0) {
      return KT_ERR_CONFLICT;
    }
    text = found;
  }
  if (text == NULL) {
    return KT_ERR_ABSENT;
  }
  const char *copy = kt_arena_copy(arena, text, strlen(text) + 1);
  if (copy == NULL) {
    return KT_ERR_MEMORY;
  }
  *ret_text = copy;
  return KT_OK;
}

enum kt_err kt_qr_find(const struct kt_qr_pixels *pixels, struct kt_arena *arena, const char **ret_text)
{
  struct zbar zbar;
  enum kt_err err = load(&zbar);
  if (err != KT_OK) {
    return err;
  }
  struct zbar_scanner *scanner = zbar.image_scanner_create();
  struct zbar_image *image = zbar.image_create();
  err = KT_ERR_MEMORY;
  if (scanner != NULL && image != NULL) {
    (void)zbar.image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
    (void)zbar.image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
    (void)zbar.image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_TEST_INVERTED, 1); /* of a dark terminal */
    zbar.image_set_format(image, ZBAR_Y800);
    zbar.image_set_size(image, pixels->width, pixels->height);
    zbar.image_set_data(image, pixels->gray, (unsigned long)pixels->width * pixels->height, NULL);
    err = zbar.scan_image(scanner, image) < 0 ? KT_ERR_ABSENT : only_text(&zbar, image, arena, ret_text);
  }
  if (image != NULL) {
    zbar.image_destroy(image);
  }
  if (scanner != NULL) {
    zbar.image_scanner_destroy(scanner);
  }
  return err;
}
