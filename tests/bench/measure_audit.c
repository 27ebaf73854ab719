/* SPDX-License-Identifier: Apache-2.0 */
/* An audit of the whole log: pages fetched over HTTP, every entry verified. */
#include <stdio.h>
#include <stdlib.h>

#include <kt/audit.h>

#include "wire/auditor.h"
#include "wire/distinguished.h"
#include "wire/tree_head.h"
#include "world.h"

#define PAGE 256
#define PAGE_ARENA_CAP ((size_t)1 << 30)

struct audit {
  const struct bench_world *world;
  struct kt_audit_state state;
  uint64_t n_leaves;
  uint64_t n_hashes; /* of tree nodes that verifying takes at least */
  uint64_t bytes;
  double fetch_s;
  double verify_s;
};

/* Both roots of the prefix tree from the proof: every result and every element is one input of a hash, in the tree
 * before and in the tree after, which has the new leaves besides. The log's own nodes hardly count. */
static void take_update(struct audit *audit, const struct kt_auditor_update *update)
{
  struct kt_reason reason = { 0 };
  struct kt_audit_state *next = bench_alloc(1, sizeof *next);
  enum kt_err err = kt_audit_step(&audit->world->config, &audit->state, update, NULL, next, &reason);
  if (err != KT_OK) {
    bench_die("entry %llu is refused: %s", (unsigned long long)audit->state.size,
              reason.text != NULL ? reason.text : kt_err_text(err));
  }
  audit->n_leaves += update->n_added;
  audit->n_hashes += 2 * (update->proof.n_results + update->proof.n_elements) + update->n_added;
  audit->state = *next;
  free(next);
}

/* Number of entries in the page. */
static uint32_t take_page(struct audit *audit)
{
  char path[96];
  struct kt_bytes page;
  struct kt_reader r;
  struct kt_arena arena;
  (void)snprintf(path, sizeof path, "/v1/audit?start=%llu&limit=%d", (unsigned long long)audit->state.size, PAGE);
  uint64_t start = bench_now_ns();
  bench_fetch(audit->world->server.port, path, &page);
  audit->fetch_s += bench_seconds_since(start);
  audit->bytes += page.len;
  start = bench_cpu_ns();
  kt_arena_init(&arena, PAGE_ARENA_CAP);
  kt_reader_init(&r, page.data, page.len);
  uint32_t n = kt_read_u32(&r);
  for (uint32_t i = 0; i < n && r.err == KT_OK; i++) {
    struct kt_auditor_update update;
    kt_auditor_update_read(&r, &arena, &update);
    bench_require(r.err, "audit page");
    take_update(audit, &update);
  }
  bench_require(kt_reader_end(&r), "audit page");
  kt_arena_release(&arena);
  audit->verify_s += (double)(bench_cpu_ns() - start) / 1e9;
  bench_bytes_free(page);
  return n;
}

/* The audited root carries the server's signature, when the head is still as large. */
static bool is_signed(const struct audit *audit)
{
  struct kt_bytes body;
  struct kt_arena arena;
  struct kt_hash root;
  struct kt_distinguished_response response;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  bench_fetch(audit->world->server.port, "/v1/tree-head", &body);
  bench_require(kt_distinguished_response_decode(body, &audit->world->config, &arena, &response), "tree head");
  const struct kt_tree_head *head = &response.full_tree_head.tree_head;
  bool same_size = head->tree_size == audit->state.size;
  kt_audit_root(&audit->state, &root);
  if (same_size) {
    bench_require(kt_tree_head_verify(&audit->world->config, head, &root), "the signed head of the audited log");
  }
  kt_arena_release(&arena);
  bench_bytes_free(body);
  return same_size;
}

void bench_measure_audit(struct bench_world *world)
{
  struct audit *audit = bench_alloc(1, sizeof *audit);
  audit->world = world;
  while (take_page(audit) > 0 || !is_signed(audit)) { /* a heartbeat may come between */
  }
  double hashes_s = (double)audit->n_hashes * world->primitives->hash_us / 1e6;
  double n_entries = (double)audit->state.size;
  double n_leaves = (double)audit->n_leaves;
  bench_world_add(world, "audit-entries", "audit verification, entries", "entries/s", n_entries / audit->verify_s,
                  n_entries / hashes_s, "2 x (results + elements) + leaves hashes");
  bench_world_add(world, "audit-leaves", "audit verification, leaves", "leaves/s", n_leaves / audit->verify_s,
                  n_leaves / hashes_s, "2 x (results + elements) + leaves hashes");
  bench_world_add(world, "audit-fetch", "audit feed over HTTP, one connection", "leaves/s", n_leaves / audit->fetch_s,
                  0, NULL);
  bench_world_add(world, "audit-bytes", "audit feed, bytes per leaf", "bytes", (double)audit->bytes / n_leaves,
                  2 * KT_HASH_LEN, "the leaf itself");
  free(audit);
}
