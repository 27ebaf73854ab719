/* SPDX-License-Identifier: Apache-2.0 */
#include "page_check.h"

#include <stddef.h>
#include <string.h>

#include "journal_check.h"
#include "page_sum.h"

#define SMALLEST_PAGE_LEN 512 /* of any SQLite file */
#define AT_RESERVED 20        /* of the database header: how many bytes at a page's end SQLite leaves alone */
/* Our own file controls; SQLite leaves numbers above 100 to others. */
#define CONTROL_IS_ON 1801
#define CONTROL_ON 1802

/* What SQLite allocates for a file; the file of its own VFS follows at once. */
struct checked_file {
  sqlite3_file base;
  bool is_on;                          /* of a database: its pages have checksums */
  const struct checked_file *database; /* of a journal */
  struct kt_journal journal;
};

static sqlite3_file *inner(sqlite3_file *file)
{
  return (sqlite3_file *)((struct checked_file *)(void *)file + 1);
}

static sqlite3_vfs *inner_vfs(sqlite3_vfs *vfs)
{
  return vfs->pAppData;
}

/* SQLite also reads the header alone. */
static bool is_page(int len)
{
  return len >= SMALLEST_PAGE_LEN;
}

static bool is_our_page(int len, sqlite3_int64 offset)
{
  return len == KT_PAGE_LEN && offset % KT_PAGE_LEN == 0;
}

/* --- files --------------------------------------------------------------------------------------------------------------- */

static int read_page(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
  struct checked_file *checked = (struct checked_file *)(void *)file;
  int rc = inner(file)->pMethods->xRead(inner(file), data, len, offset);
  const uint8_t *bytes = data;
  if (rc == SQLITE_OK && offset == 0 && len > AT_RESERVED && bytes[AT_RESERVED] == KT_PAGE_SUM_LEN) {
    checked->is_on = true;
  }
  if (rc != SQLITE_OK || !checked->is_on || !is_page(len)) {
    return rc;
  }
  if (!is_our_page(len, offset)) { /* the header speaks of another page size than it was written with */
    return SQLITE_IOERR_DATA;
  }
  return kt_page_sum_holds(bytes, KT_PAGE_LEN - KT_PAGE_SUM_LEN, offset) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int write_page(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
  const struct checked_file *checked = (const struct checked_file *)(void *)file;
  uint8_t page[KT_PAGE_LEN];
  if (!checked->is_on || !is_our_page(len, offset)) {
    return inner(file)->pMethods->xWrite(inner(file), data, len, offset);
  }
  memcpy(page, data, KT_PAGE_LEN);
  kt_page_sum_put(page, KT_PAGE_LEN - KT_PAGE_SUM_LEN, offset);
  return inner(file)->pMethods->xWrite(inner(file), page, len, offset);
}

static bool is_journal(const sqlite3_file *file)
{
  return ((const struct checked_file *)(const void *)file)->database != NULL;
}

/* SQLITE_IOERR_CORRUPTFS is a disk that fails to read; SQLite would say that the database is malformed. */
static int read_file(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
  int rc = is_journal(file) ? kt_journal_read(inner(file), data, len, offset) : read_page(file, data, len, offset);
  return rc == SQLITE_IOERR_CORRUPTFS ? SQLITE_IOERR_READ : rc;
}

static int write_file(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
  struct checked_file *checked = (struct checked_file *)(void *)file;
  return is_journal(file) && checked->database->is_on
             ? kt_journal_write(&checked->journal, inner(file), data, len, offset)
             : write_page(file, data, len, offset);
}

static int control(sqlite3_file *file, int op, void *arg)
{
  struct checked_file *checked = (struct checked_file *)(void *)file;
  switch (op) {
  case CONTROL_IS_ON: *(bool *)arg = checked->is_on; return SQLITE_OK;
  case CONTROL_ON: checked->is_on = true; return SQLITE_OK;
  default: return inner(file)->pMethods->xFileControl(inner(file), op, arg);
  }
}

static int close_file(sqlite3_file *file)
{
  return inner(file)->pMethods->xClose(inner(file));
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 len)
{
  return inner(file)->pMethods->xTruncate(inner(file), len);
}

static int sync_file(sqlite3_file *file, int flags)
{
  return inner(file)->pMethods->xSync(inner(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_len)
{
  return inner(file)->pMethods->xFileSize(inner(file), ret_len);
}

static int lock_file(sqlite3_file *file, int level)
{
  return inner(file)->pMethods->xLock(inner(file), level);
}

static int unlock_file(sqlite3_file *file, int level)
{
  return inner(file)->pMethods->xUnlock(inner(file), level);
}

static int check_reserved_lock(sqlite3_file *file, int *ret_is_locked)
{
  return inner(file)->pMethods->xCheckReservedLock(inner(file), ret_is_locked);
}

static int sector_size(sqlite3_file *file)
{
  return inner(file)->pMethods->xSectorSize(inner(file));
}

/* What SQLite assumes everywhere but in odd places: a write damages nothing beside it, and that is all that is known. So a
 * journal's header takes 512 bytes, and becomes valid by a write of its own at the sync (journal_check.c). */
static int device_characteristics(sqlite3_file *file)
{
  (void)file;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* Version 1: no shared memory, so no write-ahead log, and no mapped pages that would be read past this. */
static const sqlite3_io_methods methods = {
  .iVersion = 1,
  .xClose = close_file,
  .xRead = read_file,
  .xWrite = write_file,
  .xTruncate = truncate_file,
  .xSync = sync_file,
  .xFileSize = file_size,
  .xLock = lock_file,
  .xUnlock = unlock_file,
  .xCheckReservedLock = check_reserved_lock,
  .xFileControl = control,
  .xSectorSize = sector_size,
  .xDeviceCharacteristics = device_characteristics,
};

/* SQLite opens a journal without making it to roll back what a crash left, under a lock that nobody else has; or, only for
 * reading, to see whether there is something. Refused here, nothing of it has been rolled back. */
static bool is_left_by_a_crash(int flags)
{
  return (flags & SQLITE_OPEN_CREATE) == 0 && (flags & SQLITE_OPEN_READWRITE) != 0;
}

static int open_journal(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
  struct checked_file *checked = (struct checked_file *)(void *)file;
  *checked = (struct checked_file){ .database = (const void *)sqlite3_database_file_object(name) };
  int rc = inner_vfs(vfs)->xOpen(inner_vfs(vfs), name, inner(file), flags, ret_flags);
  if (rc == SQLITE_OK && is_left_by_a_crash(flags)) {
    rc = kt_journal_check(inner(file));
  }
  if (rc == SQLITE_OK) {
    checked->base.pMethods = &methods;
  } else if (inner(file)->pMethods != NULL) { /* to SQLite a journal that was not opened is not open */
    (void)inner(file)->pMethods->xClose(inner(file));
  }
  return rc;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
  struct checked_file *checked = (struct checked_file *)(void *)file;
  if ((flags & SQLITE_OPEN_MAIN_JOURNAL) != 0) {
    return open_journal(vfs, name, file, flags, ret_flags);
  }
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) {
    return inner_vfs(vfs)->xOpen(inner_vfs(vfs), name, file, flags, ret_flags);
  }
  *checked = (struct checked_file){ .is_on = false };
  int rc = inner_vfs(vfs)->xOpen(inner_vfs(vfs), name, inner(file), flags, ret_flags);
  if (inner(file)->pMethods != NULL) { /* then xClose is called, even when opening failed */
    checked->base.pMethods = &methods;
  }
  return rc;
}

/* --- the VFS -------------------------------------------------------------------------------------------------------------- */

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
  return inner_vfs(vfs)->xDelete(inner_vfs(vfs), name, sync_folder);
}

static int may_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_may)
{
  return inner_vfs(vfs)->xAccess(inner_vfs(vfs), name, flags, ret_may);
}

static int full_pathname(sqlite3_vfs *vfs, const char *name, int len, char *ret_name)
{
  return inner_vfs(vfs)->xFullPathname(inner_vfs(vfs), name, len, ret_name);
}

static int randomness(sqlite3_vfs *vfs, int len, char *ret_bytes)
{
  return inner_vfs(vfs)->xRandomness(inner_vfs(vfs), len, ret_bytes);
}

static int pause_for(sqlite3_vfs *vfs, int microseconds)
{
  return inner_vfs(vfs)->xSleep(inner_vfs(vfs), microseconds);
}

static int current_time(sqlite3_vfs *vfs, double *ret_days)
{
  return inner_vfs(vfs)->xCurrentTime(inner_vfs(vfs), ret_days);
}

static int last_error(sqlite3_vfs *vfs, int len, char *ret_text)
{
  return inner_vfs(vfs)->xGetLastError(inner_vfs(vfs), len, ret_text);
}

int kt_page_check_register(void)
{
  static sqlite3_vfs checked; /* SQLite keeps the pointer and links it into its list */
  sqlite3_vfs *base = sqlite3_vfs_find(NULL);
  if (sqlite3_vfs_find(KT_PAGE_CHECK_VFS) != NULL) {
    return SQLITE_OK;
  }
  if (base == NULL) {
    return SQLITE_ERROR;
  }
  checked = (sqlite3_vfs){
    .iVersion = 1,
    .szOsFile = (int)sizeof(struct checked_file) + base->szOsFile,
    .mxPathname = base->mxPathname,
    .zName = KT_PAGE_CHECK_VFS,
    .pAppData = base,
    .xOpen = open_file,
    .xDelete = delete_file,
    .xAccess = may_access,
    .xFullPathname = full_pathname,
    .xRandomness = randomness,
    .xSleep = pause_for,
    .xCurrentTime = current_time,
    .xGetLastError = last_error,
  };
  return sqlite3_vfs_register(&checked, 0);
}

bool kt_page_check_is_on(sqlite3 *db)
{
  bool is_on = false;
  return sqlite3_file_control(db, NULL, CONTROL_IS_ON, &is_on) == SQLITE_OK && is_on;
}

int kt_page_check_begin(sqlite3 *db)
{
  int reserved = KT_PAGE_SUM_LEN;
  int rc = sqlite3_file_control(db, NULL, SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  return rc == SQLITE_OK ? sqlite3_file_control(db, NULL, CONTROL_ON, NULL) : rc;
}
