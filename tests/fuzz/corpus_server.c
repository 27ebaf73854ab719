/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of fuzz_server.c and fuzz_client.c, as folders have them; written from docs/formats.md, not by the code that
 * reads them. */
#include "corpus.h"

#include <inttypes.h>

#include "base/hex.h"
#include "crypto/hash.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PROBLEM                                                                                                \
  "{\"type\":\"urn:kt:problem:signed-version\",\"title\":\"Unprocessable Content\",\"status\":422,\"detail\":" \
  "\"version 3 is there\\u0007\",\"size\":17}"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define GUARD_DISTANCE 4096
#define GUARD_COPY 256

/* "CHECKSUM the first 8 bytes of the SHA-256 of what stands before it" */
static void guard_copy(uint64_t size, uint8_t ret_copy[static GUARD_COPY])
{
  struct kt_hash hash;
  char hex[17];
  memset(ret_copy, 0, GUARD_COPY);
  int n = snprintf((char *)ret_copy, GUARD_COPY, "kt-head-guard/2 %" PRIu64 " 1700000000000 " HASH " ", size);
  kt_sha256(ret_copy, (size_t)n, &hash);
  (void)kt_hex_encode((struct kt_bytes){ hash.b, 8 }, hex);
  (void)snprintf((char *)ret_copy + n, GUARD_COPY - (size_t)n, "%s\n", hex);
}

static void put_guard(const char *name, uint64_t first, uint64_t second)
{
  uint8_t file[GUARD_DISTANCE + GUARD_COPY] = { 0 };
  guard_copy(first, file);
  guard_copy(second, file + GUARD_DISTANCE);
  corpus_put("server", name, 'g', (struct kt_bytes){ file, sizeof file });
}

static void put_trail(void)
{
  char line[512];
  char input[640];
  struct kt_hash hash;
  char hex[65];
  int n = snprintf(
      line, sizeof line,
      "{\"seq\":1,\"time_ms\":7,\"action\":\"start\",\"result\":\"done\",\"n\":0,\"uid\":0,\"prev\":\"" ZEROS "\"");
  (void)snprintf(input, sizeof input, "kt-admin-trail/1\n%s", line);
  kt_sha256(input, strlen(input), &hash);
  (void)kt_hex_encode((struct kt_bytes){ hash.b, sizeof hash.b }, hex);
  (void)snprintf(line + n, sizeof line - (size_t)n, ",\"hash\":\"%s\"}\n", hex);
  corpus_put_text("server", "trail", 't', line);
  uint8_t without_newline[sizeof line + 8] = { 0 };
  memcpy(without_newline, line, strlen(line) - 1);
  corpus_put("server", "trail-zeros", 't', (struct kt_bytes){ without_newline, sizeof without_newline });
  line[40] ^= 1;
  corpus_put_text("server", "trail-damaged", 't', line);
}

static void put_signer(void)
{
  struct kt_writer w;
  kt_writer_init(&w, 4096);
  kt_write_u8(&w, 1);
  corpus_put_written("server", "signer-guard", 'q', &w);
  kt_writer_init(&w, 4096);
  kt_write_u8(&w, 2);
  kt_write_u64(&w, 2);
  kt_write_u64(&w, 1000);
  kt_write_bytes(&w, HASH, 32);
  kt_write_u16(&w, 1);
  kt_write_u64(&w, 2000);
  kt_write_bytes(&w, HASH, 32);
  corpus_put_written("server", "signer-sign", 'q', &w);
  kt_writer_init(&w, 4096);
  kt_write_u8(&w, 0);
  kt_write_u64(&w, 7);
  kt_write_u64(&w, 1000);
  kt_write_bytes(&w, HASH, 32);
  corpus_put_written("server", "signer-guard-answer", 'G', &w);
  kt_writer_init(&w, 4096);
  kt_write_u8(&w, 0);
  kt_write_u16(&w, 64);
  kt_write_bytes(&w, HASH, 64);
  corpus_put_written("server", "signer-signature", 'S', &w);
  kt_writer_init(&w, 4096);
  kt_write_u8(&w, 3);
  kt_write_u16(&w, 3);
  kt_write_bytes(&w, "why", 3);
  corpus_put_written("server", "signer-refuses", 'S', &w);
}

static void put_signed(const char *name, int selector, const char *suite, size_t key_len, const char *rest)
{
  const uint8_t key[65] = { 4, 1, 2, 3 };
  char key_hex[2 * sizeof key + 1];
  char line[512];
  char hex[17];
  struct kt_hash hash;
  (void)kt_hex_encode((struct kt_bytes){ key, key_len }, key_hex);
  int n = snprintf(line, sizeof line, "kt-auditor-signed/1 %s %s %s ", suite, key_hex, rest);
  kt_sha256(line, (size_t)n, &hash);
  (void)kt_hex_encode((struct kt_bytes){ hash.b, 8 }, hex);
  (void)snprintf(line + n, sizeof line - (size_t)n, "%s\n", hex);
  corpus_put_text("client", name, selector, line);
}

void corpus_put_client(void)
{
  put_signed("signed", 'e', "ed25519", 32, HASH " 7 " HASH " " HASH HASH);
  put_signed("signed-nothing", 'e', "ed25519", 32, ZEROS " 0 " ZEROS " -");
  put_signed("signed-p256", 'p', "p256", 65, HASH " 7 " HASH " -");
  corpus_put_text("client", "room", 'r', "1234 5678");
  corpus_put_text("client", "room-dashes", 'r', "12-34-56-78");
  corpus_put_text("client", "credential", 'c', "kt-credential/1\nlog " HASH "\ncredential AQID\n");
  corpus_put_text("client", "credential-update", 'c',
                  "\nkt-credential-update/1\r\n# by mail\n log " HASH " \nof " ZEROS "\nupdate AQIDBA==\n");
  corpus_put_text("client", "credential-of-another-log", 'c', "kt-credential/1\nlog " ZEROS "\ncredential AQID\n");
  corpus_put_text("client", "group", 'g', "alice\nbob\r\n\n\xc3\xa9l\xc3\xa8ve\nalice");
  corpus_put("client", "relay", 'm', (struct kt_bytes){ (const uint8_t *)"\2\0\3one\0\3two", 11 });
  corpus_put("client", "relay-nothing", 'm', (struct kt_bytes){ (const uint8_t *)"\0", 1 });
  corpus_put_text("client", "problem", 'P', PROBLEM);
  corpus_put("client", "kind", 'k', (struct kt_bytes){ (const uint8_t *)"\0\2\1", 3 });
}

void corpus_put_server(void)
{
  put_guard("guard", 7, 7);
  put_guard("guard-interrupted", 8, 7);
  put_trail();
  put_signer();
  corpus_put_text("server", "tokens", 'a',
                  "kt-access/1 0011aabb search 1700000000000 " HASH "\nkt-access/1 0011aabc search,update,admin 7 " HASH
                  "\n");
  corpus_put_text("server", "tokens-order", 'a', "kt-access/1 0011aabb update,search 7 " HASH "\n");
  corpus_put_text("server", "lines", 'l', "{\"label\":\"a\"}\n\n{\"label\":\"b\"}\r\nthe last one");
  corpus_put_text("server", "create", 'o',
                  "{\"op\":\"access-create\",\"scopes\":\"search\",\"id\":\"0011aabb\",\"hash\":\"" HASH "\"}");
  corpus_put_text("server", "revoke", 'o', "{\"op\":\"access-revoke\",\"id\":\"0011aabb\"}");
  corpus_put_text("server", "key", 'k', "kt-key/1 auditor ed25519 " HASH "\n");
  corpus_put_text("server", "public-key", 'k',
                  "kt-public-key/1 auditor ed25519 d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\n");
  corpus_put_text("server", "public-key-capitals", 'k',
                  "kt-public-key/1 auditor ed25519 D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A\n");
  corpus_put_text("server", "duration", 'u', "250ms");
  corpus_put_text("server", "days", 'u', "365d");
  corpus_put_text("server", "size", 'u', "64KiB");
  corpus_put_text("server", "number", 'u', "18446744073709551615");
  corpus_put_text("server", "scopes", 'u', "search,admin");
  corpus_put_text("server", "manager-refuses", 'p', "\x7a" PROBLEM);    /* 422 */
  corpus_put_text("server", "manager-in-trouble", 'p', "\xcbnot JSON"); /* 503 */
}
