/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"

/* It may wait for its turn: give back what was reserved for a longer one. */
static void trim(struct kt_reply *reply)
{
  uint8_t *body = reply->len > 0 ? realloc(reply->body, reply->len) : NULL;
  reply->body = body != NULL ? body : reply->body;
}

void kt_audit_page_fetch(struct kt_audit_page *page, struct kt_transport *transport, uint64_t start, uint64_t target)
{
  char path[96];
  uint64_t left = target - start;
  *page =
      (struct kt_audit_page){ .start = start, .limit = left < KT_AUDIT_PAGE_ENTRIES ? left : KT_AUDIT_PAGE_ENTRIES };
  (void)snprintf(path, sizeof path, "/v1/audit?start=%" PRIu64 "&limit=%" PRIu64, start, page->limit);
  kt_transport_get(transport, path, &page->reply);
  trim(&page->reply);
}

uint32_t kt_audit_page_count(const struct kt_audit_page *page)
{
  struct kt_reader r;
  kt_reader_init(&r, page->reply.body, page->reply.len);
  return page->reply.kind == KT_REPLY_OK ? kt_read_u32(&r) : 0;
}

static void read_entry(struct kt_reader *r, bool too_many, struct kt_audit_page_entry *entry)
{
  static const struct kt_prefix_proof used_up;
  struct kt_arena arena; /* an entry leaves nothing behind */
  const uint8_t *start = r->at;
  size_t left = r->left;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_auditor_update_read(r, &arena, &entry->update);
  if (r->err == KT_OK && too_many) {
    kt_reader_fail(r, KT_ERR_FORMAT);
  }
  entry->err = r->err == KT_OK || r->err == KT_ERR_MEMORY ? r->err : KT_ERR_FORMAT;
  entry->encoded = (struct kt_bytes){ start, r->err == KT_OK ? left - r->left : left };
  if (entry->err == KT_OK) {
    kt_audit_change(&entry->update, &entry->change);
  }
  entry->update.proof = used_up;
  kt_arena_release(&arena);
}

void kt_audit_page_read(struct kt_audit_page *page)
{
  struct kt_reader r;
  uint32_t count = kt_audit_page_count(page);
  bool too_many = count > page->limit;
  page->entries = calloc((too_many ? 1 : count) + 1, sizeof *page->entries); /* + 1: none is no failure */
  if (page->entries == NULL) {
    page->err = KT_ERR_MEMORY;
    return;
  }
  kt_reader_init(&r, page->reply.body, page->reply.len);
  (void)kt_read_u32(&r);
  while (r.err == KT_OK && page->n < count) {
    read_entry(&r, too_many, &page->entries[page->n++]);
  }
  page->err = kt_reader_end(&r);
}

void kt_audit_page_release(struct kt_audit_page *page)
{
  free(page->entries);
  kt_reply_release(&page->reply);
  *page = (struct kt_audit_page){ .n = 0 };
}
