/* SPDX-License-Identifier: Apache-2.0 */
#include "http_openapi.h"

#include "http_call.h"

enum kt_step kt_answer_openapi(struct kt_call *call)
{
  kt_write_bytes(&call->w, kt_openapi, kt_openapi_len);
  call->cache_control = "public, max-age=3600";
  kt_call_tag_answer(call);
  return KT_STEP_ANSWER;
}
