/* SPDX-License-Identifier: Apache-2.0 */
/* What a search of a label's greatest version needs of the label: its newest value, and the search keys and VRF proofs
 * of its ladder. Five rows of the store, kept in memory together (ring_cache.h). */
#ifndef KT_LOG_LABEL_CACHE_H
#define KT_LOG_LABEL_CACHE_H

#include <kt/bytes.h>

#include "crypto/hash.h"
#include "log/ring_cache.h"
#include "store/store.h"
#include "view/view.h"
#include "wire/search.h"

/* Borrows from an arena. */
struct kt_log_label_facts {
  uint64_t label_id;
  uint64_t newest_pos; /* entry of the greatest version */
  uint32_t version;    /* the greatest */
  const uint8_t *opening;
  struct kt_update_value value;
  struct kt_label_keys keys;          /* of the ladder; commitments where they are shown */
  const struct kt_ladder_step *steps; /* in the ladder's order */
  const uint32_t *versions;           /* theirs */
  size_t n_steps;
  size_t proof_len;
};

struct kt_label_cache {
  struct kt_ring_cache ring;
  uint8_t secret[KT_SHORT_HASH_KEY_LEN]; /* of the hash: labels are chosen by strangers */
};

/* secret: random. KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_label_cache_init(struct kt_label_cache *cache, size_t max_bytes,
                                            const uint8_t secret[KT_SHORT_HASH_KEY_LEN]);
void kt_label_cache_release(struct kt_label_cache *cache);

bool kt_label_cache_get(const struct kt_label_cache *cache, struct kt_bytes label, struct kt_arena *arena,
                        struct kt_log_label_facts *ret_facts);
/* generation: of the ring, from before the facts were read. */
void kt_label_cache_put(struct kt_label_cache *cache, uint64_t generation, struct kt_bytes label,
                        const struct kt_log_label_facts *facts);
/* A version of the label was added or erased, durably: before anybody may expect it. */
void kt_label_cache_forget(struct kt_label_cache *cache, struct kt_bytes label);

#endif
