/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a greatest-version search's verification that credentials share: everything before the proof. */
#ifndef KT_CLIENT_SEARCH_H
#define KT_CLIENT_SEARCH_H

#include "client/known.h"

/* Steps 1 to 3 of verifying a SearchResponse (its version, opening, value and binary_ladder) for somebody who knows
 * nothing of the label: the keys that the search looks up. */
KT_MUST_USE enum kt_err kt_search_keys(const struct kt_client *client, struct kt_bytes label,
                                       const struct kt_search_response *response, struct kt_label_keys *ret_keys);

#endif
