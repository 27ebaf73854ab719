/* SPDX-License-Identifier: Apache-2.0 */
/* import: a file of unsigned device sets, one JSON object per line, into an open folder.
 *
 * With check_first the file is read twice: when one of its lines cannot be read, nothing is inserted. Without, such
 * lines are left out. What was inserted before a failure or a crash stays; the same import again goes on from there,
 * because unchanged sets are passed over. */
#ifndef KT_SERVER_IMPORT_H
#define KT_SERVER_IMPORT_H

#include "instance.h"

struct kt_import_progress {
  bool is_checking;    /* the first reading */
  uint64_t bytes_done; /* of this reading */
  uint64_t bytes;      /* of the file */
  uint64_t n_inserted;
  uint64_t n_unchanged;
  uint64_t n_refused;
};

/* Both are called in the thread of kt_import_run. */
struct kt_import_listener {
  void *ctx;
  void (*refused)(void *ctx, uint64_t line, const char *text);
  bool (*progress)(void *ctx,
                   const struct kt_import_progress *progress); /* some times a second; false: end the import */
};

/* fd: a regular file, borrowed. *ret_progress is what was done, after a failure too. KT_ERR_USAGE: lines that cannot be
 * read, nothing was inserted; KT_ERR_UNDETERMINED: lines were refused by the log, or the listener ended it;
 * KT_ERR_STORE and others: the log or this machine failed. */
KT_MUST_USE enum kt_err kt_import_run(struct kt_instance *instance, int fd, bool check_first,
                                      const struct kt_import_listener *listener,
                                      struct kt_import_progress *ret_progress, struct kt_error *error);

#endif
