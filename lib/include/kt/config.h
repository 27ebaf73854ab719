/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration of a transparency log (draft: Tree Head Signature): what clients pin and every head signature covers.
 *
 * A kt_config owns nothing: the key fields borrow from the bytes it was decoded from, which must outlive it. Durations
 * are milliseconds. */
#ifndef KT_CONFIG_H
#define KT_CONFIG_H

#include <kt/suite.h>

KT_API_BEGIN

enum kt_mode {
  KT_MODE_CONTACT_MONITORING = 1,
  KT_MODE_THIRD_PARTY_MANAGEMENT = 2,
  KT_MODE_THIRD_PARTY_AUDITING = 3,
};

struct kt_config {
  const struct kt_suite *suite;
  enum kt_mode mode;
  struct kt_bytes signature_public_key;
  struct kt_bytes vrf_public_key;
  struct kt_bytes leaf_public_key; /* third-party management only */
  uint64_t max_auditor_lag;        /* third-party auditing only, as the next two */
  uint64_t auditor_start_pos;
  struct kt_bytes auditor_public_key;
  uint64_t max_ahead;
  uint64_t max_behind;
  uint64_t reasonable_monitoring_window;
  bool has_maximum_lifetime;
  uint64_t maximum_lifetime;
};

#define KT_CONFIG_MAX 512 /* bytes of the longest encoding */

/* Decode and check (R1-R4): known suite and mode, keys valid for the suite and pairwise different, lifetime greater
 * than the window. KT_ERR_FORMAT, KT_ERR_CRYPTO (its keys); KT_ERR_MEMORY: its keys could not be examined. */
KT_MUST_USE enum kt_err kt_config_decode(struct kt_bytes encoded, struct kt_config *ret_config,
                                         struct kt_reason *reason);

/* Encode into buf; the number of bytes, or 0 when the structure cannot be encoded. */
size_t kt_config_encode(const struct kt_config *config, uint8_t buf[KT_AT_LEAST KT_CONFIG_MAX]);

/* Log identity (ours): SHA-256("kt-log-id/1" || uint16 suite || uint16 len || signature_public_key || uint16 len ||
 * vrf_public_key). It survives a change of auditor or of windows. */
void kt_config_log_id(const struct kt_config *config, struct kt_hash *ret_log_id);

KT_API_END

#endif
