/* SPDX-License-Identifier: Apache-2.0 */
/* Overwriting what SQLite leaves behind of erased rows.
 *
 * secure_delete overwrites a row that is deleted where it is. But when SQLite moves rows to another page to make
 * room, the page they leave keeps their bytes between its row pointers and its first row: space that nobody
 * reads and that a later deletion does not know of. In a table with rows of many sizes most pages have such
 * remains. So, after an erasure:
 *
 *   1. the write-ahead log is moved into the file and truncated, for it has the rows as they were; this waits for
 *      readers;
 *   2. with the write lock held, so that the pages stay as they are, the unused bytes of every page of the tables that
 *      can hold personal data are overwritten with zeros, through SQLite's own file handle;
 *   3. the writer drops its copies of the pages, which have the old bytes and would bring them back.
 *
 * Readers need no lock: bytes in use are not touched, and nobody looks at the others. A crash in the middle leaves some
 * pages done; the record of the erasure says that all have to be done again. Pages that became free were overwritten
 * whole by secure_delete. The file format is that of https://www.sqlite.org/fileformat2.html. */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_FOR_READERS_MS 250
#define PAGE_SIZE_MAX 65536
#define DEPTH_MAX 20 /* of SQLite's trees */
#define FILE_HEADER_LEN 100

struct wash {
  sqlite3_file *file;
  uint8_t *pages; /* one for each level of a tree */
  uint32_t page_len;
  uint32_t usable_len;
  uint32_t n_pages;
  uint32_t n_seen; /* more than there are: the file is damaged */
  int rc;
};

static uint32_t get_u16(const uint8_t *at)
{
  return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get_u32(const uint8_t *at)
{
  return get_u16(at) << 16 | get_u16(at + 2);
}

/* --- one page ----------------------------------------------------------------------------------------------------- */

struct page {
  uint32_t number;
  uint8_t *data;
  uint32_t header; /* where its header begins */
  bool is_leaf;
  uint32_t n_cells;
  uint32_t pointers; /* of the cells, their offsets: where they begin, */
  uint32_t gap;      /* and end */
  uint32_t content;  /* the first cell or free block */
};

static sqlite3_int64 offset_of(const struct wash *wash, const struct page *page)
{
  return (sqlite3_int64)(page->number - 1) * wash->page_len;
}

/* False: not a page of a tree, so the file is damaged. */
static bool read_page(struct wash *wash, uint32_t number, uint8_t *data, struct page *ret_page)
{
  struct page page = { .number = number, .data = data, .header = number == 1 ? FILE_HEADER_LEN : 0 };
  if (number == 0 || number > wash->n_pages || ++wash->n_seen > wash->n_pages) {
    return false;
  }
  wash->rc = wash->file->pMethods->xRead(wash->file, data, (int)wash->page_len, offset_of(wash, &page));
  if (wash->rc != SQLITE_OK) {
    return false;
  }
  const uint8_t *header = data + page.header;
  page.is_leaf = header[0] == 0x0a || header[0] == 0x0d;
  if (!page.is_leaf && header[0] != 0x02 && header[0] != 0x05) {
    return false;
  }
  page.n_cells = get_u16(header + 3);
  page.pointers = page.header + (page.is_leaf ? 8 : 12);
  page.gap = page.pointers + 2 * page.n_cells;
  page.content = get_u16(header + 5) == 0 ? PAGE_SIZE_MAX : get_u16(header + 5);
  if (page.content > wash->usable_len || page.gap > page.content) {
    return false;
  }
  *ret_page = page;
  return true;
}

static void overwrite(struct wash *wash, const struct page *page, uint32_t from, uint32_t end)
{
  uint8_t *data = page->data + from;
  bool is_clean = true;
  for (uint32_t i = 0; i < end - from && is_clean; i++) {
    is_clean = data[i] == 0;
  }
  if (is_clean || wash->rc != SQLITE_OK) {
    return;
  }
  memset(data, 0, end - from);
  wash->rc = wash->file->pMethods->xWrite(wash->file, data, (int)(end - from), offset_of(wash, page) + from);
}

/* The gap, and what free blocks have behind their four bytes. False: damaged. */
static bool overwrite_unused(struct wash *wash, const struct page *page)
{
  overwrite(wash, page, page->gap, page->content);
  uint32_t before = 0;
  for (uint32_t block = get_u16(page->data + page->header + 1); block != 0;
       block = get_u16(page->data + block)) { /* ascending */
    if (block <= before || block < page->content || block + 4 > wash->usable_len) {
      return false;
    }
    uint32_t len = get_u16(page->data + block + 2);
    if (len < 4 || block + len > wash->usable_len) {
      return false;
    }
    overwrite(wash, page, block + 4, block + len);
    before = block;
  }
  return wash->rc == SQLITE_OK;
}

/* --- a tree ------------------------------------------------------------------------------------------------------- */

/* Depth is bounded by SQLite's. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static bool wash_tree(struct wash *wash, uint32_t number, unsigned depth)
{
  struct page page;
  if (depth >= DEPTH_MAX || !read_page(wash, number, wash->pages + (size_t)depth * wash->page_len, &page) ||
      !overwrite_unused(wash, &page)) {
    return false;
  }
  if (page.is_leaf) {
    return true;
  }
  for (uint32_t i = 0; i < page.n_cells; i++) {
    uint32_t cell = get_u16(page.data + page.pointers + (size_t)2 * i);
    if (cell < page.content || cell + 4 > wash->usable_len || !wash_tree(wash, get_u32(page.data + cell), depth + 1)) {
      return false;
    }
  }
  return wash_tree(wash, get_u32(page.data + page.header + 8), depth + 1);
}

static enum kt_err damaged(struct kt_store_conn *conn, const struct wash *wash)
{
  return kt_sqlite_fail(&conn->error, kt_sqlite_of(conn)->db, wash->rc != SQLITE_OK ? wash->rc : SQLITE_CORRUPT,
                        "overwriting what was erased");
}

static enum kt_err wash_trees(struct kt_store_conn *conn, struct wash *wash)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_PERSONAL_TREES, &q);
  enum kt_err err = kt_sqlite_row(&q);
  while (err == KT_OK) {
    if (!wash_tree(wash, (uint32_t)kt_sqlite_column_u64(&q, 0), 0)) {
      err = damaged(conn, wash);
      q.rc = SQLITE_OK;
      (void)!kt_sqlite_end(&q);
      return err;
    }
    err = kt_sqlite_row(&q);
  }
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

/* Sizes as the file's header gives them; nothing is in the write-ahead log. */
static enum kt_err read_sizes(struct kt_store_conn *conn, struct wash *wash)
{
  uint8_t header[FILE_HEADER_LEN];
  sqlite3_int64 len = 0;
  wash->rc = wash->file->pMethods->xRead(wash->file, header, sizeof header, 0);
  if (wash->rc == SQLITE_OK) {
    wash->rc = wash->file->pMethods->xFileSize(wash->file, &len);
  }
  if (wash->rc != SQLITE_OK) {
    return damaged(conn, wash);
  }
  wash->page_len = get_u16(header + 16) == 1 ? PAGE_SIZE_MAX : get_u16(header + 16);
  if (wash->page_len < 512 || header[20] > wash->page_len / 2) {
    return damaged(conn, wash);
  }
  wash->usable_len = wash->page_len - header[20];
  wash->n_pages = (uint32_t)(len / wash->page_len);
  return KT_OK;
}

/* The file, with the write lock held. */
static enum kt_err wash_file(struct kt_store_conn *conn)
{
  struct kt_sqlite *sqlite = kt_sqlite_of(conn);
  struct wash wash = { .file = NULL };
  wash.rc = sqlite3_file_control(sqlite->db, NULL, SQLITE_FCNTL_FILE_POINTER, &wash.file);
  if (wash.rc != SQLITE_OK) {
    return damaged(conn, &wash);
  }
  enum kt_err err = read_sizes(conn, &wash);
  if (err != KT_OK) {
    return err;
  }
  wash.pages = calloc(DEPTH_MAX, wash.page_len);
  if (wash.pages == NULL) {
    return kt_store_fail(&conn->error, KT_ERR_MEMORY, "overwriting what was erased: out of memory");
  }
  err = wash_trees(conn, &wash);
  free(wash.pages);
  if (err == KT_OK) {
    wash.rc = wash.file->pMethods->xSync(wash.file, SQLITE_SYNC_NORMAL);
    sqlite->is_unusable = sqlite->is_unusable || wash.rc != SQLITE_OK; /* as after a commit whose fsync failed */
    err = wash.rc == SQLITE_OK ? KT_OK : damaged(conn, &wash);
  }
  return err;
}

enum kt_err kt_sqlite_wash(struct kt_store_conn *conn)
{
  /* Nothing may be left in the log: neither what was, nor pages that are newer than the file's. */
  enum kt_err err =
      kt_sqlite_checkpoint(conn, SQLITE_CHECKPOINT_TRUNCATE, WAIT_FOR_READERS_MS, "emptying the write-ahead log");
  if (err == KT_OK) {
    err = kt_sqlite_begin(conn);
  }
  if (err != KT_OK) {
    return err;
  }
  err = wash_file(conn);
  kt_sqlite_rollback(conn); /* nothing was written through it */
  int rc = sqlite3_db_release_memory(kt_sqlite_of(conn)->db);
  return err == KT_OK && rc != SQLITE_OK
             ? kt_sqlite_fail(&conn->error, kt_sqlite_of(conn)->db, rc, "dropping cached pages")
             : err;
}
