/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backend.h"

#include <stdlib.h>
#include <string.h>

#define RESERVED_PREFIX "store/"

enum kt_err kt_store_check_write(struct kt_store_conn *conn, const char *what, bool arguments_ok)
{
  if (!conn->is_writer || !conn->in_transaction) {
    return kt_store_fail(&conn->error, KT_ERR_USAGE, "%s: needs a transaction of the writer", what);
  }
  if (conn->is_failed) {
    return KT_ERR_STORE; /* the message of the first failure stands */
  }
  if (!arguments_ok) {
    return kt_store_fail(&conn->error, KT_ERR_USAGE, "%s: an argument is out of range", what);
  }
  return KT_OK;
}

enum kt_err kt_store_end_write(struct kt_store_conn *conn, enum kt_err err)
{
  if (err == KT_ERR_STORE || err == KT_ERR_MEMORY) {
    conn->is_failed = true;
  }
  return err;
}

/* --- meta ----------------------------------------------------------------------------------------------------- */

enum kt_err kt_store_get_meta(struct kt_store_conn *conn, const char *name, struct kt_arena *arena,
                              struct kt_bytes *ret_value)
{
  return conn->store->ops->get_meta(conn, name, arena, ret_value);
}

enum kt_err kt_store_put_meta(struct kt_store_conn *writer, const char *name, struct kt_bytes value)
{
  bool is_ours = strncmp(name, RESERVED_PREFIX, strlen(RESERVED_PREFIX)) == 0;
  enum kt_err err = kt_store_check_write(writer, "putting meta data", !is_ours);
  if (err == KT_OK) {
    err = kt_store_end_write(writer, writer->store->ops->put_meta(writer, name, value));
  }
  return err;
}

/* --- log entries ---------------------------------------------------------------------------------------------- */

/* Balanced subtrees that end with entry pos: one per trailing one bit, and the leaf. */
static unsigned count_log_nodes(uint64_t pos)
{
  unsigned n = 1;
  for (; (pos & 1) != 0; pos >>= 1) {
    n++;
  }
  return n;
}

enum kt_err kt_store_put_entry(struct kt_store_conn *writer, uint64_t pos, const struct kt_store_entry *entry,
                               struct kt_bytes leaves, struct kt_bytes log_nodes)
{
  bool ok = pos <= KT_STORE_POS_MAX && leaves.len % KT_STORE_LEAF_LEN == 0 &&
            leaves.len <= (size_t)KT_STORE_LEAVES_MAX * KT_STORE_LEAF_LEN &&
            log_nodes.len == (size_t)count_log_nodes(pos) * KT_HASH_LEN;
  enum kt_err err = kt_store_check_write(writer, "putting an entry", ok);
  uint64_t n_entries = 0;
  if (err == KT_OK) {
    err = kt_store_end_write(writer, writer->store->ops->count_entries(writer, &n_entries));
  }
  if (err != KT_OK) {
    return err;
  }
  if (pos != n_entries) {
    return kt_store_fail(&writer->error, KT_ERR_CONFLICT, "putting an entry: it is not the next one");
  }
  return kt_store_end_write(writer, writer->store->ops->put_entry(writer, pos, entry, leaves, log_nodes));
}

enum kt_err kt_store_count_entries(struct kt_store_conn *conn, uint64_t *ret_n)
{
  return conn->store->ops->count_entries(conn, ret_n);
}

enum kt_err kt_store_get_entry(struct kt_store_conn *conn, uint64_t pos, struct kt_store_entry *ret_entry)
{
  return pos > KT_STORE_POS_MAX ? KT_ERR_ABSENT : conn->store->ops->get_entry(conn, pos, ret_entry);
}

enum kt_err kt_store_get_leaves(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                struct kt_bytes *ret_leaves)
{
  return pos > KT_STORE_POS_MAX ? KT_ERR_ABSENT : conn->store->ops->get_leaves(conn, pos, arena, ret_leaves);
}

enum kt_err kt_store_get_log_node(struct kt_store_conn *conn, uint64_t start, unsigned level, struct kt_hash *ret_hash)
{
  if (level >= 64 || (start & (((uint64_t)1 << level) - 1)) != 0) {
    return kt_store_fail(&conn->error, KT_ERR_USAGE, "reading a log node: no balanced subtree starts there");
  }
  uint64_t last = start + (((uint64_t)1 << level) - 1);
  return last > KT_STORE_POS_MAX ? KT_ERR_ABSENT : conn->store->ops->get_log_node(conn, last, level, ret_hash);
}

/* --- prefix tree nodes ---------------------------------------------------------------------------------------- */

enum kt_err kt_store_put_nodes(struct kt_store_conn *writer, uint64_t pos, const uint8_t *records, uint64_t n)
{
  enum kt_err err = kt_store_check_write(writer, "putting nodes", pos <= KT_STORE_POS_MAX && n <= KT_STORE_NODES_MAX);
  if (err == KT_OK && n > 0) {
    err = kt_store_end_write(writer, writer->store->ops->put_nodes(writer, pos, records, n));
  }
  return err;
}

enum kt_err kt_store_get_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record)
{
  bool ok = ref >= kt_store_node_ref(0, 0) && ref < kt_store_node_ref(KT_STORE_POS_MAX + 1, 0);
  return ok ? conn->store->ops->get_node(conn, ref, ret_record) : KT_ERR_ABSENT;
}

enum kt_err kt_store_get_leaf(struct kt_store_conn *conn, uint64_t ref, uint8_t ret_leaf[static KT_STORE_LEAF_LEN])
{
  bool ok = ref >= kt_store_leaf_ref(0, 0) && ref < kt_store_leaf_ref(KT_STORE_POS_MAX + 1, 0) &&
            kt_store_ref_index(ref) < KT_STORE_LEAVES_MAX;
  return ok ? conn->store->ops->get_leaf(conn, kt_store_ref_pos(ref), kt_store_ref_index(ref), ret_leaf)
            : KT_ERR_ABSENT;
}

/* --- labels --------------------------------------------------------------------------------------------------- */

enum kt_err kt_store_get_label(struct kt_store_conn *conn, struct kt_bytes label, struct kt_arena *arena,
                               struct kt_store_label *ret_label)
{
  return conn->store->ops->get_label(conn, label, arena, ret_label);
}

enum kt_err kt_store_create_label(struct kt_store_conn *writer, const struct kt_store_label *label,
                                  uint64_t *ret_label_id)
{
  bool ok = label->label.len <= KT_LABEL_MAX && label->n_versions <= KT_STORE_VERSIONS_MAX &&
            label->newest_pos <= KT_STORE_POS_MAX;
  enum kt_err err = kt_store_check_write(writer, "creating a label", ok);
  if (err == KT_OK) {
    err = kt_store_end_write(writer, writer->store->ops->create_label(writer, label, ret_label_id));
  }
  return err;
}

enum kt_err kt_store_update_label(struct kt_store_conn *writer, const struct kt_store_label *label)
{
  bool ok = kt_store_is_label_id(label->label_id) && label->n_versions <= KT_STORE_VERSIONS_MAX &&
            label->newest_pos <= KT_STORE_POS_MAX;
  enum kt_err err = kt_store_check_write(writer, "updating a label", ok);
  if (err == KT_OK) {
    err = kt_store_end_write(writer, writer->store->ops->update_label(writer, label));
  }
  return err;
}

enum kt_err kt_store_next_label(struct kt_store_conn *conn, uint64_t after_label_id, struct kt_arena *arena,
                                struct kt_store_label *ret_label)
{
  if (after_label_id >= KT_STORE_LABEL_ID_MAX) {
    return KT_ERR_ABSENT;
  }
  struct kt_store_label label;
  enum kt_err err = conn->store->ops->next_label(conn, after_label_id, arena, &label);
  if (err != KT_OK) {
    return err;
  }
  if (label.label_id <= after_label_id) { /* else whoever walks goes in circles */
    return kt_store_fail(&conn->error, KT_ERR_STORE, "the labels are not in order: the database is damaged");
  }
  *ret_label = label;
  return KT_OK;
}

/* --- versions ------------------------------------------------------------------------------------------------- */

enum kt_err kt_store_put_version(struct kt_store_conn *writer, uint64_t label_id, uint32_t version,
                                 const struct kt_store_version *data, const struct kt_store_payload *payload)
{
  bool ok = kt_store_is_label_id(label_id) && data->pos <= KT_STORE_POS_MAX && data->leaf < KT_STORE_LEAVES_MAX &&
            !data->is_erased;
  enum kt_err err = kt_store_check_write(writer, "putting a version", ok);
  if (err == KT_OK) {
    uint64_t key = kt_store_version_key(label_id, version);
    err = kt_store_end_write(writer, writer->store->ops->put_version(writer, key, data, payload));
  }
  return err;
}

enum kt_err kt_store_get_version(struct kt_store_conn *conn, uint64_t label_id, uint32_t version,
                                 struct kt_store_version *ret_version)
{
  if (!kt_store_is_label_id(label_id)) {
    return KT_ERR_ABSENT;
  }
  return conn->store->ops->get_version(conn, kt_store_version_key(label_id, version), ret_version);
}

enum kt_err kt_store_get_payload(struct kt_store_conn *conn, uint64_t label_id, uint32_t version,
                                 struct kt_arena *arena, struct kt_store_payload *ret_payload)
{
  if (!kt_store_is_label_id(label_id)) {
    return KT_ERR_ABSENT;
  }
  return conn->store->ops->get_payload(conn, kt_store_version_key(label_id, version), arena, ret_payload);
}

enum kt_err kt_store_find_greatest(struct kt_store_conn *conn, uint64_t label_id, uint64_t n_versions,
                                   uint64_t tree_size, uint32_t *ret_version)
{
  if (n_versions > KT_STORE_VERSIONS_MAX) {
    return kt_store_fail(&conn->error, KT_ERR_USAGE, "finding a version: too many versions");
  }
  /* Versions below `low` are in the tree, those from `high` on are not. Nearly always the newest is: try it first. */
  uint64_t low = 0;
  uint64_t high = n_versions;
  uint64_t probe = high - 1;
  while (low < high) {
    struct kt_store_version data = { 0 };
    enum kt_err err = kt_store_get_version(conn, label_id, (uint32_t)probe, &data);
    if (err == KT_ERR_ABSENT) {
      err = kt_store_fail(&conn->error, KT_ERR_STORE, "finding a version: one below the label's count is missing");
    }
    if (err != KT_OK) {
      return err;
    }
    if (data.pos < tree_size) {
      low = probe + 1;
    } else {
      high = probe;
    }
    probe = low + (high - low) / 2;
  }
  if (low == 0) {
    return KT_ERR_ABSENT;
  }
  *ret_version = (uint32_t)(low - 1);
  return KT_OK;
}

enum kt_err kt_store_erase_version(struct kt_store_conn *writer, uint64_t label_id, uint32_t version)
{
  enum kt_err err = kt_store_check_write(writer, "erasing a version", kt_store_is_label_id(label_id));
  if (err == KT_OK) {
    err =
        kt_store_end_write(writer, writer->store->ops->erase_version(writer, kt_store_version_key(label_id, version)));
  }
  return err;
}

/* --- VRF proofs ----------------------------------------------------------------------------------------------- */

enum kt_err kt_store_get_proofs(struct kt_store_conn *conn, uint64_t label_id, uint32_t version,
                                struct kt_store_proof_pair *ret_pair)
{
  if (!kt_store_is_label_id(label_id)) {
    return KT_ERR_ABSENT;
  }
  return conn->store->ops->get_proofs(conn, kt_store_version_key(label_id, version), ret_pair);
}

enum kt_err kt_store_get_proof(struct kt_store_conn *conn, uint64_t label_id, uint32_t version,
                               struct kt_store_proof *ret_proof)
{
  struct kt_store_proof_pair pair = { .has = { false } };
  enum kt_err err = kt_store_get_proofs(conn, label_id, version, &pair);
  if (err == KT_OK && !pair.has[version % 2]) {
    err = KT_ERR_ABSENT;
  }
  if (err == KT_OK) {
    *ret_proof = pair.proof[version % 2];
  }
  return err;
}

/* Of one pair: the even and the odd version's, NULL where there is none. */
static enum kt_err put_pair(struct kt_store_conn *writer, uint64_t label_id, uint32_t version,
                            const struct kt_store_proof *const proofs[2])
{
  bool ok = kt_store_is_label_id(label_id);
  for (size_t i = 0; i < 2; i++) {
    ok = ok && (proofs[i] == NULL || proofs[i]->len <= KT_STORE_PROOF_MAX);
  }
  enum kt_err err = kt_store_check_write(writer, "putting VRF proofs", ok);
  if (err == KT_OK) {
    err = kt_store_end_write(writer,
                             writer->store->ops->put_proofs(writer, kt_store_version_key(label_id, version), proofs));
  }
  return err;
}

bool kt_store_queue_proof(struct kt_store *store, uint64_t label_id, uint32_t version,
                          const struct kt_store_proof *proof)
{
  bool is_long = false;
  pthread_mutex_lock(&store->lock);
  if (store->n_queue < KT_STORE_QUEUE_MAX) {
    store->queue[store->n_queue++] =
        (struct kt_store_new_proof){ .label_id = label_id, .version = version, .proof = *proof };
    is_long = store->n_queue == KT_STORE_QUEUE_LONG;
  }
  pthread_mutex_unlock(&store->lock);
  return is_long;
}

size_t kt_store_queued_proofs(struct kt_store *store, bool *ret_is_long)
{
  pthread_mutex_lock(&store->lock);
  size_t n = store->n_queue;
  pthread_mutex_unlock(&store->lock);
  *ret_is_long = n >= KT_STORE_QUEUE_LONG;
  return n;
}

static uint64_t pair_of(const struct kt_store_new_proof *proof)
{
  return kt_store_version_key(proof->label_id, proof->version) / 2;
}

static int compare_pairs(const void *a, const void *b)
{
  uint64_t x = pair_of(a);
  uint64_t y = pair_of(b);
  return x < y ? -1 : x > y;
}

/* A proof computed for a label that was erased meanwhile must not come back. Most logs never erased one. */
static enum kt_err is_wanted(struct kt_store_conn *writer, uint64_t label_id, bool *ret_is)
{
  *ret_is = true;
  return writer->erased_next.last_id == 0
             ? KT_OK
             : kt_store_end_write(writer, writer->store->ops->label_exists(writer, label_id, ret_is));
}

/* Those at the front that are of one pair, which are mostly both of it; of the same version any one. */
static enum kt_err put_first_pair(struct kt_store_conn *writer, const struct kt_store_new_proof *list, size_t n,
                                  size_t *ret_n)
{
  const struct kt_store_proof *proofs[2] = { NULL, NULL };
  bool wanted;
  size_t taken = 0;
  for (; taken < n && pair_of(&list[taken]) == pair_of(&list[0]); taken++) {
    proofs[list[taken].version % 2] = &list[taken].proof;
  }
  enum kt_err err = is_wanted(writer, list[0].label_id, &wanted);
  if (err == KT_OK && wanted) {
    err = put_pair(writer, list[0].label_id, list[0].version, proofs);
  }
  *ret_n = taken;
  return err;
}

enum kt_err kt_store_put_proofs(struct kt_store_conn *writer, struct kt_store_new_proof *list, size_t n)
{
  enum kt_err err = KT_OK;
  /* In the order of the table, so that a page is written to once, whoever computed what. */
  if (n > 1) {
    qsort(list, n, sizeof *list, compare_pairs);
  }
  for (size_t i = 0, taken = 0; i < n && err == KT_OK; i += taken) {
    err = put_first_pair(writer, list + i, n - i, &taken);
  }
  return err;
}

enum kt_err kt_store_drain_proofs(struct kt_store_conn *writer)
{
  enum kt_err err = kt_store_check_write(writer, "storing queued VRF proofs", true);
  if (err != KT_OK) {
    return err;
  }
  /* Swap the lists, so that readers never wait for the database. */
  struct kt_store *store = writer->store;
  pthread_mutex_lock(&store->lock);
  struct kt_store_new_proof *queued = store->queue;
  size_t n = store->n_queue;
  store->queue = store->drained;
  store->drained = queued;
  store->n_queue = 0;
  pthread_mutex_unlock(&store->lock);
  return kt_store_put_proofs(writer, queued, n);
}

/* --- registration tokens -------------------------------------------------------------------------------------- */

enum kt_err kt_store_add_token(struct kt_store_conn *writer, const struct kt_hash *token_hash)
{
  enum kt_err err = kt_store_check_write(writer, "adding a token", true);
  if (err == KT_OK) {
    err = kt_store_end_write(writer, writer->store->ops->add_token(writer, token_hash));
  }
  return err;
}

enum kt_err kt_store_check_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  return conn->store->ops->check_token(conn, token_hash);
}

enum kt_err kt_store_use_token(struct kt_store_conn *writer, const struct kt_hash *token_hash)
{
  enum kt_err err = kt_store_check_write(writer, "using a token", true);
  if (err == KT_OK) {
    err = kt_store_end_write(writer, writer->store->ops->use_token(writer, token_hash));
  }
  return err;
}
