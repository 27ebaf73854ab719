/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of five bits, and Base32 (RFC 4648 section 6) in upper case without padding.
 *
 * Regrouping is what Base32 and Bech32m share. Decoding is strict: no length that no byte string has, unused bits zero,
 * so that one byte string has one text. For public data: the time depends on the content. */
#ifndef KT_BASE_BASE32_H
#define KT_BASE_BASE32_H

#include <kt/bytes.h>
#include <kt/err.h>

/* Groups that hold len bytes. */
#define KT_BITS5_COUNT(len) (((len)*8 + 4) / 5)
#define KT_BASE32_SIZE(len) (KT_BITS5_COUNT(len) + 1)

/* The number of groups, KT_BITS5_COUNT; one byte each. */
size_t kt_bits5_split(struct kt_bytes data, uint8_t *ret_groups);
/* n * 5 / 8 bytes, which may take the place of the groups. KT_ERR_FORMAT, before anything is written, when n groups are
 * more than a byte string needs or the unused bits are not zero. */
KT_MUST_USE enum kt_err kt_bits5_join(const uint8_t *groups, size_t n, uint8_t *ret_data, size_t *ret_len);

/* Length of the text, without the NUL. */
size_t kt_base32_encode(struct kt_bytes data, char *ret_text);
/* ret_data has room for text_len bytes: the groups stand there until they are joined, also when it fails. */
KT_MUST_USE enum kt_err kt_base32_decode(const char *text, size_t text_len, uint8_t *ret_data, size_t *ret_len);

#endif
