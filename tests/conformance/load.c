/* SPDX-License-Identifier: Apache-2.0 */
#include "conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_SAFE 18 /* any integer of as many digits fits 63 bits */

static void *read_whole(FILE *file, size_t *ret_len)
{
  size_t len = 0;
  size_t cap = 0;
  char *text = NULL;
  size_t got;
  do {
    if (len == cap) {
      cap = cap == 0 ? 1 << 16 : 2 * cap;
      char *more = realloc(text, cap);
      if (more == NULL) {
        free(text);
        return NULL;
      }
      text = more;
    }
    got = fread(text + len, 1, cap - len, file);
    len += got;
  } while (got > 0);
  *ret_len = len;
  return text;
}

/* Length of the string literal at text, quotes included, or of what is left when it does not end. */
static size_t string_len(const char *text, size_t left)
{
  size_t i = 1;
  while (i < left && text[i] != '"') {
    i += text[i] == '\\' ? 2 : 1;
  }
  return i < left ? i + 1 : left;
}

static size_t number_len(const char *text, size_t left)
{
  size_t i = 0;
  while (i < left && strchr("0123456789+-.eE", text[i]) != NULL && text[i] != '\0') {
    i++;
  }
  return i;
}

/* Quote the numbers that may be too long for Jansson; lines stay the same. out has room for three bytes per one. */
static size_t quote_long_numbers(const char *text, size_t len, char *out)
{
  size_t n = 0;
  for (size_t i = 0; i < len;) {
    size_t token = text[i] == '"' ? string_len(text + i, len - i) : number_len(text + i, len - i);
    bool quote = text[i] != '"' && token > DIGITS_SAFE;
    token = token == 0 ? 1 : token;
    if (quote) {
      out[n++] = '"';
    }
    memcpy(out + n, text + i, token);
    n += token;
    if (quote) {
      out[n++] = '"';
    }
    i += token;
  }
  return n;
}

static json_t *unreadable(json_error_t *error, const char *text)
{
  *error = (json_error_t){ .line = 0 };
  snprintf(error->text, sizeof error->text, "%s", text);
  return NULL;
}

json_t *conf_load(const char *path, json_error_t *ret_error)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return unreadable(ret_error, "cannot be opened");
  }
  size_t len = 0;
  char *text = read_whole(file, &len);
  bool failed = text == NULL || ferror(file) != 0;
  fclose(file);
  char *quoted = failed ? NULL : malloc(3 * len + 1);
  json_t *document = NULL;
  if (quoted == NULL) {
    unreadable(ret_error, "cannot be read");
  } else {
    document = json_loadb(quoted, quote_long_numbers(text, len, quoted), JSON_REJECT_DUPLICATES, ret_error);
  }
  free(text);
  free(quoted);
  return document;
}
