/* SPDX-License-Identifier: Apache-2.0 */
#include "data.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <kt/arena.h>
#include "base/hex.h"
#include "crypto/hash.h"

#define ADDED_MS UINT64_C(1700000000000)

/* 32 bytes that look random and follow from what they are for. */
static void derive(const char *purpose, size_t index, uint32_t seq, uint8_t ret[static KT_HASH_LEN])
{
  char text[96];
  struct kt_hash hash;
  int n = snprintf(text, sizeof text, "kt-bench %s %zu %lu", purpose, index, (unsigned long)seq);
  kt_sha256(text, (size_t)n, &hash);
  memcpy(ret, hash.b, KT_HASH_LEN);
}

struct kt_bytes bench_label(size_t index, char ret_label[static BENCH_LABEL_SIZE])
{
  int n = snprintf(ret_label, BENCH_LABEL_SIZE, "user-%08zu@example.org", index);
  return (struct kt_bytes){ (const uint8_t *)ret_label, (size_t)n };
}

void bench_write_import(const char *path, size_t n_labels)
{
  FILE *file = fopen(path, "w");
  if (file == NULL) {
    bench_die("%s: %s", path, strerror(errno));
  }
  for (size_t i = 0; i < n_labels; i++) {
    char label[BENCH_LABEL_SIZE];
    char signing[KT_BASE64_SIZE(KT_HASH_LEN)];
    char agreement[KT_BASE64_SIZE(KT_HASH_LEN)];
    uint8_t key[KT_HASH_LEN];
    (void)bench_label(i, label);
    derive("imported signing key", i, 0, key);
    (void)kt_base64_encode((struct kt_bytes){ key, sizeof key }, signing);
    derive("imported agreement key", i, 0, key);
    (void)kt_base64_encode((struct kt_bytes){ key, sizeof key }, agreement);
    (void)fprintf(file,
                  "{\"label\":\"%s\",\"devices\":[{\"name\":\"phone\",\"keys\":["
                  "{\"alg\":\"ed25519\",\"key\":\"%s\"},{\"alg\":\"x25519\",\"key\":\"%s\"}]}]}\n",
                  label, signing, agreement);
  }
  if (fclose(file) != 0) {
    bench_die("%s: %s", path, strerror(errno));
  }
}

void bench_account_init(struct bench_account *account, size_t index)
{
  *account = (struct bench_account){ 0 };
  derive("account", index, 0, account->seed);
  (void)snprintf(account->label, sizeof account->label, "acct-%08zu@example.org", index);
}

struct kt_bytes bench_account_label(const struct bench_account *account)
{
  return (struct kt_bytes){ (const uint8_t *)account->label, strlen(account->label) };
}

struct kt_bytes bench_account_sign(struct bench_account *account, const struct kt_hash *log_id, struct kt_arena *arena)
{
  uint8_t signing[KT_HASH_LEN];
  uint8_t agreement[KT_HASH_LEN];
  struct kt_bytes value = { NULL, 0 };
  derive(account->label, 1, account->seq, signing);
  derive(account->label, 2, account->seq, agreement);
  const struct kt_device_key keys[] = {
    { .algorithm = KT_KEY_ED25519, .key = { signing, sizeof signing } },
    { .algorithm = KT_KEY_X25519, .key = { agreement, sizeof agreement } },
  };
  const struct kt_device device = {
    .name = { (const uint8_t *)"phone", 5 }, .added_ms = ADDED_MS, .keys = keys, .n_keys = sizeof keys / sizeof keys[0]
  };
  struct kt_device_set set = { .log_id = *log_id,
                               .label = bench_account_label(account),
                               .seq = account->seq,
                               .previous = account->previous,
                               .devices = &device,
                               .n_devices = 1 };
  bench_require(kt_device_set_sign(&set, account->seed), "signing a device set");
  bench_require(kt_device_set_encode(&set, arena, &value), "encoding a device set");
  kt_device_set_value_hash(value, &account->previous);
  account->seq++;
  return value;
}
