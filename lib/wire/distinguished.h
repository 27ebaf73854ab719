/* SPDX-License-Identifier: Apache-2.0 */
/* DistinguishedRequest, DistinguishedResponse (draft: Walking Distinguished Heads under User Operations). */
#ifndef KT_WIRE_DISTINGUISHED_H
#define KT_WIRE_DISTINGUISHED_H

#include "wire/search.h"

struct kt_distinguished_request {
  struct kt_optional_u64 last;
  struct kt_optional_u64 stop;
};

struct kt_distinguished_response {
  struct kt_full_tree_head full_tree_head;
  struct kt_combined_proof distinguished;
};

void kt_distinguished_request_write(struct kt_writer *w, const struct kt_distinguished_request *request);
KT_MUST_USE enum kt_err kt_distinguished_request_decode(struct kt_bytes encoded, struct kt_distinguished_request *ret);
void kt_distinguished_response_write(struct kt_writer *w, const struct kt_config *config,
                                     const struct kt_distinguished_response *response);
KT_MUST_USE enum kt_err kt_distinguished_response_decode(struct kt_bytes encoded, const struct kt_config *config,
                                                         struct kt_arena *arena, struct kt_distinguished_response *ret);

#endif
