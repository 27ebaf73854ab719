/* SPDX-License-Identifier: Apache-2.0 */
/* A checksum in every page of an SQLite file (docs/formats.md, Client state), so that a flipped bit on the disk is a refusal
 * and not another pinned key, an older head, or a contact that was never verified. It finds damage; it proves nothing.
 *
 * A VFS over SQLite's own: it fills the last 8 of a page's bytes, which SQLite leaves alone, when the page is written, and
 * compares them when it is read. A page that does not have its checksum is SQLITE_IOERR_DATA. So is opening when the rollback
 * journal that a crash left is damaged: it has checksums as well (journal_check.h), and is checked before anything is rolled
 * back. For rollback journals in DELETE mode only. */
#ifndef KT_VERIFY_PAGE_CHECK_H
#define KT_VERIFY_PAGE_CHECK_H

#include <sqlite3.h>
#include <stdbool.h>

#define KT_PAGE_CHECK_VFS "kt-page-check"

/* Once or more often, before a file is opened with the VFS; an SQLite result code. */
int kt_page_check_register(void);
/* Of a file that was opened with it: whether its pages have checksums. */
bool kt_page_check_is_on(sqlite3 *db);
/* An empty file: its pages get them from the first one on. An SQLite result code. */
int kt_page_check_begin(sqlite3 *db);

#endif
