/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/account_key.h>

#include "crypto/hash.h"

#include <sodium.h>
#include <string.h>

static const char sealed_magic[16] = "kt-account-key/1"; /* 16 characters, no NUL */

#define MAGIC_LEN sizeof sealed_magic
#define SEALED_SALT MAGIC_LEN
#define SEALED_NONCE (SEALED_SALT + KT_ACCOUNT_SALT_LEN)
#define SEALED_BOX (SEALED_NONCE + KT_ACCOUNT_NONCE_LEN)

/* Fixed by the format number, so that a hostile file cannot choose how much memory opening it takes. */
#define SEALED_PASSES 3
#define SEALED_MEMORY ((size_t)256 << 20)

_Static_assert(KT_ACCOUNT_SALT_LEN == crypto_pwhash_SALTBYTES, "Argon2id salt");
_Static_assert(KT_ACCOUNT_NONCE_LEN == crypto_secretbox_NONCEBYTES, "secretbox nonce");
_Static_assert(KT_ACCOUNT_SEALED_LEN == SEALED_BOX + crypto_secretbox_MACBYTES + KT_ACCOUNT_SEED_LEN, "sealed length");

enum kt_err kt_account_key_from_seed(const uint8_t seed[static KT_ACCOUNT_SEED_LEN], struct kt_account_key *ret_key)
{
  uint8_t secret[crypto_sign_SECRETKEYBYTES];
  struct kt_account_key key = { .b = { KT_ACCOUNT_KEY_TYPE } };
  int rc = crypto_sign_seed_keypair(key.b + 1, secret, seed);
  sodium_memzero(secret, sizeof secret);
  if (rc != 0) {
    return KT_ERR_CRYPTO;
  }
  *ret_key = key;
  return KT_OK;
}

enum kt_err kt_account_key_sign(const uint8_t seed[static KT_ACCOUNT_SEED_LEN], struct kt_bytes message,
                                uint8_t ret_signature[static KT_ACCOUNT_SIGNATURE_LEN])
{
  uint8_t secret[crypto_sign_SECRETKEYBYTES];
  uint8_t public[crypto_sign_PUBLICKEYBYTES];
  int rc = crypto_sign_seed_keypair(public, secret, seed);
  if (rc == 0) {
    rc = crypto_sign_detached(ret_signature, NULL, message.data, message.len, secret);
  }
  sodium_memzero(secret, sizeof secret);
  return rc == 0 ? KT_OK : KT_ERR_CRYPTO;
}

enum kt_err kt_account_key_verify(const struct kt_account_key *key, struct kt_bytes message,
                                  const uint8_t signature[static KT_ACCOUNT_SIGNATURE_LEN])
{
  if (key->b[0] != KT_ACCOUNT_KEY_TYPE ||
      crypto_sign_verify_detached(signature, message.data, message.len, key->b + 1) != 0) {
    return KT_ERR_PROOF;
  }
  return KT_OK;
}

bool kt_account_key_equal(const struct kt_account_key *a, const struct kt_account_key *b)
{
  return memcmp(a->b, b->b, sizeof a->b) == 0;
}

void kt_account_key_fingerprint(const struct kt_account_key *key, struct kt_hash *ret_fingerprint)
{
  kt_sha256(key->b, sizeof key->b, ret_fingerprint);
}

static enum kt_err passphrase_key(struct kt_bytes passphrase, const uint8_t *salt,
                                  uint8_t ret_key[static crypto_secretbox_KEYBYTES])
{
  /* crypto_pwhash takes char *; the bytes are only read. */
  int rc = crypto_pwhash(ret_key, crypto_secretbox_KEYBYTES, (const char *)passphrase.data, passphrase.len, salt,
                         SEALED_PASSES, SEALED_MEMORY, crypto_pwhash_ALG_ARGON2ID13);
  return rc == 0 ? KT_OK : KT_ERR_MEMORY; /* it fails only when the memory cannot be had */
}

enum kt_err kt_account_key_seal(const uint8_t seed[static KT_ACCOUNT_SEED_LEN], struct kt_bytes passphrase,
                                const uint8_t salt[static KT_ACCOUNT_SALT_LEN],
                                const uint8_t nonce[static KT_ACCOUNT_NONCE_LEN],
                                uint8_t ret_sealed[static KT_ACCOUNT_SEALED_LEN])
{
  uint8_t key[crypto_secretbox_KEYBYTES];
  enum kt_err err = passphrase_key(passphrase, salt, key);
  if (err != KT_OK) {
    return err;
  }
  memcpy(ret_sealed, sealed_magic, MAGIC_LEN);
  memcpy(ret_sealed + SEALED_SALT, salt, KT_ACCOUNT_SALT_LEN);
  memcpy(ret_sealed + SEALED_NONCE, nonce, KT_ACCOUNT_NONCE_LEN);
  int rc = crypto_secretbox_easy(ret_sealed + SEALED_BOX, seed, KT_ACCOUNT_SEED_LEN, nonce, key);
  sodium_memzero(key, sizeof key);
  return rc == 0 ? KT_OK : KT_ERR_CRYPTO;
}

enum kt_err kt_account_key_open(struct kt_bytes sealed, struct kt_bytes passphrase,
                                uint8_t ret_seed[static KT_ACCOUNT_SEED_LEN])
{
  if (sealed.len != KT_ACCOUNT_SEALED_LEN || memcmp(sealed.data, sealed_magic, MAGIC_LEN) != 0) {
    return KT_ERR_FORMAT;
  }
  uint8_t key[crypto_secretbox_KEYBYTES];
  enum kt_err err = passphrase_key(passphrase, sealed.data + SEALED_SALT, key);
  if (err != KT_OK) {
    return err;
  }
  /* The tag is checked before anything is written. */
  int rc = crypto_secretbox_open_easy(ret_seed, sealed.data + SEALED_BOX, KT_ACCOUNT_SEALED_LEN - SEALED_BOX,
                                      sealed.data + SEALED_NONCE, key);
  sodium_memzero(key, sizeof key);
  return rc == 0 ? KT_OK : KT_ERR_PROOF;
}
