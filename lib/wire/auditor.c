/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/auditor.h"

_Static_assert(sizeof(struct kt_prefix_leaf) == 2 * KT_HASH_LEN, "vectors of PrefixLeaf are used in place");

static void leaves_write(struct kt_writer *w, const struct kt_prefix_leaf *leaves, size_t n)
{
  kt_write_count16(w, n);
  kt_write_bytes(w, leaves, n * sizeof *leaves);
}

/* Borrowed: a kt_prefix_leaf is nothing but its bytes, so it has no alignment to respect. */
static const struct kt_prefix_leaf *leaves_read(struct kt_reader *r, size_t *ret_n)
{
  *ret_n = kt_read_count16(r, sizeof(struct kt_prefix_leaf));
  return (const struct kt_prefix_leaf *)(const void *)kt_read_bytes(r, *ret_n * sizeof(struct kt_prefix_leaf));
}

void kt_auditor_update_write(struct kt_writer *w, const struct kt_auditor_update *update)
{
  kt_write_u64(w, update->timestamp);
  leaves_write(w, update->added, update->n_added);
  leaves_write(w, update->removed, update->n_removed);
  kt_prefix_proof_write(w, &update->proof);
}

void kt_auditor_update_read(struct kt_reader *r, struct kt_arena *arena, struct kt_auditor_update *ret)
{
  ret->timestamp = kt_read_u64(r);
  ret->added = leaves_read(r, &ret->n_added);
  ret->removed = leaves_read(r, &ret->n_removed);
  kt_prefix_proof_read(r, arena, &ret->proof);
}

enum kt_err kt_auditor_update_decode(struct kt_bytes encoded, struct kt_arena *arena, struct kt_auditor_update *ret)
{
  struct kt_reader r;
  struct kt_auditor_update update = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_auditor_update_read(&r, arena, &update);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = update;
  }
  return err;
}
