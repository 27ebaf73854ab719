/* SPDX-License-Identifier: Apache-2.0 */
/* The device set that an operator's insertion becomes, and the results of insertions (operate.h). */
#ifndef KT_SERVER_PROVISION_VALUE_H
#define KT_SERVER_PROVISION_VALUE_H

#include <jansson.h>

#include <kt/account_policy.h>

#include "json/device_set.h"

/* Where the value will stand. */
struct kt_provision_place {
  struct kt_hash log_id;
  const struct kt_account_state *state; /* of the account now */
  struct kt_bytes latest_value;         /* the newest one; empty when there is none to look at */
};

/* The unsigned set, in the arena; empty when it would say what the latest one says and skip_unchanged is set. */
KT_MUST_USE enum kt_err kt_provision_value(const struct kt_json_provision *provision,
                                           const struct kt_provision_place *place, bool skip_unchanged,
                                           struct kt_arena *arena, struct kt_bytes *ret_value);

/* {"result":word,"text":…}, {"result":"inserted","version":…,"position":…} */
json_t *kt_provision_failure(const char *word, const char *text);
json_t *kt_provision_inserted(uint32_t version, uint64_t position);

#endif
