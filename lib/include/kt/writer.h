/* SPDX-License-Identifier: Apache-2.0 */
/* Writer of TLS presentation language (draft: Presentation Language) with a sticky error.
 *
 * Two kinds: growing (heap, up to a limit; free with kt_writer_release or take the bytes with kt_writer_take) and
 * fixed (caller's buffer). A value that does not fit its length prefix, or the limit, is KT_ERR_LIMIT: an encoder
 * never truncates. */
#ifndef KT_WRITER_H
#define KT_WRITER_H

#include <kt/bytes.h>
#include <kt/err.h>

KT_API_BEGIN

struct kt_writer {
  uint8_t *buf;
  size_t len;
  size_t cap;
  size_t limit;
  bool fixed;
  enum kt_err err;
};

void kt_writer_init(struct kt_writer *w, size_t limit);
void kt_writer_init_fixed(struct kt_writer *w, uint8_t *buf, size_t cap);
void kt_writer_release(struct kt_writer *w);
void kt_writer_fail(struct kt_writer *w, enum kt_err err);
/* Hand the bytes over (caller frees); only for growing writers without error. */
KT_MUST_USE enum kt_err kt_writer_take(struct kt_writer *w, uint8_t **ret_data, size_t *ret_len);

void kt_write_u8(struct kt_writer *w, uint8_t value);
void kt_write_u16(struct kt_writer *w, uint16_t value);
void kt_write_u32(struct kt_writer *w, uint32_t value);
void kt_write_u64(struct kt_writer *w, uint64_t value);
void kt_write_bytes(struct kt_writer *w, const void *data, size_t len);
void kt_write_opaque8(struct kt_writer *w, struct kt_bytes bytes);
void kt_write_opaque16(struct kt_writer *w, struct kt_bytes bytes);
void kt_write_opaque32(struct kt_writer *w, struct kt_bytes bytes);
void kt_write_present(struct kt_writer *w, bool present);
void kt_write_optional_u64(struct kt_writer *w, bool present, uint64_t value);
void kt_write_optional_u32(struct kt_writer *w, bool present, uint32_t value);
/* Element count of a vector; over 2^8-1 or 2^16-1 is KT_ERR_LIMIT. */
void kt_write_count8(struct kt_writer *w, size_t count);
void kt_write_count16(struct kt_writer *w, size_t count);

KT_API_END

#endif
