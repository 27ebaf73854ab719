/* SPDX-License-Identifier: Apache-2.0 */
/* TreeHead, AuditorTreeHead, FullTreeHead and the bytes that are signed. Expected signatures are OpenSSL's, made with
 * the seeds of RFC 8032 section 7.1 (tests 1 and 3) over the strings below. */
#include "support/suite.h"
#include "wire_configs.h"

#define SEED_1 "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define SIGNATURE_CONTACT                                                                                            \
  "a4d4cd737b537324358b11e107ed27d67928d175581351868b08aef6aa580c3c5c24aa3e8cd1fdf49623598da1bd9c6095f8c745c4f388af" \
  "52f513ebc4b36e05"
#define SIGNATURE_MANAGED                                                                                            \
  "80341a5c6481888d31505ba1d761c83585afd44098dc4d85412d39fe2c84f4759c68492c07534a16f536507f08db1124bdf1b36a73939e77" \
  "2014e71383013c0a"
#define SIGNATURE_AUDITED                                                                                            \
  "7969d35d920339a983e9b95db28b93c07da0ee735cef88cdf52cc433840c09661dba454921ebdf10c722bd2ba130cb8399399e2e3837d102" \
  "ae9c27aac77a860b"
#define SIGNATURE_AUDITOR                                                                                            \
  "88a9c12564395f3fe349634047bddee0dd500de524f1b7d71c32114738d464dbc9e9903418f46c565cd7af1585ea12a040c33e43c26c7ae5" \
  "3027509a0096cc0d"

static const struct kt_hash root = HASH(0x77);

static enum kt_err recode_head(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                               struct kt_writer *w)
{
  struct kt_reader r;
  struct kt_tree_head head;
  (void)config;
  (void)arena;
  kt_reader_init(&r, in.data, in.len);
  kt_tree_head_read(&r, &head);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    kt_tree_head_write(w, &head);
  }
  return err;
}

static enum kt_err recode_auditor_head(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                       struct kt_writer *w)
{
  struct kt_reader r;
  struct kt_auditor_tree_head head;
  (void)config;
  (void)arena;
  kt_reader_init(&r, in.data, in.len);
  kt_auditor_tree_head_read(&r, &head);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    kt_auditor_tree_head_write(w, &head);
  }
  return err;
}

static enum kt_err recode_full(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                               struct kt_writer *w)
{
  struct kt_reader r;
  struct kt_full_tree_head head;
  (void)arena;
  kt_reader_init(&r, in.data, in.len);
  kt_full_tree_head_read(&r, config, &head);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    kt_full_tree_head_write(w, config, &head);
  }
  return err;
}

static void check_full_written(const struct kt_full_tree_head *head, enum kt_mode mode, const char *hex)
{
  struct kt_config config = test_config(mode);
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_full_tree_head_write(&w, &config, head);
  assert_written(&w, hex);
  check_codec(hex, recode_full, &config);
}

static void test_known_bytes_R3(void **state)
{
  (void)state;
  struct kt_full_tree_head head = sample_head();
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_tree_head_write(&w, &head.tree_head);
  assert_written(&w, "0000000000000007"
                     "0003"
                     "aabbcc");
  kt_writer_init(&w, TEST_LIMIT);
  kt_auditor_tree_head_write(&w, &head.auditor_head);
  assert_written(&w, "00000000000003e8"
                     "0000000000000005"
                     "0002"
                     "ddee");
  check_codec("0000000000000007"
              "0003"
              "aabbcc",
              recode_head, NULL);
  check_codec("00000000000003e8"
              "0000000000000005"
              "0002"
              "ddee",
              recode_auditor_head, NULL);

  check_full_written(&head, KT_MODE_CONTACT_MONITORING, SAMPLE_HEAD);
  check_full_written(&head, KT_MODE_THIRD_PARTY_MANAGEMENT, SAMPLE_HEAD);
  check_full_written(&head, KT_MODE_THIRD_PARTY_AUDITING, SAMPLE_AUDITED_HEAD);
  head.type = KT_HEAD_SAME;
  for (int mode = KT_MODE_CONTACT_MONITORING; mode <= KT_MODE_THIRD_PARTY_AUDITING; mode++) {
    check_full_written(&head, (enum kt_mode)mode, "01");
  }
}

static void test_decoded_fields(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_THIRD_PARTY_AUDITING);
  struct kt_bytes in = bytes_hex(SAMPLE_AUDITED_HEAD);
  struct kt_reader r;
  struct kt_full_tree_head head;
  kt_reader_init(&r, in.data, in.len);
  kt_full_tree_head_read(&r, &config, &head);
  assert_int_equal(kt_reader_end(&r), KT_OK);
  check_sample_head(&head);
  assert_int_equal(head.auditor_head.timestamp, 1000);
  assert_int_equal(head.auditor_head.tree_size, 5);
  assert_hex(head.auditor_head.signature.data, head.auditor_head.signature.len, "ddee");
  bytes_free(in);
}

static void test_head_types_R2(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  check_refused("00", recode_full, &config);
  check_refused("03", recode_full, &config);
  check_refused("ff"
                "0000000000000007"
                "0003"
                "aabbcc",
                recode_full, &config);
  struct kt_full_tree_head head = { 0 };
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_full_tree_head_write(&w, &config, &head);
  assert_refused(&w, KT_ERR_USAGE);
}

static void test_auditor_head_only_in_its_mode_R12(void **state)
{
  (void)state;
  struct kt_config contact = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_config audited = test_config(KT_MODE_THIRD_PARTY_AUDITING);
  check_refused(SAMPLE_AUDITED_HEAD, recode_full, &contact);
  check_refused(SAMPLE_HEAD, recode_full, &audited);
}

static void test_signature_bound(void **state)
{
  (void)state;
  static const uint8_t signature[65536];
  for (size_t len = 65535; len <= 65536; len++) {
    struct kt_writer w;
    kt_writer_init(&w, TEST_LIMIT);
    kt_tree_head_write(&w, &(struct kt_tree_head){ 7, { signature, len } });
    assert_int_equal(w.err, len == 65535 ? KT_OK : KT_ERR_LIMIT);
    kt_writer_release(&w);
    kt_writer_init(&w, TEST_LIMIT);
    kt_auditor_tree_head_write(&w, &(struct kt_auditor_tree_head){ 1, 7, { signature, len } });
    assert_int_equal(w.err, len == 65535 ? KT_OK : KT_ERR_LIMIT);
    kt_writer_release(&w);
  }
}

static void check_head_signature(const char *config_hex, const char *tbs, const char *signature_hex)
{
  struct kt_bytes in;
  struct kt_config config = decode_config(config_hex, &in);
  uint8_t buf[KT_HEAD_TBS_MAX];
  assert_hex(buf, kt_tree_head_sign_data(&config, 7, &root, buf), tbs);

  struct kt_bytes seed = bytes_hex(SEED_1);
  uint8_t signature[KT_SIGNATURE_MAX];
  const struct kt_sign_key key = test_sign_key(config.suite, seed.data);
  assert_int_equal(kt_tree_head_sign(&config, &key, 7, &root, signature), KT_OK);
  assert_hex(signature, config.suite->signature_len, signature_hex);
  struct kt_tree_head head = { 7, { signature, config.suite->signature_len } };
  assert_int_equal(kt_tree_head_verify(&config, &head, &root), KT_OK);
  bytes_free(seed);
  bytes_free(in);
}

/* TreeHeadTBS: config, uint64 tree_size, root[Hash.Nh]. */
static void test_head_signature_known_bytes(void **state)
{
  (void)state;
#define HEAD_TBS_END "0000000000000007" X32("77")
  check_head_signature(CONFIG_CONTACT, CONFIG_CONTACT HEAD_TBS_END, SIGNATURE_CONTACT);
  check_head_signature(CONFIG_MANAGED, CONFIG_MANAGED HEAD_TBS_END, SIGNATURE_MANAGED);
  check_head_signature(CONFIG_AUDITED, CONFIG_AUDITED HEAD_TBS_END, SIGNATURE_AUDITED);
}

static void test_head_signature_refused_R10_R11(void **state)
{
  (void)state;
  struct kt_bytes in;
  struct kt_config config = decode_config(CONFIG_CONTACT, &in);
  struct kt_bytes signature = bytes_hex(SIGNATURE_CONTACT);
  struct kt_tree_head head = { 7, signature };
  assert_int_equal(kt_tree_head_verify(&config, &head, &root), KT_OK);

  struct kt_hash other_root = root;
  other_root.b[31] ^= 1;
  assert_int_equal(kt_tree_head_verify(&config, &head, &other_root), KT_ERR_PROOF);
  assert_int_equal(kt_tree_head_verify(&config, &(struct kt_tree_head){ 8, signature }, &root), KT_ERR_PROOF);
  struct kt_config other = config;
  other.max_behind++;
  assert_int_equal(kt_tree_head_verify(&other, &head, &root), KT_ERR_PROOF);
  other = config;
  other.signature_public_key = config.vrf_public_key;
  assert_int_equal(kt_tree_head_verify(&other, &head, &root), KT_ERR_PROOF);

  /* Lengths other than the suite's. */
  const struct kt_bytes cut = { signature.data, signature.len - 1 };
  assert_int_equal(kt_tree_head_verify(&config, &(struct kt_tree_head){ 7, cut }, &root), KT_ERR_PROOF);
  assert_int_equal(kt_tree_head_verify(&config, &(struct kt_tree_head){ 7, { cut.data, 0 } }, &root), KT_ERR_PROOF);

  /* A head of another mode of the same log. */
  struct kt_bytes managed_in;
  struct kt_config managed = decode_config(CONFIG_MANAGED, &managed_in);
  assert_int_equal(kt_tree_head_verify(&managed, &head, &root), KT_ERR_PROOF);
  bytes_free(managed_in);
  bytes_free(signature);
  bytes_free(in);
}

/* AuditorTreeHeadTBS: config, uint64 timestamp, uint64 tree_size, root[Hash.Nh]. */
static void test_auditor_signature_R17(void **state)
{
  (void)state;
  struct kt_bytes in;
  struct kt_config config = decode_config(CONFIG_AUDITED, &in);
  uint8_t buf[KT_HEAD_TBS_MAX];
  assert_hex(buf, kt_auditor_tree_head_sign_data(&config, 1000, 5, &root, buf),
             CONFIG_AUDITED "00000000000003e8"
                            "0000000000000005" X32("77"));

  struct kt_bytes signature = bytes_hex(SIGNATURE_AUDITOR);
  struct kt_auditor_tree_head head = { 1000, 5, signature };
  assert_int_equal(kt_auditor_tree_head_verify(&config, &head, &root), KT_OK);
  head.timestamp++;
  assert_int_equal(kt_auditor_tree_head_verify(&config, &head, &root), KT_ERR_PROOF);
  head = (struct kt_auditor_tree_head){ 1000, 6, signature };
  assert_int_equal(kt_auditor_tree_head_verify(&config, &head, &root), KT_ERR_PROOF);
  head.tree_size = 5;
  struct kt_hash other_root = root;
  other_root.b[0] ^= 0x80;
  assert_int_equal(kt_auditor_tree_head_verify(&config, &head, &other_root), KT_ERR_PROOF);
  /* The log's own key is not the auditor's. */
  struct kt_config other = config;
  other.auditor_public_key = config.signature_public_key;
  assert_int_equal(kt_auditor_tree_head_verify(&other, &head, &root), KT_ERR_PROOF);
  bytes_free(signature);
  bytes_free(in);
}

static void test_unencodable_configuration(void **state)
{
  (void)state;
  struct kt_config config = test_config((enum kt_mode)9);
  static const struct kt_sign_key key;
  uint8_t buf[KT_HEAD_TBS_MAX];
  uint8_t signature[KT_SIGNATURE_MAX];
  assert_int_equal(kt_tree_head_sign_data(&config, 7, &root, buf), 0);
  assert_int_equal(kt_auditor_tree_head_sign_data(&config, 1, 7, &root, buf), 0);
  assert_int_equal(kt_tree_head_sign(&config, &key, 7, &root, signature), KT_ERR_USAGE);
  assert_int_equal(kt_tree_head_verify(&config, &(struct kt_tree_head){ 7, { signature, 64 } }, &root), KT_ERR_USAGE);
}

static int init_crypto(void **state)
{
  (void)state;
  return kt_crypto_init() == KT_OK ? 0 : -1;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_known_bytes_R3),
    cmocka_unit_test(test_decoded_fields),
    cmocka_unit_test(test_head_types_R2),
    cmocka_unit_test(test_auditor_head_only_in_its_mode_R12),
    cmocka_unit_test(test_signature_bound),
    cmocka_unit_test(test_head_signature_known_bytes),
    cmocka_unit_test(test_head_signature_refused_R10_R11),
    cmocka_unit_test(test_auditor_signature_R17),
    cmocka_unit_test(test_unencodable_configuration),
  };
  return cmocka_run_group_tests(tests, init_crypto, NULL);
}
