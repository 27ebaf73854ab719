/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/migration.h"

#include <string.h>

#include "base/reader.h"
#include "base/unproven.h"
#include "crypto/hash.h"
#include "wire/tree_head.h"

/* First in the file and under both signatures. The draft's signed structures begin with a cipher suite, 0x0001 or
 * 0x0002, so none of them is ever taken for a statement, nor the other way round. */
#define MAGIC "kt-migration/1"
#define MAGIC_LEN (sizeof MAGIC - 1)
#define SECTION "ours"

bool kt_migration_is_fork(const struct kt_migration *statement)
{
  return statement->has_lost && statement->lost_size <= statement->size;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* What old_signature covers. */
static void write_statement(struct kt_writer *w, const struct kt_migration *statement)
{
  kt_write_bytes(w, MAGIC, MAGIC_LEN);
  kt_write_opaque16(w, statement->old_config);
  kt_write_u64(w, statement->size);
  kt_write_u64(w, statement->timestamp_ms);
  kt_write_bytes(w, statement->root.b, sizeof statement->root.b);
  kt_write_opaque16(w, statement->head_signature);
  kt_write_present(w, statement->has_lost);
  if (statement->has_lost) {
    kt_write_u64(w, statement->lost_size);
    kt_write_bytes(w, statement->lost_root.b, sizeof statement->lost_root.b);
  }
  kt_write_opaque16(w, statement->new_config);
  kt_write_u64(w, statement->made_ms);
}

/* Over everything from `start` on. */
static enum kt_err append_signature(struct kt_writer *w, size_t start, const struct kt_config *config,
                                    const struct kt_sign_key *key)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  if (w->err != KT_OK) {
    return w->err;
  }
  enum kt_err err = config->suite->sign(key, (struct kt_bytes){ w->buf + start, w->len - start }, signature);
  if (err == KT_OK) {
    kt_write_opaque16(w, (struct kt_bytes){ signature, config->suite->signature_len });
  }
  return err == KT_OK ? w->err : err;
}

enum kt_err kt_migration_write(const struct kt_migration *statement, const struct kt_config *old_config,
                               const struct kt_sign_key *old_key, const struct kt_config *new_config,
                               const struct kt_sign_key *new_key, struct kt_writer *w)
{
  size_t start = w->len;
  enum kt_err err = KT_OK;
  write_statement(w, statement);
  if (old_key != NULL) {
    err = append_signature(w, start, old_config, old_key);
  } else {
    kt_write_opaque16(w, (struct kt_bytes){ 0 });
  }
  return err == KT_OK ? append_signature(w, start, new_config, new_key) : err;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* *ret_old_len, *ret_new_len: what the two signatures cover, from the start. */
static enum kt_err decode(struct kt_bytes encoded, struct kt_migration *ret, size_t *ret_old_len, size_t *ret_new_len)
{
  struct kt_reader r;
  struct kt_migration read = { .size = 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  const uint8_t *magic = kt_read_bytes(&r, MAGIC_LEN);
  read.old_config = kt_read_opaque16(&r, KT_CONFIG_MAX);
  read.size = kt_read_u64(&r);
  read.timestamp_ms = kt_read_u64(&r);
  const uint8_t *root = kt_read_bytes(&r, KT_HASH_LEN);
  read.head_signature = kt_read_opaque16(&r, KT_SIGNATURE_MAX);
  read.has_lost = kt_read_present(&r);
  const uint8_t *lost_root = root;
  if (read.has_lost) {
    read.lost_size = kt_read_u64(&r);
    lost_root = kt_read_bytes(&r, KT_HASH_LEN);
  }
  read.new_config = kt_read_opaque16(&r, KT_CONFIG_MAX);
  read.made_ms = kt_read_u64(&r);
  size_t old_len = encoded.len - r.left;
  read.old_signature = kt_read_opaque16(&r, KT_SIGNATURE_MAX);
  size_t new_len = encoded.len - r.left;
  read.new_signature = kt_read_opaque16(&r, KT_SIGNATURE_MAX);
  if (kt_reader_end(&r) != KT_OK || memcmp(magic, MAGIC, MAGIC_LEN) != 0) {
    return KT_ERR_FORMAT;
  }
  memcpy(read.root.b, root, KT_HASH_LEN);
  if (read.has_lost) {
    memcpy(read.lost_root.b, lost_root, KT_HASH_LEN);
  }
  *ret = read;
  *ret_old_len = old_len;
  *ret_new_len = new_len;
  return KT_OK;
}

static enum kt_err verify(const struct kt_config *config, struct kt_bytes covered, struct kt_bytes signature,
                          const char *code, const char *text, struct kt_reason *reason)
{
  enum kt_err err = signature.len == config->suite->signature_len
                        ? config->suite->verify(config->signature_public_key, covered, signature)
                        : KT_ERR_PROOF;
  return err == KT_OK ? err : kt_unproven(reason, err, code, text, SECTION);
}

static bool sizes_make_sense(const struct kt_migration *statement)
{
  bool is_same = statement->lost_size == statement->size && kt_hash_equal(&statement->lost_root, &statement->root);
  return statement->size > 0 && (!statement->has_lost || (statement->lost_size > 0 && !is_same));
}

static enum kt_err check_configs(struct kt_migration_checked *checked, struct kt_reason *reason)
{
  enum kt_err err = kt_config_decode(checked->statement.old_config, &checked->old_config, reason);
  if (err == KT_OK) {
    err = kt_config_decode(checked->statement.new_config, &checked->new_config, reason);
  }
  if (err == KT_ERR_CRYPTO) { /* a bad key, here: of a statement that makes no sense, and no failure of this machine */
    return KT_ERR_PROOF;
  }
  if (err != KT_OK) {
    return err;
  }
  kt_config_log_id(&checked->old_config, &checked->old_log_id);
  kt_config_log_id(&checked->new_config, &checked->new_log_id);
  if (kt_hash_equal(&checked->old_log_id, &checked->new_log_id)) {
    return kt_fail(reason, KT_ERR_PROOF, "migration-same-log", "the old log and the new one are the same", SECTION);
  }
  if (!sizes_make_sense(&checked->statement)) {
    return kt_fail(reason, KT_ERR_PROOF, "migration-sizes", "the sizes of the old log's heads make no sense", SECTION);
  }
  return KT_OK;
}

enum kt_err kt_migration_read(struct kt_bytes encoded, struct kt_migration_checked *ret_checked,
                              struct kt_reason *reason)
{
  struct kt_migration_checked checked;
  const struct kt_migration *statement = &checked.statement;
  size_t old_len = 0;
  size_t new_len = 0;
  if (decode(encoded, &checked.statement, &old_len, &new_len) != KT_OK) {
    return kt_fail(reason, KT_ERR_FORMAT, "migration-format", "it is damaged, or no migration statement", SECTION);
  }
  enum kt_err err = check_configs(&checked, reason);
  if (err != KT_OK) {
    return err;
  }
  const struct kt_tree_head head = { .tree_size = statement->size, .signature = statement->head_signature };
  err = kt_tree_head_verify(&checked.old_config, &head, &statement->root);
  if (err != KT_OK) {
    return kt_unproven(reason, err, "migration-head", "the old log did not sign the head that it is said to end with",
                       SECTION);
  }
  if (statement->old_signature.len > 0) {
    err = verify(&checked.old_config, (struct kt_bytes){ encoded.data, old_len }, statement->old_signature,
                 "migration-old-signature", "the old log's signature of the statement is wrong", reason);
  }
  if (err == KT_OK) {
    err = verify(&checked.new_config, (struct kt_bytes){ encoded.data, new_len }, statement->new_signature,
                 "migration-new-signature", "the new log's signature of the statement is wrong", reason);
  }
  if (err == KT_OK) {
    *ret_checked = checked;
  }
  return err;
}
