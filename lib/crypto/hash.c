/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways to hash, chosen when the library is built. Neither allocates, keeps state or can fail, which is why the
 * interface returns nothing. */
#ifdef KT_FAST_HASH
#define OPENSSL_API_COMPAT 10101 /* OpenSSL 3 still has these functions and prefers its EVP ones */
#endif

#include "crypto/hash.h"

#include <sodium.h>
#include <string.h>

#ifdef KT_FAST_HASH

#include <openssl/sha.h>

_Static_assert(KT_HASH_LEN == SHA256_DIGEST_LENGTH, "SHA-256");

/* What SHA-256 holds after one block: the key of an HMAC, masked. */
struct midstate {
  SHA_LONG h[8];
};

static void absorb(SHA256_CTX *ctx, const void *data, size_t len)
{
  (void)SHA256_Update(ctx, data, len); /* always 1 */
}

static void finish(SHA256_CTX *ctx, struct kt_hash *ret)
{
  (void)SHA256_Final(ret->b, ctx); /* 1 for every ctx that SHA256_Init made */
}

/* libcrypto uses the processor's instructions for SHA-256 where it has them. EVP's cheapest way, a fetched digest in a
 * context that is reused, takes 0.04 us longer for each hash, can fail, and needs a place to keep the context. */
void kt_sha256(const void *data, size_t len, struct kt_hash *ret)
{
  SHA256_CTX ctx;
  (void)SHA256_Init(&ctx); /* always 1 */
  absorb(&ctx, data, len);
  finish(&ctx, ret);
}

static void resume(const struct midstate *from, SHA256_CTX *ret_ctx)
{
  (void)SHA256_Init(ret_ctx);
  memcpy(ret_ctx->h, from->h, sizeof ret_ctx->h);
  ret_ctx->Nl = SHA256_CBLOCK * 8; /* bits hashed so far */
}

/* RFC 2104: "the intermediate results of the compression function on the B-byte blocks (K XOR ipad) and (K XOR opad) can
 * be precomputed only once". Here for Kc, padded with zeros to a block; kt_crypto_init tests a known answer. */
void kt_commitment_hmac(const void *data, size_t len, struct kt_hash *ret)
{
  static const struct midstate inner = { { 0x91770258, 0xdd8e9dd9, 0x6b2ed8de, 0x1baf1711, 0xa61946d2, 0xbe4908c1,
                                           0x4e14aed3, 0x6c4555d7 } };
  static const struct midstate outer = { { 0xcc9b2bbe, 0xe726144a, 0xbfd01078, 0x59ee9e86, 0x80d01b22, 0xc6ce5bd8,
                                           0x34148576, 0xae6745c0 } };
  SHA256_CTX ctx;
  struct kt_hash inner_hash;

  resume(&inner, &ctx);
  absorb(&ctx, data, len);
  finish(&ctx, &inner_hash);
  resume(&outer, &ctx);
  absorb(&ctx, inner_hash.b, sizeof inner_hash.b);
  finish(&ctx, ret);
}

#else

void kt_sha256(const void *data, size_t len, struct kt_hash *ret)
{
  crypto_hash_sha256(ret->b, data, len);
}

void kt_commitment_hmac(const void *data, size_t len, struct kt_hash *ret)
{
  static const uint8_t kc[16] = { 0xd8, 0x21, 0xf8, 0x79, 0x0d, 0x97, 0x70, 0x97,
                                  0x96, 0xb4, 0xd7, 0x90, 0x33, 0x57, 0xc3, 0xf5 };
  crypto_auth_hmacsha256_state state;

  crypto_auth_hmacsha256_init(&state, kc, sizeof kc);
  crypto_auth_hmacsha256_update(&state, data, len);
  crypto_auth_hmacsha256_final(&state, ret->b);
}

#endif

bool kt_hash_equal(const struct kt_hash *a, const struct kt_hash *b)
{
  return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool kt_hash_is_zero(const struct kt_hash *hash)
{
  static const struct kt_hash zero;
  return kt_hash_equal(hash, &zero);
}

_Static_assert(KT_SHORT_HASH_KEY_LEN == crypto_shorthash_siphash24_KEYBYTES, "SipHash's key");

uint64_t kt_short_hash(const uint8_t key[KT_SHORT_HASH_KEY_LEN], struct kt_bytes data)
{
  uint64_t hash;
  unsigned char bytes[crypto_shorthash_siphash24_BYTES];
  (void)crypto_shorthash_siphash24(bytes, data.data, data.len, key); /* always 0 */
  memcpy(&hash, bytes, sizeof hash);
  return hash;
}
