/* SPDX-License-Identifier: Apache-2.0 */
/* Search keys and commitments of a label: from VRF proofs to what the view looks up, and back to what is retained. */
#ifndef KT_CLIENT_KNOWN_H
#define KT_CLIENT_KNOWN_H

#include <kt/client.h>

#include "algo/algo.h"
#include "view/view.h"
#include "wire/search.h"

/* Verify the VRF proof of each step (R45) for the version beside it, into keys sorted by version, together with
 * what is known already (n_known may be 0). A version in both must have the known VRF output (and keeps its known
 * commitment); a known commitment counts as seen. */
KT_MUST_USE enum kt_err kt_known_keys(const struct kt_client *client, struct kt_bytes label,
                                      const struct kt_ladder_step *steps, const uint32_t *versions, size_t n,
                                      const struct kt_known_version *known, size_t n_known,
                                      struct kt_label_keys *ret_keys);

/* Whether a version has to be kept. */
typedef bool (*kt_known_wanted)(const void *ctx, uint32_t version);

/* What is retained of keys after a verified response: wanted versions, with their commitments only where seen. */
KT_MUST_USE enum kt_err kt_known_retain(struct kt_arena *arena, const struct kt_label_keys *keys,
                                        kt_known_wanted wanted, const void *wanted_ctx,
                                        const struct kt_known_version **ret_known, size_t *ret_n);

/* Insert into a monitoring map, keeping it strictly ascending in both position and version: an entry that another one
 * at or left of it with an equal or greater version covers is dropped. KT_ERR_UNDETERMINED over 255: nothing is wrong with the
 * log, but monitoring has to come first. */
KT_MUST_USE enum kt_err kt_map_insert(const struct kt_client *client, const struct kt_version_at *map, size_t n,
                                      struct kt_version_at entry, const struct kt_version_at **ret_map, size_t *ret_n);

/* Between the state's arrays and the algorithm's map. */
void kt_map_load(const struct kt_contact_state *contact, struct kt_monitor_map *ret_map);
KT_MUST_USE enum kt_err kt_map_store(struct kt_arena *arena, const struct kt_monitor_map *map,
                                     const struct kt_version_at **ret_map, size_t *ret_n);

/* The contact state's wanted versions: those of the map's monitoring ladders. ctx: struct kt_contact_state. */
bool kt_contact_wants(const void *ctx, uint32_t version);

#endif
