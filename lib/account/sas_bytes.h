/* SPDX-License-Identifier: Apache-2.0 */
/* The byte strings of a SAS exchange, one builder each (docs/formats.md, SAS): what the commitment covers, and what is
 * derived from the shared secret. Labels are of legal length. */
#ifndef KT_ACCOUNT_SAS_BYTES_H
#define KT_ACCOUNT_SAS_BYTES_H

#include <kt/sas.h>

#define KT_SAS_CODE_LEN 6

/* SHA-256("kt-sas/1" || joiner_public || SHA-256(start)). */
void kt_sas_commitment(const struct kt_sas_message *start, const struct kt_hash *joiner_public,
                       struct kt_hash *ret_commitment);

/* Everything both sides must agree on, as they saw it. */
struct kt_sas_context {
  const struct kt_hash *log_id;
  const uint8_t *transaction;
  const struct kt_sas_party *starter;
  const struct kt_sas_party *joiner;
  const struct kt_hash *starter_public;
  const struct kt_hash *joiner_public;
};

/* prk: HKDF-Extract of the shared secret. */
KT_MUST_USE enum kt_err kt_sas_code_bytes(const uint8_t prk[static KT_HASH_LEN], const struct kt_sas_context *context,
                                          uint8_t ret_bytes[static KT_SAS_CODE_LEN]);
KT_MUST_USE enum kt_err kt_sas_mac(const uint8_t prk[static KT_HASH_LEN], const struct kt_sas_context *context,
                                   bool by_starter, struct kt_hash *ret_mac);

#endif
