/* SPDX-License-Identifier: Apache-2.0 */
/* UpdateRequest, UpdateResponse (draft: Updating a Label under User Operations). */
#ifndef KT_WIRE_UPDATE_H
#define KT_WIRE_UPDATE_H

#include "wire/search.h"

struct kt_update_request {
  struct kt_optional_u64 last;
  struct kt_bytes label;
  struct kt_optional_u32 greatest_version;
  const struct kt_bytes *values; /* LabelValue, at most 255 */
  size_t n_values;
};

struct kt_update_info {
  const uint8_t *opening;    /* KT_OPENING_LEN bytes */
  struct kt_bytes signature; /* UpdateSuffix, third-party management only */
};

struct kt_update_response {
  struct kt_full_tree_head full_tree_head;
  uint64_t position;
  uint32_t skipped_versions; /* third-party management only */
  const struct kt_bytes *values;
  size_t n_values;
  const struct kt_update_info *info;
  size_t n_info;
  const struct kt_ladder_step *binary_ladder;
  size_t n_ladder;
  struct kt_combined_proof update;
};

void kt_update_request_write(struct kt_writer *w, const struct kt_update_request *request);
KT_MUST_USE enum kt_err kt_update_request_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                                 struct kt_update_request *ret);
void kt_update_info_write(struct kt_writer *w, const struct kt_config *config, const struct kt_update_info *info);
void kt_update_response_write(struct kt_writer *w, const struct kt_config *config,
                              const struct kt_update_response *response);
KT_MUST_USE enum kt_err kt_update_response_decode(struct kt_bytes encoded, const struct kt_config *config,
                                                  struct kt_arena *arena, struct kt_update_response *ret);

#endif
