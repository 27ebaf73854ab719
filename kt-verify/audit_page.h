/* SPDX-License-Identifier: Apache-2.0 */
/* One page of the log's feed for auditors (GET /v1/audit): fetched, then read and computed entry by entry, then judged in
 * order by audit_feed.c. Reading needs nothing but the page, so another thread may do it. */
#ifndef KT_VERIFY_AUDIT_PAGE_H
#define KT_VERIFY_AUDIT_PAGE_H

#include <kt/audit.h>

#include "transport.h"
#include "wire/auditor.h"

#define KT_AUDIT_PAGE_ENTRIES 256

struct kt_audit_page_entry {
  struct kt_bytes encoded;         /* as received; of one that does not decode: all that is left of the page */
  struct kt_auditor_update update; /* without its proof */
  enum kt_err err;                 /* of decoding */
  struct kt_audit_change change;
};

struct kt_audit_page {
  uint64_t start; /* first entry asked for */
  uint64_t limit; /* and how many */
  struct kt_reply reply;
  /* Once it was read: up to the first entry that does not decode. */
  struct kt_audit_page_entry *entries;
  size_t n;
  enum kt_err err; /* KT_ERR_FORMAT: bytes are missing or left over; KT_ERR_MEMORY */
};

/* Entries from start on, short of `target`. Whatever came is in page->reply. kt_audit_page_release is needed. */
void kt_audit_page_fetch(struct kt_audit_page *page, struct kt_transport *transport, uint64_t start, uint64_t target);
/* How many entries it says it has, which may be a lie; 0 where it is no page. */
uint32_t kt_audit_page_count(const struct kt_audit_page *page);
/* The reply is KT_REPLY_OK. */
void kt_audit_page_read(struct kt_audit_page *page);
void kt_audit_page_release(struct kt_audit_page *page);

#endif
