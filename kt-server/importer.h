/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of device sets into an open log, on all cores, in their order (docs/architecture.md, Import).
 *
 * Lines gather in chunks. Worker threads parse them and compute what is inserted; the caller's thread submits chunk
 * after chunk in full log entries, several to a commit, and reports the results in order; the log's own thread commits.
 * At most a ring of chunks is under way, so memory does not depend on the number of lines. A line whose label one
 * before it names waits until that one is in the log. */
#ifndef KT_SERVER_IMPORTER_H
#define KT_SERVER_IMPORTER_H

#include "instance.h"
#include "lines.h"

struct kt_importer;

enum kt_import_word {
  KT_IMPORT_GOOD, /* check_only: it can be read */
  KT_IMPORT_INSERTED,
  KT_IMPORT_UNCHANGED, /* it says what the newest set of its label says */
  KT_IMPORT_REFUSED,   /* text says why */
};

struct kt_importer_options {
  const struct kt_instance *instance; /* with a log whose thread runs; with check_only, any folder */
  bool check_only;                    /* read the lines, insert nothing */
  size_t n_workers;
  void *ctx;
  /* In the caller's thread, for each line in order; text is "" where nothing is to say. */
  void (*result)(void *ctx, uint64_t line, enum kt_import_word word, const char *text);
};

KT_MUST_USE enum kt_err kt_importer_new(const struct kt_importer_options *options, struct kt_importer **ret_importer,
                                        struct kt_error *error);
/* Copied; waits while as much as may be is under way. A failure is one of the log or of this machine, not of a line:
 * end with kt_importer_finish. */
KT_MUST_USE enum kt_err kt_importer_line(struct kt_importer *importer, const struct kt_line *line);
/* Take no more from here on, as after a failure. */
void kt_importer_stop(struct kt_importer *importer, enum kt_err err, const char *text);
/* Until everything that was taken is reported or, after a failure, given up. The failure, if there was one. */
KT_MUST_USE enum kt_err kt_importer_finish(struct kt_importer *importer, struct kt_error *error);
/* After finish. NULL is allowed. */
void kt_importer_free(struct kt_importer *importer);

#endif
