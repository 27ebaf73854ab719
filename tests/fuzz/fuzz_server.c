/* SPDX-License-Identifier: Apache-2.0 */
/* Files and messages of a log's folder that are not YAML and not a database: head guard, administration trail, access
 * tokens, keys, lines of an import, the signer's messages, requests of verbs, numbers with units, scopes, what a
 * Manager refuses with. The first byte selects.
 *
 * What reads is written again as it was; what is refused says why; what can be added to is added to, and reads
 * again. */
#include "fuzz.h"

#include <fcntl.h>
#include <jansson.h>
#include <strings.h>
#include <unistd.h>

#include "access.h"
#include "crypto/key_text.h"
#include "guard_file.h"
#include "lines.h"
#include "operator_send.h"
#include "signer.h"
#include "trail.h"
#include "units.h"
#include "upstream.h"

#define FILE_LIMIT ((size_t)1 << 16)

static char folder[64];

static void remove_folder(void)
{
  static const char *const names[] = { "head.guard", KT_NAME_TRAIL, KT_NAME_ACCESS };
  char path[128];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    (void)unlink(path);
  }
  (void)rmdir(folder);
}

static void start(void)
{
  const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  FUZZ_CHECK(kt_crypto_init() == KT_OK);
  (void)snprintf(folder, sizeof folder, "%s/kt-fuzz-XXXXXX", base);
  FUZZ_CHECK(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
}

static void put_file(const char *name, struct kt_bytes content, char ret_path[static 128])
{
  (void)snprintf(ret_path, 128, "%s/%s", folder, name);
  int fd = open(ret_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  FUZZ_CHECK(fd >= 0 && write(fd, content.data, content.len) == (ssize_t)content.len && close(fd) == 0);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void check_guard(struct kt_bytes content)
{
  struct kt_log_guard guard;
  struct kt_log_guard again;
  struct kt_error error = { { 0 } };
  char path[128];
  put_file("head.guard", content, path);
  if (kt_guard_load(path, &guard, &error) != KT_OK) {
    FUZZ_CHECK(error.text[0] != '\0');
    return;
  }
  struct kt_log_guard next = guard;
  next.size = guard.size < UINT64_MAX / 10 ? guard.size + 1 : guard.size;
  FUZZ_CHECK(kt_guard_save(path, &guard, &next, &error) == KT_OK);
  FUZZ_CHECK(kt_guard_load(path, &again, &error) == KT_OK);
  FUZZ_CHECK(again.size == next.size && again.timestamp_ms == guard.timestamp_ms);
  FUZZ_CHECK(memcmp(&again.root, &guard.root, sizeof again.root) == 0);
  FUZZ_CHECK(next.size == guard.size || kt_guard_save(path, &guard, &next, &error) == KT_ERR_CONFLICT);
}

static void check_trail(struct kt_bytes content)
{
  const struct kt_trail_record record = { .action = "start", .result = "done", .n = 1 };
  struct kt_trail_end end = { 0 };
  struct kt_trail_end again = { 0 };
  struct kt_error error = { { 0 } };
  char path[128];
  put_file(KT_NAME_TRAIL, content, path);
  if (kt_trail_read(folder, NULL, NULL, &end, &error) != KT_OK) {
    FUZZ_CHECK(error.text[0] != '\0');
    return;
  }
  FUZZ_CHECK(kt_trail_append(folder, &record, 1, &error) == KT_OK);
  FUZZ_CHECK(kt_trail_read(folder, NULL, NULL, &again, &error) == KT_OK && again.seq == end.seq + 1);
}

#define OUR_ID "fedcba98"
#define OUR_TOKEN KT_ACCESS_PREFIX OUR_ID "_" SECRET
#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Before whatever a file holds stands a line of a token of ours: it lets in for what it says, and for nothing else. */
static void check_our_token(struct kt_bytes content)
{
  static const struct kt_bytes shown = { (const uint8_t *)OUR_TOKEN, sizeof OUR_TOKEN - 1 };
  struct kt_access *tokens = NULL;
  struct kt_error error = { { 0 } };
  struct kt_writer w;
  uint8_t id[KT_ACCESS_ID_LEN] = { 0 };
  char hash[65];
  char line[192];
  char path[128];
  kt_access_hash(OUR_TOKEN, hash);
  (void)snprintf(line, sizeof line, "kt-access/1 " OUR_ID " search 7 %s\n", hash);
  kt_writer_init(&w, 2 * FILE_LIMIT);
  kt_write_bytes(&w, line, strlen(line));
  kt_write_bytes(&w, content.data, content.len);
  FUZZ_CHECK(w.err == KT_OK);
  put_file(KT_NAME_ACCESS, (struct kt_bytes){ w.buf, w.len }, path);
  kt_writer_release(&w);
  if (kt_access_open(folder, &tokens, &error) == KT_OK) {
    FUZZ_CHECK(kt_access_check(tokens, shown, KT_PURPOSE_SEARCH, id) == KT_ACCESS_GRANTED);
    FUZZ_CHECK(memcmp(id, OUR_ID, sizeof id) == 0);
    FUZZ_CHECK(kt_access_check(tokens, shown, KT_PURPOSE_UPDATE, id) == KT_ACCESS_FORBIDDEN);
    kt_access_close(tokens);
  }
}

static void check_tokens(struct kt_bytes content)
{
  struct kt_access *tokens = NULL;
  struct kt_error error = { { 0 } };
  uint8_t id[KT_ACCESS_ID_LEN];
  char path[128];
  put_file(KT_NAME_ACCESS, content, path);
  if (kt_access_open(folder, &tokens, &error) != KT_OK) {
    FUZZ_CHECK(error.text[0] != '\0');
    return;
  }
  /* Whatever a file holds, only what hashes to a line of it is let in. */
  FUZZ_CHECK(kt_access_check(tokens, content, KT_PURPOSE_SEARCH, id) == KT_ACCESS_UNKNOWN);
  json_t *request = json_pack("{s:s}", "op", "access-list");
  json_t *answer = kt_access_operate(tokens, request, 1);
  FUZZ_CHECK(json_is_object(answer));
  json_decref(answer);
  json_decref(request);
  kt_access_close(tokens);
  check_our_token(content);
}

/* Every byte but the newlines is given away once, in order. */
static void check_lines(struct kt_bytes content)
{
  struct kt_lines lines;
  struct kt_line line;
  char path[128];
  size_t at = 0;
  put_file(KT_NAME_TRAIL, content, path);
  int fd = open(path, O_RDONLY);
  FUZZ_CHECK(fd >= 0 && kt_lines_init(&lines, fd) == KT_OK);
  uint64_t n = 0;
  while (kt_lines_next(&lines, &line) == KT_OK) {
    FUZZ_CHECK(line.number == ++n && at + line.len <= content.len);
    FUZZ_CHECK(line.len == 0 || memcmp(line.text, content.data + at, line.len) == 0);
    at += line.len;
    FUZZ_CHECK(at == content.len || content.data[at] == '\n');
    at += at < content.len ? 1 : 0;
    FUZZ_CHECK(kt_lines_offset(&lines) == at);
  }
  FUZZ_CHECK(at == content.len);
  kt_lines_release(&lines);
  (void)close(fd);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static void check_signer_request(struct kt_bytes message)
{
  static struct kt_signer_request request;
  uint8_t again[KT_SIGNER_MESSAGE_MAX];
  if (kt_signer_request_decode(message, &request) == KT_OK) {
    const size_t len = kt_signer_request_encode(request.type, &request.extension, again);
    FUZZ_CHECK(fuzz_equal(message, (struct kt_bytes){ again, len }));
  }
}

static void check_signer_response(enum kt_signer_request_type type, struct kt_bytes message)
{
  static struct kt_signer_response response;
  uint8_t again[KT_SIGNER_MESSAGE_MAX];
  if (kt_signer_response_decode(type, message, &response) == KT_OK) {
    FUZZ_CHECK(memchr(response.error.text, '\0', sizeof response.error.text) != NULL);
    const size_t len = kt_signer_response_encode(type, &response, again);
    FUZZ_CHECK(fuzz_equal(message, (struct kt_bytes){ again, len }) || response.err != KT_OK);
  }
}

/* What a verb asks a running log about tokens: JSON of whoever reaches the socket. */
static void check_operation(struct kt_bytes text)
{
  struct kt_access *tokens = NULL;
  struct kt_error error;
  char path[128];
  json_t *request = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  if (request == NULL) {
    return;
  }
  put_file(KT_NAME_ACCESS, (struct kt_bytes){ 0 }, path);
  FUZZ_CHECK(kt_access_open(folder, &tokens, &error) == KT_OK);
  json_t *answer = kt_access_operate(tokens, request, 1);
  FUZZ_CHECK(answer == NULL || json_is_object(answer));
  json_decref(answer);
  kt_access_close(tokens);
  /* What was written can be read. */
  FUZZ_CHECK(kt_access_open(folder, &tokens, &error) == KT_OK);
  kt_access_close(tokens);
  json_decref(request);
}

/* What a Manager answers that is no 200, to its Service Operator: the first byte says which status. Users get a refusal
 * with a code of our form, or a 503. */
static void check_manager_problem(struct kt_bytes answer)
{
  struct kt_upstream_reply reply = { .status = 0 };
  struct kt_problem problem;
  struct fuzz_input input;
  if (!fuzz_split(answer.data, answer.len, &input)) {
    return;
  }
  reply.status = 300 + input.selector;
  reply.len = input.rest.len;
  reply.body = malloc(reply.len + 1);
  FUZZ_CHECK(reply.body != NULL);
  memcpy(reply.body, input.rest.data, reply.len);
  kt_upstream_problem_read(&reply);
  FUZZ_CHECK(strspn(reply.code, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(reply.code));
  FUZZ_CHECK(memchr(reply.text, '\0', sizeof reply.text) != NULL);
  FUZZ_CHECK(kt_opsend_is_there(&reply) == (reply.status == 422 && strcmp(reply.code, "signed-version") == 0));
  kt_upstream_problem(&reply, &problem);
  const bool is_refusal = reply.status / 100 == 4 && reply.status != 401 && reply.status != 403;
  FUZZ_CHECK(problem.status == (is_refusal ? reply.status : 503) && problem.code[0] != '\0');
  FUZZ_CHECK(is_refusal || problem.retry_after_s > 0);
  json_t *document = kt_problem_document(&problem, "title", "id");
  FUZZ_CHECK(json_is_string(json_object_get(document, "detail")));
  json_decref(document);
  kt_upstream_reply_release(&reply);
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

/* The same but for capital letters. */
static bool is_line(struct kt_bytes line, const char *again, size_t len)
{
  return line.len == len && strncasecmp((const char *)line.data, again, len) == 0;
}

static void check_key(struct kt_bytes line)
{
  const struct kt_suite *suite = NULL;
  uint8_t key[KT_PUBLIC_KEY_MAX];
  uint8_t seed[KT_SEED_LEN];
  char again[KT_KEY_TEXT_MAX];
  if (kt_public_key_read(line, "auditor", &suite, key) == KT_OK) {
    const size_t len = kt_public_key_text("auditor", suite, (struct kt_bytes){ key, suite->sign_public_len }, again);
    FUZZ_CHECK(is_line(line, again, len));
  }
  if (kt_seed_read(line, "auditor", &suite, seed) == KT_OK) {
    const size_t len = kt_seed_text("auditor", suite, seed, again);
    FUZZ_CHECK(is_line(line, again, len));
  }
}

static void check_units(struct kt_bytes text)
{
  char copy[64];
  char again[KT_DURATION_TEXT_SIZE];
  const char *why = NULL;
  uint64_t value;
  uint64_t same;
  if (text.len >= sizeof copy) {
    return;
  }
  memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  enum kt_err err = kt_duration_parse(copy, &value, &why);
  FUZZ_CHECK(err == KT_OK || err == KT_ERR_LIMIT || why != NULL);
  if (err == KT_OK) {
    kt_duration_text(value, again);
    FUZZ_CHECK(kt_duration_parse(again, &same, &why) == KT_OK && same == value);
  }
  err = kt_size_parse(copy, &value, &why);
  FUZZ_CHECK(err == KT_OK || err == KT_ERR_LIMIT || why != NULL);
  const unsigned scopes = kt_scopes_parse(copy);
  if (scopes != 0) {
    char names[KT_SCOPES_TEXT_SIZE];
    kt_scopes_text(scopes, names);
    FUZZ_CHECK(kt_scopes_parse(names) == scopes);
  }
  if (kt_number_parse(copy, &value) == KT_OK) {
    FUZZ_CHECK(strspn(copy, "0123456789") == strlen(copy) && strtoull(copy, NULL, 10) == value);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  if (folder[0] == '\0') {
    start();
  }
  if (!fuzz_split(data, size, &input) || size > FILE_LIMIT) {
    return 0;
  }
  switch (input.selector) {
  case 'g': check_guard(input.rest); break;
  case 't': check_trail(input.rest); break;
  case 'a': check_tokens(input.rest); break;
  case 'l': check_lines(input.rest); break;
  case 'q': check_signer_request(input.rest); break;
  case 'G': check_signer_response(KT_SIGNER_GUARD, input.rest); break;
  case 'S': check_signer_response(KT_SIGNER_SIGN, input.rest); break;
  case 'o': check_operation(input.rest); break;
  case 'k': check_key(input.rest); break;
  case 'u': check_units(input.rest); break;
  case 'p': check_manager_problem(input.rest); break;
  default: break;
  }
  return 0;
}
