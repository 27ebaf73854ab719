/* SPDX-License-Identifier: Apache-2.0 */
/* What the codecs of several structures share: arrays for decoded vectors, hash values, label values (draft:
 * Presentation Language, Updating a Label). */
#ifndef KT_WIRE_COMMON_H
#define KT_WIRE_COMMON_H

#include <kt/arena.h>
#include "base/reader.h"
#include <kt/writer.h>

/* Array of count elements, count from kt_read_count8 or kt_read_count16. NULL after a read error, or when the arena
 * is exhausted, which becomes the reader's error (KT_ERR_MEMORY): a loop over the elements tests for NULL. */
void *kt_vector_alloc(struct kt_reader *r, struct kt_arena *arena, size_t count, size_t size);

/* HashValue; all-zero after a read error. */
struct kt_hash kt_read_hash(struct kt_reader *r);

/* LabelValue, also the first field of UpdateValue; over KT_VALUE_MAX is KT_ERR_LIMIT both ways. */
void kt_label_value_write(struct kt_writer *w, struct kt_bytes value);
struct kt_bytes kt_label_value_read(struct kt_reader *r);

#endif
