/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded reader of TLS presentation language (draft: Presentation Language) with a sticky error.
 *
 * After the first error nothing is left to read: every further read gives zero or NULL, so a decoder reads a whole
 * structure and checks once, with kt_reader_end. What is returned borrows from the input. */
#ifndef KT_BASE_READER_H
#define KT_BASE_READER_H

#include <kt/bytes.h>
#include <kt/err.h>

struct kt_reader {
  const uint8_t *at;
  size_t left;
  enum kt_err err;
};

void kt_reader_init(struct kt_reader *r, const uint8_t *data, size_t len);
void kt_reader_fail(struct kt_reader *r, enum kt_err err);

uint8_t kt_read_u8(struct kt_reader *r);
uint16_t kt_read_u16(struct kt_reader *r);
uint32_t kt_read_u32(struct kt_reader *r);
uint64_t kt_read_u64(struct kt_reader *r);
/* len bytes, borrowed; NULL after an error (len 0 gives a non-NULL pointer). */
const uint8_t *kt_read_bytes(struct kt_reader *r, size_t len);
/* opaque<0..max>, with a length prefix of 1, 2 or 4 bytes; longer than max is KT_ERR_LIMIT. */
struct kt_bytes kt_read_opaque8(struct kt_reader *r);
struct kt_bytes kt_read_opaque16(struct kt_reader *r, size_t max);
struct kt_bytes kt_read_opaque32(struct kt_reader *r, size_t max);
/* optional<T>: the presence octet; anything but 0 or 1 is malformed. */
bool kt_read_present(struct kt_reader *r);
/* Element count of a vector, bounded by what is left when every element takes at least min_element_len bytes, so
 * that a caller may allocate for it. */
size_t kt_read_count8(struct kt_reader *r, size_t min_element_len);
size_t kt_read_count16(struct kt_reader *r, size_t min_element_len);

/* KT_OK when no read failed and every byte was consumed. */
KT_MUST_USE enum kt_err kt_reader_end(struct kt_reader *r);

#endif
