/* SPDX-License-Identifier: Apache-2.0 */
/* Migration statements: what is under which signature, and that every change of a byte is noticed. */
#include "wire_test.h"

#include <string.h>

#include "crypto/hash.h"
#include "support/fail_crypto.h"
#include "support/suite.h"
#include "support/toy_migration.h"

static void scene_init(struct toy_migration *scene)
{
  toy_migration_init(scene, test_suite());
}

static void says_what_was_signed(void **state)
{
  struct toy_migration scene;
  struct kt_writer w;
  struct kt_migration_checked read;
  struct kt_reason reason = { 0 };
  struct kt_hash log_id;
  (void)state;
  scene_init(&scene);
  for (int has_old_key = 0; has_old_key < 2; has_old_key++) {
    toy_migration_write(&scene, has_old_key != 0, &w);
    assert_memory_equal(w.buf, "kt-migration/1", 14);
    assert_int_equal(kt_migration_read((struct kt_bytes){ w.buf, w.len }, &read, &reason), KT_OK);
    assert_int_equal(read.statement.size, 7);
    assert_int_equal(read.statement.timestamp_ms, 1700000000000);
    assert_true(read.statement.has_lost);
    assert_int_equal(read.statement.lost_size, 8);
    assert_int_equal(read.statement.lost_root.b[0], 10);
    assert_int_equal(read.statement.old_signature.len > 0, has_old_key);
    kt_config_log_id(&scene.new_log.config, &log_id);
    assert_true(kt_hash_equal(&log_id, &read.new_log_id));
    kt_writer_release(&w);
  }
}

/* One byte after the other: refused, or, in the length of a field, malformed. */
static void every_byte_counts(void **state)
{
  struct toy_migration scene;
  struct kt_writer w;
  (void)state;
  scene_init(&scene);
  for (int has_old_key = 0; has_old_key < 2; has_old_key++) {
    toy_migration_write(&scene, has_old_key != 0, &w);
    for (size_t i = 0; i < w.len; i++) {
      struct kt_migration_checked read;
      struct kt_reason reason = { 0 };
      w.buf[i] ^= 1;
      assert_int_not_equal(kt_migration_read((struct kt_bytes){ w.buf, w.len }, &read, &reason), KT_OK);
      assert_non_null(reason.code);
      w.buf[i] ^= 1;
      assert_int_equal(kt_migration_read((struct kt_bytes){ w.buf, i }, &read, &reason), KT_ERR_FORMAT);
    }
    kt_writer_release(&w);
  }
}

/* The old log's signature cannot be taken off a statement, nor that of one statement put on another. */
static void signatures_belong_together(void **state)
{
  struct toy_migration scene;
  struct kt_writer with;
  struct kt_writer without;
  struct kt_writer forged;
  struct kt_migration_checked read;
  struct kt_reason reason = { 0 };
  (void)state;
  scene_init(&scene);
  size_t len = scene.old_log.config.suite->signature_len;
  toy_migration_write(&scene, true, &with);
  toy_migration_write(&scene, false, &without);
  size_t statement_len = without.len - 2 - 2 - len;
  kt_writer_init(&forged, KT_MIGRATION_MAX);
  kt_write_bytes(&forged, with.buf, statement_len);
  kt_write_opaque16(&forged, (struct kt_bytes){ 0 });
  kt_write_bytes(&forged, with.buf + with.len - len - 2, len + 2);
  assert_int_equal(forged.len, without.len);
  assert_int_equal(kt_migration_read((struct kt_bytes){ forged.buf, forged.len }, &read, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, "migration-new-signature");
  scene.statement.new_config = scene.statement.old_config;
  struct kt_writer same;
  kt_writer_init(&same, KT_MIGRATION_MAX);
  assert_int_equal(kt_migration_write(&scene.statement, &scene.old_log.config, &scene.old_log.key,
                                      &scene.old_log.config, &scene.old_log.key, &same),
                   KT_OK);
  reason = (struct kt_reason){ 0 };
  assert_int_equal(kt_migration_read((struct kt_bytes){ same.buf, same.len }, &read, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, "migration-same-log");
  kt_writer_release(&same);
  kt_writer_release(&forged);
  kt_writer_release(&with);
  kt_writer_release(&without);
}

/* No head is empty, and none is another one than itself. */
static void sizes_make_sense(void **state)
{
  static const struct {
    uint64_t size;
    uint64_t lost_size;
  } bad[] = { { 7, 7 }, { 7, 0 }, { 0, 8 } };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct toy_migration scene;
    struct kt_writer w;
    struct kt_migration_checked read;
    struct kt_reason reason = { 0 };
    scene_init(&scene);
    scene.statement.size = bad[i].size;
    scene.statement.lost_size = bad[i].lost_size;
    scene.statement.lost_root = scene.statement.root;
    toy_migration_write(&scene, true, &w);
    assert_int_equal(kt_migration_read((struct kt_bytes){ w.buf, w.len }, &read, &reason), KT_ERR_PROOF);
    assert_string_equal(reason.code, "migration-sizes");
    kt_writer_release(&w);
  }
}

/* A head that the last one does not lead to is another history, not something that was lost. */
static void two_histories(void **state)
{
  (void)state;
  for (uint64_t lost_size = 1; lost_size <= 9; lost_size++) {
    struct toy_migration scene;
    struct kt_writer w;
    struct kt_migration_checked read;
    struct kt_reason reason = { 0 };
    scene_init(&scene);
    scene.statement.lost_size = lost_size;
    toy_migration_write(&scene, true, &w);
    assert_int_equal(kt_migration_read((struct kt_bytes){ w.buf, w.len }, &read, &reason), KT_OK);
    assert_int_equal(kt_migration_is_fork(&read.statement), lost_size <= 7);
    kt_writer_release(&w);
  }
}

/* A key that no log could have is the statement's fault, not this machine's. */
static void refuses_a_bad_key(void **state)
{
  struct toy_migration scene;
  struct kt_writer w;
  struct kt_migration_checked read;
  struct kt_reason reason = { 0 };
  (void)state;
  scene_init(&scene);
  memset(scene.new_log.sign_public, 0xff, sizeof scene.new_log.sign_public);
  scene.statement.new_config.len = kt_config_encode(&scene.new_log.config, scene.new_log.encoded);
  toy_migration_write(&scene, true, &w);
  assert_int_equal(kt_migration_read((struct kt_bytes){ w.buf, w.len }, &read, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, "config-keys");
  kt_writer_release(&w);
}

/* libcrypto runs out of memory: nobody is told that the statement is wrong, for nobody knows. */
static void says_nothing_without_memory(void **state)
{
  struct toy_migration scene;
  struct kt_writer w;
  (void)state;
  toy_migration_init(&scene, kt_suite_by_id(KT_SUITE_P256));
  toy_migration_write(&scene, true, &w);
  for (int for_good = 0; for_good < 2; for_good++) {
    long n = 0;
    bool was_denied;
    do { /* every eleventh is enough: there are thousands, and other tests deny each */
      struct kt_migration_checked read;
      struct kt_reason reason = { 0 };
      fail_crypto_arm(n, for_good != 0);
      n += 11;
      enum kt_err err = kt_migration_read((struct kt_bytes){ w.buf, w.len }, &read, &reason);
      was_denied = fail_crypto_disarm();
      if (err != KT_OK) {
        assert_true(was_denied);
        assert_true(err == KT_ERR_CRYPTO || err == KT_ERR_MEMORY);
        assert_string_equal(reason.code, "not-examined");
      }
    } while (was_denied);
    assert_true(n > 300);
  }
  kt_writer_release(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(says_what_was_signed),
    cmocka_unit_test(every_byte_counts),
    cmocka_unit_test(signatures_belong_together),
    cmocka_unit_test(sizes_make_sense),
    cmocka_unit_test(two_histories),
    cmocka_unit_test(refuses_a_bad_key),
    cmocka_unit_test(says_nothing_without_memory),
  };
  return fail_crypto_hook() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
