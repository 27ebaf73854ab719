/* SPDX-License-Identifier: Apache-2.0 */
#include "journal_check.h"

#include <stdbool.h>
#include <string.h>

#include "page_sum.h"

/* https://www.sqlite.org/fileformat2.html#the_rollback_journal. Headers begin at multiples of a sector. */
#define SECTOR_LEN 512
#define AT_N_RECORDS 8
#define AT_NONCE 12
#define AT_PAGE_LEN 24
#define SEALED_LEN (KT_JOURNAL_HEADER_LEN + KT_PAGE_SUM_LEN)
#define SYNCED_LEN 12 /* magic and number of records, which SQLite writes anew at a sync */
#define NUMBER_LEN 4
#define RECORD_LEN (NUMBER_LEN + KT_PAGE_LEN + NUMBER_LEN) /* page number, page, SQLite's checksum */
#define SQLITE_SUM_STEP 200
#define FIRST_OF_MAGIC 0xd9

static uint32_t number(const uint8_t bytes[static NUMBER_LEN])
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int64_t page_place(uint32_t page_no)
{
  return ((int64_t)page_no - 1) * KT_PAGE_LEN;
}

static int pass_on(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
  return file->pMethods->xWrite(file, data, len, offset);
}

/* --- writing ------------------------------------------------------------------------------------------------------------- */

/* Magic, number of records and our checksum at once: it is there exactly when the header is valid. */
static int seal_header(const struct kt_journal *journal, sqlite3_file *file, const uint8_t *synced)
{
  uint8_t sealed[SEALED_LEN];
  memcpy(sealed, journal->header, KT_JOURNAL_HEADER_LEN);
  memcpy(sealed, synced, SYNCED_LEN);
  kt_page_sum_put(sealed, KT_JOURNAL_HEADER_LEN, journal->header_at);
  return pass_on(file, sealed, SEALED_LEN, journal->header_at);
}

static int write_page(const struct kt_journal *journal, sqlite3_file *file, const uint8_t *data)
{
  uint8_t page[KT_PAGE_LEN];
  memcpy(page, data, KT_PAGE_LEN);
  kt_page_sum_put(page, KT_PAGE_LEN - KT_PAGE_SUM_LEN, page_place(journal->page_no));
  return pass_on(file, page, KT_PAGE_LEN, journal->page_at);
}

int kt_journal_write(struct kt_journal *journal, sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
  const uint8_t *bytes = data;
  if (len == SYNCED_LEN && offset == journal->header_at && number(journal->header + AT_PAGE_LEN) == KT_PAGE_LEN) {
    return seal_header(journal, file, bytes);
  }
  if (len == KT_PAGE_LEN && offset == journal->page_at) {
    return write_page(journal, file, bytes);
  }
  if (len == SECTOR_LEN) {
    memcpy(journal->header, bytes, KT_JOURNAL_HEADER_LEN);
    journal->header_at = offset;
  }
  if (len == NUMBER_LEN) { /* a page's number, or SQLite's checksum of one: no page follows that */
    journal->page_no = number(bytes);
    journal->page_at = offset + NUMBER_LEN;
  }
  return pass_on(file, bytes, len, offset);
}

/* --- what a crash left --------------------------------------------------------------------------------------------------- */

/* Whether our checksum is there, be it right or wrong. */
static bool is_sealed(const uint8_t header[static SEALED_LEN])
{
  static const uint8_t none[KT_PAGE_SUM_LEN];
  return memcmp(header + KT_JOURNAL_HEADER_LEN, none, KT_PAGE_SUM_LEN) != 0;
}

/* Every 200th byte of the page, from its end, and a number of the header's. What SQLite finds wrong here is the journal's end
 * to it: the pages behind would stay as the transaction left them. */
static bool sqlite_sum_holds(const uint8_t record[static RECORD_LEN], uint32_t nonce)
{
  const uint8_t *page = record + NUMBER_LEN;
  uint32_t sum = nonce;
  for (int i = KT_PAGE_LEN - SQLITE_SUM_STEP; i > 0; i -= SQLITE_SUM_STEP) {
    sum += page[i];
  }
  return sum == number(page + KT_PAGE_LEN);
}

static int check_records(sqlite3_file *file, sqlite3_int64 offset, const uint8_t header[static SEALED_LEN])
{
  const uint32_t n = number(header + AT_N_RECORDS);
  const uint32_t nonce = number(header + AT_NONCE);
  int rc = SQLITE_OK;
  for (uint32_t i = 0; i < n && rc == SQLITE_OK; i++) {
    uint8_t record[RECORD_LEN];
    rc = file->pMethods->xRead(file, record, RECORD_LEN, offset + (sqlite3_int64)i * RECORD_LEN);
    if (rc == SQLITE_OK &&
        !(kt_page_sum_holds(record + NUMBER_LEN, KT_PAGE_LEN - KT_PAGE_SUM_LEN, page_place(number(record))) &&
          sqlite_sum_holds(record, nonce))) {
      rc = SQLITE_IOERR_DATA;
    }
  }
  /* They were synced before they were counted: no crash takes them away. */
  return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_IOERR_DATA : rc;
}

static sqlite3_int64 next_header(sqlite3_int64 at, uint32_t n_records)
{
  const sqlite3_int64 end = at + SECTOR_LEN + (sqlite3_int64)n_records * RECORD_LEN;
  return (end + SECTOR_LEN - 1) / SECTOR_LEN * SECTOR_LEN;
}

int kt_journal_check(sqlite3_file *file)
{
  uint8_t header[SEALED_LEN];
  sqlite3_int64 len;
  sqlite3_int64 at = 0;
  int rc = file->pMethods->xFileSize(file, &len);
  while (rc == SQLITE_OK && at + SECTOR_LEN <= len) {
    rc = file->pMethods->xRead(file, header, SEALED_LEN, at);
    if (rc != SQLITE_OK || !is_sealed(header)) {
      return rc;
    }
    if (!kt_page_sum_holds(header, KT_JOURNAL_HEADER_LEN, at)) {
      return SQLITE_IOERR_DATA;
    }
    rc = check_records(file, at + SECTOR_LEN, header);
    at = next_header(at, number(header + AT_N_RECORDS));
  }
  return rc;
}

int kt_journal_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
  uint8_t header[SEALED_LEN];
  uint8_t *bytes = data;
  int rc = file->pMethods->xRead(file, data, len, offset);
  if (rc != SQLITE_OK || len != 1 || offset != 0 || *bytes != 0) {
    return rc;
  }
  /* "Is there anything to roll back?" There is when it was synced. Then kt_journal_check looks, under SQLite's lock. */
  rc = file->pMethods->xRead(file, header, SEALED_LEN, 0);
  if (rc == SQLITE_OK && is_sealed(header)) {
    *bytes = FIRST_OF_MAGIC;
  }
  return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : rc;
}
