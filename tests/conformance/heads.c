/* SPDX-License-Identifier: Apache-2.0 */
/* tree-head. */
#include <string.h>

#include "base/reader.h"
#include "leaf.h"
#include "wire/config.h"
#include "wire/tree_head.h"

bool conf_tree_head_verifies(struct conf_case *c, const json_t *object, struct kt_bytes signature)
{
  const struct kt_config config = conf_config(c, object);
  const struct kt_hash root = conf_hash(c, object, "root");
  const struct kt_tree_head head = { .tree_size = conf_u64(c, object, "tree_size"), .signature = signature };
  return kt_tree_head_verify(&config, &head, &root) == KT_OK;
}

static void check_config(struct conf_case *c, const struct kt_config *config)
{
  const struct kt_bytes encoded = conf_hex(c, c->expect, "configuration");
  struct kt_config decoded;
  uint8_t bytes[KT_CONFIG_MAX];
  size_t n = kt_config_encode(config, bytes);
  conf_same_bytes(c, (struct kt_bytes){ bytes, n }, encoded, "configuration");
  conf_err(c, kt_config_decode(encoded, &decoded, &c->reason), KT_OK, "decoding the configuration");
  n = kt_config_encode(&decoded, bytes);
  conf_same_bytes(c, (struct kt_bytes){ bytes, n }, encoded, "configuration, decoded and encoded");
}

/* Decode, compare with the parts, encode. */
static void check_full_head(struct conf_case *c, const struct kt_config *config, const char *key,
                            const struct kt_full_tree_head *wanted)
{
  const struct kt_bytes encoded = conf_hex(c, c->expect, key);
  struct kt_full_tree_head head;
  struct kt_reader r;
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_full_tree_head_read(&r, config, &head);
  conf_err(c, kt_reader_end(&r), KT_OK, key);
  conf_same_u64(c, head.type, wanted->type, key);
  if (head.type == KT_HEAD_UPDATED) {
    conf_same_u64(c, head.tree_head.tree_size, wanted->tree_head.tree_size, key);
    conf_same_bytes(c, head.tree_head.signature, wanted->tree_head.signature, key);
  }
  if (head.type == KT_HEAD_UPDATED && config->mode == KT_MODE_THIRD_PARTY_AUDITING) {
    conf_same_u64(c, head.auditor_head.timestamp, wanted->auditor_head.timestamp, key);
    conf_same_u64(c, head.auditor_head.tree_size, wanted->auditor_head.tree_size, key);
    conf_same_bytes(c, head.auditor_head.signature, wanted->auditor_head.signature, key);
  }
  struct kt_writer w = conf_writer(c);
  kt_full_tree_head_write(&w, config, &head);
  conf_same_bytes(c, conf_written(c, &w), encoded, key);
}

static struct kt_auditor_tree_head check_auditor(struct conf_case *c, const struct kt_config *config,
                                                 const struct kt_hash *root)
{
  const struct kt_bytes encoded = conf_hex(c, c->expect, "auditor_tree_head");
  struct kt_auditor_tree_head head;
  struct kt_reader r;
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_auditor_tree_head_read(&r, &head);
  conf_err(c, kt_reader_end(&r), KT_OK, "decoding auditor_tree_head");
  struct kt_writer w = conf_writer(c);
  kt_auditor_tree_head_write(&w, &head);
  conf_same_bytes(c, conf_written(c, &w), encoded, "auditor_tree_head");
  conf_same_u64(c, head.timestamp, conf_u64(c, c->input, "auditor_timestamp"), "auditor_timestamp");
  conf_same_u64(c, head.tree_size, conf_u64(c, c->input, "tree_size"), "tree_size of the auditor");

  uint8_t tbs[KT_HEAD_TBS_MAX];
  size_t n = kt_auditor_tree_head_sign_data(config, head.timestamp, head.tree_size, root, tbs);
  conf_same_bytes(c, (struct kt_bytes){ tbs, n }, conf_hex(c, c->expect, "auditor_tree_head_tbs"),
                  "auditor_tree_head_tbs");
  conf_err(c, kt_auditor_tree_head_verify(config, &head, root), KT_OK, "auditor's signature");
  return head;
}

void conf_tree_head(struct conf_case *c)
{
  if (conf_has(c->expect, "error")) {
    conf_require(c, conf_flag(c, c->expect, "error"), "field \"error\" is not true");
    conf_require(c, !conf_tree_head_verifies(c, c->input, conf_hex(c, c->input, "signature")),
                 "the signature verifies");
    return;
  }
  const struct kt_config config = conf_config(c, c->input);
  const struct kt_hash root = conf_hash(c, c->input, "root");
  check_config(c, &config);

  struct kt_full_tree_head full = { .type = KT_HEAD_UPDATED };
  full.tree_head = (struct kt_tree_head){ .tree_size = conf_u64(c, c->input, "tree_size"),
                                          .signature = conf_hex(c, c->expect, "signature") };
  uint8_t tbs[KT_HEAD_TBS_MAX];
  size_t n = kt_tree_head_sign_data(&config, full.tree_head.tree_size, &root, tbs);
  conf_same_bytes(c, (struct kt_bytes){ tbs, n }, conf_hex(c, c->expect, "tree_head_tbs"), "tree_head_tbs");
  conf_require(c, conf_tree_head_verifies(c, c->input, full.tree_head.signature), "the signature does not verify");
  struct kt_writer w = conf_writer(c);
  kt_tree_head_write(&w, &full.tree_head);
  conf_same_bytes(c, conf_written(c, &w), conf_hex(c, c->expect, "tree_head"), "tree_head");

  if (config.mode == KT_MODE_THIRD_PARTY_AUDITING) {
    full.auditor_head = check_auditor(c, &config, &root);
  }
  check_full_head(c, &config, "full_tree_head_updated", &full);
  check_full_head(c, &config, "full_tree_head_same", &(struct kt_full_tree_head){ .type = KT_HEAD_SAME });
}
