/* SPDX-License-Identifier: Apache-2.0 */
/* Retained distinguished heads, as the verification of credentials looks at them. */
#ifndef KT_CLIENT_RECENT_H
#define KT_CLIENT_RECENT_H

#include <kt/credential.h>

/* The retained head whose rightmost entry is pos, recent or kept; NULL: not known. */
const struct kt_tree_state *kt_recent_find(const struct kt_recent_heads *recent, uint64_t pos);
/* Timestamp of a head's rightmost entry. */
uint64_t kt_recent_timestamp(const struct kt_tree_state *head);
/* Over the maximum lifetime, seen from the newest timestamp known (R60). */
bool kt_recent_is_expired(const struct kt_recent_heads *recent, const struct kt_config *config,
                          const struct kt_tree_state *head);
/* The recent, unexpired head at pos; NULL otherwise. */
const struct kt_tree_state *kt_recent_usable(const struct kt_recent_heads *recent, const struct kt_config *config,
                                             uint64_t pos);

#endif
