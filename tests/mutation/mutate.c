/* SPDX-License-Identifier: Apache-2.0 */
#include "mutate.h"

#include <string.h>

#define EDIT_MAX 64
#define CHUNK 32 /* hashes, half signatures, openings twice */

struct context {
  struct crash_random *random;
  struct kt_bytes response; /* undamaged: where its parts are is known only of it */
  const struct part *parts;
  size_t n_parts;
  const struct donors *donors;
  struct mutant *mutant;
};

static size_t below(struct context *c, size_t n)
{
  return n > 0 ? (size_t)crash_random_below(c->random, n) : 0;
}

/* Put `with` where [at, at + len) was. Nothing happens when there is no room. */
static void replace(struct mutant *m, size_t at, size_t len, struct kt_bytes with)
{
  if (m->len - len + with.len <= MUTANT_MAX) {
    memmove(m->bytes + at + with.len, m->bytes + at + len, m->len - at - len);
    if (with.len > 0) {
      memcpy(m->bytes + at, with.data, with.len);
    }
    m->len += with.len - len;
  }
}

/* --- without knowing what the bytes are -------------------------------------------------------------------------------- */

static void flip(struct context *c)
{
  struct mutant *m = c->mutant;
  const size_t n = 1 + below(c, 3);
  for (size_t i = 0; i < n && m->len > 0; i++) {
    m->bytes[below(c, m->len)] ^= (uint8_t)(1 << below(c, 8));
  }
}

static void set_byte(struct context *c)
{
  static const uint8_t odd[] = { 0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff };
  struct mutant *m = c->mutant;
  if (m->len > 0) {
    uint8_t *byte = &m->bytes[below(c, m->len)];
    const size_t choice = below(c, sizeof odd + 2);
    *byte = choice < sizeof odd ? odd[choice] : (uint8_t)(*byte + (choice == sizeof odd ? 1 : 0xff));
  }
}

static void truncate(struct context *c)
{
  c->mutant->len = below(c, c->mutant->len);
}

static void insert(struct context *c)
{
  uint8_t bytes[EDIT_MAX] = { 0 };
  const size_t len = 1 + below(c, EDIT_MAX);
  if (below(c, 2) == 0) {
    crash_random_bytes(c->random, bytes, len);
  }
  replace(c->mutant, below(c, c->mutant->len + 1), 0, (struct kt_bytes){ bytes, len });
}

static void cut_out(struct context *c)
{
  struct mutant *m = c->mutant;
  const size_t at = below(c, m->len);
  const size_t len = 1 + below(c, EDIT_MAX);
  replace(m, at, len < m->len - at ? len : m->len - at, (struct kt_bytes){ NULL, 0 });
}

static void repeat(struct context *c)
{
  uint8_t bytes[EDIT_MAX];
  struct mutant *m = c->mutant;
  const size_t at = below(c, m->len);
  const size_t len = EDIT_MAX < m->len - at ? EDIT_MAX : m->len - at;
  memcpy(bytes, m->bytes + at, len);
  replace(m, at, 0, (struct kt_bytes){ bytes, len });
}

static const struct donor *any_donor(struct context *c)
{
  return &c->donors->at[below(c, c->donors->n)];
}

/* As many bytes of another response: the framing often survives. */
static void overwrite(struct context *c)
{
  struct mutant *m = c->mutant;
  const struct kt_bytes from = any_donor(c)->response;
  const size_t len = below(c, 2) == 0 ? CHUNK : 1 + below(c, EDIT_MAX);
  if (from.len > len && m->len > len) {
    memcpy(m->bytes + below(c, m->len - len), from.data + below(c, from.len - len), len);
  }
}

/* The beginning of this response and the end of another. */
static void cross(struct context *c)
{
  struct mutant *m = c->mutant;
  const struct kt_bytes from = any_donor(c)->response;
  const size_t cut = below(c, from.len);
  const size_t at = below(c, 2) == 0 && cut < m->len ? cut : below(c, m->len);
  replace(m, at, m->len - at, (struct kt_bytes){ from.data + cut, from.len - cut });
}

static void other_response(struct context *c)
{
  replace(c->mutant, 0, c->mutant->len, any_donor(c)->response);
}

/* --- by parts ------------------------------------------------------------------------------------------------------------ */

static const struct part *any_part(struct context *c)
{
  return &c->parts[below(c, c->n_parts)];
}

/* A part of the type from anywhere; any part when few have it. */
static struct kt_bytes foreign_part(struct context *c, enum part_type type)
{
  for (int tries = 0; tries < 64; tries++) {
    const struct donor *donor = any_donor(c);
    const struct part *part = &donor->parts[below(c, donor->n_parts)];
    if (part->type == type || tries == 63) {
      return (struct kt_bytes){ donor->response.data + part->at, part->len };
    }
  }
  return (struct kt_bytes){ NULL, 0 };
}

/* Parts are those of the undamaged response, so these begin from it. */
static void replace_part(struct context *c, struct kt_bytes (*by)(struct context *, const struct part *))
{
  const struct part *part = any_part(c);
  replace(c->mutant, 0, c->mutant->len, c->response);
  replace(c->mutant, part->at, part->len, by(c, part));
}

static struct kt_bytes by_same_type(struct context *c, const struct part *part)
{
  return foreign_part(c, part->type);
}

static struct kt_bytes by_any_type(struct context *c, const struct part *part)
{
  const struct donor *donor = any_donor(c);
  const struct part *other = &donor->parts[below(c, donor->n_parts)];
  (void)part;
  return (struct kt_bytes){ donor->response.data + other->at, other->len };
}

static struct kt_bytes by_own(struct context *c, const struct part *part)
{
  const struct part *other = any_part(c);
  for (int tries = 0; tries < 64 && (other->type != part->type || other == part); tries++) {
    other = any_part(c);
  }
  return (struct kt_bytes){ c->response.data + other->at, other->len };
}

static struct kt_bytes by_nothing(struct context *c, const struct part *part)
{
  (void)c;
  (void)part;
  return (struct kt_bytes){ NULL, 0 };
}

static void splice(struct context *c)
{
  replace_part(c, by_same_type);
}

static void splice_other_type(struct context *c)
{
  replace_part(c, by_any_type);
}

static void exchange(struct context *c)
{
  replace_part(c, by_own);
}

static void leave_out(struct context *c)
{
  replace_part(c, by_nothing);
}

/* All parts of one type from one other response: a head with its proof, as far as that goes. */
static void splice_two(struct context *c)
{
  const struct part *part = any_part(c);
  const struct donor *donor = any_donor(c);
  replace(c->mutant, 0, c->mutant->len, c->response);
  size_t end = part->at + part->len;
  for (size_t i = c->n_parts; i-- > 0;) { /* from the end, so that what is left of it stays where it was */
    const struct part *own = &c->parts[i];
    for (size_t k = 0; k < donor->n_parts && own->at + own->len <= end; k++) {
      const struct part *other = &donor->parts[k];
      if (other->type == own->type && below(c, 2) == 0) {
        replace(c->mutant, own->at, own->len, (struct kt_bytes){ donor->response.data + other->at, other->len });
        end = own->at;
        break;
      }
    }
  }
}

/* Two hashes of the response change places, or one is written over the other. */
static void move_hash(struct context *c)
{
  uint8_t hash[CHUNK];
  struct mutant *m = c->mutant;
  if (m->len > 2 * CHUNK) {
    uint8_t *a = m->bytes + below(c, m->len - CHUNK);
    uint8_t *b = m->bytes + m->len - CHUNK * (1 + below(c, m->len / CHUNK));
    memcpy(hash, a, CHUNK);
    memmove(a, b, CHUNK);
    if (below(c, 2) == 0) {
      memcpy(b, hash, CHUNK);
    }
  }
}

struct way {
  const char *name;
  void (*change)(struct context *);
};

void mutate(struct crash_random *random, struct kt_bytes response, const struct part *parts, size_t n_parts,
            const struct donors *donors, struct mutant *ret_mutant)
{
  static const struct way raw[] = {
    { "bits", flip },
    { "byte", set_byte },
    { "truncated", truncate },
    { "inserted", insert },
    { "cut out", cut_out },
    { "repeated", repeat },
    { "overwritten", overwrite },
    { "crossed", cross },
    { "another response", other_response },
  };
  static const struct way by_parts[] = {
    { "part spliced", splice },      { "part of another type", splice_other_type },
    { "part exchanged", exchange },  { "part left out", leave_out },
    { "parts spliced", splice_two }, { "hash moved", move_hash },
  };
  struct context c = {
    .random = random, .response = response, .parts = parts, .n_parts = n_parts, .donors = donors, .mutant = ret_mutant
  };
  memcpy(ret_mutant->bytes, response.data, response.len);
  ret_mutant->len = response.len;
  const size_t n = below(&c, 4) == 0 ? 2 : 1;
  for (size_t i = 0; i < n; i++) {
    const struct way *way = below(&c, 2) == 0 ? &raw[below(&c, sizeof raw / sizeof raw[0])]
                                              : &by_parts[below(&c, sizeof by_parts / sizeof by_parts[0])];
    way->change(&c);
    ret_mutant->way = way->name;
  }
}
