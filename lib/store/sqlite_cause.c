/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_cause.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* Those that SQLite takes for a damaged filesystem. A file keeps the system's last one. */
static bool could_not_read(sqlite3_file *file)
{
  int last = 0;
  return file != NULL && file->pMethods != NULL &&
         file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &last) == SQLITE_OK &&
         (last == EIO || last == ENXIO);
}

static sqlite3_file *file_of(sqlite3 *db, int which)
{
  sqlite3_file *file = NULL;
  return sqlite3_file_control(db, "main", which, &file) == SQLITE_OK ? file : NULL;
}

int kt_sqlite_cause(sqlite3 *db, int rc)
{
  if (db == NULL || (rc & 0xff) != SQLITE_CORRUPT) {
    return rc;
  }
  bool failed = could_not_read(file_of(db, SQLITE_FCNTL_FILE_POINTER)) ||
                could_not_read(file_of(db, SQLITE_FCNTL_JOURNAL_POINTER));
  return failed ? SQLITE_IOERR_READ : rc;
}
