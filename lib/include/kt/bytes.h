/* SPDX-License-Identifier: Apache-2.0 */
/* Byte strings and hash values shared by every layer. A kt_bytes borrows; who owns the memory is said where it is
 * handed out. */
#ifndef KT_BYTES_H
#define KT_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include <kt/api.h>

KT_API_BEGIN

/* Both registered cipher suites hash with SHA-256: Hash.Nh = VRF.Nh = 32, Nc = 16 (KT Cipher Suites). */
#define KT_HASH_LEN 32
#define KT_OPENING_LEN 16
#define KT_LABEL_MAX 255

struct kt_bytes {
  const uint8_t *data;
  size_t len;
};

struct kt_hash {
  uint8_t b[KT_HASH_LEN];
};

KT_API_END

#endif
