/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Credentials; what is retained of recently issued distinguished heads. */
#include <kt/credential.h>

#include "algo/algo.h"
#include "client/recent.h"
#include "client/state.h"
#include "crypto/hash.h"
#include "tree/log_tree.h"

#define SECTION "Credentials"
#define DAY_MS UINT64_C(86400000)

_Static_assert(KT_HEADS_MAX <= KT_RECENT_HEADS_MAX, "a whole walk is retained");

const struct kt_tree_state *kt_recent_find(const struct kt_recent_heads *recent, uint64_t pos)
{
  for (size_t i = 0; i < recent->n; i++) {
    if (recent->heads[i].size - 1 == pos) {
      return &recent->heads[i];
    }
  }
  return NULL;
}

uint64_t kt_recent_timestamp(const struct kt_tree_state *head)
{
  return head->frontier[head->n_frontier - 1].timestamp_ms;
}

bool kt_recent_is_expired(const struct kt_recent_heads *recent, const struct kt_config *config,
                          const struct kt_tree_state *head)
{
  uint64_t ms = kt_recent_timestamp(head);
  return config->has_maximum_lifetime && recent->rightmost_ms >= ms &&
         recent->rightmost_ms - ms >= config->maximum_lifetime;
}

const struct kt_tree_state *kt_recent_usable(const struct kt_recent_heads *recent, const struct kt_config *config,
                                             uint64_t pos)
{
  for (size_t i = 0; i < recent->n_recent; i++) {
    const struct kt_tree_state *head = &recent->heads[i];
    if (head->size - 1 == pos) {
      return kt_recent_is_expired(recent, config, head) ? NULL : head;
    }
  }
  return NULL;
}

static bool same_root(const struct kt_tree_state *a, const struct kt_tree_state *b)
{
  struct kt_hash roots[2];
  kt_log_root(a->size, a->heads, &roots[0]);
  kt_log_root(b->size, b->heads, &roots[1]);
  return kt_hash_equal(&roots[0], &roots[1]);
}

enum kt_err kt_recent_learn(const struct kt_recent_heads *old, const struct kt_distinguished_result *walk,
                            const uint64_t *keep_from, uint64_t now_ms, struct kt_arena *arena,
                            struct kt_reason *reason, struct kt_recent_heads *ret_heads)
{
  struct kt_tree_state *heads = kt_arena_alloc(arena, walk->n_heads + old->n, sizeof *heads);
  if (heads == NULL) {
    return KT_ERR_MEMORY;
  }
  struct kt_recent_heads next = {
    .heads = heads, .n_recent = walk->n_heads, .rightmost_ms = walk->rightmost_ms, .learned_ms = now_ms
  };
  for (size_t i = 0; i < walk->n_heads; i++) {
    heads[next.n++] = walk->states[i];
  }
  for (size_t i = 0; i < old->n; i++) {
    const struct kt_tree_state *before = &old->heads[i];
    const struct kt_tree_state *now = kt_recent_find(&next, before->size - 1);
    if (now != NULL && !same_root(now, before)) { /* R61 */
      return kt_fail_at(reason, KT_ERR_PROOF, "head-changed", "a distinguished head differs from the one seen before",
                        "Walking Distinguished Heads / Detecting Forks", before->size - 1);
    }
    if (now == NULL && keep_from != NULL && before->size > *keep_from && next.n < KT_RECENT_HEADS_MAX) {
      heads[next.n++] = *before;
    }
  }
  *ret_heads = next;
  return KT_OK;
}

enum kt_err kt_recent_check_age(const struct kt_recent_heads *recent, const struct kt_config *config, uint64_t now_ms,
                                struct kt_reason *reason)
{
  uint64_t window = config->reasonable_monitoring_window;
  uint64_t lasts_ms = window > UINT64_MAX / KT_RECENT_MAX ? UINT64_MAX : window * KT_RECENT_MAX;
  lasts_ms = lasts_ms > DAY_MS ? lasts_ms : DAY_MS;
  if (recent->learned_ms > now_ms && recent->learned_ms - now_ms > config->max_ahead) {
    return kt_fail(reason, KT_ERR_STALE, "stale-or-clock",
                   "this machine's clock is behind the time when the log's heads were learned: what has expired cannot "
                   "be told",
                   SECTION);
  }
  if (now_ms > recent->learned_ms && now_ms - recent->learned_ms > lasts_ms) {
    return kt_fail(reason, KT_ERR_STALE, "heads-too-old",
                   "the log's distinguished heads were learned too long ago to tell what has expired", SECTION);
  }
  return KT_OK;
}

const struct kt_tree_state *kt_recent_settled(const struct kt_recent_heads *recent, const struct kt_config *config)
{
  const struct kt_tree_state *oldest = NULL;
  for (size_t i = 0; i < recent->n_recent; i++) {
    const struct kt_tree_state *head = &recent->heads[i];
    uint64_t ms = kt_recent_timestamp(head);
    if (kt_recent_is_expired(recent, config, head)) {
      continue;
    }
    if (recent->rightmost_ms >= ms && recent->rightmost_ms - ms >= config->reasonable_monitoring_window) {
      return head;
    }
    oldest = head;
  }
  return oldest;
}

/* --- as bytes --------------------------------------------------------------------------------------------------------- */

void kt_recent_heads_write(struct kt_writer *w, const struct kt_recent_heads *recent)
{
  kt_write_u8(w, KT_STATE_FORMAT);
  kt_write_u64(w, recent->rightmost_ms);
  kt_write_u64(w, recent->learned_ms);
  kt_write_count8(w, recent->n_recent);
  kt_write_count8(w, recent->n);
  for (size_t i = 0; i < recent->n; i++) {
    kt_tree_state_write(w, &recent->heads[i]);
  }
}

enum kt_err kt_recent_heads_decode(struct kt_bytes encoded, struct kt_arena *arena, struct kt_recent_heads *ret_heads)
{
  struct kt_reader r;
  struct kt_recent_heads recent = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_state_format_read(&r);
  recent.rightmost_ms = kt_read_u64(&r);
  recent.learned_ms = kt_read_u64(&r);
  recent.n_recent = kt_read_u8(&r);
  recent.n = kt_read_count8(&r, 8 + KT_HASH_LEN + 8 + KT_HASH_LEN);
  struct kt_tree_state *heads = kt_arena_alloc(arena, recent.n, sizeof *heads);
  if (heads == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < recent.n; i++) {
    kt_tree_state_read(&r, &heads[i]);
    if (heads[i].size == 0) {
      kt_reader_fail(&r, KT_ERR_FORMAT);
    }
  }
  if (recent.n_recent > recent.n || recent.n > KT_RECENT_HEADS_MAX) {
    kt_reader_fail(&r, KT_ERR_FORMAT);
  }
  recent.heads = heads;
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret_heads = recent;
  }
  return err;
}
