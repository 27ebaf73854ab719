/* SPDX-License-Identifier: Apache-2.0 */
#include "import_labels.h"

#include <stdlib.h>
#include <string.h>

enum kt_err kt_import_labels_init(struct kt_import_labels *labels, uint64_t n_chunks, size_t n_per_chunk)
{
  size_t n_places = 1;
  while (n_places < 2 * (size_t)n_chunks * n_per_chunk) {
    n_places *= 2;
  }
  *labels = (struct kt_import_labels){ .n_places = n_places, .n_chunks = n_chunks, .first = 1 };
  for (size_t i = 0; i < 2; i++) {
    labels->tables[i] = calloc(n_places, sizeof *labels->tables[i]);
  }
  return labels->tables[0] != NULL && labels->tables[1] != NULL ? KT_OK : KT_ERR_MEMORY;
}

void kt_import_labels_release(struct kt_import_labels *labels)
{
  free(labels->tables[0]);
  free(labels->tables[1]);
  *labels = (struct kt_import_labels){ .n_places = 0 };
}

/* FNV-1a, with the high bits folded in: the place is taken from the low ones. */
uint64_t kt_import_label_hash(struct kt_bytes label)
{
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < label.len; i++) {
    hash = (hash ^ label.data[i]) * UINT64_C(0x100000001b3);
  }
  return hash ^ hash >> 32;
}

/* Its place, or the empty one it would take. */
static struct kt_import_label *find(const struct kt_import_labels *labels, size_t table, uint64_t hash)
{
  struct kt_import_label *places = labels->tables[table];
  size_t i = (size_t)hash & (labels->n_places - 1);
  while (places[i].seq != 0 && places[i].hash != hash) {
    i = (i + 1) & (labels->n_places - 1);
  }
  return &places[i];
}

static void turn(struct kt_import_labels *labels, uint64_t seq)
{
  struct kt_import_label *oldest = labels->tables[1];
  memset(oldest, 0, labels->n_places * sizeof *oldest);
  labels->tables[1] = labels->tables[0];
  labels->tables[0] = oldest;
  labels->first = seq;
}

uint64_t kt_import_labels_note(struct kt_import_labels *labels, uint64_t hash, uint64_t seq)
{
  if (seq >= labels->first + labels->n_chunks) {
    turn(labels, seq);
  }
  struct kt_import_label *place = find(labels, 0, hash);
  uint64_t last = place->seq != 0 ? place->seq : find(labels, 1, hash)->seq;
  *place = (struct kt_import_label){ .hash = hash, .seq = seq };
  return last;
}
