/* SPDX-License-Identifier: Apache-2.0 */
/* SearchRequest, SearchResponse, BinaryLadderStep (draft: Search). */
#ifndef KT_WIRE_SEARCH_H
#define KT_WIRE_SEARCH_H

#include "wire/leaf.h"
#include "wire/proof.h"
#include "wire/tree_head.h"

struct kt_optional_u64 {
  bool present;
  uint64_t value;
};

struct kt_optional_u32 {
  bool present;
  uint32_t value;
};

struct kt_optional_u64 kt_read_optional_u64(struct kt_reader *r);
struct kt_optional_u32 kt_read_optional_u32(struct kt_reader *r);

struct kt_search_request {
  struct kt_optional_u64 last; /* tree size the user retained */
  struct kt_bytes label;
  struct kt_optional_u32 version; /* absent: greatest version */
};

struct kt_ladder_step {
  const uint8_t *proof; /* VRF.Np bytes */
  bool has_commitment;
  struct kt_hash commitment;
};

struct kt_search_response {
  struct kt_full_tree_head full_tree_head;
  uint32_t version; /* on the wire only when the request named none; otherwise set by the decoder to the request's */
  const uint8_t *opening; /* KT_OPENING_LEN bytes */
  struct kt_update_value value;
  const struct kt_ladder_step *binary_ladder;
  size_t n_ladder;
  struct kt_combined_proof search;
};

/* Requests: *_write appends; *_decode takes the whole input (trailing bytes refused) and borrows from it. */
void kt_search_request_write(struct kt_writer *w, const struct kt_search_request *request);
KT_MUST_USE enum kt_err kt_search_request_decode(struct kt_bytes encoded, struct kt_search_request *ret);

/* Responses need the configuration (mode, suite) and the request's version. */
void kt_search_response_write(struct kt_writer *w, const struct kt_config *config, bool version_requested,
                              const struct kt_search_response *response);
KT_MUST_USE enum kt_err kt_search_response_decode(struct kt_bytes encoded, const struct kt_config *config,
                                                  struct kt_optional_u32 requested_version, struct kt_arena *arena,
                                                  struct kt_search_response *ret);

void kt_ladder_step_write(struct kt_writer *w, const struct kt_config *config, const struct kt_ladder_step *step);
/* Vectors of steps: count prefix of 1 byte (wide false) or 2 bytes (OwnerInitResponse). */
void kt_ladder_steps_write(struct kt_writer *w, const struct kt_config *config, bool wide,
                           const struct kt_ladder_step *steps, size_t n);
const struct kt_ladder_step *kt_ladder_steps_read(struct kt_reader *r, const struct kt_config *config, bool wide,
                                                  struct kt_arena *arena, size_t *ret_n);

#endif
