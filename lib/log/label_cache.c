/* SPDX-License-Identifier: Apache-2.0 */
#include "log/label_cache.h"

#include <string.h>

/* A record, each field in whole words: these numbers, the opening, each step (what it is of, search key, commitment
 * where one is shown, proof), label, signature, value. */
enum {
  WORD_LABEL_ID,
  WORD_NEWEST_POS,
  WORD_STEPS,   /* n_steps << 32 | version */
  WORD_LENGTHS, /* proof << 48 | label << 32 | signature */
  WORD_VALUE_LEN,
  N_NUMBERS
};
#define STEP_SHOWN ((uint64_t)1 << 32) /* in a step's first word, above its version */
#define LENGTH_MAX 0xffffU

enum kt_err kt_label_cache_init(struct kt_label_cache *cache, size_t max_bytes,
                                const uint8_t secret[KT_SHORT_HASH_KEY_LEN])
{
  memcpy(cache->secret, secret, sizeof cache->secret);
  return kt_ring_cache_init(&cache->ring, max_bytes);
}

void kt_label_cache_release(struct kt_label_cache *cache)
{
  kt_ring_cache_release(&cache->ring);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static size_t words_of(size_t n_bytes)
{
  return (n_bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

/* A record being read or written: what does not fit counts, but is not there. */
struct cursor {
  const uint64_t *from;
  uint64_t *to;
  size_t at;
  size_t n_words;
};

static const uint8_t *take(struct cursor *c, size_t n_bytes)
{
  size_t n = words_of(n_bytes);
  const uint64_t *at = n <= c->n_words - c->at ? c->from + c->at : NULL;
  c->at = at != NULL ? c->at + n : c->n_words;
  return (const uint8_t *)at;
}

static bool take_hash(struct cursor *c, struct kt_hash *ret_hash)
{
  const uint8_t *bytes = take(c, KT_HASH_LEN);
  if (bytes != NULL) {
    memcpy(ret_hash->b, bytes, KT_HASH_LEN);
  }
  return bytes != NULL;
}

static void append(struct cursor *c, const void *bytes, size_t n_bytes)
{
  size_t n = words_of(n_bytes);
  if (n > 0 && c->at + n <= c->n_words) {
    c->to[c->at + n - 1] = 0;
    memcpy(c->to + c->at, bytes, n_bytes);
  }
  c->at += n;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Sorted as they come in: ladders are short. */
static void insert_key(struct kt_label_keys *keys, const struct kt_label_key *key)
{
  size_t i = keys->n++;
  for (; i > 0 && keys->keys[i - 1].version > key->version; i--) {
    keys->keys[i] = keys->keys[i - 1];
  }
  keys->keys[i] = *key;
}

static bool take_step(struct cursor *c, struct kt_log_label_facts *facts, struct kt_ladder_step *step,
                      uint32_t *ret_version)
{
  const uint8_t *word = take(c, sizeof(uint64_t));
  uint64_t what = 0;
  if (word == NULL) {
    return false;
  }
  memcpy(&what, word, sizeof what);
  struct kt_label_key key = { .version = (uint32_t)what, .has_commitment = (what & STEP_SHOWN) != 0 };
  bool ok = take_hash(c, &key.vrf_output) && (!key.has_commitment || take_hash(c, &key.commitment));
  *step = (struct kt_ladder_step){ .has_commitment = key.has_commitment, .commitment = key.commitment };
  step->proof = take(c, facts->proof_len);
  insert_key(&facts->keys, &key);
  *ret_version = key.version;
  return ok && step->proof != NULL;
}

static bool take_steps(struct cursor *c, struct kt_arena *arena, struct kt_log_label_facts *facts)
{
  struct kt_ladder_step *steps = kt_arena_alloc(arena, facts->n_steps, sizeof *steps);
  uint32_t *versions = kt_arena_alloc(arena, facts->n_steps, sizeof *versions);
  facts->keys.keys = kt_arena_alloc(arena, facts->n_steps, sizeof *facts->keys.keys);
  bool ok = steps != NULL && versions != NULL && facts->keys.keys != NULL;
  for (size_t i = 0; ok && i < facts->n_steps; i++) {
    ok = take_step(c, facts, &steps[i], &versions[i]);
  }
  facts->steps = steps;
  facts->versions = versions;
  return ok;
}

bool kt_label_cache_get(const struct kt_label_cache *cache, struct kt_bytes label, struct kt_arena *arena,
                        struct kt_log_label_facts *ret_facts)
{
  struct cursor c = { 0 };
  c.from = kt_ring_cache_get(&cache->ring, kt_short_hash(cache->secret, label), arena, &c.n_words);
  if (c.from == NULL || c.n_words < N_NUMBERS) {
    return false;
  }
  const uint64_t *numbers = c.from;
  c.at = N_NUMBERS;
  struct kt_log_label_facts facts = {
    .label_id = numbers[WORD_LABEL_ID],
    .newest_pos = numbers[WORD_NEWEST_POS],
    .version = (uint32_t)numbers[WORD_STEPS],
    .n_steps = (size_t)(numbers[WORD_STEPS] >> 32),
    .proof_len = (size_t)(numbers[WORD_LENGTHS] >> 48),
  };
  size_t label_len = (size_t)(numbers[WORD_LENGTHS] >> 32 & LENGTH_MAX);
  facts.value.signature.len = (size_t)(numbers[WORD_LENGTHS] & LENGTH_MAX);
  facts.value.value.len = (size_t)numbers[WORD_VALUE_LEN];
  facts.opening = take(&c, KT_OPENING_LEN);
  if (label_len != label.len || facts.opening == NULL || !take_steps(&c, arena, &facts)) {
    return false;
  }
  const uint8_t *name = take(&c, label_len);
  facts.value.signature.data = take(&c, facts.value.signature.len);
  facts.value.value.data = take(&c, facts.value.value.len);
  bool ok = name != NULL && facts.value.signature.data != NULL && facts.value.value.data != NULL &&
            memcmp(name, label.data, label.len) == 0;
  if (ok) {
    *ret_facts = facts;
  }
  return ok;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

void kt_label_cache_put(struct kt_label_cache *cache, uint64_t generation, struct kt_bytes label,
                        const struct kt_log_label_facts *facts)
{
  uint64_t words[KT_RING_RECORD_MAX];
  struct cursor c = { .to = words, .n_words = KT_RING_RECORD_MAX };
  const uint64_t numbers[N_NUMBERS] = {
    [WORD_LABEL_ID] = facts->label_id,
    [WORD_NEWEST_POS] = facts->newest_pos,
    [WORD_STEPS] = (uint64_t)facts->n_steps << 32 | facts->version,
    [WORD_LENGTHS] =
        (uint64_t)facts->proof_len << 48 | (uint64_t)label.len << 32 | (uint64_t)facts->value.signature.len,
    [WORD_VALUE_LEN] = facts->value.value.len,
  };
  if (cache->ring.n_words == 0 || label.len > LENGTH_MAX || facts->value.signature.len > LENGTH_MAX) {
    return;
  }
  append(&c, numbers, sizeof numbers);
  append(&c, facts->opening, KT_OPENING_LEN);
  for (size_t i = 0; i < facts->n_steps; i++) {
    const struct kt_ladder_step *step = &facts->steps[i];
    const uint64_t what = facts->versions[i] | (step->has_commitment ? STEP_SHOWN : 0);
    append(&c, &what, sizeof what);
    append(&c, kt_label_keys_find(&facts->keys, facts->versions[i])->vrf_output.b, KT_HASH_LEN);
    append(&c, step->commitment.b, step->has_commitment ? KT_HASH_LEN : 0);
    append(&c, step->proof, facts->proof_len);
  }
  append(&c, label.data, label.len);
  append(&c, facts->value.signature.data, facts->value.signature.len);
  append(&c, facts->value.value.data, facts->value.value.len);
  kt_ring_cache_put(&cache->ring, generation, kt_short_hash(cache->secret, label), words, c.at);
}

void kt_label_cache_forget(struct kt_label_cache *cache, struct kt_bytes label)
{
  kt_ring_cache_forget(&cache->ring, kt_short_hash(cache->secret, label));
}
