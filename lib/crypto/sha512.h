/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-512 over a list of byte strings, hashed one after the other: the safety number's iterated hash. */
#ifndef KT_CRYPTO_SHA512_H
#define KT_CRYPTO_SHA512_H

#include <kt/bytes.h>

#define KT_SHA512_LEN 64

/* ret may be one of the inputs. */
void kt_sha512(const struct kt_bytes *parts, size_t n_parts, uint8_t ret[static KT_SHA512_LEN]);

#endif
