/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_SIZE 512

void bench_pool_init(struct bench_pool *pool)
{
  *pool = (struct bench_pool){ 0 };
}

void bench_pool_release(struct bench_pool *pool)
{
  free(pool->bytes);
  free(pool->ends);
  *pool = (struct bench_pool){ 0 };
}

static void *grow(void *p, size_t need, size_t size, size_t *cap)
{
  if (need <= *cap) {
    return p;
  }
  size_t wanted = need > 2 * *cap ? need : 2 * *cap;
  void *grown = realloc(p, wanted * size);
  if (grown == NULL) {
    bench_die("out of memory");
  }
  *cap = wanted;
  return grown;
}

static void add(struct bench_pool *pool, const char *head, int head_len, struct kt_bytes body)
{
  if (head_len < 0 || head_len >= HEAD_SIZE) {
    bench_die("request head too long");
  }
  size_t len = (size_t)head_len + body.len;
  pool->bytes = grow(pool->bytes, pool->len + len, 1, &pool->cap);
  pool->ends = grow(pool->ends, pool->n + 1, sizeof *pool->ends, &pool->cap_ends);
  memcpy(pool->bytes + pool->len, head, (size_t)head_len);
  if (body.len > 0) {
    memcpy(pool->bytes + pool->len + (size_t)head_len, body.data, body.len);
  }
  pool->len += len;
  pool->ends[pool->n++] = pool->len;
}

void bench_pool_get(struct bench_pool *pool, const char *path)
{
  char head[HEAD_SIZE];
  int n = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
  add(pool, head, n, (struct kt_bytes){ NULL, 0 });
}

void bench_pool_post(struct bench_pool *pool, const char *path, struct kt_bytes body)
{
  char head[HEAD_SIZE];
  int n = snprintf(head, sizeof head,
                   "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   path, body.len);
  add(pool, head, n, body);
}

struct kt_bytes bench_pool_request(const struct bench_pool *pool, size_t i)
{
  size_t start = i == 0 ? 0 : pool->ends[i - 1];
  return (struct kt_bytes){ pool->bytes + start, pool->ends[i] - start };
}
