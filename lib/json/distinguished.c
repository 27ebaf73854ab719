/* SPDX-License-Identifier: Apache-2.0 */
#include "json/distinguished.h"

#include "json/proof.h"

json_t *kt_json_distinguished_request(const struct kt_distinguished_request *request)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "last", kt_json_optional_u64(request->last));
  kt_json_set(&b, "stop", kt_json_optional_u64(request->stop));
  return kt_json_end(&b);
}

json_t *kt_json_distinguished_response(const struct kt_distinguished_response *response)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "full_tree_head", kt_json_full_tree_head(&response->full_tree_head));
  kt_json_set(&b, "distinguished", kt_json_combined_proof(&response->distinguished));
  return kt_json_end(&b);
}
