/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what an auditor's key signed: its line is read byte for byte, no size gets two roots, and one process at a
 * time holds the key, by whatever name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "auditor_key.h"
#include "auditor_signed.h"
#include "crypto/key_text.h"
#include "crypto/secret.h"

struct fixture {
  char folder[64];
  char key_path[96];
  struct kt_output out;
  const struct kt_suite *suite;
  uint8_t key[KT_PUBLIC_KEY_MAX];
  struct kt_bytes public_key;
};

static const struct kt_hash log_id = { { 9 } };
static const struct kt_hash root_a = { { 1 } };
static const struct kt_hash root_b = { { 2 } };

static int set_up(void **context)
{
  struct fixture *f = calloc(1, sizeof *f);
  char line[KT_KEY_TEXT_MAX];
  size_t len = 0;
  assert_non_null(f);
  strcpy(f->folder, "/tmp/kt-signed-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  snprintf(f->key_path, sizeof f->key_path, "%s/key", f->folder);
  kt_output_init(&f->out, stdout, stdout, "never", false);
  f->suite = kt_suite_by_word("ed25519");
  assert_int_equal(kt_auditor_key_create(&f->out, f->key_path, f->suite, line, &len), KT_EXIT_OK);
  const struct kt_suite *suite;
  assert_int_equal(kt_public_key_read((struct kt_bytes){ (const uint8_t *)line, len }, "auditor", &suite, f->key),
                   KT_OK);
  f->public_key = (struct kt_bytes){ f->key, f->suite->sign_public_len };
  *context = f;
  return 0;
}

static int tear_down(void **context)
{
  struct fixture *f = *context;
  char command[128];
  kt_output_release(&f->out);
  snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
  assert_int_equal(system(command), 0);
  free(f);
  return 0;
}

static struct kt_auditor_record opened(struct fixture *f, const char *path)
{
  struct kt_auditor_record record = { .lock_fd = -1 };
  assert_int_equal(kt_auditor_record_open(&f->out, path, &record), KT_EXIT_OK);
  return record;
}

static void save(struct fixture *f, struct kt_auditor_record *record, uint64_t size, const struct kt_hash *root)
{
  const struct kt_auditor_signed last = {
    .log_id = log_id, .size = size, .root = *root, .signature_len = 64, .signature = { 7 }
  };
  assert_int_equal(kt_auditor_record_save(record, &f->out, f->suite, f->public_key, &last), KT_EXIT_OK);
}

static enum kt_err load(struct fixture *f, struct kt_auditor_record *record)
{
  return kt_auditor_record_load(record, f->suite, f->public_key);
}

static void test_a_new_key_has_signed_nothing(void **context)
{
  struct fixture *f = *context;
  struct kt_auditor_record record = opened(f, f->key_path);
  assert_int_equal(load(f, &record), KT_OK);
  assert_int_equal(record.last.size, 0);
  kt_auditor_record_close(&record);
}

static void test_what_was_saved_comes_back(void **context)
{
  struct fixture *f = *context;
  struct stat st;
  struct kt_auditor_record record = opened(f, f->key_path);
  save(f, &record, 5, &root_a);
  kt_auditor_record_close(&record);
  record = opened(f, f->key_path);
  assert_int_equal(load(f, &record), KT_OK);
  assert_int_equal(record.last.size, 5);
  assert_memory_equal(&record.last.root, &root_a, KT_HASH_LEN);
  assert_memory_equal(&record.last.log_id, &log_id, KT_HASH_LEN);
  assert_int_equal(record.last.signature_len, 64);
  assert_int_equal(record.last.signature[0], 7);
  assert_int_equal(stat(record.path, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
  assert_int_equal(unlink(record.path), 0);
  assert_int_equal(load(f, &record), KT_ERR_ABSENT);
  kt_auditor_record_close(&record);
}

/* Whoever can write the record decides what the key may sign. */
static void test_a_record_open_to_others_is_refused(void **context)
{
  struct fixture *f = *context;
  static const mode_t modes[] = { 0660, 0606, 0640, 0604 };
  struct kt_auditor_record record = opened(f, f->key_path);
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    assert_int_equal(chmod(record.path, modes[i]), 0);
    assert_int_equal(load(f, &record), KT_ERR_DENIED);
    assert_non_null(strstr(record.error, "chmod 600"));
  }
  assert_int_equal(chmod(record.path, 0600), 0);
  assert_int_equal(load(f, &record), KT_OK);
  if (geteuid() == 0) { /* root reads everybody's */
    assert_int_equal(chown(record.path, 65534, 65534), 0);
    assert_int_equal(load(f, &record), KT_OK);
  }
  kt_auditor_record_close(&record);
}

static void test_no_size_gets_two_roots(void **context)
{
  const struct kt_hash other_log = { { 8 } };
  const struct kt_auditor_signed nothing = { .size = 0 };
  const struct kt_auditor_signed last = { .log_id = log_id, .size = 5, .root = root_a };
  (void)context;
  assert_true(kt_auditor_signed_allows(&nothing, &log_id, 1, &root_a));
  assert_false(kt_auditor_signed_allows(&nothing, &log_id, 0, &root_a));
  assert_true(kt_auditor_signed_allows(&last, &log_id, 5, &root_a)); /* the answer to the first was lost */
  assert_false(kt_auditor_signed_allows(&last, &log_id, 5, &root_b));
  assert_false(kt_auditor_signed_allows(&last, &log_id, 4, &root_a));
  assert_false(kt_auditor_signed_allows(&last, &log_id, 4, &root_b));
  assert_true(kt_auditor_signed_allows(&last, &log_id, 6, &root_b));
  assert_false(kt_auditor_signed_allows(&last, &other_log, 6, &root_b));
}

/* Every byte of the line counts, and nothing may be missing or follow. */
static void test_a_damaged_record_is_refused(void **context)
{
  struct fixture *f = *context;
  const struct kt_auditor_signed last = { .log_id = log_id, .size = 5, .root = root_a };
  struct kt_auditor_signed got = { .size = 77 };
  char line[KT_AUDITOR_SIGNED_LINE_MAX];
  size_t len = kt_auditor_signed_text(f->suite, f->public_key, &last, line);
  const struct kt_bytes bytes = { (const uint8_t *)line, len };
  for (size_t i = 0; i < len; i++) {
    line[i] ^= 1;
    enum kt_err err = kt_auditor_signed_parse(bytes, f->suite, f->public_key, &got);
    assert_true(err == KT_ERR_FORMAT || err == KT_ERR_CONFLICT);
    line[i] ^= 1;
    assert_int_equal(kt_auditor_signed_parse((struct kt_bytes){ bytes.data, i }, f->suite, f->public_key, &got),
                     KT_ERR_FORMAT);
  }
  line[len] = '\n';
  assert_int_equal(kt_auditor_signed_parse((struct kt_bytes){ bytes.data, len + 1 }, f->suite, f->public_key, &got),
                   KT_ERR_FORMAT);
  assert_int_equal(got.size, 77);
  assert_int_equal(kt_auditor_signed_parse(bytes, f->suite, f->public_key, &got), KT_OK);
  assert_int_equal(got.size, 5);
  f->key[0] ^= 1;
  assert_int_equal(kt_auditor_signed_parse(bytes, f->suite, f->public_key, &got), KT_ERR_CONFLICT);
}

static void test_one_process_holds_the_key(void **context)
{
  struct fixture *f = *context;
  char other[128];
  struct kt_auditor_record second = { .lock_fd = -1 };
  struct kt_auditor_record record = opened(f, f->key_path);
  snprintf(other, sizeof other, "%s/link", f->folder);
  assert_int_equal(symlink(f->key_path, other), 0);
  assert_int_equal(kt_auditor_record_open(&f->out, f->key_path, &second), KT_EXIT_UNDECIDED);
  assert_int_equal(kt_auditor_record_open(&f->out, other, &second), KT_EXIT_UNDECIDED);
  assert_int_equal(second.lock_fd, -1);
  kt_auditor_record_close(&record);
  second = opened(f, other);
  snprintf(other, sizeof other, "%s.signed", f->key_path);
  assert_string_equal(second.path, other);
  kt_auditor_record_close(&second);
}

static void test_only_a_file_with_one_name_is_a_key(void **context)
{
  struct fixture *f = *context;
  char other[128];
  struct kt_auditor_record record = { .lock_fd = -1 };
  snprintf(other, sizeof other, "%s/pipe", f->folder);
  assert_int_equal(mkfifo(other, 0600), 0);
  assert_int_equal(kt_auditor_record_open(&f->out, other, &record), KT_EXIT_USAGE);
  assert_int_equal(kt_auditor_record_open(&f->out, f->folder, &record), KT_EXIT_USAGE);
  snprintf(other, sizeof other, "%s/missing", f->folder);
  assert_int_equal(kt_auditor_record_open(&f->out, other, &record), KT_EXIT_USAGE);
  snprintf(other, sizeof other, "%s/second", f->folder);
  assert_int_equal(link(f->key_path, other), 0);
  assert_int_equal(kt_auditor_record_open(&f->out, f->key_path, &record), KT_EXIT_USAGE);
  assert_int_equal(kt_auditor_record_open(&f->out, other, &record), KT_EXIT_USAGE);
  assert_int_equal(record.lock_fd, -1);
}

/* A pipe in the key's place is refused, not waited for. */
static void test_loading_a_pipe_does_not_wait(void **context)
{
  struct fixture *f = *context;
  char pipe_path[128];
  struct kt_secret *secret = NULL;
  snprintf(pipe_path, sizeof pipe_path, "%s/pipe", f->folder);
  assert_int_equal(mkfifo(pipe_path, 0600), 0);
  alarm(10);
  assert_int_equal(kt_auditor_key_load(&f->out, pipe_path, f->suite, f->public_key, &secret), KT_EXIT_USAGE);
  alarm(0);
  assert_null(secret);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_a_new_key_has_signed_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_what_was_saved_comes_back, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_a_record_open_to_others_is_refused, set_up, tear_down),
    cmocka_unit_test(test_no_size_gets_two_roots),
    cmocka_unit_test_setup_teardown(test_a_damaged_record_is_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_one_process_holds_the_key, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_only_a_file_with_one_name_is_a_key, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_loading_a_pipe_does_not_wait, set_up, tear_down),
  };
  return kt_crypto_init() == KT_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
