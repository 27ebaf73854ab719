/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/hash.h"
#include "operate.h"

#define MAGIC "kt-access/1"
#define DOMAIN "kt-access/1\n"
#define LINE_SIZE 192
#define HEX_LEN (2 * KT_HASH_LEN)
#define FILE_MAX ((size_t)KT_ACCESS_TOKENS_MAX * LINE_SIZE)

struct token {
  char id[KT_ACCESS_ID_LEN + 1];
  unsigned scopes;
  uint64_t created_ms;
  char hash[HEX_LEN + 1];
};

struct kt_access {
  struct kt_path path;
  pthread_rwlock_t lock; /* readers: requests; writer: an operator */
  struct token *tokens;
  size_t n;
};

/* --- scopes ------------------------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  unsigned bit;
} scopes_table[] = { { "search", KT_SCOPE_SEARCH }, { "update", KT_SCOPE_UPDATE }, { "admin", KT_SCOPE_ADMIN } };
#define N_SCOPES (sizeof scopes_table / sizeof scopes_table[0])

unsigned kt_scopes_parse(const char *text)
{
  unsigned scopes = 0;
  while (*text != '\0') {
    size_t len = strcspn(text, ",");
    unsigned bit = 0;
    for (size_t i = 0; i < N_SCOPES; i++) {
      bool same = strlen(scopes_table[i].name) == len && memcmp(scopes_table[i].name, text, len) == 0;
      bit = same ? scopes_table[i].bit : bit;
    }
    if (bit == 0 || (text[len] == ',' && text[len + 1] == '\0')) {
      return 0;
    }
    scopes |= bit;
    text += len + (text[len] == ',' ? 1 : 0);
  }
  return scopes;
}

void kt_scopes_text(unsigned scopes, char ret_text[static KT_SCOPES_TEXT_SIZE])
{
  size_t len = 0;
  ret_text[0] = '\0';
  for (size_t i = 0; i < N_SCOPES; i++) {
    if ((scopes & scopes_table[i].bit) != 0) {
      len +=
          (size_t)snprintf(ret_text + len, KT_SCOPES_TEXT_SIZE - len, "%s%s", len > 0 ? "," : "", scopes_table[i].name);
    }
  }
}

static unsigned scopes_for(enum kt_purpose purpose)
{
  switch (purpose) {
  case KT_PURPOSE_SEARCH:
  case KT_PURPOSE_RELAY: return KT_SCOPE_SEARCH;
  case KT_PURPOSE_MONITOR:
    return KT_SCOPE_SEARCH | KT_SCOPE_UPDATE; /* "monitoring is never denied" to whoever updates */
  case KT_PURPOSE_UPDATE: return KT_SCOPE_UPDATE;
  case KT_PURPOSE_ADMIN: return KT_SCOPE_ADMIN;
  case KT_PURPOSE_PUBLIC: break;
  }
  return 0;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static bool is_hex(const char *text, size_t len)
{
  return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

/* "kt-access/1 ID SCOPES CREATED_MS HASH" */
static bool parse_line(const char *line, struct token *ret_token)
{
  struct token token = { .scopes = 0 };
  char scopes[KT_SCOPES_TEXT_SIZE];
  char again[LINE_SIZE];
  if (sscanf(line, MAGIC " %8s %31s %" SCNu64 " %64s", token.id, scopes, &token.created_ms, /* NOLINT(cert-err34-c) */
             token.hash) != 4) {
    return false;
  }
  token.scopes = kt_scopes_parse(scopes);
  /* One form only: what is written again is what was read. */
  int n = snprintf(again, sizeof again, MAGIC " %s %s %" PRIu64 " %s", token.id, scopes, token.created_ms, token.hash);
  if (token.scopes == 0 || !is_hex(token.id, KT_ACCESS_ID_LEN) || !is_hex(token.hash, HEX_LEN) || n < 0 ||
      strcmp(line, again) != 0) {
    return false;
  }
  *ret_token = token;
  return true;
}

static enum kt_err parse_file(struct kt_access *access, char *text, struct kt_error *error)
{
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    if (access->n == KT_ACCESS_TOKENS_MAX || !parse_line(line, &access->tokens[access->n])) {
      return kt_error_set(error, KT_ERR_FORMAT, "%s:%zu: this is no access token's line", access->path.s,
                          access->n + 1);
    }
    access->n++;
  }
  return KT_OK;
}

static enum kt_err load(struct kt_access *access, struct kt_error *error)
{
  size_t len = 0;
  char *text = malloc(FILE_MAX + 1);
  if (text == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  enum kt_err err = kt_file_read(access->path.s, FILE_MAX, text, &len, error);
  if (err == KT_OK) {
    err = parse_file(access, text, error);
  }
  free(text);
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

static enum kt_err save(const struct kt_access *access, struct kt_error *error)
{
  char scopes[KT_SCOPES_TEXT_SIZE];
  size_t len = 0;
  const size_t size = access->n * LINE_SIZE + 1;
  char *text = malloc(size);
  if (text == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  for (size_t i = 0; i < access->n; i++) {
    const struct token *token = &access->tokens[i];
    kt_scopes_text(token->scopes, scopes);
    len += (size_t)snprintf(text + len, size - len, MAGIC " %s %s %" PRIu64 " %s\n", token->id, scopes,
                            token->created_ms, token->hash);
  }
  enum kt_err err = kt_file_replace(access->path.s, text, len, 0600, error);
  free(text);
  return err;
}

enum kt_err kt_access_open(const char *dir, struct kt_access **ret_access, struct kt_error *error)
{
  struct kt_access *access = calloc(1, sizeof *access);
  struct token *tokens = calloc(KT_ACCESS_TOKENS_MAX, sizeof *tokens);
  if (access == NULL || tokens == NULL || pthread_rwlock_init(&access->lock, NULL) != 0) {
    free(access);
    free(tokens);
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  access->tokens = tokens;
  enum kt_err err = kt_path_join(dir, KT_NAME_ACCESS, &access->path, error);
  if (err == KT_OK) {
    err = load(access, error);
  }
  if (err != KT_OK) {
    kt_access_close(access);
    return err;
  }
  *ret_access = access;
  return KT_OK;
}

void kt_access_close(struct kt_access *access)
{
  if (access != NULL) {
    (void)pthread_rwlock_destroy(&access->lock);
    free(access->tokens);
    free(access);
  }
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static struct token *find(struct kt_access *access, const char *id)
{
  for (size_t i = 0; i < access->n; i++) {
    if (memcmp(access->tokens[i].id, id, KT_ACCESS_ID_LEN) == 0) {
      return &access->tokens[i];
    }
  }
  return NULL;
}

void kt_access_hash(const char *token, char ret_hex[static 65])
{
  char input[sizeof DOMAIN - 1 + KT_ACCESS_TOKEN_LEN + 1];
  struct kt_hash hash;
  int n = snprintf(input, sizeof input, DOMAIN "%s", token);
  kt_sha256(input, (size_t)n, &hash);
  (void)kt_hex_encode((struct kt_bytes){ hash.b, sizeof hash.b }, ret_hex);
  sodium_memzero(input, sizeof input);
}

enum kt_access_verdict kt_access_check(struct kt_access *access, struct kt_bytes token, enum kt_purpose purpose,
                                       uint8_t ret_id[static KT_ACCESS_ID_LEN])
{
  char text[KT_ACCESS_TOKEN_LEN + 1];
  char hash[HEX_LEN + 1];
  enum kt_access_verdict verdict = KT_ACCESS_UNKNOWN;
  if (token.data == NULL || token.len != KT_ACCESS_TOKEN_LEN ||
      memcmp(token.data, KT_ACCESS_PREFIX, sizeof KT_ACCESS_PREFIX - 1) != 0) {
    return KT_ACCESS_UNKNOWN;
  }
  memcpy(text, token.data, token.len);
  text[token.len] = '\0';
  kt_access_hash(text, hash);
  (void)pthread_rwlock_rdlock(&access->lock);
  const struct token *known = find(access, text + sizeof KT_ACCESS_PREFIX - 1);
  if (known != NULL && sodium_memcmp(known->hash, hash, HEX_LEN) == 0) {
    verdict = (known->scopes & scopes_for(purpose)) != 0 ? KT_ACCESS_GRANTED : KT_ACCESS_FORBIDDEN;
    memcpy(ret_id, known->id, KT_ACCESS_ID_LEN);
  }
  (void)pthread_rwlock_unlock(&access->lock);
  sodium_memzero(text, sizeof text);
  return verdict;
}

/* --- operators ---------------------------------------------------------------------------------------------------- */

static json_t *finish(enum kt_err err, const struct kt_error *error)
{
  return err == KT_OK ? json_pack("{s:b}", "ok", 1) : kt_operate_failure(err, error->text);
}

static json_t *create(struct kt_access *access, const json_t *request, uint64_t now_ms)
{
  const char *id = json_string_value(json_object_get(request, "id"));
  const char *scopes = json_string_value(json_object_get(request, "scopes"));
  const char *hash = json_string_value(json_object_get(request, "hash"));
  struct kt_error error;
  if (id == NULL || scopes == NULL || hash == NULL || !is_hex(id, KT_ACCESS_ID_LEN) || !is_hex(hash, HEX_LEN) ||
      kt_scopes_parse(scopes) == 0) {
    return kt_operate_failure(KT_ERR_FORMAT,
                              "scopes are one or more of search, update, admin, with commas between them");
  }
  if (access->n == KT_ACCESS_TOKENS_MAX || find(access, id) != NULL) {
    return kt_operate_failure(KT_ERR_LIMIT, "there are too many access tokens; revoke some");
  }
  struct token *token = &access->tokens[access->n++];
  *token = (struct token){ .scopes = kt_scopes_parse(scopes), .created_ms = now_ms };
  memcpy(token->id, id, KT_ACCESS_ID_LEN);
  memcpy(token->hash, hash, HEX_LEN);
  enum kt_err err = save(access, &error);
  access->n -= err == KT_OK ? 0 : 1;
  return finish(err, &error);
}

static json_t *revoke(struct kt_access *access, const json_t *request)
{
  const char *id = json_string_value(json_object_get(request, "id"));
  struct token *token = id != NULL && strlen(id) == KT_ACCESS_ID_LEN ? find(access, id) : NULL;
  struct kt_error error;
  if (token == NULL) {
    return kt_operate_failure(KT_ERR_ABSENT, "there is no access token of this name; see access-list");
  }
  const struct token kept = *token;
  *token = access->tokens[--access->n];
  enum kt_err err = save(access, &error);
  if (err != KT_OK) {
    access->n++;
    *token = kept;
  }
  return finish(err, &error);
}

static json_t *list(const struct kt_access *access)
{
  json_t *tokens = json_array();
  for (size_t i = 0; i < access->n; i++) {
    char scopes[KT_SCOPES_TEXT_SIZE];
    kt_scopes_text(access->tokens[i].scopes, scopes);
    (void)json_array_append_new(tokens, json_pack("{s:s, s:s, s:I}", "id", access->tokens[i].id, "scopes", scopes,
                                                  "created_ms", (json_int_t)access->tokens[i].created_ms));
  }
  return json_pack("{s:b, s:o}", "ok", 1, "tokens", tokens);
}

json_t *kt_access_operate(struct kt_access *access, const json_t *request, uint64_t now_ms)
{
  const char *op = json_string_value(json_object_get(request, "op"));
  json_t *response = NULL;
  if (op == NULL || strncmp(op, "access-", 7) != 0) {
    return NULL;
  }
  (void)pthread_rwlock_wrlock(&access->lock);
  if (strcmp(op, "access-create") == 0) {
    response = create(access, request, now_ms);
  } else if (strcmp(op, "access-revoke") == 0) {
    response = revoke(access, request);
  } else if (strcmp(op, "access-list") == 0) {
    response = list(access);
  }
  (void)pthread_rwlock_unlock(&access->lock);
  return response;
}
