/* SPDX-License-Identifier: Apache-2.0 */
/* What importer.c and importer_again.c, the caller's side, and importer_worker.c share. */
#ifndef KT_SERVER_IMPORTER_IMPL_H
#define KT_SERVER_IMPORTER_IMPL_H

#include <pthread.h>

#include "import_labels.h"
#include "importer.h"
#include "provision.h"

#define KT_IMPORT_CHUNK_LINES KT_LOG_LEAVES_MAX
#define KT_IMPORT_CHUNK_TEXT ((size_t)256 << 10) /* a chunk with as much takes no further line */

/* In the order in which an item goes through them; the last five are final. */
enum kt_import_state {
  KT_IMPORT_NEW,
  KT_IMPORT_PREPARED, /* has `pending` */
  KT_IMPORT_SAME,     /* unchanged, when nobody changed the label meanwhile */
  KT_IMPORT_WAITING,  /* for its outcome */
  KT_IMPORT_AGAIN,    /* its label changed after it was prepared, or is about to: prepare it when its turn comes */
  KT_IMPORT_IS_GOOD,
  KT_IMPORT_IS_INSERTED,
  KT_IMPORT_IS_UNCHANGED,
  KT_IMPORT_IS_REFUSED,
  KT_IMPORT_IS_FAILED, /* the log or this machine failed; `err` */
};

struct kt_import_item {
  struct kt_import_chunk *chunk;
  enum kt_import_state state;
  uint64_t line;
  size_t start; /* in the chunk's text */
  size_t len;
  uint64_t label_hash;
  struct kt_log_pending *pending;
  enum kt_err err;
  char text[KT_LOG_REASON_SIZE];
};

struct kt_import_chunk {
  struct kt_importer *importer;
  char *text;
  size_t text_len;
  size_t text_size;
  size_t n;
  struct kt_import_item items[KT_IMPORT_CHUNK_LINES];
  uint64_t look_seq; /* what chunks before this one did was in the log when a worker looked */
  bool is_prepared;  /* no worker touches it any more */
  size_t n_waiting;  /* items */
};

struct kt_importer {
  struct kt_importer_options options;
  pthread_t *workers;
  size_t n_workers; /* that run */

  /* Chunk number seq, from 1, is ring[seq % n_ring]. Of the numbers below, each is at most the one above it. */
  struct kt_import_chunk *ring;
  size_t n_ring;
  uint64_t fill_seq;   /* gathers lines; the caller's */
  uint64_t submit_seq; /* the next to be submitted; the caller's */
  uint64_t label_seq;  /* the last whose labels were noted; the caller's */

  pthread_mutex_t lock; /* the rest, and what a chunk says of itself */
  pthread_cond_t work;  /* there is a chunk to prepare, or no more */
  pthread_cond_t wake;  /* n_events moved */
  uint64_t n_events;
  uint64_t ready_seq; /* chunks before it are full */
  uint64_t take_seq;  /* the next that a worker takes */
  uint64_t end_seq;   /* chunks before it are done and reported */
  size_t n_in_flight; /* updates in the log's hands */
  bool ending;

  /* The caller's. */
  struct kt_import_labels labels;
  struct kt_provisioner provisioner;
  struct kt_log_order *gathered; /* to be submitted; done_ctx is the item */
  size_t n_gathered;
  size_t group;         /* how many are submitted together: full entries */
  size_t in_flight_max; /* leaves room in the queue for others */
  enum kt_err err;      /* the failure */
  char text[KT_LOG_REASON_SIZE];
};

/* The worker's thread; ctx is the importer. */
void *kt_importer_work(void *ctx);
/* One item on its own: PREPARED, SAME, IS_REFUSED or IS_FAILED. */
void kt_importer_prepare_item(struct kt_import_item *item, const struct kt_provisioner *provisioner);
/* Everything before this chunk is in the log: insert those of its items that had to wait for that. */
void kt_importer_insert_again(struct kt_importer *importer, struct kt_import_chunk *chunk);
/* The queue is others' too, and they tell nobody when they leave it. */
#define KT_IMPORT_WAIT_MS 50
bool kt_importer_is_busy(const struct kt_log_problem *problem);
void kt_importer_wait(void);
/* A failure of one line, or of more than that. */
void kt_importer_fail_item(struct kt_import_item *item, enum kt_err err, const char *text);

#endif
