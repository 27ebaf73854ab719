/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal (RFC 4648 section 8, written in lower case) and Base64 (section 4) into buffers of the caller.
 *
 * Text written is NUL-terminated; sizes of buffers come from the macros, the NUL included. Decoding is strict: no
 * white space, no line breaks, exact padding, unused bits zero, so that one byte string has one Base64 text; hex is
 * read in either case. For public data: the time depends on the content (seeds go through libsodium). */
#ifndef KT_BASE_HEX_H
#define KT_BASE_HEX_H

#include <kt/bytes.h>
#include <kt/err.h>

#define KT_HEX_SIZE(len) (2 * (len) + 1)
#define KT_HEX_DECODED_MAX(text_len) ((text_len) / 2)
#define KT_BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)
#define KT_BASE64_DECODED_MAX(text_len) ((text_len) / 4 * 3)

/* Length of the text, without the NUL. */
size_t kt_hex_encode(struct kt_bytes data, char *ret_text);
size_t kt_base64_encode(struct kt_bytes data, char *ret_text);

/* KT_ERR_FORMAT when the text is not hex (Base64), KT_ERR_LIMIT when it holds more than cap bytes; both before
 * anything is written. */
KT_MUST_USE enum kt_err kt_hex_decode(const char *text, size_t text_len, size_t cap, uint8_t *ret_data,
                                      size_t *ret_len);
KT_MUST_USE enum kt_err kt_base64_decode(const char *text, size_t text_len, size_t cap, uint8_t *ret_data,
                                         size_t *ret_len);

#endif
