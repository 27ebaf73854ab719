/* SPDX-License-Identifier: Apache-2.0 */
/* ManagerUpdateRequest (draft: Third Parties / Management): what a Service Operator forwards to its Third-Party Manager
 * instead of an UpdateRequest. Decoded structures borrow from the input and the arena; the configuration is one of
 * third-party management mode. */
#ifndef KT_WIRE_MANAGER_H
#define KT_WIRE_MANAGER_H

#include "wire/update.h"

struct kt_manager_update_request {
  struct kt_optional_u64 last;
  struct kt_bytes label;
  struct kt_optional_u32 greatest_version;
  const struct kt_update_value *values; /* at most 255 */
  size_t n_values;
  uint32_t signed_version; /* of values[0]; 0 without values */
};

void kt_manager_update_request_write(struct kt_writer *w, const struct kt_config *config,
                                     const struct kt_manager_update_request *request);
KT_MUST_USE enum kt_err kt_manager_update_request_decode(struct kt_bytes encoded, const struct kt_config *config,
                                                         struct kt_arena *arena, struct kt_manager_update_request *ret);

#endif
