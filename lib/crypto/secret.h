/* SPDX-License-Identifier: Apache-2.0 */
/* A secret seed in guarded memory: locked into RAM where the system allows it, between guard pages, left out of core
 * dumps, and wiped when freed. Every signing and VRF key is kept as such a seed. */
#ifndef KT_CRYPTO_SECRET_H
#define KT_CRYPTO_SECRET_H

#include <kt/err.h>
#include <kt/suite.h>

struct kt_secret {
  uint8_t seed[KT_SEED_LEN];
};

/* All zero bytes, for the caller to fill. KT_ERR_MEMORY when there is none; needs kt_crypto_init. */
KT_MUST_USE enum kt_err kt_secret_new(struct kt_secret **ret_secret);
void kt_secret_free(struct kt_secret *secret); /* NULL is fine */

#endif
