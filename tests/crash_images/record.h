/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a run changed in the log's files, in order, and what was said to the world meanwhile: enough to make the
 * files as a disk may hold them after the power went, at any moment. */
#ifndef KT_TESTS_CRASH_IMAGES_RECORD_H
#define KT_TESTS_CRASH_IMAGES_RECORD_H

#include <kt/bytes.h>

#include "support/shim_vfs.h"

#define RECORD_FILES 3
#define RECORD_NAMES                     \
  {                                      \
    "log.db", "log.db-wal", "head.guard" \
  }
#define RECORD_WAL 1
#define RECORD_GUARD 2
#define SECTOR 512

struct record_op {
  enum shim_call call;
  size_t file;
  uint64_t offset;
  uint8_t *data; /* owned */
  size_t len;
};

/* A head that was signed, or an update that was acknowledged, when n_ops operations had been done. */
struct record_mark {
  size_t n_ops;
  uint64_t size; /* of the head; 0: an acknowledgement */
  uint64_t timestamp_ms;
  struct kt_hash root;
  size_t label; /* of the acknowledged update, and how many sets the label then had */
  uint32_t n_sets;
};

struct record_file {
  uint8_t *data; /* owned; NULL: there is none */
  size_t len;
};

struct record {
  bool is_on;
  struct record_file before[RECORD_FILES]; /* durable when the recording begins */
  struct record_op *ops;
  size_t n_ops;
  struct record_mark *marks;
  size_t n_marks;
};

/* All end the program when there is no memory. */
void record_begin(struct record *record, const char *folder);
void record_put(struct record *record, const struct shim_event *event);
void record_mark(struct record *record, const struct record_mark *mark);
void record_release(struct record *record);

/* How a disk may look. */
enum image_kind {
  IMAGE_ALL,     /* the process died: everything that was written is there */
  IMAGE_DURABLE, /* the power went: only what was flushed */
  IMAGE_TORN,    /* the power went: of what was not flushed, any sector may be there or not */
};

/* Whether everything was flushed that the first n_ops operations wrote to this file. */
bool record_is_flushed(const struct record *record, size_t n_ops, size_t file);
/* The files after the first n_ops operations, written into the folder, which is emptied before. next: random numbers. */
void record_image(const struct record *record, size_t n_ops, enum image_kind kind, uint64_t (*next)(void *ctx),
                  void *ctx, const char *folder);

#endif
