/* SPDX-License-Identifier: Apache-2.0 */
/* Capped arena: memory of one request or one verification, released all at once.
 *
 * The cap bounds what hostile input can make us hold. Allocations are zeroed and aligned for any type; they live
 * until kt_arena_release. NULL means the cap is reached or malloc failed; the caller returns KT_ERR_MEMORY. */
#ifndef KT_ARENA_H
#define KT_ARENA_H

#include <stddef.h>

#include <kt/api.h>

KT_API_BEGIN

struct kt_arena_block;

struct kt_arena {
  struct kt_arena_block *blocks;
  size_t used; /* bytes handed out, of cap */
  size_t cap;
};

#define KT_ARENA_CAP_DEFAULT ((size_t)64 << 20)

void kt_arena_init(struct kt_arena *arena, size_t cap);
void kt_arena_release(struct kt_arena *arena);
/* count * size bytes, overflow-checked; a zero-byte request gives a valid pointer. */
void *kt_arena_alloc(struct kt_arena *arena, size_t count, size_t size);
/* An array of *cap items of `size` bytes, n of them used: itself, or a copy twice as long when it is full; NULL items for a
 * new one. */
void *kt_arena_grow(struct kt_arena *arena, void *items, size_t n, size_t size, size_t *cap);
void *kt_arena_copy(struct kt_arena *arena, const void *data, size_t len);
/* Bytes held from malloc: more than `used`. */
size_t kt_arena_held(const struct kt_arena *arena);

KT_API_END

#endif
