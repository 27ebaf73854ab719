/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/text.h>

#include <stdbool.h>
#include <string.h>

#define STYLE 0xfe0fu
#define JOINER 0x200du

struct range {
  uint32_t first;
  uint32_t last;
};

/* Control characters, marks that reorder what stands around them, what no font draws (Unicode: Default_Ignorable), and
 * what is no character at all. */
static const struct range hidden[] = {
  { 0, 0x1f },          { 0x7f, 0x9f },       { 0xad, 0xad },
  { 0x34f, 0x34f },     { 0x61c, 0x61c },     { 0x115f, 0x1160 },
  { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },   { 0x200b, 0x200f },
  { 0x2028, 0x202e },   { 0x2060, 0x206f },   { 0x3164, 0x3164 },
  { 0xd800, 0xdfff },   { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },
  { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },   { 0x1bca0, 0x1bca3 },
  { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff }, { 0x110000, UINT32_MAX },
};

/* What is drawn as nothing but room. */
static const struct range blanks[] = {
  { 0x20, 0x20 },     { 0xa0, 0xa0 },     { 0x1680, 0x1680 }, { 0x2000, 0x200a },
  { 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x2800, 0x2800 }, { 0x3000, 0x3000 },
};

static bool is_in(const struct range *ranges, size_t n, uint32_t point)
{
  for (size_t i = 0; i < n; i++) {
    if (point >= ranges[i].first && point <= ranges[i].last) {
      return true;
    }
  }
  return false;
}

/* Bytes of a UTF-8 sequence by its first; 0: none begins so. */
static size_t sequence_len(uint8_t first)
{
  if (first < 0x80) {
    return 1;
  }
  if (first < 0xc0 || first >= 0xf8) {
    return 0;
  }
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The well-formed UTF-8 sequence at the start of text; len 0: there is none. */
struct character {
  size_t len;
  uint32_t point;
};

static struct character decode(struct kt_bytes text)
{
  static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
  const struct character none = { .len = 0 };
  uint8_t first = text.len > 0 ? text.data[0] : 0xff;
  size_t len = sequence_len(first);
  if (len == 0 || len > text.len) {
    return none;
  }
  uint32_t point = len == 1 ? first : first & (0x7fu >> len);
  for (size_t i = 1; i < len; i++) {
    if ((text.data[i] & 0xc0) != 0x80) {
      return none;
    }
    point = point << 6 | (text.data[i] & 0x3fu);
  }
  return point >= smallest[len] ? (struct character){ len, point } : none;
}

static bool is_blank(uint32_t point)
{
  return is_in(blanks, sizeof blanks / sizeof blanks[0], point);
}

/* The blocks of pictures, most of which are emoji. Not those of arrows, mathematics and box drawing: beside what looks like
 * punctuation nobody would see the marks below. */
static bool is_picture(uint32_t point)
{
  return (point >= 0x2600 && point <= 0x27bf) || (point >= 0x1f300 && point <= 0x1faff);
}

/* U+FE0F has the symbol before it drawn as a picture, U+200D joins two pictures. Beside letters nobody would see them, and two
 * names would look the same. So they may beside pictures, where a font draws nothing else with the mark than without: as two
 * devices may that have one name. It is keys that tell devices apart. `before` is what was shown last. */
static bool is_part_of_picture(uint32_t point, uint32_t before, struct kt_bytes rest)
{
  return (point == STYLE && is_picture(before)) ||
         (point == JOINER && (before == STYLE || is_picture(before)) && is_picture(decode(rest).point));
}

/* What may be shown of the start of text; len 0: nothing. */
static struct character first_of(struct kt_bytes text, uint32_t before)
{
  const struct character none = { .len = 0 };
  const struct character c = decode(text);
  const struct kt_bytes rest = { text.data + c.len, text.len - c.len };
  bool is_hidden = is_in(hidden, sizeof hidden / sizeof hidden[0], c.point);
  return is_hidden && !is_part_of_picture(c.point, before, rest) ? none : c;
}

/* Returns the length. Blanks beside each other become one: many would lay out a line of their own, once it is wrapped. */
static size_t clean(struct kt_bytes text, bool escape, char *ret_text, size_t size)
{
  size_t at = 0;
  bool was_blank = false;
  uint32_t before = 0;
  while (text.len > 0 && at + 5 < size) {
    const struct character c = first_of(text, before);
    const size_t len = c.len > 0 ? c.len : 1;
    const bool blank = c.len > 0 && is_blank(c.point);
    if (escape && (c.point == '"' || c.point == '\\')) {
      ret_text[at++] = '\\';
    }
    if (c.len == 0) {
      ret_text[at++] = '?';
    } else if (!blank || !was_blank) {
      memcpy(ret_text + at, text.data, len);
      at += len;
    }
    was_blank = blank;
    before = c.point;
    text.data += len;
    text.len -= len;
  }
  ret_text[at] = '\0';
  return at;
}

const char *kt_text_slip(struct kt_bytes text, size_t *ret_at)
{
  bool was_blank = false;
  size_t at = 0;
  while (text.len > 0) {
    const struct character c = decode(text);
    const size_t len = c.len > 0 ? c.len : 1;
    at++;
    was_blank = is_blank(c.point);
    if (c.len > 0 && (c.point < 0x20 || (c.point >= 0x7f && c.point <= 0x9f))) {
      *ret_at = at;
      return "a control character, as at the end of a pasted line";
    }
    if (was_blank && at == 1) {
      *ret_at = at;
      return "a blank at its beginning";
    }
    text.data += len;
    text.len -= len;
  }
  if (was_blank) {
    *ret_at = at;
    return "a blank at its end";
  }
  return NULL;
}

void kt_text_clean(struct kt_bytes text, char *ret_text, size_t size)
{
  clean(text, false, ret_text, size);
}

void kt_text_quote(struct kt_bytes text, char *ret_text, size_t size)
{
  size_t len = clean(text, true, ret_text + 1, size - 2);
  ret_text[0] = '"';
  ret_text[1 + len] = '"';
  ret_text[2 + len] = '\0';
}
