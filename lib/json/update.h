/* SPDX-License-Identifier: Apache-2.0 */
/* JSON views of UpdateRequest and UpdateResponse (draft: Updating a Label under User Operations). */
#ifndef KT_JSON_UPDATE_H
#define KT_JSON_UPDATE_H

#include "json/builder.h"
#include "wire/update.h"

json_t *kt_json_update_request(const struct kt_update_request *request);
json_t *kt_json_update_response(const struct kt_config *config, const struct kt_update_response *response);

#endif
