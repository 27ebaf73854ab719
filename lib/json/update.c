/* SPDX-License-Identifier: Apache-2.0 */
#include "json/update.h"

#include "json/device_set.h"
#include "json/proof.h"

static json_t *value_item(const void *ctx, size_t i)
{
  struct kt_bytes value = ((const struct kt_bytes *)ctx)[i];
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "value", kt_json_hex(value));
  kt_json_set(&b, "device_set", kt_json_value(value));
  return kt_json_end(&b);
}

static json_t *info_item(const void *ctx, size_t i)
{
  const struct kt_update_info *info = (const struct kt_update_info *)ctx + i;
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "opening", kt_json_hex((struct kt_bytes){ info->opening, KT_OPENING_LEN }));
  if (info->signature.len > 0) {
    kt_json_set(&b, "value_signature", kt_json_hex(info->signature));
  }
  return kt_json_end(&b);
}

json_t *kt_json_update_request(const struct kt_update_request *request)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "last", kt_json_optional_u64(request->last));
  kt_json_set(&b, "label", kt_json_text(request->label));
  kt_json_set(&b, "greatest_version", kt_json_optional_u32(request->greatest_version));
  kt_json_set(&b, "values", kt_json_array(request->values, request->n_values, value_item));
  return kt_json_end(&b);
}

json_t *kt_json_update_response(const struct kt_config *config, const struct kt_update_response *response)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "full_tree_head", kt_json_full_tree_head(&response->full_tree_head));
  kt_json_set(&b, "position", kt_json_u64(response->position));
  if (config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    kt_json_set(&b, "skipped_versions", kt_json_u64(response->skipped_versions));
  }
  kt_json_set(&b, "values", kt_json_array(response->values, response->n_values, value_item));
  kt_json_set(&b, "info", kt_json_array(response->info, response->n_info, info_item));
  kt_json_set(&b, "binary_ladder", kt_json_ladder(config, response->binary_ladder, response->n_ladder));
  kt_json_set(&b, "update", kt_json_combined_proof(&response->update));
  return kt_json_end(&b);
}
