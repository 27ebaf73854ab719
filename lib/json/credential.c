/* SPDX-License-Identifier: Apache-2.0 */
#include "json/credential.h"

#include "json/device_set.h"
#include "json/proof.h"

static json_t *tree_head(const struct kt_tree_head *head)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "tree_size", kt_json_u64(head->tree_size));
  kt_json_set(&b, "signature", kt_json_hex(head->signature));
  return kt_json_end(&b);
}

json_t *kt_json_credential(const struct kt_config *config, const struct kt_credential *credential)
{
  struct kt_json_builder b;
  bool standard = credential->type == KT_CREDENTIAL_STANDARD;
  kt_json_begin(&b);
  kt_json_set(&b, "label", kt_json_text(credential->label));
  kt_json_set(&b, "version", kt_json_u64(credential->version));
  kt_json_set(&b, "opening", kt_json_hex((struct kt_bytes){ credential->opening, KT_OPENING_LEN }));
  kt_json_set(&b, "value", kt_json_hex(credential->value.value));
  kt_json_set(&b, "device_set", kt_json_value(credential->value.value));
  if (config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    kt_json_set(&b, "value_signature", kt_json_hex(credential->value.signature));
  }
  kt_json_set(&b, "binary_ladder", kt_json_ladder(config, credential->binary_ladder, credential->n_ladder));
  kt_json_set(&b, "position", kt_json_u64(credential->position));
  kt_json_set(&b, "credential_type", json_string(standard ? "standard" : "provisional"));
  if (standard) {
    kt_json_set(&b, "distinguished", kt_json_prefix_proof(&credential->distinguished));
  } else {
    kt_json_set(&b, "tree_head", tree_head(&credential->tree_head));
    kt_json_set(&b, "search", kt_json_combined_proof(&credential->search));
  }
  return kt_json_end(&b);
}

json_t *kt_json_credential_update(const struct kt_combined_proof *monitor)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "monitor", kt_json_combined_proof(monitor));
  return kt_json_end(&b);
}
