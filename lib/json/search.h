/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of Search (draft: Search): {"label":…,"version":…,"last":…} in, the response out. */
#ifndef KT_JSON_SEARCH_H
#define KT_JSON_SEARCH_H

#include <kt/arena.h>
#include "json/builder.h"
#include "wire/search.h"

json_t *kt_json_search_request(const struct kt_search_request *request);
json_t *kt_json_search_response(const struct kt_config *config, const struct kt_search_response *response);

/* Decode the JSON text of a request; "version" and "last" may be left out or null. The label is copied to the arena.
 * KT_ERR_FORMAT (duplicate or unknown members, wrong types, numbers out of range) with *ret_text saying what. */
#define KT_JSON_SEARCH_TEXT_SIZE 200
KT_MUST_USE enum kt_err kt_json_search_request_read(struct kt_bytes text, struct kt_arena *arena,
                                                    struct kt_search_request *ret_request,
                                                    char ret_text[static KT_JSON_SEARCH_TEXT_SIZE]);

#endif
