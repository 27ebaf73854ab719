/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tree_head.h"

#include "crypto/secret.h"
#include "wire/config.h"

void kt_tree_head_write(struct kt_writer *w, const struct kt_tree_head *head)
{
  kt_write_u64(w, head->tree_size);
  kt_write_opaque16(w, head->signature);
}

void kt_tree_head_read(struct kt_reader *r, struct kt_tree_head *ret)
{
  ret->tree_size = kt_read_u64(r);
  ret->signature = kt_read_opaque16(r, UINT16_MAX);
}

void kt_auditor_tree_head_write(struct kt_writer *w, const struct kt_auditor_tree_head *head)
{
  kt_write_u64(w, head->timestamp);
  kt_write_u64(w, head->tree_size);
  kt_write_opaque16(w, head->signature);
}

void kt_auditor_tree_head_read(struct kt_reader *r, struct kt_auditor_tree_head *ret)
{
  ret->timestamp = kt_read_u64(r);
  ret->tree_size = kt_read_u64(r);
  ret->signature = kt_read_opaque16(r, UINT16_MAX);
}

enum kt_err kt_auditor_tree_head_decode(struct kt_bytes encoded, struct kt_auditor_tree_head *ret)
{
  struct kt_reader r;
  struct kt_auditor_tree_head head = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_auditor_tree_head_read(&r, &head);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = head;
  }
  return err;
}

void kt_full_tree_head_write(struct kt_writer *w, const struct kt_config *config, const struct kt_full_tree_head *head)
{
  kt_write_u8(w, (uint8_t)head->type);
  switch (head->type) {
  case KT_HEAD_SAME: return;
  case KT_HEAD_UPDATED:
    kt_tree_head_write(w, &head->tree_head);
    if (config->mode == KT_MODE_THIRD_PARTY_AUDITING) {
      kt_auditor_tree_head_write(w, &head->auditor_head);
    }
    return;
  }
  kt_writer_fail(w, KT_ERR_USAGE);
}

void kt_full_tree_head_read(struct kt_reader *r, const struct kt_config *config, struct kt_full_tree_head *ret)
{
  struct kt_full_tree_head head = { 0 };
  uint8_t type = kt_read_u8(r);
  switch (type) {
  case KT_HEAD_SAME: break;
  case KT_HEAD_UPDATED:
    kt_tree_head_read(r, &head.tree_head);
    if (config->mode == KT_MODE_THIRD_PARTY_AUDITING) { /* R12: there exactly in this mode */
      kt_auditor_tree_head_read(r, &head.auditor_head);
    }
    break;
  default: kt_reader_fail(r, KT_ERR_FORMAT); return; /* R2 */
  }
  head.type = (enum kt_full_tree_head_type)type;
  *ret = head;
}

size_t kt_tree_head_sign_data(const struct kt_config *config, uint64_t tree_size, const struct kt_hash *root,
                              uint8_t buf[static KT_HEAD_TBS_MAX])
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, KT_HEAD_TBS_MAX);
  kt_config_write(&w, config);
  kt_write_u64(&w, tree_size);
  kt_write_bytes(&w, root->b, sizeof root->b);
  return w.err == KT_OK ? w.len : 0;
}

size_t kt_auditor_tree_head_sign_data(const struct kt_config *config, uint64_t timestamp, uint64_t tree_size,
                                      const struct kt_hash *root, uint8_t buf[static KT_HEAD_TBS_MAX])
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, KT_HEAD_TBS_MAX);
  kt_config_write(&w, config);
  kt_write_u64(&w, timestamp);
  kt_write_u64(&w, tree_size);
  kt_write_bytes(&w, root->b, sizeof root->b);
  return w.err == KT_OK ? w.len : 0;
}

enum kt_err kt_tree_head_sign(const struct kt_config *config, const struct kt_sign_key *key, uint64_t tree_size,
                              const struct kt_hash *root, uint8_t ret_signature[static KT_SIGNATURE_MAX])
{
  uint8_t tbs[KT_HEAD_TBS_MAX];
  size_t len = kt_tree_head_sign_data(config, tree_size, root, tbs);
  if (len == 0) {
    return KT_ERR_USAGE;
  }
  return config->suite->sign(key, (struct kt_bytes){ tbs, len }, ret_signature);
}

enum kt_err kt_auditor_tree_head_sign(const struct kt_config *config, const uint8_t seed[static KT_SEED_LEN],
                                      uint64_t timestamp, uint64_t tree_size, const struct kt_hash *root,
                                      uint8_t ret_signature[static KT_SIGNATURE_MAX])
{
  uint8_t tbs[KT_HEAD_TBS_MAX];
  size_t len = kt_auditor_tree_head_sign_data(config, timestamp, tree_size, root, tbs);
  if (len == 0) {
    return KT_ERR_USAGE;
  }
  return kt_sign_once(config->suite, seed, (struct kt_bytes){ tbs, len }, ret_signature);
}

/* The signature's own length is checked by the suite, where its encoding is known. */
static enum kt_err verify_signature(const struct kt_config *config, struct kt_bytes public_key, struct kt_bytes tbs,
                                    struct kt_bytes signature)
{
  if (tbs.len == 0) {
    return KT_ERR_USAGE;
  }
  return config->suite->verify(public_key, tbs, signature);
}

enum kt_err kt_tree_head_verify(const struct kt_config *config, const struct kt_tree_head *head,
                                const struct kt_hash *root)
{
  uint8_t tbs[KT_HEAD_TBS_MAX];
  size_t len = kt_tree_head_sign_data(config, head->tree_size, root, tbs);
  return verify_signature(config, config->signature_public_key, (struct kt_bytes){ tbs, len }, head->signature);
}

enum kt_err kt_auditor_tree_head_verify(const struct kt_config *config, const struct kt_auditor_tree_head *head,
                                        const struct kt_hash *root)
{
  uint8_t tbs[KT_HEAD_TBS_MAX];
  size_t len = kt_auditor_tree_head_sign_data(config, head->timestamp, head->tree_size, root, tbs);
  return verify_signature(config, config->auditor_public_key, (struct kt_bytes){ tbs, len }, head->signature);
}
