/* SPDX-License-Identifier: Apache-2.0 */
/* Credential and CredentialUpdate (draft: Credentials), and what is asked for them over HTTP (ours: docs/formats.md,
 * Requests for credentials). Decoded structures borrow from the input and the arena. */
#ifndef KT_WIRE_CREDENTIAL_H
#define KT_WIRE_CREDENTIAL_H

#include "wire/search.h"

enum kt_credential_type {
  KT_CREDENTIAL_STANDARD = 1,    /* the label-version pair is in the distinguished entry */
  KT_CREDENTIAL_PROVISIONAL = 2, /* it is not */
};

struct kt_credential {
  struct kt_bytes label;
  uint32_t version;
  const uint8_t *opening; /* KT_OPENING_LEN bytes */
  struct kt_update_value value;
  const struct kt_ladder_step *binary_ladder;
  size_t n_ladder;
  uint64_t position;
  enum kt_credential_type type;
  struct kt_prefix_proof distinguished; /* standard */
  struct kt_tree_head tree_head;        /* provisional, as is */
  struct kt_combined_proof search;
};

void kt_credential_write(struct kt_writer *w, const struct kt_config *config, const struct kt_credential *credential);
KT_MUST_USE enum kt_err kt_credential_decode(struct kt_bytes encoded, const struct kt_config *config,
                                             struct kt_arena *arena, struct kt_credential *ret);

/* CredentialUpdate has one field: `monitor`. */
void kt_credential_update_write(struct kt_writer *w, const struct kt_combined_proof *monitor);
KT_MUST_USE enum kt_err kt_credential_update_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                                    struct kt_combined_proof *ret_monitor);

/* POST /v1/credential: a credential for the label, built on the distinguished entry `position`. */
struct kt_credential_request {
  struct kt_bytes label;
  uint64_t position;
};

/* POST /v1/credential-update: from the tree of a provisional credential to the distinguished entry. */
struct kt_credential_update_request {
  struct kt_bytes label;
  uint32_t version;
  uint64_t terminal;
  uint64_t tree_size;
  uint64_t distinguished;
};

void kt_credential_request_write(struct kt_writer *w, const struct kt_credential_request *request);
KT_MUST_USE enum kt_err kt_credential_request_decode(struct kt_bytes encoded, struct kt_credential_request *ret);
void kt_credential_update_request_write(struct kt_writer *w, const struct kt_credential_update_request *request);
KT_MUST_USE enum kt_err kt_credential_update_request_decode(struct kt_bytes encoded,
                                                            struct kt_credential_update_request *ret);

#endif
