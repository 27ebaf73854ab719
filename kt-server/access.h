/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens: who may ask this log at all, when the settings say `access: token`.
 *
 * A token is "kta_ID_SECRET": eight hex digits that name it, 64 that are 32 random bytes. DIR/access-tokens (0600)
 * holds its SHA-256, so whoever reads the folder can ask nothing. What a token permits depends on the request alone,
 * before anything is looked up: 401 and 403 say nothing about who is in the log (S3). Safe from several threads. */
#ifndef KT_SERVER_ACCESS_H
#define KT_SERVER_ACCESS_H

#include <jansson.h>
#include <kt/bytes.h>

#include "file_io.h"
#include "settings.h"

#define KT_NAME_ACCESS "access-tokens"
#define KT_ACCESS_HEADER "KT-Access-Token"
#define KT_ACCESS_PREFIX "kta_"
#define KT_ACCESS_ID_LEN 8
#define KT_ACCESS_SECRET_LEN 64
#define KT_ACCESS_TOKEN_LEN (4 + KT_ACCESS_ID_LEN + 1 + KT_ACCESS_SECRET_LEN)
#define KT_ACCESS_TOKENS_MAX 4096

/* What a token permits; a token has one or more. */
enum kt_scope {
  KT_SCOPE_SEARCH = 1, /* lookups, audits, monitoring */
  KT_SCOPE_UPDATE = 2, /* updates, and monitoring of one's own label */
  KT_SCOPE_ADMIN = 4,  /* metrics */
};

/* "search,update" to bits; 0: it is none of these. */
unsigned kt_scopes_parse(const char *text);
#define KT_SCOPES_TEXT_SIZE 32
void kt_scopes_text(unsigned scopes, char ret_text[static KT_SCOPES_TEXT_SIZE]);

struct kt_access;

/* The tokens of this folder; no file is no token. KT_ERR_FORMAT with the line. */
KT_MUST_USE enum kt_err kt_access_open(const char *dir, struct kt_access **ret_access, struct kt_error *error);
void kt_access_close(struct kt_access *access);

enum kt_access_verdict { KT_ACCESS_GRANTED, KT_ACCESS_UNKNOWN, KT_ACCESS_FORBIDDEN };
/* May whoever shows this token (data NULL: none) ask for this? Granted: *ret_id names the principal. */
enum kt_access_verdict kt_access_check(struct kt_access *access, struct kt_bytes token, enum kt_purpose purpose,
                                       uint8_t ret_id[static KT_ACCESS_ID_LEN]);

/* {"op":"access-create","scopes":TEXT,"id":ID,"hash":HEX} · {"op":"access-list"} · {"op":"access-revoke","id":ID}: as
 * kt_operate. What changed is durable and in force when it answers. NULL: no such op, or no memory. */
json_t *kt_access_operate(struct kt_access *access, const json_t *request, uint64_t now_ms);

/* The hash that the file holds. */
void kt_access_hash(const char *token, char ret_hex[static 65]);

#endif
