/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in guarded memory: locked into RAM where the system allows it, between guard pages, left out of core dumps, and
 * wiped when freed. Every signing and VRF key is stored as a seed; a process that uses one often keeps what the suite
 * derives from it instead. */
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

/* Prepared keys, in guarded memory. KT_ERR_MEMORY, or the suite's error. */
KT_MUST_USE enum kt_err kt_sign_key_new(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN],
                                        struct kt_sign_key **ret_key);
KT_MUST_USE enum kt_err kt_vrf_key_new(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN],
                                       struct kt_vrf_key **ret_key);
void kt_sign_key_free(struct kt_sign_key *key); /* NULL is fine */
void kt_vrf_key_free(struct kt_vrf_key *key);   /* NULL is fine */

/* Wipe one that is not; all of it, since nothing else of the key is of use then. */
void kt_sign_key_release(struct kt_sign_key *key);
void kt_vrf_key_release(struct kt_vrf_key *key);

/* A signature by who makes only one: the key is prepared and wiped. */
KT_MUST_USE enum kt_err kt_sign_once(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN],
                                     struct kt_bytes message, uint8_t *ret_signature);

#endif
