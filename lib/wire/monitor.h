/* SPDX-License-Identifier: Apache-2.0 */
/* Contact Monitor, Owner Initialization, Owner Monitoring (draft: sections of those names under User Operations). */
#ifndef KT_WIRE_MONITOR_H
#define KT_WIRE_MONITOR_H

#include "wire/search.h"

struct kt_monitor_map_entry {
  uint64_t position;
  uint32_t version;
};

struct kt_contact_monitor_request {
  struct kt_optional_u64 last;
  struct kt_bytes label;
  const struct kt_monitor_map_entry *entries; /* at most 255 */
  size_t n_entries;
};

/* ContactMonitorResponse and OwnerMonitorResponse have one shape. */
struct kt_monitor_response {
  struct kt_full_tree_head full_tree_head;
  struct kt_combined_proof monitor;
};

struct kt_owner_init_request {
  struct kt_optional_u64 last;
  struct kt_bytes label;
  uint64_t start;
};

struct kt_owner_init_response {
  struct kt_full_tree_head full_tree_head;
  const uint32_t *greatest_versions; /* at most 255 */
  size_t n_greatest_versions;
  const struct kt_ladder_step *binary_ladder; /* 16-bit count */
  size_t n_ladder;
  struct kt_combined_proof init;
};

struct kt_owner_monitor_request {
  struct kt_optional_u64 last;
  struct kt_bytes label;
  const struct kt_monitor_map_entry *entries;
  size_t n_entries;
  uint64_t start;
  struct kt_optional_u32 greatest_version;
};

void kt_monitor_map_entry_write(struct kt_writer *w, const struct kt_monitor_map_entry *entry);

void kt_contact_monitor_request_write(struct kt_writer *w, const struct kt_contact_monitor_request *request);
KT_MUST_USE enum kt_err kt_contact_monitor_request_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                                          struct kt_contact_monitor_request *ret);
void kt_owner_init_request_write(struct kt_writer *w, const struct kt_owner_init_request *request);
KT_MUST_USE enum kt_err kt_owner_init_request_decode(struct kt_bytes encoded, struct kt_owner_init_request *ret);
void kt_owner_monitor_request_write(struct kt_writer *w, const struct kt_owner_monitor_request *request);
KT_MUST_USE enum kt_err kt_owner_monitor_request_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                                        struct kt_owner_monitor_request *ret);

void kt_monitor_response_write(struct kt_writer *w, const struct kt_config *config,
                               const struct kt_monitor_response *response);
KT_MUST_USE enum kt_err kt_monitor_response_decode(struct kt_bytes encoded, const struct kt_config *config,
                                                   struct kt_arena *arena, struct kt_monitor_response *ret);
void kt_owner_init_response_write(struct kt_writer *w, const struct kt_config *config,
                                  const struct kt_owner_init_response *response);
KT_MUST_USE enum kt_err kt_owner_init_response_decode(struct kt_bytes encoded, const struct kt_config *config,
                                                      struct kt_arena *arena, struct kt_owner_init_response *ret);

#endif
