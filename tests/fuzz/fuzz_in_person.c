/* SPDX-License-Identifier: Apache-2.0 */
/* An in-person payload as a scanner, a pipe or a paste gives it. The first byte selects: 't' the text as it is; 'b' the
 * bytes of its body, put into a text with a right checksum, or most inputs would end there. What is read is written so
 * that it reads the same, and judging it against a payload of one's own comes to a verdict that fits. */
#include "fuzz.h"

#include <kt/in_person.h>

#include "base/base32.h"
#include "crypto/hash.h"

#define CHECK_LEN 8

static struct kt_bytes text_of(const char *text)
{
  return (struct kt_bytes){ (const uint8_t *)text, strlen(text) };
}

static bool same_party(const struct kt_in_person_party *a, const struct kt_in_person_party *b)
{
  return fuzz_equal(a->label, b->label) && kt_hash_equal(&a->key, &b->key);
}

static void check_same(const struct kt_in_person *a, const struct kt_in_person *b)
{
  FUZZ_CHECK(kt_hash_equal(&a->log_id, &b->log_id) && a->n_heads == b->n_heads);
  FUZZ_CHECK(same_party(&a->sender, &b->sender) && same_party(&a->recipient, &b->recipient));
  for (size_t i = 0; i < a->n_heads; i++) {
    FUZZ_CHECK(a->heads[i].size == b->heads[i].size && kt_hash_equal(&a->heads[i].root, &b->heads[i].root));
  }
}

/* Its sender's own screen, the screen of somebody who sees the same, and of somebody who sees other roots. */
static void check_judgement(const struct kt_in_person *payload)
{
  struct kt_in_person other = *payload;
  struct kt_in_person_head forked[KT_IN_PERSON_HEADS_MAX];
  struct kt_in_person_verdict verdict;
  other.sender = payload->recipient;
  other.recipient = payload->sender;
  kt_in_person_judge(&other, payload, &verdict);
  FUZZ_CHECK(verdict.people == KT_IN_PERSON_MATCH);
  FUZZ_CHECK(verdict.log == (payload->n_heads > 0 ? KT_IN_PERSON_LOG_SAME : KT_IN_PERSON_LOG_UNDECIDED));
  for (size_t i = 0; i < payload->n_heads; i++) {
    forked[i] = payload->heads[i];
    forked[i].root.b[0] ^= 1;
  }
  other.heads = forked;
  other.recipient.key.b[0] ^= 1;
  kt_in_person_judge(&other, payload, &verdict);
  FUZZ_CHECK(verdict.people == KT_IN_PERSON_KEY_MISMATCH && verdict.their_key_differs && !verdict.own_key_differs);
  FUZZ_CHECK(verdict.log == (payload->n_heads > 0 ? KT_IN_PERSON_LOG_FORK : KT_IN_PERSON_LOG_UNDECIDED));
}

static enum kt_err check_text(struct kt_bytes text, struct kt_arena *arena)
{
  struct kt_in_person payload;
  struct kt_in_person again;
  struct kt_reason reason = { 0 };
  const char *written = NULL;
  enum kt_err err = kt_in_person_parse(text, arena, &payload, &reason);
  if (err != KT_OK) {
    FUZZ_CHECK(fuzz_is_refusal(err) && (err == KT_ERR_MEMORY || reason.text != NULL));
    return err;
  }
  FUZZ_CHECK(kt_in_person_format(&payload, arena, &written) == KT_OK);
  FUZZ_CHECK(kt_in_person_parse(text_of(written), arena, &again, &reason) == KT_OK && reason.code == NULL);
  check_same(&payload, &again);
  check_judgement(&payload);
  return KT_OK;
}

/* A body has one text only. */
static void check_body(struct kt_bytes body, struct kt_arena *arena)
{
  struct kt_hash checksum;
  uint8_t *bytes = kt_arena_alloc(arena, 1, body.len + CHECK_LEN);
  char *text = kt_arena_alloc(arena, 1, 5 + KT_BASE32_SIZE(body.len + CHECK_LEN));
  if (bytes == NULL || text == NULL) {
    return;
  }
  memcpy(bytes, body.data, body.len);
  kt_sha256(body.data, body.len, &checksum);
  memcpy(bytes + body.len, checksum.b, CHECK_LEN);
  memcpy(text, "KTQ1:", 5);
  (void)kt_base32_encode((struct kt_bytes){ bytes, body.len + CHECK_LEN }, text + 5);
  (void)check_text(text_of(text), arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  struct kt_arena arena;
  if (!fuzz_split(data, size, &input)) {
    return 0;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  if (input.selector == 't') {
    (void)check_text(input.rest, &arena);
  } else if (input.selector == 'b') {
    check_body(input.rest, &arena);
  }
  kt_arena_release(&arena);
  return 0;
}
