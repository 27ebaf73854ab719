/* SPDX-License-Identifier: Apache-2.0 */
/* What kt-verify reads beside the protocol: its record of what an auditor's key signed last, in both suites;
 * texts that people type or send; and from a server its pages for auditors, its relay's messages, its problem
 * documents. The first byte selects.
 *
 * What reads is written again as it was, or lies whole inside the input; the key never signs a second tree of one
 * size. */
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "account/utf8.h"
#include "audit_page.h"
#include "auditor_signed.h"
#include "config_kind.h"
#include "credential_file.h"
#include "crypto/hash.h"
#include "lookup.h"
#include "sas_channel.h"

#define TEXT_MAX ((size_t)1 << 16)
#define LOG_ID "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff" /* its first half, and its second */

static const uint8_t key[KT_PUBLIC_KEY_MAX] = { 4, 1, 2, 3 };

/* Says everything to nobody. */
static struct kt_output *quiet_output(void)
{
  static struct kt_output out;
  if (out.data == NULL) {
    FILE *nowhere = fopen("/dev/null", "w");
    FUZZ_CHECK(nowhere != NULL);
    kt_output_init(&out, nowhere, nowhere, "never", false);
  }
  return &out;
}

/* A copy with nothing behind it that belongs to it, so that a byte too many is noticed. */
static uint8_t *copy_of(struct kt_bytes bytes)
{
  uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
  FUZZ_CHECK(copy != NULL);
  memcpy(copy, bytes.data, bytes.len);
  return copy;
}

/* --- what an auditor's key signed --------------------------------------------------------------------------------- */

static void check_signed(const struct kt_suite *suite, struct kt_bytes line)
{
  const struct kt_bytes public_key = { key, suite->sign_public_len };
  const struct kt_hash other_root = { { 0xee } };
  struct kt_auditor_signed last;
  char again[KT_AUDITOR_SIGNED_LINE_MAX];
  enum kt_err err = kt_auditor_signed_parse(line, suite, public_key, &last);
  if (err != KT_OK) {
    FUZZ_CHECK(err == KT_ERR_FORMAT || err == KT_ERR_CONFLICT);
    return;
  }
  const size_t len = kt_auditor_signed_text(suite, public_key, &last, again);
  FUZZ_CHECK(fuzz_equal(line, (struct kt_bytes){ (uint8_t *)again, len }));
  if (last.size > 0) {
    FUZZ_CHECK(kt_auditor_signed_allows(&last, &last.log_id, last.size, &last.root));
    FUZZ_CHECK(!kt_auditor_signed_allows(&last, &last.log_id, last.size - 1, &last.root));
    FUZZ_CHECK(!kt_auditor_signed_allows(&last, &last.log_id, last.size, &other_root) ||
               memcmp(&last.root, &other_root, sizeof other_root) == 0);
  }
}

/* --- what people type or send ------------------------------------------------------------------------------------- */

static void check_room(struct kt_bytes text)
{
  char copy[64];
  char room[KT_SAS_ROOM_SIZE];
  char again[KT_SAS_ROOM_SIZE];
  if (text.len >= sizeof copy) {
    return;
  }
  memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  if (kt_sas_room_parse(copy, room)) {
    FUZZ_CHECK(strspn(room, "0123456789") == KT_SAS_ROOM_DIGITS && room[KT_SAS_ROOM_DIGITS] == '\0');
    FUZZ_CHECK(kt_sas_room_parse(room, again) && strcmp(room, again) == 0);
  }
}

/* Without a name, so that nothing is left behind. */
static const char *file_path(void)
{
  static char path[64];
  if (path[0] == '\0') {
    char name[] = "/tmp/kt-fuzz-XXXXXX";
    int fd = mkstemp(name);
    FUZZ_CHECK(fd >= 0 && unlink(name) == 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  return path;
}

static void put_file(struct kt_bytes content)
{
  int fd = open(file_path(), O_WRONLY | O_TRUNC);
  FUZZ_CHECK(fd >= 0 && write(fd, content.data, content.len) == (ssize_t)content.len && close(fd) == 0);
}

/* Of the pinned log, whose id is that of the corpus. What reads is written so that it reads the same. */
static void check_credential_file(struct kt_bytes text)
{
  static struct kt_session session;
  struct kt_cli cli = { .values = { [KT_OPT_OUT] = file_path() } };
  struct kt_credential_file file;
  struct kt_credential_file again;
  struct kt_hash hash;
  put_file(text);
  session.out = quiet_output();
  session.cli = &cli;
  memcpy(session.log_id.b, LOG_ID LOG_ID, KT_HASH_LEN);
  kt_arena_init(&session.arena, KT_ARENA_CAP_DEFAULT);
  if (kt_credential_file_read(&session, file_path(), &file) == KT_EXIT_OK) {
    kt_sha256(file.body.data, file.body.len, &hash);
    FUZZ_CHECK(file.body.len > 0 && (file.is_update || kt_hash_equal(&file.of, &hash)));
    FUZZ_CHECK(kt_hash_equal(&file.log_id, &session.log_id));
    FUZZ_CHECK(kt_credential_file_write(&session, &file) == KT_EXIT_OK);
    FUZZ_CHECK(kt_credential_file_read(&session, file_path(), &again) == KT_EXIT_OK);
    FUZZ_CHECK(file.is_update == again.is_update && kt_hash_equal(&file.of, &again.of));
    FUZZ_CHECK(fuzz_equal(file.body, again.body));
  }
  kt_arena_release(&session.arena);
}

/* Labels as the lines have them, each once; and written again they are the same list. */
static void check_group(struct kt_bytes text)
{
  static struct kt_lookup_group group;
  static struct kt_lookup_group again;
  struct kt_session session = { .out = quiet_output() };
  struct kt_writer w;
  if (kt_lookup_group_parse(&session, "file", text, &group) != KT_EXIT_OK) {
    return;
  }
  FUZZ_CHECK(group.n > 0 && group.n <= KT_LOOKUP_GROUP_MAX);
  kt_writer_init(&w, 2 * TEXT_MAX);
  for (size_t i = 0; i < group.n; i++) {
    const struct kt_bytes label = group.labels[i];
    FUZZ_CHECK(label.data >= text.data && label.data + label.len <= text.data + text.len);
    FUZZ_CHECK(label.len > 0 && label.len <= KT_LABEL_MAX && kt_utf8_is_valid(label));
    FUZZ_CHECK(memchr(label.data, '\n', label.len) == NULL);
    kt_write_bytes(&w, label.data, label.len);
    kt_write_bytes(&w, "\r\n", 2);
  }
  const struct kt_bytes list = { w.buf, w.len };
  FUZZ_CHECK(w.err == KT_OK && kt_lookup_group_parse(&session, "file", list, &again) == KT_EXIT_OK);
  FUZZ_CHECK(again.n == group.n);
  for (size_t i = 0; i < group.n; i++) {
    FUZZ_CHECK(fuzz_equal(group.labels[i], again.labels[i]));
  }
  kt_writer_release(&w);
}

/* --- what a server says ------------------------------------------------------------------------------------------- */

/* Entries one after the other, as they lie in the reply; the last one may be none. */
static void check_entries(const struct kt_audit_page *page)
{
  const uint8_t *at = page->reply.body + 4;
  const uint8_t *end = page->reply.body + page->reply.len;
  for (size_t i = 0; i < page->n; i++) {
    const struct kt_audit_page_entry *entry = &page->entries[i];
    FUZZ_CHECK(entry->encoded.data == at && entry->encoded.len <= (size_t)(end - at));
    FUZZ_CHECK(entry->err == KT_OK || (i + 1 == page->n && page->err != KT_OK));
    at += entry->encoded.len;
  }
  FUZZ_CHECK(page->err != KT_OK || at == end);
}

/* The first byte: how many entries were asked for. */
static void check_audit_page(struct kt_bytes answer)
{
  struct kt_audit_page page = { .start = 7 };
  struct fuzz_input input;
  if (!fuzz_split(answer.data, answer.len, &input)) {
    return;
  }
  page.limit = input.selector;
  page.reply = (struct kt_reply){ .kind = KT_REPLY_OK, .body = copy_of(input.rest), .len = input.rest.len };
  const uint32_t count = kt_audit_page_count(&page);
  kt_audit_page_read(&page);
  FUZZ_CHECK(page.err == KT_OK || fuzz_is_refusal(page.err));
  FUZZ_CHECK(page.n <= count && (page.n <= page.limit || (page.n == 1 && page.entries[0].err != KT_OK)));
  FUZZ_CHECK(page.err != KT_OK || page.n == count);
  check_entries(&page);
  kt_audit_page_release(&page);
}

/* Message messages<0..2^8-1>, each opaque<1..2^16-1>: the first one, where the count says that there is one. */
static void check_relay(struct kt_bytes answer)
{
  struct kt_arena arena;
  struct kt_bytes text;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_sas_relay_read(answer, &arena, &text);
  if (err == KT_OK) {
    FUZZ_CHECK(answer.data[0] > 0 && text.len > 0 && text.len <= KT_JSON_SAS_MAX && text.len + 3 <= answer.len);
    FUZZ_CHECK(fuzz_equal(text, (struct kt_bytes){ answer.data + 3, text.len }));
  } else {
    FUZZ_CHECK((err == KT_ERR_ABSENT) == (answer.len == 1 && answer.data[0] == 0));
    FUZZ_CHECK(err == KT_ERR_ABSENT || fuzz_is_refusal(err));
  }
  kt_arena_release(&arena);
}

/* Whole, and nothing that moves a cursor. */
static bool is_clean(const char *text, size_t size)
{
  const char *end = memchr(text, '\0', size);
  bool clean = end != NULL && kt_utf8_is_valid((struct kt_bytes){ (const uint8_t *)text, (size_t)(end - text) });
  for (; clean && *text != '\0'; text++) {
    clean = (uint8_t)*text >= ' ' && *text != 0x7f;
  }
  return clean;
}

static void check_problem(struct kt_bytes document)
{
  struct kt_reply reply = { .kind = KT_REPLY_PROBLEM, .body = copy_of(document), .len = document.len };
  kt_reply_problem_read(&reply);
  FUZZ_CHECK(is_clean(reply.type, sizeof reply.type) && is_clean(reply.error, sizeof reply.error));
  kt_reply_release(&reply);
}

static void check_kind(struct kt_bytes config)
{
  char text[KT_CONFIG_KIND_SIZE];
  char other_text[KT_CONFIG_KIND_SIZE];
  uint8_t other[3];
  kt_config_kind(config, text);
  FUZZ_CHECK(is_clean(text, sizeof text) && text[0] != '\0');
  FUZZ_CHECK(kt_config_same_kind(config, config) == (config.len >= sizeof other));
  if (config.len >= sizeof other) {
    memcpy(other, config.data, sizeof other);
    other[config.data[config.len - 1] % sizeof other] ^= 1;
    kt_config_kind((struct kt_bytes){ other, sizeof other }, other_text);
    FUZZ_CHECK(!kt_config_same_kind(config, (struct kt_bytes){ other, sizeof other }) && strcmp(text, other_text) != 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  if (!fuzz_split(data, size, &input) || size > TEXT_MAX) {
    return 0;
  }
  switch (input.selector) {
  case 'e': check_signed(fuzz_suite(false), input.rest); break;
  case 'p': check_signed(fuzz_suite(true), input.rest); break;
  case 'r': check_room(input.rest); break;
  case 'c': check_credential_file(input.rest); break;
  case 'g': check_group(input.rest); break;
  case 'a': check_audit_page(input.rest); break;
  case 'm': check_relay(input.rest); break;
  case 'P': check_problem(input.rest); break;
  case 'k': check_kind(input.rest); break;
  default: break;
  }
  return 0;
}
