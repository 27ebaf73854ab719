/* SPDX-License-Identifier: Apache-2.0 */
#include "http_call.h"

#include <string.h>

enum { ALLOW_GET = 1, ALLOW_POST = 2, ALLOW_PUT = 4 };

static bool method_is(const struct kt_route *route, const char *method)
{
  return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

/* Up to the {name} that the path may end with. */
static bool path_is(const struct kt_route *route, const char *path)
{
  size_t len = strcspn(route->path, "{");
  if (route->path[len] == '\0') {
    return strcmp(route->path, path) == 0;
  }
  return strncmp(route->path, path, len) == 0 && path[len] != '\0' && strchr(path + len, '/') == NULL;
}

static const char *allow_text(unsigned methods)
{
  static const char *const texts[] = {
    NULL, "GET, HEAD", "POST", "GET, HEAD, POST", "PUT", "GET, HEAD, PUT", "POST, PUT", "GET, HEAD, POST, PUT",
  };
  return texts[methods];
}

const struct kt_route *kt_route_find(const struct kt_route *routes, const char *method, const char *path,
                                     const char **ret_allow)
{
  unsigned allow = 0;
  for (const struct kt_route *route = routes; route->path != NULL; route++) {
    if (!path_is(route, path)) {
      continue;
    }
    if (method_is(route, method)) {
      return route;
    }
    allow |= strcmp(route->method, "GET") == 0    ? ALLOW_GET
             : strcmp(route->method, "POST") == 0 ? ALLOW_POST
                                                  : ALLOW_PUT;
  }
  *ret_allow = allow_text(allow);
  return NULL;
}

void kt_route_rest(const struct kt_route *route, const char *path, char ret_rest[static KT_PATH_REST_SIZE])
{
  size_t len = strcspn(route->path, "{");
  size_t rest_len = route->path[len] != '\0' ? strlen(path + len) : 0;
  ret_rest[0] = '\0';
  if (rest_len < KT_PATH_REST_SIZE) {
    memcpy(ret_rest, path + len, rest_len);
    ret_rest[rest_len] = '\0';
  }
}
