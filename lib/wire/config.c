/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/config.h"

#include <string.h>

#include "base/reader.h"
#include "base/unproven.h"
#include "crypto/hash.h"

#define SECTION "Tree Head Signature"

void kt_config_write(struct kt_writer *w, const struct kt_config *config)
{
  if (config->suite == NULL) {
    kt_writer_fail(w, KT_ERR_USAGE);
    return;
  }
  kt_write_u16(w, config->suite->id);
  kt_write_u8(w, (uint8_t)config->mode);
  kt_write_opaque16(w, config->signature_public_key);
  kt_write_opaque16(w, config->vrf_public_key);
  switch (config->mode) {
  case KT_MODE_CONTACT_MONITORING: break;
  case KT_MODE_THIRD_PARTY_MANAGEMENT: kt_write_opaque16(w, config->leaf_public_key); break;
  case KT_MODE_THIRD_PARTY_AUDITING:
    kt_write_u64(w, config->max_auditor_lag);
    kt_write_u64(w, config->auditor_start_pos);
    kt_write_opaque16(w, config->auditor_public_key);
    break;
  default: kt_writer_fail(w, KT_ERR_USAGE); break;
  }
  kt_write_u64(w, config->max_ahead);
  kt_write_u64(w, config->max_behind);
  kt_write_u64(w, config->reasonable_monitoring_window);
  kt_write_optional_u64(w, config->has_maximum_lifetime, config->maximum_lifetime);
}

/* Suite and mode, which decide how the rest is read (R2, R4). */
static enum kt_err read_kind(struct kt_reader *r, struct kt_config *config, struct kt_reason *reason)
{
  uint16_t suite_id = kt_read_u16(r);
  uint8_t mode = kt_read_u8(r);
  if (r->err != KT_OK) {
    return kt_fail(reason, r->err, "config-format", "the configuration is malformed", SECTION);
  }
  config->suite = kt_suite_by_id(suite_id);
  if (config->suite == NULL) {
    return kt_fail(reason, KT_ERR_UNSUPPORTED, "config-suite", "the log uses an unknown cipher suite",
                   "KT Cipher Suites");
  }
  if (mode < KT_MODE_CONTACT_MONITORING || mode > KT_MODE_THIRD_PARTY_AUDITING) {
    return kt_fail(reason, KT_ERR_UNSUPPORTED, "config-mode", "the log uses an unknown deployment mode", SECTION);
  }
  config->mode = (enum kt_mode)mode;
  return KT_OK;
}

static void read_rest(struct kt_reader *r, struct kt_config *config)
{
  config->signature_public_key = kt_read_opaque16(r, UINT16_MAX);
  config->vrf_public_key = kt_read_opaque16(r, UINT16_MAX);
  switch (config->mode) {
  case KT_MODE_CONTACT_MONITORING: break;
  case KT_MODE_THIRD_PARTY_MANAGEMENT: config->leaf_public_key = kt_read_opaque16(r, UINT16_MAX); break;
  case KT_MODE_THIRD_PARTY_AUDITING:
    config->max_auditor_lag = kt_read_u64(r);
    config->auditor_start_pos = kt_read_u64(r);
    config->auditor_public_key = kt_read_opaque16(r, UINT16_MAX);
    break;
  }
  config->max_ahead = kt_read_u64(r);
  config->max_behind = kt_read_u64(r);
  config->reasonable_monitoring_window = kt_read_u64(r);
  config->has_maximum_lifetime = kt_read_present(r);
  if (config->has_maximum_lifetime) {
    config->maximum_lifetime = kt_read_u64(r);
  }
}

static enum kt_err check_sign_key(const struct kt_suite *suite, struct kt_bytes key)
{
  return key.len == suite->sign_public_len ? suite->sign_public_check(key) : KT_ERR_CRYPTO;
}

static enum kt_err check_vrf_key(const struct kt_suite *suite, struct kt_bytes key)
{
  return key.len == suite->vrf_public_len ? suite->vrf_public_check(key) : KT_ERR_CRYPTO;
}

/* KT_ERR_CRYPTO: one is not valid. */
static enum kt_err check_keys(const struct kt_config *config)
{
  const struct kt_suite *suite = config->suite;
  enum kt_err err = check_sign_key(suite, config->signature_public_key);
  if (err == KT_OK) {
    err = check_vrf_key(suite, config->vrf_public_key);
  }
  if (err != KT_OK) {
    return err;
  }
  switch (config->mode) {
  case KT_MODE_CONTACT_MONITORING: return KT_OK;
  case KT_MODE_THIRD_PARTY_MANAGEMENT: return check_sign_key(suite, config->leaf_public_key);
  case KT_MODE_THIRD_PARTY_AUDITING: return check_sign_key(suite, config->auditor_public_key);
  }
  return KT_ERR_CRYPTO;
}

/* Keys of one suite differ in length only as SEC 1 points, uncompressed and compressed: after the octet that says
 * which, both go on with the x coordinate. */
static bool same_key(struct kt_bytes a, struct kt_bytes b)
{
  if (a.len == 0 || b.len == 0) {
    return false;
  }
  if (a.len == b.len) {
    return memcmp(a.data, b.data, a.len) == 0;
  }
  return memcmp(a.data + 1, b.data + 1, (a.len < b.len ? a.len : b.len) - 1) == 0;
}

/* Structures that are signed carry no domain separator, so no two roles may share a key (ours). */
static bool keys_distinct(const struct kt_config *config)
{
  const struct kt_bytes keys[] = { config->signature_public_key, config->vrf_public_key, config->leaf_public_key,
                                   config->auditor_public_key };
  const size_t n = sizeof keys / sizeof keys[0];
  for (size_t i = 0; i < n; i++) {
    for (size_t k = i + 1; k < n; k++) {
      if (same_key(keys[i], keys[k])) {
        return false;
      }
    }
  }
  return true;
}

/* R4. */
static enum kt_err check_values(const struct kt_config *config, struct kt_reason *reason)
{
  enum kt_err err = check_keys(config);
  if (err == KT_ERR_CRYPTO) {
    return kt_fail(reason, KT_ERR_CRYPTO, "config-keys", "a public key of the log is not valid for its cipher suite",
                   "KT Cipher Suites");
  }
  if (err != KT_OK) {
    return kt_unproven(reason, err, "config-keys", "the keys of the log are not valid", "ours");
  }
  if (!keys_distinct(config)) {
    return kt_fail(reason, KT_ERR_CRYPTO, "config-keys", "two public keys of the log are equal", "ours");
  }
  /* "If defined, it MUST be greater than zero and greater than the RMW." */
  if (config->has_maximum_lifetime && config->maximum_lifetime <= config->reasonable_monitoring_window) {
    return kt_fail(reason, KT_ERR_FORMAT, "config-lifetime",
                   "the maximum lifetime is not greater than the reasonable monitoring window", "Maximum Lifetime");
  }
  return KT_OK;
}

enum kt_err kt_config_decode(struct kt_bytes encoded, struct kt_config *ret_config, struct kt_reason *reason)
{
  struct kt_reader r;
  struct kt_config config = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  enum kt_err err = read_kind(&r, &config, reason);
  if (err != KT_OK) {
    return err;
  }
  read_rest(&r, &config);
  err = kt_reader_end(&r);
  if (err != KT_OK) {
    return kt_fail(reason, err, "config-format", "the configuration is malformed", SECTION);
  }
  err = check_values(&config, reason);
  if (err != KT_OK) {
    return err;
  }
  *ret_config = config;
  return KT_OK;
}

size_t kt_config_encode(const struct kt_config *config, uint8_t buf[static KT_CONFIG_MAX])
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, KT_CONFIG_MAX);
  kt_config_write(&w, config);
  return w.err == KT_OK ? w.len : 0;
}

void kt_config_log_id(const struct kt_config *config, struct kt_hash *ret_log_id)
{
  static const char domain[] = "kt-log-id/1";
  uint8_t buf[KT_CONFIG_MAX]; /* shorter than the configuration itself, which holds both keys */
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_bytes(&w, domain, sizeof domain - 1);
  kt_write_u16(&w, config->suite->id);
  kt_write_opaque16(&w, config->signature_public_key);
  kt_write_opaque16(&w, config->vrf_public_key);
  kt_sha256(buf, w.len, ret_log_id);
}
