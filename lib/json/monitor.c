/* SPDX-License-Identifier: Apache-2.0 */
#include "json/monitor.h"

#include "json/proof.h"

static json_t *map_item(const void *ctx, size_t i)
{
  const struct kt_monitor_map_entry *entry = (const struct kt_monitor_map_entry *)ctx + i;
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "position", kt_json_u64(entry->position));
  kt_json_set(&b, "version", kt_json_u64(entry->version));
  return kt_json_end(&b);
}

json_t *kt_json_contact_monitor_request(const struct kt_contact_monitor_request *request)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "last", kt_json_optional_u64(request->last));
  kt_json_set(&b, "label", kt_json_text(request->label));
  kt_json_set(&b, "entries", kt_json_array(request->entries, request->n_entries, map_item));
  return kt_json_end(&b);
}

json_t *kt_json_owner_init_request(const struct kt_owner_init_request *request)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "last", kt_json_optional_u64(request->last));
  kt_json_set(&b, "label", kt_json_text(request->label));
  kt_json_set(&b, "start", kt_json_u64(request->start));
  return kt_json_end(&b);
}

json_t *kt_json_owner_monitor_request(const struct kt_owner_monitor_request *request)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "last", kt_json_optional_u64(request->last));
  kt_json_set(&b, "label", kt_json_text(request->label));
  kt_json_set(&b, "entries", kt_json_array(request->entries, request->n_entries, map_item));
  kt_json_set(&b, "start", kt_json_u64(request->start));
  kt_json_set(&b, "greatest_version", kt_json_optional_u32(request->greatest_version));
  return kt_json_end(&b);
}

json_t *kt_json_monitor_response(const struct kt_monitor_response *response)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "full_tree_head", kt_json_full_tree_head(&response->full_tree_head));
  kt_json_set(&b, "monitor", kt_json_combined_proof(&response->monitor));
  return kt_json_end(&b);
}

static json_t *version_item(const void *ctx, size_t i)
{
  return kt_json_u64(((const uint32_t *)ctx)[i]);
}

json_t *kt_json_owner_init_response(const struct kt_config *config, const struct kt_owner_init_response *response)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "full_tree_head", kt_json_full_tree_head(&response->full_tree_head));
  kt_json_set(&b, "greatest_versions",
              kt_json_array(response->greatest_versions, response->n_greatest_versions, version_item));
  kt_json_set(&b, "binary_ladder", kt_json_ladder(config, response->binary_ladder, response->n_ladder));
  kt_json_set(&b, "init", kt_json_combined_proof(&response->init));
  return kt_json_end(&b);
}
