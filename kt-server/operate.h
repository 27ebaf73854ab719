/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator's verbs ask of an open log: one JSON object in, one out. The same code answers over DIR/admin.sock
 * while the log runs and inside the verb's own process while it does not.
 *
 * Requests:
 *   {"op":"status"}                       → {"ok":true,"status":{…}}
 *   {"op":"head"}                         → {"ok":true,"head":{"size","timestamp_ms","root":HEX,"signature":HEX}}, the
 *                                           published one
 *   {"op":"token","hash":HEX}             → {"ok":true}
 *   {"op":"insert","item":{"label":…,"devices":[…],"account_key":…}}
 *       → {"ok":true,"result":{"result":"inserted","version":N,"position":N} | {"result":"refused"|"failed","text":…}}
 *   {"op":"erase","label":…[,"version":N]} → {"ok":true,"erased":{"versions":N,"clean":BOOL}}; without version the
 *       whole label; "clean" false: a reader keeps copies in the files for the moment
 *   {"op":"accept-clock"} → {"ok":true,"head":{"tree_size":N,"timestamp_ms":N}}
 * Anything else, and failures of the whole: {"ok":false,"err":NUMBER,"text":…}, err being an enum kt_err.
 *
 * An import, which takes long, is no such exchange: import.h, admin.h. */
#ifndef KT_SERVER_OPERATE_H
#define KT_SERVER_OPERATE_H

#include <jansson.h>

#include "instance.h"

/* A new reference; NULL only without memory. From one thread at a time. */
json_t *kt_operate(struct kt_instance *instance, const json_t *request);

/* {"ok":false,…} */
json_t *kt_operate_failure(enum kt_err err, const char *text);

/* What the answers of both kinds of folder share: the "hash" of a token request (false: there is none), the guard. */
bool kt_operate_token_hash(const json_t *request, struct kt_hash *ret_hash);
json_t *kt_operate_guard(const struct kt_instance *instance);

/* provision.c */
json_t *kt_operate_insert(struct kt_instance *instance, const json_t *item);

#endif
