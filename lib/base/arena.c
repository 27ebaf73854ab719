/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/arena.h>

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Blocks double from one to the other: an arena of a few hundred bytes is cheap, one of many kilobytes has few
 * blocks. */
#define BLOCK_MIN ((size_t)2 << 10)
#define GROW_FIRST 16U
#define BLOCK_MAX ((size_t)16 << 10)

struct kt_arena_block {
  struct kt_arena_block *next;
  size_t used;
  size_t size;
  alignas(max_align_t) unsigned char bytes[];
};

void kt_arena_init(struct kt_arena *arena, size_t cap)
{
  *arena = (struct kt_arena){ .cap = cap };
}

void kt_arena_release(struct kt_arena *arena)
{
  struct kt_arena_block *block = arena->blocks;
  while (block != NULL) {
    struct kt_arena_block *next = block->next;
    free(block);
    block = next;
  }
  *arena = (struct kt_arena){ .cap = arena->cap };
}

static size_t next_size(const struct kt_arena_block *last)
{
  size_t size = last != NULL ? 2 * last->size : BLOCK_MIN;
  return size < BLOCK_MAX ? size : BLOCK_MAX;
}

/* Not zeroed: what is handed out is, and most of a block may never be. */
static struct kt_arena_block *block_new(const struct kt_arena_block *last, size_t want)
{
  size_t size = next_size(last);
  size = want > size ? want : size;
  struct kt_arena_block *block = malloc(sizeof *block + size);
  if (block != NULL) {
    *block = (struct kt_arena_block){ .size = size };
  }
  return block;
}

void *kt_arena_alloc(struct kt_arena *arena, size_t count, size_t size)
{
  const size_t align = alignof(max_align_t);
  if (size != 0 && count > (SIZE_MAX - align) / size) {
    return NULL;
  }
  size_t want = (count * size + align - 1) / align * align;
  if (want > arena->cap - arena->used) {
    return NULL;
  }
  struct kt_arena_block *block = arena->blocks;
  if (block == NULL || block->size - block->used < want) {
    block = block_new(block, want);
    if (block == NULL) {
      return NULL;
    }
    block->next = arena->blocks;
    arena->blocks = block;
  }
  void *at = block->bytes + block->used;
  block->used += want;
  arena->used += want;
  return memset(at, 0, want);
}

void *kt_arena_grow(struct kt_arena *arena, void *items, size_t n, size_t size, size_t *cap)
{
  if (n < *cap) {
    return items;
  }
  size_t more = n == 0 ? GROW_FIRST : 2 * n;
  void *moved = kt_arena_alloc(arena, more, size);
  if (moved != NULL) {
    if (n > 0) {
      memcpy(moved, items, n * size);
    }
    *cap = more;
  }
  return moved;
}

size_t kt_arena_held(const struct kt_arena *arena)
{
  size_t held = 0;
  for (const struct kt_arena_block *block = arena->blocks; block != NULL; block = block->next) {
    held += sizeof *block + block->size;
  }
  return held;
}

void *kt_arena_copy(struct kt_arena *arena, const void *data, size_t len)
{
  void *copy = kt_arena_alloc(arena, len, 1);
  if (copy != NULL && len > 0) {
    memcpy(copy, data, len);
  }
  return copy;
}
