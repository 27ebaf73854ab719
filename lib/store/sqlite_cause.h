/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KT_STORE_SQLITE_CAUSE_H
#define KT_STORE_SQLITE_CAUSE_H

#include <sqlite3.h>

/* SQLite says SQLITE_CORRUPT, too, when the disk fails to read (EIO, ENXIO): SQLITE_IOERR_READ is what it is then, for nobody
 * knows what the file holds. Any other code comes back as it is. db: the connection that said it, or NULL. */
int kt_sqlite_cause(sqlite3 *db, int rc);

#endif
