/* SPDX-License-Identifier: Apache-2.0 */
/* For LD_PRELOAD: from the KT_BROKEN_FROM-th ECDSA signature on (the first is 1), libcrypto fails to find out whether it is
 * right. The programs' self-tests verify some before any of a log's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

#include <openssl/evp.h>

typedef int verify_function(EVP_PKEY_CTX *ctx, const unsigned char *signature, size_t signature_len,
                            const unsigned char *digest, size_t digest_len);

static long n_calls;

int EVP_PKEY_verify(EVP_PKEY_CTX *ctx, const unsigned char *signature, size_t signature_len,
                    const unsigned char *digest, size_t digest_len)
{
  verify_function *real;
  const char *from = getenv("KT_BROKEN_FROM");
  *(void **)&real = dlsym(RTLD_NEXT, "EVP_PKEY_verify");
  if (from != NULL && ++n_calls >= strtol(from, NULL, 10)) {
    return -1;
  }
  return real(ctx, signature, signature_len, digest, digest_len);
}
