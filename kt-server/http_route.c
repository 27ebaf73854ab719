/* SPDX-License-Identifier: Apache-2.0 */
#include "http_call.h"

#include <string.h>

static bool method_is(const struct kt_route *route, const char *method)
{
  return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

const struct kt_route *kt_route_find(const struct kt_route *routes, const char *method, const char *path,
                                     const char **ret_allow)
{
  const char *allow = NULL;
  for (const struct kt_route *route = routes; route->path != NULL; route++) {
    if (strcmp(route->path, path) != 0) {
      continue;
    }
    if (method_is(route, method)) {
      return route;
    }
    allow = strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method;
  }
  *ret_allow = allow;
  return NULL;
}
