/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of updates share. */
#ifndef KT_SERVER_HTTP_UPDATE_H
#define KT_SERVER_HTTP_UPDATE_H

#include "http_call.h"

/* "Authorization: Bearer TOKEN"; data NULL when there is none. Borrows from the connection. */
struct kt_bytes kt_call_bearer(const struct kt_call *call);
/* A refusal of an update is in call->problem: S3, whether a token would help is said from the policy and the request
 * alone, not from what exists. */
void kt_call_ask_for_token(struct kt_call *call);

#endif
