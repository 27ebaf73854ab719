/* SPDX-License-Identifier: Apache-2.0 */
/* A page of the auditors' feed, read without its log: honest, cut off, too long, and with a count that lies. */
#include "unit/client/audit_test.h"

#include <stdlib.h>

#include "audit_page.h"

#define ENTRIES 8

struct page_of_log {
  struct kt_writer w;
  size_t ends[ENTRIES + 1]; /* of the count and of each entry */
};

static void make_page(struct page_of_log *made_page)
{
  static struct naive_log log;
  static struct made_update made;
  log = (struct naive_log){ .size = 0 };
  kt_writer_init(&made_page->w, (size_t)1 << 20);
  kt_write_u32(&made_page->w, ENTRIES);
  made_page->ends[0] = made_page->w.len;
  for (unsigned i = 0; i < ENTRIES; i++) {
    const struct kt_prefix_leaf leaves[2] = { leaf_of(2 * i, 1), leaf_of(2 * i + 1, 1) };
    make_update(&log, 1000 + i, leaves, 2, leaves, 0, &made);
    kt_auditor_update_write(&made_page->w, &made.update);
    naive_apply(&log, &made.update);
    made_page->ends[i + 1] = made_page->w.len;
  }
  assert_int_equal(made_page->w.err, KT_OK);
}

/* As it was received: a body of its own, as long as it is. */
static void read_bytes(const uint8_t *bytes, size_t len, uint64_t limit, struct kt_audit_page *page)
{
  *page = (struct kt_audit_page){ .limit = limit, .reply = { .kind = KT_REPLY_OK, .len = len } };
  page->reply.body = malloc(len + 1);
  assert_non_null(page->reply.body);
  memcpy(page->reply.body, bytes, len);
  kt_audit_page_read(page);
}

static void an_honest_page(void **state)
{
  struct page_of_log made;
  struct kt_audit_page page;
  struct kt_audit_state audit = { .size = 0 };
  (void)state;
  make_page(&made);
  read_bytes(made.w.buf, made.w.len, ENTRIES, &page);
  assert_int_equal(page.err, KT_OK);
  assert_int_equal(page.n, ENTRIES);
  assert_int_equal(kt_audit_page_count(&page), ENTRIES);
  for (size_t i = 0; i < page.n; i++) {
    const struct kt_audit_page_entry *entry = &page.entries[i];
    assert_int_equal(entry->err, KT_OK);
    assert_int_equal(entry->encoded.len, made.ends[i + 1] - made.ends[i]);
    assert_memory_equal(entry->encoded.data, made.w.buf + made.ends[i], entry->encoded.len);
    assert_int_equal(kt_audit_step_with(&no_window, &audit, &entry->update, &entry->change, NULL, &audit, NULL), KT_OK);
  }
  kt_audit_page_release(&page);
  kt_writer_release(&made.w);
}

/* Wherever it ends: the entries before are there, the one at hand is malformed and is all that is left. */
static void a_page_cut_off_at_every_byte(void **state)
{
  struct page_of_log made;
  struct kt_audit_page page;
  size_t whole = 0;
  (void)state;
  make_page(&made);
  for (size_t len = 0; len < made.w.len; len++) {
    read_bytes(made.w.buf, len, ENTRIES, &page);
    assert_int_equal(page.err, KT_ERR_FORMAT);
    while (made.ends[whole + 1] <= len) {
      whole++;
    }
    assert_int_equal(page.n, len < 4 ? 0 : whole + 1);
    for (size_t i = 0; i < page.n; i++) {
      assert_int_equal(page.entries[i].err, i < whole ? KT_OK : KT_ERR_FORMAT);
    }
    assert_true(page.n == 0 || page.entries[whole].encoded.len == len - made.ends[whole]);
    kt_audit_page_release(&page);
  }
  kt_writer_release(&made.w);
}

static void a_page_that_is_no_page(void **state)
{
  struct page_of_log made;
  struct kt_audit_page page;
  (void)state;
  make_page(&made);
  read_bytes(made.w.buf, made.w.len, ENTRIES - 1, &page); /* more than was asked for */
  assert_int_equal(page.n, 1);
  assert_int_equal(page.entries[0].err, KT_ERR_FORMAT);
  kt_audit_page_release(&page);
  made.w.buf[3] = ENTRIES - 1; /* bytes left over */
  read_bytes(made.w.buf, made.w.len, ENTRIES, &page);
  assert_int_equal(page.n, ENTRIES - 1);
  assert_int_equal(page.entries[page.n - 1].err, KT_OK);
  assert_int_equal(page.err, KT_ERR_FORMAT);
  kt_audit_page_release(&page);
  made.w.buf[3] = 0;
  read_bytes(made.w.buf, 4, ENTRIES, &page); /* nothing, and it says so */
  assert_int_equal(page.n, 0);
  assert_int_equal(page.err, KT_OK);
  kt_audit_page_release(&page);
  memset(made.w.buf, 0xff, 4); /* far more than memory has */
  read_bytes(made.w.buf, made.w.len, ENTRIES, &page);
  assert_int_equal(page.n, 1);
  assert_int_equal(page.entries[0].err, KT_ERR_FORMAT);
  kt_audit_page_release(&page);
  kt_writer_release(&made.w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_honest_page),
    cmocka_unit_test(a_page_cut_off_at_every_byte),
    cmocka_unit_test(a_page_that_is_no_page),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
