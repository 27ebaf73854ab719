/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request from its first byte to its answer, and the routes that answer.
 *
 * A handler (kt_step function) runs when the whole body is there. It appends the authoritative bytes to call->w and
 * returns KT_STEP_ANSWER, or fills call->problem and returns KT_STEP_REFUSE, or returns KT_STEP_WAIT after it arranged
 * that kt_call_resume will be called: then it runs once more. Everything in the call lives until the connection is done
 * with it. */
#ifndef KT_SERVER_HTTP_CALL_H
#define KT_SERVER_HTTP_CALL_H

#include <jansson.h>
#include <microhttpd.h>

#include "http_problem.h"
#include "settings.h"

struct kt_http;
struct kt_call;
struct kt_peer;

enum kt_step { KT_STEP_ANSWER, KT_STEP_REFUSE, KT_STEP_WAIT };

enum kt_body_type {
  KT_BODY_NONE,
  KT_BODY_BINARY,
  KT_BODY_BINARY_OR_JSON,
  KT_BODY_VALUES,        /* binary, with values of a label: as long as the settings allow */
  KT_BODY_SIGNED_VALUES, /* that of somebody else with signatures added: it may be longer by those */
};

struct kt_route {
  const char *method;
  const char *path; /* may end with one {name}, which stands for the rest of the path, without a slash */
  enum kt_body_type body;
  const char *type; /* of the answer, unless JSON is asked for; NULL: there is no content (204) */
  enum kt_step (*answer)(struct kt_call *call);
  json_t *(*view)(struct kt_call *call); /* the decoded answer in call->w; NULL: this route has no JSON */
  enum kt_purpose purpose;               /* whose quota it uses */
};

/* The route, or NULL with the methods that the path has (NULL: an unknown path). HEAD finds what GET does. */
const struct kt_route *kt_route_find(const struct kt_route *routes, const char *method, const char *path,
                                     const char **ret_allow);

extern const struct kt_route kt_log_routes[]; /* ends with an empty path, as the next */
extern const struct kt_route kt_health_routes[];

/* What {name} stood for in a path that this route has; empty when it has none, or when it is longer than any name. */
#define KT_PATH_REST_SIZE 65
void kt_route_rest(const struct kt_route *route, const char *path, char ret_rest[static KT_PATH_REST_SIZE]);

#define KT_REQUEST_ID_SIZE 33

struct kt_call {
  struct kt_http *http;
  struct MHD_Connection *connection;
  struct kt_peer *peer;         /* the connection's place; NULL: it has none */
  const struct kt_route *route; /* NULL: none matches */
  char path_rest[KT_PATH_REST_SIZE];
  char request_id[KT_REQUEST_ID_SIZE];
  uint64_t started_ms;
  uint64_t started_us;       /* monotonic */
  struct kt_problem problem; /* status 0 until something is refused */
  bool is_body_json;
  bool wants_json;
  uint8_t *body;
  size_t body_len;
  size_t body_cap;
  bool has_principal;
  uint8_t principal[8]; /* the access token's id */
  size_t n_reserved;    /* of the memory for all requests under way */
  size_t n_large;       /* of these, for the body beyond its first KiB */
  struct kt_arena arena;
  struct kt_writer w;
  const char *cache_control; /* static; NULL: no-store */
  char etag[40];             /* quoted; empty: none */
  unsigned status;           /* of the answer that was queued */
  size_t answer_len;
  /* What the sequencer said, after kt_call_submit. */
  bool has_outcome;
  struct kt_log_outcome outcome;
  struct kt_log_ahead ahead; /* of the update that was submitted */
  /* Service Operator: what a worker needs of the connection, and what became of it there. */
  const char *target; /* path and arguments */
  struct kt_bytes token;
  bool was_forwarded;
  enum kt_step forwarded;
};

/* What a handler needs of the server. */
struct kt_log *kt_call_log(const struct kt_call *call);
const struct kt_config *kt_call_config(const struct kt_call *call);
struct kt_bytes kt_call_config_bytes(const struct kt_call *call);
bool kt_call_needs_token(const struct kt_call *call);
bool kt_call_is_stopping(const struct kt_call *call);
struct kt_relay *kt_call_relay(const struct kt_call *call);
/* Readers are made at the start, one per thread, so this never waits long. */
struct kt_log_reader *kt_call_reader_take(struct kt_call *call);
void kt_call_reader_put(struct kt_call *call, struct kt_log_reader *reader);

/* Park the connection; afterwards whoever will resume it may touch the call. So may the handler that parked it, until
 * it returns, as far as the other one does not: they are continued by one thread, one after the other. */
void kt_call_suspend(struct kt_call *call);
void kt_call_resume(struct kt_call *call);

/* Park the connection until the sequencer is done; the handler's result. It runs again with call->outcome. Takes
 * pending. */
enum kt_step kt_call_submit(struct kt_call *call, struct kt_log_pending *pending);

/* S1: the body did not decode. */
enum kt_step kt_call_refuse_body(struct kt_call *call, enum kt_err err);
/* False: call->problem is set. */
bool kt_call_label_is_valid(struct kt_call *call, struct kt_bytes label);
/* A refusal of the engine. */
enum kt_step kt_call_refuse(struct kt_call *call, enum kt_err err, const struct kt_log_problem *problem);
/* "?name=N". Absent: *fallback, or a refusal when fallback is NULL. False: call->problem is set. */
bool kt_call_query(struct kt_call *call, const char *name, const uint64_t *fallback, uint64_t *ret_value);

/* An ETag for the answer in call->w. Strong: the bytes decide. The JSON form of them is another representation and has
 * another tag. */
void kt_call_tag_answer(struct kt_call *call);

/* GET /openapi.yaml; http_openapi.c. */
enum kt_step kt_answer_openapi(struct kt_call *call);

/* The relay's routes; http_relay.c. */
enum kt_step kt_answer_relay_put(struct kt_call *call);
json_t *kt_view_relay_put(struct kt_call *call);
enum kt_step kt_answer_relay_get(struct kt_call *call);
json_t *kt_view_relay_get(struct kt_call *call);

/* Credentials; http_credential.c. */
enum kt_step kt_answer_credential(struct kt_call *call);
json_t *kt_view_credential(struct kt_call *call);
enum kt_step kt_answer_credential_update(struct kt_call *call);
json_t *kt_view_credential_update(struct kt_call *call);

/* The update routes; http_update.c, http_manager.c. */
enum kt_step kt_answer_update(struct kt_call *call);
enum kt_step kt_answer_manager_update(struct kt_call *call);
/* False: call->problem is set. From the head of the request alone. */
bool kt_call_is_the_operator(struct kt_call *call);

/* Of the search route: binary or JSON; false: call->problem is set. */
bool kt_call_read_search(struct kt_call *call, struct kt_search_request *ret_request);

/* Every route, as a Service Operator under a Third-Party Manager answers it; http_operator.c. */
enum kt_step kt_answer_as_operator(struct kt_call *call);

/* The auditor's routes; http_auditor.c. */
enum kt_step kt_answer_auditor_get(struct kt_call *call);
json_t *kt_view_auditor_get(struct kt_call *call);
enum kt_step kt_answer_auditor_put(struct kt_call *call);

#endif
