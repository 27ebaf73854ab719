/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/key_algorithm.h>

#include <string.h>

struct key_algorithm {
  uint16_t number;
  const char *name;
  size_t len; /* 0: the algorithm does not fix it */
};

static const struct key_algorithm registry[] = {
  { KT_KEY_ED25519, "ed25519", 32 },     /* RFC 8032 section 5.1.5 */
  { KT_KEY_X25519, "x25519", 32 },       /* RFC 7748 section 5 */
  { KT_KEY_P256, "p256", 0 },            /* SEC 1 section 2.3.3: two lengths, see point_fits */
  { KT_KEY_MLKEM768, "mlkem768", 1184 }, /* FIPS 203 table 3 */
  { KT_KEY_MLKEM1024, "mlkem1024", 1568 },
  { KT_KEY_MLDSA65, "mldsa65", 1952 }, /* FIPS 204 table 2 */
  { KT_KEY_OPENPGP, "openpgp", 0 },    /* a transferable public key, RFC 9580 section 10.1 */
  { KT_KEY_SSH, "ssh", 0 },            /* a public key blob, RFC 4253 section 6.6 */
  { KT_KEY_RAW, "raw", 0 },            /* whatever the application says */
};

#define N_ALGORITHMS (sizeof registry / sizeof registry[0])

static const struct key_algorithm *algorithm_by_number(uint16_t number)
{
  for (size_t i = 0; i < N_ALGORITHMS; i++) {
    if (registry[i].number == number) {
      return &registry[i];
    }
  }
  return NULL;
}

const char *kt_key_algorithm_name(uint16_t algorithm)
{
  const struct key_algorithm *entry = algorithm_by_number(algorithm);
  return entry != NULL ? entry->name : NULL;
}

enum kt_err kt_key_algorithm_from_name(const char *name, size_t name_len, uint16_t *ret_algorithm)
{
  for (size_t i = 0; i < N_ALGORITHMS; i++) {
    if (strlen(registry[i].name) == name_len && memcmp(registry[i].name, name, name_len) == 0) {
      *ret_algorithm = registry[i].number;
      return KT_OK;
    }
  }
  return KT_ERR_UNSUPPORTED;
}

/* SEC 1 section 2.3.3: 04 and two coordinates, or 02 or 03 and one. */
static bool point_fits(struct kt_bytes key)
{
  return (key.len == 65 && key.data[0] == 0x04) || (key.len == 33 && (key.data[0] == 0x02 || key.data[0] == 0x03));
}

bool kt_key_algorithm_fits(uint16_t algorithm, struct kt_bytes key)
{
  if (algorithm == 0 || key.len == 0) {
    return false;
  }
  if (algorithm == KT_KEY_P256) {
    return point_fits(key);
  }
  const struct key_algorithm *entry = algorithm_by_number(algorithm);
  return entry == NULL || entry->len == 0 || entry->len == key.len;
}
