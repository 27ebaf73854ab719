/* SPDX-License-Identifier: Apache-2.0 */
/* Retained states as bytes: a format number, then the fields in order, in the presentation language. */
#include <string.h>

#include <kt/arena.h>
#include <kt/writer.h>
#include "client/state.h"
#include "tree/ibst.h"
#include "tree/log_tree.h"

#define STATE_FORMAT_AUDITED 2 /* of the log state: the auditor's size follows */

void kt_state_format_read(struct kt_reader *r)
{
  if (kt_read_u8(r) != KT_STATE_FORMAT) {
    kt_reader_fail(r, KT_ERR_UNSUPPORTED);
  }
}

static void read_hash(struct kt_reader *r, struct kt_hash *ret)
{
  const uint8_t *bytes = kt_read_bytes(r, KT_HASH_LEN);
  if (bytes != NULL) {
    memcpy(ret->b, bytes, KT_HASH_LEN);
  }
}

/* --- log state: counts follow from the size ------------------------------------------------------------------------- */

void kt_tree_state_write(struct kt_writer *w, const struct kt_tree_state *tree)
{
  kt_write_u64(w, tree->size);
  for (size_t i = 0; i < tree->n_heads; i++) {
    kt_write_bytes(w, tree->heads[i].b, KT_HASH_LEN);
  }
  for (size_t i = 0; i < tree->n_frontier; i++) {
    kt_write_u64(w, tree->frontier[i].timestamp_ms);
    kt_write_bytes(w, tree->frontier[i].prefix_root.b, KT_HASH_LEN);
  }
}

void kt_tree_state_read(struct kt_reader *r, struct kt_tree_state *ret_tree)
{
  struct kt_tree_state *tree = ret_tree;
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  *tree = (struct kt_tree_state){ .size = kt_read_u64(r) };
  if (tree->size == 0) {
    return;
  }
  tree->n_heads = kt_log_full_subtrees(tree->size, nodes);
  tree->n_frontier = kt_ibst_frontier(tree->size, frontier);
  for (size_t i = 0; i < tree->n_heads; i++) {
    read_hash(r, &tree->heads[i]);
  }
  for (size_t i = 0; i < tree->n_frontier; i++) {
    tree->frontier[i].pos = frontier[i];
    tree->frontier[i].timestamp_ms = kt_read_u64(r);
    read_hash(r, &tree->frontier[i].prefix_root);
  }
}

void kt_log_state_write(struct kt_writer *w, const struct kt_log_state *log)
{
  kt_write_u8(w, log->auditor_size > 0 ? STATE_FORMAT_AUDITED : KT_STATE_FORMAT);
  kt_tree_state_write(w, &log->tree);
  kt_write_opaque16(w, (struct kt_bytes){ log->signature, log->signature_len });
  if (log->auditor_size > 0) {
    kt_write_u64(w, log->auditor_size);
  }
}

enum kt_err kt_log_state_decode(struct kt_bytes encoded, struct kt_log_state *ret_log)
{
  struct kt_reader r;
  struct kt_log_state log = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  uint8_t format = kt_read_u8(&r);
  if (format != KT_STATE_FORMAT && format != STATE_FORMAT_AUDITED) {
    kt_reader_fail(&r, KT_ERR_UNSUPPORTED);
  }
  kt_tree_state_read(&r, &log.tree);
  kt_log_root(log.tree.size, log.tree.heads, &log.root);
  struct kt_bytes signature = kt_read_opaque16(&r, KT_SIGNATURE_MAX);
  if (format == STATE_FORMAT_AUDITED) {
    log.auditor_size = kt_read_u64(&r);
    if (log.auditor_size == 0 || log.auditor_size > log.tree.size) {
      kt_reader_fail(&r, KT_ERR_FORMAT);
    }
  }
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    memcpy(log.signature, signature.data, signature.len);
    log.signature_len = signature.len;
    *ret_log = log;
  }
  return err;
}

/* --- contact and owner state ------------------------------------------------------------------------------------------ */

static void write_versions_at(struct kt_writer *w, const struct kt_version_at *list, size_t n)
{
  kt_write_count16(w, n);
  for (size_t i = 0; i < n; i++) {
    kt_write_u64(w, list[i].position);
    kt_write_u32(w, list[i].version);
  }
}

static const struct kt_version_at *read_versions_at(struct kt_reader *r, struct kt_arena *arena, size_t *ret_n)
{
  size_t n = kt_read_count16(r, 12);
  struct kt_version_at *list = kt_arena_alloc(arena, n, sizeof *list);
  if (list == NULL) {
    kt_reader_fail(r, KT_ERR_MEMORY);
    return NULL;
  }
  for (size_t i = 0; i < n; i++) {
    list[i].position = kt_read_u64(r);
    list[i].version = kt_read_u32(r);
  }
  *ret_n = n;
  return list;
}

void kt_contact_body_write(struct kt_writer *w, const struct kt_contact_state *contact)
{
  write_versions_at(w, contact->map, contact->n_map);
  kt_write_count16(w, contact->n_known);
  for (size_t i = 0; i < contact->n_known; i++) {
    const struct kt_known_version *known = &contact->known[i];
    kt_write_u32(w, known->version);
    kt_write_bytes(w, known->vrf_output.b, KT_HASH_LEN);
    kt_write_present(w, known->has_commitment);
    if (known->has_commitment) {
      kt_write_bytes(w, known->commitment.b, KT_HASH_LEN);
    }
  }
}

void kt_contact_body_read(struct kt_reader *r, struct kt_arena *arena, struct kt_contact_state *ret)
{
  struct kt_contact_state contact = { 0 };
  contact.map = read_versions_at(r, arena, &contact.n_map);
  contact.n_known = kt_read_count16(r, 4 + KT_HASH_LEN + 1);
  struct kt_known_version *known = kt_arena_alloc(arena, contact.n_known, sizeof *known);
  if (known == NULL) {
    kt_reader_fail(r, KT_ERR_MEMORY);
    return;
  }
  for (size_t i = 0; i < contact.n_known; i++) {
    known[i].version = kt_read_u32(r);
    read_hash(r, &known[i].vrf_output);
    known[i].has_commitment = kt_read_present(r);
    if (known[i].has_commitment) {
      read_hash(r, &known[i].commitment);
    }
  }
  contact.known = known;
  *ret = contact;
}

void kt_contact_state_write(struct kt_writer *w, const struct kt_contact_state *contact)
{
  kt_write_u8(w, KT_STATE_FORMAT);
  kt_contact_body_write(w, contact);
}

enum kt_err kt_contact_state_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                    struct kt_contact_state *ret_contact)
{
  struct kt_reader r;
  struct kt_contact_state contact = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_state_format_read(&r);
  kt_contact_body_read(&r, arena, &contact);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret_contact = contact;
  }
  return err;
}

void kt_owner_state_write(struct kt_writer *w, const struct kt_owner_state *owner)
{
  kt_write_u8(w, KT_STATE_FORMAT);
  kt_write_u64(w, owner->start);
  kt_write_optional_u32(w, owner->has_version_at_start, owner->version_at_start);
  write_versions_at(w, owner->upcoming, owner->n_upcoming);
  kt_contact_body_write(w, &owner->contact);
}

enum kt_err kt_owner_state_decode(struct kt_bytes encoded, struct kt_arena *arena, struct kt_owner_state *ret_owner)
{
  struct kt_reader r;
  struct kt_owner_state owner = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_state_format_read(&r);
  owner.start = kt_read_u64(&r);
  owner.has_version_at_start = kt_read_present(&r);
  owner.version_at_start = owner.has_version_at_start ? kt_read_u32(&r) : 0;
  owner.upcoming = read_versions_at(&r, arena, &owner.n_upcoming);
  kt_contact_body_read(&r, arena, &owner.contact);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret_owner = owner;
  }
  return err;
}
