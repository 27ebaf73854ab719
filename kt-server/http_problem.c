/* SPDX-License-Identifier: Apache-2.0 */
#include "http_problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "json/builder.h"

#define RETRY_AFTER_S 1

void kt_problem_set(struct kt_problem *problem, unsigned status, const char *code, const char *format, ...)
{
  va_list args;
  *problem = (struct kt_problem){ .status = status };
  (void)snprintf(problem->code, sizeof problem->code, "%s", code);
  va_start(args, format);
  (void)vsnprintf(problem->detail, sizeof problem->detail, format, args);
  va_end(args);
}

static unsigned status_of(enum kt_err err)
{
  switch (err) {
  case KT_ERR_FORMAT: return 400;
  case KT_ERR_DENIED: return 403;
  case KT_ERR_CONFLICT: return 409;
  case KT_ERR_EXPIRED: return 410;
  case KT_ERR_LIMIT: return 413;
  case KT_ERR_ABSENT:
  case KT_ERR_USAGE:
  case KT_ERR_UNSUPPORTED:
  case KT_ERR_PROOF: return 422;
  case KT_OK:
  case KT_ERR_STALE:
  case KT_ERR_UNDETERMINED:
  case KT_ERR_MEMORY:
  case KT_ERR_STORE:
  case KT_ERR_CRYPTO: break;
  }
  return 500;
}

void kt_problem_from_log(struct kt_problem *problem, enum kt_err err, const struct kt_log_problem *log_problem)
{
  kt_problem_set(problem, log_problem->retry ? 503 : status_of(err), log_problem->code, "%s", log_problem->text);
  problem->retry_after_s = log_problem->retry ? RETRY_AFTER_S : 0;
  problem->current_size = log_problem->current_size;
}

json_t *kt_problem_document(const struct kt_problem *problem, const char *title, const char *request_id)
{
  char type[80];
  struct kt_json_builder b;
  (void)snprintf(type, sizeof type, "urn:kt:problem:%s", problem->code);
  kt_json_begin(&b);
  kt_json_set(&b, "type", json_string(type));
  kt_json_set(&b, "title", json_string(title));
  kt_json_set(&b, "status", json_integer(problem->status));
  kt_json_set(&b, "detail", kt_json_lossy(problem->detail));
  if (problem->current_size > 0) {
    kt_json_set(&b, "size", kt_json_u64(problem->current_size));
  }
  kt_json_set(&b, "request_id", json_string(request_id));
  return kt_json_end(&b);
}
