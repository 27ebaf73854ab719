/* SPDX-License-Identifier: Apache-2.0 */
#include "log/published.h"

#include <string.h>

#include "base/reader.h"
#include "crypto/hash.h"
#include "log/engine.h"
#include "wire/tree_head.h"

#define META_NAME "log/head"
#define META_CONFIG "log/config"
#define META_MAX (8 + 8 + KT_HASH_LEN + 2 + KT_SIGNATURE_MAX)

enum kt_err kt_log_head_put(struct kt_store_conn *writer, const struct kt_config *config,
                            const struct kt_log_head *head)
{
  uint8_t bytes[META_MAX];
  struct kt_writer w;
  kt_writer_init_fixed(&w, bytes, sizeof bytes);
  kt_write_u64(&w, head->size);
  kt_write_u64(&w, head->timestamp_ms);
  kt_write_bytes(&w, head->root.b, sizeof head->root.b);
  kt_write_opaque16(&w, (struct kt_bytes){ head->signature, config->suite->signature_len });
  return w.err == KT_OK ? kt_store_put_meta(writer, META_NAME, (struct kt_bytes){ bytes, w.len }) : w.err;
}

static enum kt_err decode(struct kt_bytes stored, const struct kt_config *config, struct kt_log_head *ret_head)
{
  struct kt_reader r;
  struct kt_log_head head = { .size = 0 };
  kt_reader_init(&r, stored.data, stored.len);
  head.size = kt_read_u64(&r);
  head.timestamp_ms = kt_read_u64(&r);
  const uint8_t *root = kt_read_bytes(&r, KT_HASH_LEN);
  struct kt_bytes signature = kt_read_opaque16(&r, KT_SIGNATURE_MAX);
  if (kt_reader_end(&r) != KT_OK || signature.len != config->suite->signature_len) {
    return KT_ERR_PROOF;
  }
  memcpy(head.root.b, root, sizeof head.root.b);
  memcpy(head.signature, signature.data, signature.len);
  *ret_head = head;
  return KT_OK;
}

/* The entries a head is of, up to their root. */
static enum kt_err check_entries(struct kt_store_conn *conn, const struct kt_log_head *head, const char **ret_what)
{
  uint64_t n = 0;
  struct kt_store_entry entry;
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_hash root;
  enum kt_err err = kt_store_count_entries(conn, &n);
  if (err == KT_OK && (head->size == 0 || head->size > n)) {
    *ret_what = "it is of no entries, or of more than there are";
    return KT_ERR_PROOF;
  }
  if (err == KT_OK) {
    err = kt_store_get_entry(conn, head->size - 1, &entry);
  }
  if (err == KT_OK) {
    err = kt_log_heads_at(conn, head->size, heads);
  }
  if (err == KT_ERR_ABSENT) {
    *ret_what = "entries that it is of are missing";
    return KT_ERR_PROOF;
  }
  if (err != KT_OK) {
    return err;
  }
  kt_log_root(head->size, heads, &root);
  if (entry.timestamp_ms != head->timestamp_ms || !kt_hash_equal(&root, &head->root)) {
    *ret_what = "the entries lead to another one";
    return KT_ERR_PROOF;
  }
  return KT_OK;
}

static enum kt_err check_head(struct kt_store_conn *conn, const struct kt_config *config,
                              const struct kt_log_head *head, const char **ret_what)
{
  const struct kt_tree_head signed_head = { .tree_size = head->size,
                                            .signature = { head->signature, config->suite->signature_len } };
  *ret_what = NULL;
  enum kt_err err = check_entries(conn, head, ret_what);
  if (err != KT_OK) {
    return err;
  }
  err = kt_tree_head_verify(config, &signed_head, &head->root);
  if (err == KT_OK || err == KT_ERR_MEMORY || err == KT_ERR_CRYPTO) { /* libcrypto needs memory, too */
    return err == KT_OK ? KT_OK : KT_ERR_MEMORY;
  }
  *ret_what = "its signature is not by the configuration's key";
  return KT_ERR_PROOF;
}

enum kt_err kt_log_head_get(struct kt_store_conn *conn, const struct kt_config *config, struct kt_log_head *ret_head,
                            const char **ret_what)
{
  struct kt_arena arena;
  struct kt_bytes stored;
  struct kt_log_head head = { .size = 0 };
  *ret_what = NULL;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_store_get_meta(conn, META_NAME, &arena, &stored);
  if (err == KT_OK) {
    err = decode(stored, config, &head);
    *ret_what = err == KT_OK ? NULL : "it is malformed";
  }
  kt_arena_release(&arena);
  if (err == KT_OK) {
    err = check_head(conn, config, &head, ret_what);
  }
  if (err == KT_OK) {
    *ret_head = head;
  }
  return err;
}

/* --- the Configuration -------------------------------------------------------------------------------------------- */

void kt_log_config_hash(const struct kt_config *config, struct kt_hash *ret_hash)
{
  uint8_t bytes[KT_CONFIG_MAX];
  kt_sha256(bytes, kt_config_encode(config, bytes), ret_hash);
}

enum kt_err kt_log_config_put(struct kt_store_conn *writer, const struct kt_config *config,
                              const struct kt_config *successor)
{
  struct kt_hash hashes[2];
  kt_log_config_hash(config, &hashes[0]);
  if (successor != NULL) {
    kt_log_config_hash(successor, &hashes[1]);
  }
  const size_t n = successor != NULL ? 2 : 1;
  return kt_store_put_meta(writer, META_CONFIG, (struct kt_bytes){ hashes[0].b, n * sizeof hashes[0] });
}

enum kt_err kt_log_config_check(struct kt_store_conn *conn, const struct kt_config *config)
{
  struct kt_arena arena;
  struct kt_bytes stored = { NULL, 0 };
  struct kt_hash hash;
  bool is_named = false;
  kt_log_config_hash(config, &hash);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_store_get_meta(conn, META_CONFIG, &arena, &stored);
  for (size_t at = 0; err == KT_OK && at + sizeof hash.b <= stored.len; at += sizeof hash.b) {
    is_named = is_named || memcmp(stored.data + at, hash.b, sizeof hash.b) == 0;
  }
  kt_arena_release(&arena);
  if (err != KT_OK) {
    return err;
  }
  if (!is_named) {
    return KT_ERR_PROOF;
  }
  return stored.len == sizeof hash.b ? KT_OK : KT_ERR_ABSENT;
}

enum kt_err kt_log_announce(struct kt_log *log, const struct kt_config *successor, struct kt_log_problem *ret_problem)
{
  enum kt_err err = kt_store_begin(log->writer);
  if (err == KT_OK) {
    err = kt_log_config_put(log->writer, log->options.config, successor);
  }
  if (err == KT_OK) {
    err = kt_store_commit(log->writer);
  }
  if (err != KT_OK) {
    err = kt_log_store_problem(ret_problem, err, log->writer);
    kt_store_rollback(log->writer);
  }
  return err;
}
