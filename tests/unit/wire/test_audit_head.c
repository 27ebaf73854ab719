/* SPDX-License-Identifier: Apache-2.0 */
/* AuditHead (ours), and AuditorTreeHead as a message of its own. */
#include "wire_test.h"

#include "wire/audit_head.h"

static enum kt_err recode(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                          struct kt_writer *w)
{
  struct kt_audit_head head;
  (void)config;
  (void)arena;
  enum kt_err err = kt_audit_head_decode(in, &head);
  if (err == KT_OK) {
    kt_audit_head_write(w, &head);
  }
  return err;
}

static enum kt_err recode_auditor(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                  struct kt_writer *w)
{
  struct kt_auditor_tree_head head;
  (void)config;
  (void)arena;
  enum kt_err err = kt_auditor_tree_head_decode(in, &head);
  if (err == KT_OK) {
    kt_auditor_tree_head_write(w, &head);
  }
  return err;
}

#define TREE_HEAD    \
  "0000000000000007" \
  "0002"             \
  "aabb"
#define AUDITOR      \
  "0000018bcfe56800" \
  "0000000000000005" \
  "0001"             \
  "cc"

/* TreeHead, root, optional<AuditorTreeHead>. */
static void test_known_bytes_R3(void **state)
{
  const char *alone = TREE_HEAD X32("11") "00";
  const char *vouched = TREE_HEAD X32("11") "01" AUDITOR;
  struct kt_writer w;
  struct kt_audit_head head = { .tree_head = { 7, TEXT("\xaa\xbb") }, .root = HASH(0x11) };
  (void)state;
  kt_writer_init(&w, TEST_LIMIT);
  kt_audit_head_write(&w, &head);
  assert_written(&w, alone);
  check_codec(alone, recode, NULL);
  head.has_auditor = true;
  head.auditor = (struct kt_auditor_tree_head){ 1700000000000, 5, TEXT("\xcc") };
  kt_writer_init(&w, TEST_LIMIT);
  kt_audit_head_write(&w, &head);
  assert_written(&w, vouched);
  check_codec(vouched, recode, NULL);
  check_codec(AUDITOR, recode_auditor, NULL);
}

static void test_presence_octet_R1(void **state)
{
  (void)state;
  check_refused(TREE_HEAD X32("11") "02" AUDITOR, recode, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_known_bytes_R3), cmocka_unit_test(test_presence_octet_R1) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
