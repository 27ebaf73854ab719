/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums in SQLite's rollback journal (docs/formats.md, Client state): after a kill the old pages come back from it, and a
 * flipped bit there must not come back with them. SQLite itself looks at one byte of a page in 200, takes a header that it
 * does not know for the journal's end, and a first byte of 0 for no journal at all.
 *
 * A record's page has its checksum as in the database; a header gets one, in the padding behind it, in the same write that
 * makes it valid (magic and number of records, after the records were synced). So a header without one, which is what a crash
 * before that sync leaves, takes nothing back that was ever in the database: there SQLite's own rules hold. They hold too for
 * what an earlier version left. A journal with checksums is checked as a whole before anything of it is rolled back. All this
 * is for synchronous FULL: what is counted was synced.
 * Functions return SQLite result codes; file is of SQLite's own VFS. */
#ifndef KT_VERIFY_JOURNAL_CHECK_H
#define KT_VERIFY_JOURNAL_CHECK_H

#include <sqlite3.h>
#include <stdint.h>

#define KT_JOURNAL_HEADER_LEN 28

/* What a journal's next writes depend on; all zero at first. */
struct kt_journal {
  uint32_t page_no; /* written last, at page_at - 4 */
  sqlite3_int64 page_at;
  uint8_t header[KT_JOURNAL_HEADER_LEN]; /* the last one, at header_at */
  sqlite3_int64 header_at;
};

/* In place of the file's own xWrite and xRead. The second only makes SQLite look at a journal whose first byte is damaged. */
int kt_journal_write(struct kt_journal *journal, sqlite3_file *file, const void *data, int len, sqlite3_int64 offset);
int kt_journal_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset);
/* The journal that a crash left, before it is rolled back. SQLITE_IOERR_DATA: it is not what was written. */
int kt_journal_check(sqlite3_file *file);

#endif
