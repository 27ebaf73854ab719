/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask: access tokens, when the settings want them. Decided from the head of the request, before its body is
 * read. */
#include <string.h>

#include "access.h"
#include "http_server.h"
#include "http_update.h"

/* The header of its own, or "Authorization: Bearer kta_…" where no registration token needs that field. */
static struct kt_bytes shown_token(const struct kt_call *call)
{
  static const char scheme[] = "Bearer ";
  const char *own = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, KT_ACCESS_HEADER);
  const char *header = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
  if (own == NULL && header != NULL && strncmp(header, scheme, sizeof scheme - 1) == 0) {
    own = header + sizeof scheme - 1;
  }
  return own != NULL ? (struct kt_bytes){ (const uint8_t *)own, strlen(own) } : (struct kt_bytes){ 0 };
}

bool kt_call_is_permitted(struct kt_call *call)
{
  const struct kt_instance *instance = call->http->instance;
  if (call->route->body == KT_BODY_SIGNED_VALUES) {
    return kt_call_is_the_operator(call);
  }
  if (instance->settings.access == KT_ACCESS_OPEN || call->route->purpose == KT_PURPOSE_PUBLIC) {
    return true;
  }
  switch (kt_access_check(instance->access, shown_token(call), call->route->purpose, call->principal)) {
  case KT_ACCESS_GRANTED: call->has_principal = true; return true;
  case KT_ACCESS_FORBIDDEN:
    kt_problem_set(&call->problem, 403, "scope", "this access token does not permit requests of this kind");
    break;
  case KT_ACCESS_UNKNOWN:
    kt_problem_set(&call->problem, 401, "access-token", "this log answers holders of an access token only");
    call->problem.ask_for_token = true;
    break;
  }
  return false;
}
