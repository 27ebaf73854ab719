/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/leaf.h"

#include "crypto/hash.h"
#include "crypto/secret.h"
#include "wire/common.h"
#include "wire/config.h"

#define UPDATE_TBS_MAX (KT_CONFIG_MAX + 1 + KT_LABEL_MAX + 4 + 4 + KT_VALUE_MAX)

/* opening, label, version, value and suffix, each with its length prefix. */
#define COMMITMENT_VALUE_MAX (KT_OPENING_LEN + 1 + KT_LABEL_MAX + 4 + 4 + KT_VALUE_MAX + 2 + UINT16_MAX)

void kt_update_suffix_write(struct kt_writer *w, const struct kt_config *config, struct kt_bytes signature)
{
  if (config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    kt_write_opaque16(w, signature);
  }
}

struct kt_bytes kt_update_suffix_read(struct kt_reader *r, const struct kt_config *config)
{
  if (config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    return kt_read_opaque16(r, UINT16_MAX);
  }
  return (struct kt_bytes){ 0 };
}

void kt_update_value_write(struct kt_writer *w, const struct kt_config *config, const struct kt_update_value *value)
{
  kt_label_value_write(w, value->value);
  kt_update_suffix_write(w, config, value->signature);
}

void kt_update_value_read(struct kt_reader *r, const struct kt_config *config, struct kt_update_value *ret)
{
  ret->value = kt_label_value_read(r);
  ret->signature = kt_update_suffix_read(r, config);
}

enum kt_err kt_commitment(const struct kt_config *config, const uint8_t opening[static KT_OPENING_LEN],
                          struct kt_bytes label, uint32_t version, const struct kt_update_value *value,
                          struct kt_hash *ret_commitment)
{
  struct kt_writer w;
  kt_writer_init(&w, COMMITMENT_VALUE_MAX);
  kt_write_bytes(&w, opening, KT_OPENING_LEN);
  kt_write_opaque8(&w, label);
  kt_write_u32(&w, version);
  kt_update_value_write(&w, config, value);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    kt_commitment_hmac(w.buf, w.len, ret_commitment);
  }
  kt_writer_release(&w);
  return err;
}

size_t kt_vrf_input(struct kt_bytes label, uint32_t version, uint8_t buf[static KT_VRF_INPUT_MAX])
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, KT_VRF_INPUT_MAX);
  kt_write_opaque8(&w, label);
  kt_write_u32(&w, version);
  return w.err == KT_OK ? w.len : 0;
}

void kt_update_sign_data(struct kt_writer *w, const struct kt_config *config, struct kt_bytes label, uint32_t version,
                         struct kt_bytes value)
{
  kt_config_write(w, config);
  kt_write_opaque8(w, label);
  kt_write_u32(w, version);
  kt_label_value_write(w, value);
}

enum kt_err kt_update_value_sign(const struct kt_config *config, const uint8_t seed[static KT_SEED_LEN],
                                 struct kt_bytes label, uint32_t version, struct kt_bytes value,
                                 uint8_t ret_signature[static KT_SIGNATURE_MAX])
{
  struct kt_writer w;
  kt_writer_init(&w, UPDATE_TBS_MAX);
  kt_update_sign_data(&w, config, label, version, value);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    err = kt_sign_once(config->suite, seed, (struct kt_bytes){ w.buf, w.len }, ret_signature);
  }
  kt_writer_release(&w);
  return err;
}

enum kt_err kt_update_value_verify(const struct kt_config *config, struct kt_bytes label, uint32_t version,
                                   const struct kt_update_value *value)
{
  if (config->mode != KT_MODE_THIRD_PARTY_MANAGEMENT) {
    return KT_OK;
  }
  struct kt_writer w;
  kt_writer_init(&w, UPDATE_TBS_MAX);
  kt_update_sign_data(&w, config, label, version, value->value);
  enum kt_err err = w.err;
  if (err == KT_OK) { /* the signature's own length is checked by the suite */
    err = config->suite->verify(config->leaf_public_key, (struct kt_bytes){ w.buf, w.len }, value->signature);
  }
  kt_writer_release(&w);
  return err;
}

void kt_log_entry_hash(uint64_t timestamp_ms, const struct kt_hash *prefix_root, struct kt_hash *ret)
{
  uint8_t entry[8 + KT_HASH_LEN];
  struct kt_writer w;
  kt_writer_init_fixed(&w, entry, sizeof entry);
  kt_write_u64(&w, timestamp_ms);
  kt_write_bytes(&w, prefix_root->b, sizeof prefix_root->b);
  kt_sha256(entry, w.len, ret);
}
