/* SPDX-License-Identifier: Apache-2.0 */
/* Which labels the last chunks of an import named: the next set of a label needs its previous one in the log.
 *
 * Two tables of hashes: one fills, the other holds what the one before it held. So whatever stood in the last n_chunks
 * chunks is found, and what is older is forgotten without being looked for. Two labels of one hash only cost time. */
#ifndef KT_SERVER_IMPORT_LABELS_H
#define KT_SERVER_IMPORT_LABELS_H

#include <kt/bytes.h>
#include <kt/err.h>

struct kt_import_label {
  uint64_t hash;
  uint64_t seq; /* of the last chunk with it, from 1; 0: an empty place */
};

struct kt_import_labels {
  struct kt_import_label *tables[2]; /* the one that fills, the one before */
  size_t n_places;                   /* of each; a power of two, more than half of them stay empty */
  uint64_t n_chunks;
  uint64_t first; /* chunk of the table that fills */
};

KT_MUST_USE enum kt_err kt_import_labels_init(struct kt_import_labels *labels, uint64_t n_chunks, size_t n_per_chunk);
void kt_import_labels_release(struct kt_import_labels *labels);
uint64_t kt_import_label_hash(struct kt_bytes label);
/* The last chunk that named it, 0 when none did; from now on it is `seq`, which never decreases. */
uint64_t kt_import_labels_note(struct kt_import_labels *labels, uint64_t hash, uint64_t seq);

#endif
