/* SPDX-License-Identifier: Apache-2.0 */
/* The hashes of a log's leaves, for who is going to need nearly all of them in an order that is not the file's. */
#ifndef KT_LOG_LEAF_HASHES_H
#define KT_LOG_LEAF_HASHES_H

#include "log/cache.h"

/* Of the first n_entries entries. */
struct kt_log_leaf_hashes {
  size_t n_entries;
  size_t cap_entries;
  size_t cap_hashes;
  size_t *first; /* where an entry's begin; one more than entries */
  struct kt_hash *hashes;
};

/* For a log of n_entries, and as many hashes as max_bytes have room for. Release it in any case. KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_log_leaf_hashes_init(struct kt_log_leaf_hashes *table, uint64_t n_entries, size_t max_bytes);
void kt_log_leaf_hashes_release(struct kt_log_leaf_hashes *table);
/* Read the leaves of the next entry, into the cache, too. KT_ERR_LIMIT: there is no room for them; errors of
 * kt_store_get_leaves. */
KT_MUST_USE enum kt_err kt_log_leaf_hashes_read(struct kt_log_leaf_hashes *table, struct kt_store_conn *conn,
                                                const struct kt_log_cache *cache);
/* False: it has no such leaf. */
bool kt_log_leaf_hashes_get(const struct kt_log_leaf_hashes *table, uint64_t ref, struct kt_hash *ret_hash);

#endif
