/* SPDX-License-Identifier: Apache-2.0 */
/* JSON views of DistinguishedRequest and DistinguishedResponse (draft: Walking Distinguished Heads). */
#ifndef KT_JSON_DISTINGUISHED_H
#define KT_JSON_DISTINGUISHED_H

#include "json/builder.h"
#include "wire/distinguished.h"

json_t *kt_json_distinguished_request(const struct kt_distinguished_request *request);
json_t *kt_json_distinguished_response(const struct kt_distinguished_response *response);

#endif
