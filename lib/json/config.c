/* SPDX-License-Identifier: Apache-2.0 */
#include "json/config.h"

const char *kt_json_mode_name(enum kt_mode mode)
{
  switch (mode) {
  case KT_MODE_CONTACT_MONITORING: return "contact-monitoring";
  case KT_MODE_THIRD_PARTY_MANAGEMENT: return "third-party-management";
  case KT_MODE_THIRD_PARTY_AUDITING: return "third-party-auditing";
  }
  return "unknown";
}

json_t *kt_json_config(const struct kt_config *config)
{
  struct kt_hash log_id;
  struct kt_json_builder b;
  kt_config_log_id(config, &log_id);
  kt_json_begin(&b);
  kt_json_set(&b, "log_id", kt_json_hash(&log_id));
  kt_json_set(&b, "suite", json_string(config->suite->name));
  kt_json_set(&b, "mode", json_string(kt_json_mode_name(config->mode)));
  kt_json_set(&b, "signature_public_key", kt_json_hex(config->signature_public_key));
  kt_json_set(&b, "vrf_public_key", kt_json_hex(config->vrf_public_key));
  if (config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    kt_json_set(&b, "leaf_public_key", kt_json_hex(config->leaf_public_key));
  }
  if (config->mode == KT_MODE_THIRD_PARTY_AUDITING) {
    kt_json_set(&b, "max_auditor_lag_ms", kt_json_u64(config->max_auditor_lag));
    kt_json_set(&b, "auditor_start_pos", kt_json_u64(config->auditor_start_pos));
    kt_json_set(&b, "auditor_public_key", kt_json_hex(config->auditor_public_key));
  }
  kt_json_set(&b, "max_ahead_ms", kt_json_u64(config->max_ahead));
  kt_json_set(&b, "max_behind_ms", kt_json_u64(config->max_behind));
  kt_json_set(&b, "reasonable_monitoring_window_ms", kt_json_u64(config->reasonable_monitoring_window));
  kt_json_set(&b, "maximum_lifetime_ms",
              config->has_maximum_lifetime ? kt_json_u64(config->maximum_lifetime) : json_null());
  return kt_json_end(&b);
}
