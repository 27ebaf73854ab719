/* SPDX-License-Identifier: Apache-2.0 */
/* Erasing a label in memory. */
#include "store/memory.h"

/* VRF proofs are computed for a few versions beyond those there are: for the ladder of the next one. */
#define PROOFS_AHEAD 64

static enum kt_err erase_row(struct kt_store_conn *conn, enum kt_memory_table table, uint64_t number)
{
  enum kt_err err = KT_OK;
  if (kt_memory_number_exists(conn, table, number)) {
    err = kt_mem_map_put(&kt_memory_of(conn)->map, (int)table, kt_memory_bytes(&number, sizeof number), NULL);
  }
  return err == KT_OK ? KT_OK : kt_store_fail(&conn->error, err, "erasing a label: out of memory");
}

static enum kt_err erase_rows(struct kt_store_conn *conn, uint64_t label_id, uint64_t n_versions)
{
  static const enum kt_memory_table by_version[] = { KT_MEMORY_OPENINGS, KT_MEMORY_SUFFIXES, KT_MEMORY_VALUES,
                                                     KT_MEMORY_VERSIONS, KT_MEMORY_PROOFS };
  static const enum kt_memory_table by_label[] = { KT_MEMORY_LABELS, KT_MEMORY_LABEL_VERSIONS, KT_MEMORY_LABEL_STATES };
  enum kt_err err = KT_OK;
  for (uint64_t version = 0; err == KT_OK && version < n_versions + PROOFS_AHEAD; version++) {
    for (size_t i = 0; err == KT_OK && i < sizeof by_version / sizeof by_version[0]; i++) {
      err = erase_row(conn, by_version[i], kt_store_version_key(label_id, (uint32_t)version));
    }
  }
  for (size_t i = 0; err == KT_OK && i < sizeof by_label / sizeof by_label[0]; i++) {
    err = erase_row(conn, by_label[i], label_id);
  }
  return err;
}

enum kt_err kt_memory_erase_label(struct kt_store_conn *conn, uint64_t label_id)
{
  struct kt_arena scratch;
  struct kt_bytes label;
  struct kt_memory_label_versions versions = { 0 };
  kt_arena_init(&scratch, KT_ARENA_CAP_DEFAULT);
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_get_copy(conn, KT_MEMORY_LABELS, label_id, &scratch, &label);
  if (err == KT_OK) {
    err = kt_memory_get_fixed(conn, KT_MEMORY_LABEL_VERSIONS, label_id, &versions, sizeof versions);
  }
  if (err == KT_OK) {
    err = kt_mem_map_put(&kt_memory_of(conn)->map, KT_MEMORY_LABEL_IDS, label, NULL);
  }
  if (err == KT_OK) {
    err = erase_rows(conn, label_id, versions.n_versions);
  }
  kt_memory_unlock(conn);
  kt_arena_release(&scratch);
  return err;
}

enum kt_err kt_memory_label_exists(struct kt_store_conn *conn, uint64_t label_id, bool *ret_exists)
{
  kt_memory_lock(conn);
  *ret_exists = kt_memory_number_exists(conn, KT_MEMORY_LABELS, label_id);
  kt_memory_unlock(conn);
  return KT_OK;
}
