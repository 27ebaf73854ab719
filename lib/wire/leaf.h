/* SPDX-License-Identifier: Apache-2.0 */
/* What the trees' leaves are made of (draft: Update Format, Commitment, Verifiable Random Function, Log Tree, Prefix
 * Tree). One builder for every byte string that is hashed, signed or fed to the VRF. */
#ifndef KT_WIRE_LEAF_H
#define KT_WIRE_LEAF_H

#include <kt/config.h>

#include "base/reader.h"
#include <kt/writer.h>

/* UpdateValue; the suffix signature only in third-party management mode. */
struct kt_update_value {
  struct kt_bytes value;
  struct kt_bytes signature;
};

#define KT_VALUE_MAX ((size_t)1 << 20) /* decoder's cap on one value, far above the server's configured limit */

void kt_update_value_write(struct kt_writer *w, const struct kt_config *config, const struct kt_update_value *value);
void kt_update_value_read(struct kt_reader *r, const struct kt_config *config, struct kt_update_value *ret);
void kt_update_suffix_write(struct kt_writer *w, const struct kt_config *config, struct kt_bytes signature);
struct kt_bytes kt_update_suffix_read(struct kt_reader *r, const struct kt_config *config);

/* commitment = HMAC(Kc, CommitmentValue). */
KT_MUST_USE enum kt_err kt_commitment(const struct kt_config *config, const uint8_t opening[static KT_OPENING_LEN],
                                      struct kt_bytes label, uint32_t version, const struct kt_update_value *value,
                                      struct kt_hash *ret_commitment);

/* VrfInput into buf; the length. label is at most KT_LABEL_MAX bytes. */
#define KT_VRF_INPUT_MAX (1 + KT_LABEL_MAX + 4)
size_t kt_vrf_input(struct kt_bytes label, uint32_t version, uint8_t buf[static KT_VRF_INPUT_MAX]);

/* UpdateTBS, appended to w. */
void kt_update_sign_data(struct kt_writer *w, const struct kt_config *config, struct kt_bytes label, uint32_t version,
                         struct kt_bytes value);
/* The Service Operator's signature over a label's value in third-party management mode; the length is the suite's. */
KT_MUST_USE enum kt_err kt_update_value_sign(const struct kt_config *config, const uint8_t seed[static KT_SEED_LEN],
                                             struct kt_bytes label, uint32_t version, struct kt_bytes value,
                                             uint8_t ret_signature[static KT_SIGNATURE_MAX]);
/* R38: KT_ERR_PROOF when the suffix is not that signature. In the other modes there is nothing to verify: KT_OK. */
KT_MUST_USE enum kt_err kt_update_value_verify(const struct kt_config *config, struct kt_bytes label, uint32_t version,
                                               const struct kt_update_value *value);

/* Hash(LogEntry). */
void kt_log_entry_hash(uint64_t timestamp_ms, const struct kt_hash *prefix_root, struct kt_hash *ret);

#endif
