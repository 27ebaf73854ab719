/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/in_person.h>

#include "account/trim.h"
#include "account/utf8.h"
#include "base/base32.h"
#include "base/reader.h"
#include <kt/writer.h>
#include "crypto/hash.h"

#include <string.h>

#define KIND "KTQ"
#define START KIND "1:"
#define START_LEN (sizeof START - 1)
#define CHECK_LEN 8
#define PARTY_MAX (1 + KT_LABEL_MAX + KT_HASH_LEN)
#define HEAD_LEN (8 + KT_HASH_LEN)
#define BODY_MAX (KT_HASH_LEN + 2 * PARTY_MAX + 1 + KT_IN_PERSON_HEADS_MAX * HEAD_LEN)
#define TEXT_MAX (START_LEN + KT_BITS5_COUNT(BODY_MAX + CHECK_LEN))

/* --- text ----------------------------------------------------------------------------------------------------------- */

/* A misread character must not look like an attack: another root would be a fork, another key a mismatch. */
static void checksum(const uint8_t *body, size_t len, uint8_t ret_check[static CHECK_LEN])
{
  struct kt_hash hash;
  kt_sha256(body, len, &hash);
  memcpy(ret_check, hash.b, CHECK_LEN);
}

static bool party_is_valid(const struct kt_in_person_party *party)
{
  return party->label.len > 0 && party->label.len <= KT_LABEL_MAX && kt_utf8_is_valid(party->label);
}

static bool is_valid(const struct kt_in_person *payload)
{
  if (!party_is_valid(&payload->sender) || !party_is_valid(&payload->recipient) ||
      payload->n_heads > KT_IN_PERSON_HEADS_MAX) {
    return false;
  }
  uint64_t previous = 0;
  for (size_t i = 0; i < payload->n_heads; i++) {
    if (payload->heads[i].size <= previous) {
      return false;
    }
    previous = payload->heads[i].size;
  }
  return true;
}

static void write_party(struct kt_writer *w, const struct kt_in_person_party *party)
{
  kt_write_opaque8(w, party->label);
  kt_write_bytes(w, party->key.b, sizeof party->key.b);
}

enum kt_err kt_in_person_format(const struct kt_in_person *payload, struct kt_arena *arena, const char **ret_text)
{
  uint8_t buf[BODY_MAX + CHECK_LEN];
  struct kt_writer w;
  if (!is_valid(payload)) {
    return KT_ERR_USAGE;
  }
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_bytes(&w, payload->log_id.b, sizeof payload->log_id.b);
  write_party(&w, &payload->sender);
  write_party(&w, &payload->recipient);
  kt_write_count8(&w, payload->n_heads);
  for (size_t i = 0; i < payload->n_heads; i++) {
    kt_write_u64(&w, payload->heads[i].size);
    kt_write_bytes(&w, payload->heads[i].root.b, KT_HASH_LEN);
  }
  checksum(buf, w.len, buf + w.len); /* is_valid: BODY_MAX at most was written */
  char *text = kt_arena_alloc(arena, START_LEN + KT_BASE32_SIZE(w.len + CHECK_LEN), 1);
  if (text == NULL) {
    return KT_ERR_MEMORY;
  }
  memcpy(text, START, START_LEN);
  (void)kt_base32_encode((struct kt_bytes){ buf, w.len + CHECK_LEN }, text + START_LEN);
  *ret_text = text;
  return KT_OK;
}

static void read_hash(struct kt_reader *r, struct kt_hash *ret)
{
  const uint8_t *bytes = kt_read_bytes(r, KT_HASH_LEN);
  if (bytes != NULL) {
    memcpy(ret->b, bytes, KT_HASH_LEN);
  }
}

static void read_party(struct kt_reader *r, struct kt_in_person_party *ret_party)
{
  ret_party->label = kt_read_opaque8(r);
  read_hash(r, &ret_party->key);
}

static enum kt_err read_body(struct kt_bytes body, struct kt_arena *arena, struct kt_in_person *ret_payload)
{
  struct kt_reader r;
  kt_reader_init(&r, body.data, body.len);
  read_hash(&r, &ret_payload->log_id);
  read_party(&r, &ret_payload->sender);
  read_party(&r, &ret_payload->recipient);
  ret_payload->n_heads = kt_read_count8(&r, HEAD_LEN);
  struct kt_in_person_head *heads = kt_arena_alloc(arena, ret_payload->n_heads, sizeof *heads);
  if (heads == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < ret_payload->n_heads; i++) {
    heads[i].size = kt_read_u64(&r);
    read_hash(&r, &heads[i].root);
  }
  ret_payload->heads = heads;
  return kt_reader_end(&r) == KT_OK && is_valid(ret_payload) ? KT_OK : KT_ERR_FORMAT;
}

/* Past "KTQ1:". A number other than 1 is a version this program cannot know; no number, or 0, is no payload at all. */
static enum kt_err skip_start(struct kt_bytes *text, struct kt_reason *reason)
{
  size_t n_digits = 0;
  if (text->len > sizeof KIND && memcmp(text->data, KIND, sizeof KIND - 1) == 0) {
    const uint8_t *digits = text->data + sizeof KIND - 1;
    size_t left = text->len - (sizeof KIND - 1);
    while (n_digits < left && digits[n_digits] >= (n_digits == 0 ? '1' : '0') && digits[n_digits] <= '9') {
      n_digits++;
    }
    if (n_digits == left || digits[n_digits] != ':') {
      n_digits = 0;
    }
  }
  if (n_digits == 0) {
    return kt_fail(reason, KT_ERR_FORMAT, "payload-kind", "not an in-person payload: one begins with KTQ1:", "ours");
  }
  if (memcmp(text->data, START, START_LEN) != 0) {
    return kt_fail(reason, KT_ERR_UNSUPPORTED, "payload-version",
                   "the payload was made by a newer program: update this one, and scan again", "ours");
  }
  text->data += START_LEN;
  text->len -= START_LEN;
  return KT_OK;
}

enum kt_err kt_in_person_parse(struct kt_bytes text, struct kt_arena *arena, struct kt_in_person *ret_payload,
                               struct kt_reason *reason)
{
  static const char damaged[] = "the payload is incomplete or damaged: scan it again";
  struct kt_in_person payload = { .n_heads = 0 };
  uint8_t check[CHECK_LEN];
  size_t len = 0;
  text = kt_trim(text);
  enum kt_err err = skip_start(&text, reason);
  if (err != KT_OK) {
    return err;
  }
  if (text.len > TEXT_MAX - START_LEN) {
    return kt_fail(reason, KT_ERR_FORMAT, "payload-damaged", "longer than an in-person payload can be", "ours");
  }
  uint8_t *body = kt_arena_alloc(arena, text.len, 1);
  if (body == NULL) {
    return KT_ERR_MEMORY;
  }
  if (kt_base32_decode((const char *)text.data, text.len, body, &len) != KT_OK || len < CHECK_LEN) {
    return kt_fail(reason, KT_ERR_FORMAT, "payload-damaged", damaged, "ours");
  }
  len -= CHECK_LEN;
  checksum(body, len, check);
  if (memcmp(check, body + len, CHECK_LEN) != 0) {
    return kt_fail(reason, KT_ERR_FORMAT, "payload-damaged", damaged, "ours");
  }
  err = read_body((struct kt_bytes){ body, len }, arena, &payload);
  if (err == KT_ERR_FORMAT) {
    return kt_fail(reason, err, "payload-damaged", "not what the format of in-person payloads allows", "ours");
  }
  if (err == KT_OK) {
    *ret_payload = payload;
  }
  return err;
}

/* --- judgement ------------------------------------------------------------------------------------------------------ */

static bool same_label(struct kt_bytes a, struct kt_bytes b)
{
  return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static enum kt_in_person_people judge_people(const struct kt_in_person *own, const struct kt_in_person *scanned,
                                             struct kt_in_person_verdict *verdict)
{
  if (!kt_hash_equal(&own->log_id, &scanned->log_id)) {
    return KT_IN_PERSON_OTHER_LOG;
  }
  if (!same_label(own->sender.label, scanned->recipient.label) ||
      !same_label(own->recipient.label, scanned->sender.label)) {
    return same_label(own->sender.label, scanned->sender.label) ? KT_IN_PERSON_OWN_PAYLOAD : KT_IN_PERSON_OTHER_PEOPLE;
  }
  verdict->their_key_differs = !kt_hash_equal(&own->recipient.key, &scanned->sender.key);
  verdict->own_key_differs = !kt_hash_equal(&own->sender.key, &scanned->recipient.key);
  return verdict->their_key_differs || verdict->own_key_differs ? KT_IN_PERSON_KEY_MISMATCH : KT_IN_PERSON_MATCH;
}

/* Both lists ascend; the first root that differs is the smallest size at which the two logs are not one. */
static void judge_log(const struct kt_in_person *own, const struct kt_in_person *scanned,
                      struct kt_in_person_verdict *verdict)
{
  size_t i = 0;
  size_t k = 0;
  while (i < own->n_heads && k < scanned->n_heads && verdict->log != KT_IN_PERSON_LOG_FORK) {
    const struct kt_in_person_head *ours = &own->heads[i];
    const struct kt_in_person_head *theirs = &scanned->heads[k];
    if (ours->size == theirs->size) {
      bool same = kt_hash_equal(&ours->root, &theirs->root);
      verdict->log = same ? KT_IN_PERSON_LOG_SAME : KT_IN_PERSON_LOG_FORK;
      verdict->own_head = *ours;
      verdict->their_head = *theirs;
    }
    i += ours->size <= theirs->size;
    k += theirs->size <= ours->size;
  }
}

void kt_in_person_judge(const struct kt_in_person *own, const struct kt_in_person *scanned,
                        struct kt_in_person_verdict *ret_verdict)
{
  struct kt_in_person_verdict verdict = { .log = KT_IN_PERSON_LOG_UNDECIDED };
  verdict.people = judge_people(own, scanned, &verdict);
  if (verdict.people == KT_IN_PERSON_MATCH || verdict.people == KT_IN_PERSON_KEY_MISMATCH) {
    judge_log(own, scanned, &verdict);
  }
  *ret_verdict = verdict;
}
