/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence files: what proves a contradiction, what does not, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <kt/client.h>
#include <kt/evidence.h>
#include <sodium.h>

#include <kt/arena.h>
#include <kt/writer.h>
#include "crypto/hash.h"
#include "support/suite.h"
#include "tree/log_tree.h"
#include "wire/tree_head.h"

#define MAGIC "kt-evidence/1"
#define LEAVES 32

/* A log with its own keys; the entries' values are made up, which nothing here looks into. */
struct test_log {
  uint8_t seed[KT_SEED_LEN];
  uint8_t sign_public[KT_PUBLIC_KEY_MAX];
  uint8_t vrf_public[KT_PUBLIC_KEY_MAX];
  struct kt_config config;
  uint8_t encoded[KT_CONFIG_MAX];
  struct kt_bytes config_bytes;
  struct kt_hash leaves[LEAVES];
};

static void init_log(struct test_log *log, uint8_t key)
{
  const struct kt_suite *suite = kt_suite_by_id(KT_SUITE_ED25519);
  uint8_t vrf_seed[KT_SEED_LEN];
  memset(log->seed, key, sizeof log->seed);
  memset(vrf_seed, key + 1, sizeof vrf_seed);
  assert_int_equal(suite->sign_public(log->seed, log->sign_public), KT_OK);
  assert_int_equal(suite->vrf_public(vrf_seed, log->vrf_public), KT_OK);
  log->config = (struct kt_config){ .suite = suite,
                                    .mode = KT_MODE_CONTACT_MONITORING,
                                    .signature_public_key = { log->sign_public, suite->sign_public_len },
                                    .vrf_public_key = { log->vrf_public, suite->vrf_public_len },
                                    .max_ahead = 60000,
                                    .max_behind = 600000,
                                    .reasonable_monitoring_window = 86400000 };
  log->config_bytes = (struct kt_bytes){ log->encoded, kt_config_encode(&log->config, log->encoded) };
  assert_true(log->config_bytes.len > 0);
  for (unsigned i = 0; i < LEAVES; i++) {
    memset(log->leaves[i].b, (int)i, KT_HASH_LEN);
  }
}

/* --- naive log tree ------------------------------------------------------------------------------------------------- */

static struct kt_hash tree(const struct kt_hash *leaves, size_t n)
{
  size_t split = 1;
  if (n == 1) {
    return leaves[0];
  }
  while (split * 2 < n) {
    split *= 2;
  }
  struct kt_hash left = tree(leaves, split);
  struct kt_hash right = tree(leaves + split, n - split);
  uint8_t content[66];
  content[0] = split == 1 ? 0 : 1;
  memcpy(content + 1, left.b, 32);
  content[33] = n - split == 1 ? 0 : 1;
  memcpy(content + 34, right.b, 32);
  crypto_hash_sha256(left.b, content, sizeof content);
  return left;
}

static void write_nodes(struct kt_writer *w, const struct test_log *log, const struct kt_log_node *nodes, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    struct kt_hash value = tree(log->leaves + nodes[i].start, (size_t)1 << nodes[i].level);
    kt_write_bytes(w, value.b, KT_HASH_LEN);
  }
}

static struct kt_bytes consistency(const struct test_log *log, uint64_t old_size, uint64_t size, struct kt_arena *arena)
{
  struct kt_log_node subtrees[KT_LOG_SUBTREES_MAX];
  struct kt_log_node *elements;
  size_t n;
  const struct kt_log_request request = { .size = size, .retained_size = old_size };
  struct kt_writer w;
  size_t n_subtrees = kt_log_full_subtrees(old_size, subtrees);
  assert_int_equal(kt_log_copath(&request, arena, &elements, &n), KT_OK);
  kt_writer_init(&w, 1 << 16);
  kt_write_count8(&w, n_subtrees);
  write_nodes(&w, log, subtrees, n_subtrees);
  kt_write_count16(&w, n);
  write_nodes(&w, log, elements, n);
  struct kt_bytes bytes = { kt_arena_copy(arena, w.buf, w.len), w.len };
  kt_writer_release(&w);
  return bytes;
}

static struct kt_signed_head sign_head(const struct test_log *log, uint64_t size, struct kt_arena *arena)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_signed_head head = { .config = log->config_bytes, .received_ms = 1700000000000 + size, .size = size };
  head.root = tree(log->leaves, size);
  const struct kt_sign_key key = test_sign_key(log->config.suite, log->seed);
  assert_int_equal(kt_tree_head_sign(&log->config, &key, size, &head.root, signature), KT_OK);
  head.signature = (struct kt_bytes){ kt_arena_copy(arena, signature, log->config.suite->signature_len),
                                      log->config.suite->signature_len };
  return head;
}

/* --- fixture ---------------------------------------------------------------------------------------------------------- */

struct fixture {
  struct test_log log;   /* pinned */
  struct test_log twin;  /* the same keys, another entry 3 */
  struct test_log other; /* other keys */
  struct kt_arena arena;
};

static int setup(void **state)
{
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  init_log(&f->log, 1);
  init_log(&f->twin, 1);
  init_log(&f->other, 10);
  f->twin.leaves[3].b[0] ^= 1;
  kt_arena_init(&f->arena, KT_ARENA_CAP_DEFAULT);
  *state = f;
  return 0;
}

static int teardown(void **state)
{
  struct fixture *f = *state;
  kt_arena_release(&f->arena);
  free(f);
  return 0;
}

static struct kt_evidence evidence_of(const struct fixture *f, enum kt_evidence_kind kind)
{
  struct kt_evidence evidence = { .kind = kind };
  kt_config_log_id(&f->log.config, &evidence.log_id);
  return evidence;
}

static struct kt_evidence fork_at(struct fixture *f, uint64_t size)
{
  struct kt_evidence evidence = evidence_of(f, KT_EVIDENCE_FORK);
  evidence.first = sign_head(&f->log, size, &f->arena);
  evidence.second = sign_head(&f->twin, size, &f->arena);
  return evidence;
}

/* The twin's head, and a larger one of the log. */
static struct kt_evidence inconsistent_at(struct fixture *f, uint64_t small, uint64_t large)
{
  struct kt_evidence evidence = evidence_of(f, KT_EVIDENCE_INCONSISTENT);
  evidence.first = sign_head(&f->twin, small, &f->arena);
  evidence.second = sign_head(&f->log, large, &f->arena);
  evidence.consistency = consistency(&f->log, small, large, &f->arena);
  return evidence;
}

static struct kt_bytes encode(struct fixture *f, const struct kt_evidence *evidence)
{
  struct kt_writer w;
  kt_writer_init(&w, 1 << 20);
  kt_evidence_write(&w, evidence);
  assert_int_equal(w.err, KT_OK);
  struct kt_bytes file = { kt_arena_copy(&f->arena, w.buf, w.len), w.len };
  kt_writer_release(&w);
  return file;
}

static enum kt_err judge(struct fixture *f, struct kt_bytes file, enum kt_evidence_verdict *ret_verdict)
{
  struct kt_evidence evidence;
  struct kt_reason reason = { .code = NULL };
  enum kt_err err = kt_evidence_decode(file, &evidence);
  return err == KT_OK ? kt_evidence_verify(&f->log.config, &evidence, &f->arena, ret_verdict, &reason) : err;
}

static void assert_verdict(struct fixture *f, const struct kt_evidence *evidence, enum kt_evidence_verdict expected)
{
  enum kt_evidence_verdict verdict;
  assert_int_equal(judge(f, encode(f, evidence), &verdict), KT_OK);
  assert_int_equal(verdict, expected);
}

static void assert_refused(struct fixture *f, const struct kt_evidence *evidence, const char *code)
{
  struct kt_reason reason = { .code = NULL };
  enum kt_evidence_verdict verdict = (enum kt_evidence_verdict)77;
  assert_int_equal(kt_evidence_verify(&f->log.config, evidence, &f->arena, &verdict, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, code);
  assert_int_equal(verdict, 77);
}

/* --- forks --------------------------------------------------------------------------------------------------------------- */

static void r61_two_roots_of_one_size_are_proven(void **state)
{
  struct fixture *f = *state;
  for (uint64_t size = 4; size <= LEAVES; size++) {
    struct kt_evidence evidence = fork_at(f, size);
    assert_verdict(f, &evidence, KT_EVIDENCE_CONTRADICTION);
  }
}

static void one_head_twice_is_no_fork(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence evidence = fork_at(f, 9);
  evidence.second = evidence.first;
  assert_verdict(f, &evidence, KT_EVIDENCE_CONSISTENT);
  evidence = fork_at(f, 3); /* before the twins part */
  assert_verdict(f, &evidence, KT_EVIDENCE_CONSISTENT);
}

static void a_larger_head_that_does_not_extend_a_smaller_is_proven(void **state)
{
  struct fixture *f = *state;
  for (uint64_t small = 1; small < 12; small++) {
    for (uint64_t large = small + 1; large <= 16; large++) {
      struct kt_evidence evidence = inconsistent_at(f, small, large);
      assert_verdict(f, &evidence, small < 4 ? KT_EVIDENCE_CONSISTENT : KT_EVIDENCE_CONTRADICTION);
    }
  }
}

/* Elements of the twin do not lead to the log's root, whatever they say of the smaller size. */
static void consistency_elements_must_lead_to_the_signed_root(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence evidence = inconsistent_at(f, 5, 12);
  evidence.consistency = consistency(&f->twin, 5, 12, &f->arena);
  assert_refused(f, &evidence, "consistency");
}

static void a_foreign_key_is_refused(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence evidence = fork_at(f, 9);
  evidence.second = sign_head(&f->other, 9, &f->arena);
  assert_refused(f, &evidence, "evidence-config");
  evidence.second.config = f->log.config_bytes; /* and claims to be ours */
  assert_refused(f, &evidence, "head-signature");
  evidence = fork_at(f, 9);
  kt_config_log_id(&f->other.config, &evidence.log_id);
  assert_refused(f, &evidence, "evidence-log");
}

/* A successor configuration with another window is the same log. */
static void heads_under_two_configurations_of_one_log(void **state)
{
  struct fixture *f = *state;
  f->twin.config.reasonable_monitoring_window /= 2;
  f->twin.config_bytes.len = kt_config_encode(&f->twin.config, f->twin.encoded);
  struct kt_evidence evidence = fork_at(f, 9);
  assert_verdict(f, &evidence, KT_EVIDENCE_CONTRADICTION);
  evidence.second.config = f->log.config_bytes; /* not the one that was signed */
  assert_refused(f, &evidence, "head-signature");
}

static void a_signature_is_for_its_size_and_root_only(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence evidence = fork_at(f, 9);
  evidence.second.signature = evidence.first.signature;
  assert_refused(f, &evidence, "head-signature");
  evidence = fork_at(f, 9);
  struct kt_signed_head later = sign_head(&f->twin, 10, &f->arena);
  evidence.second.root = later.root; /* a real root and signature of another size */
  evidence.second.signature = later.signature;
  assert_refused(f, &evidence, "head-signature");
}

/* --- what proves nothing by itself ---------------------------------------------------------------------------------------- */

static void rollback_is_genuine_but_no_contradiction(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence evidence = evidence_of(f, KT_EVIDENCE_ROLLBACK);
  evidence.first = sign_head(&f->log, 12, &f->arena);
  evidence.second = sign_head(&f->twin, 7, &f->arena); /* even though it is one: nothing in the file shows it */
  assert_verdict(f, &evidence, KT_EVIDENCE_CONSISTENT);
  assert_non_null(strstr(kt_evidence_limits(evidence.kind, KT_EVIDENCE_CONSISTENT), "no contradiction"));
  evidence.second.signature = evidence.first.signature;
  assert_refused(f, &evidence, "head-signature");
}

static struct kt_bytes text(const char *bytes)
{
  return (struct kt_bytes){ (const uint8_t *)bytes, strlen(bytes) };
}

static void failed_responses_are_kept_whole(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence decoded;
  struct kt_evidence evidence = evidence_of(f, KT_EVIDENCE_FAILED);
  evidence.failed = (struct kt_failed_response){
    .received_ms = 5, .code = text("prefix-root"), .request = text("POST /v1/search\nabc"), .response = text("xyz")
  };
  assert_verdict(f, &evidence, KT_EVIDENCE_CONSISTENT);
  evidence.has_retained = true;
  evidence.first = sign_head(&f->log, 12, &f->arena);
  assert_verdict(f, &evidence, KT_EVIDENCE_CONSISTENT);
  assert_int_equal(kt_evidence_decode(encode(f, &evidence), &decoded), KT_OK);
  assert_int_equal(decoded.failed.received_ms, 5);
  assert_memory_equal(decoded.failed.request.data, "POST /v1/search\nabc", 19);
  assert_memory_equal(decoded.failed.response.data, "xyz", 3);
  assert_memory_equal(decoded.failed.code.data, "prefix-root", 11);
  assert_true(decoded.has_retained);
  assert_int_equal(decoded.first.size, 12);
  evidence.first.signature = sign_head(&f->log, 11, &f->arena).signature;
  assert_refused(f, &evidence, "head-signature");
}

/* --- the file ------------------------------------------------------------------------------------------------------------ */

/* struct { magic; kind; log_id; head; head; checksum }, head: config<16>, received, size, root, signature<16> */
static void the_encoding_is_what_the_format_says(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence evidence = fork_at(f, 9);
  struct kt_bytes file = encode(f, &evidence);
  size_t head_len = 2 + f->log.config_bytes.len + 8 + 8 + 32 + 2 + 64;
  assert_int_equal(file.len, 13 + 1 + 32 + 2 * head_len + 32);
  assert_memory_equal(file.data, MAGIC "\x01", 14);
  assert_memory_equal(file.data + 14, evidence.log_id.b, 32);
  const uint8_t *at = file.data + 46;
  assert_int_equal(at[0] << 8 | at[1], f->log.config_bytes.len);
  assert_memory_equal(at + 2, f->log.config_bytes.data, f->log.config_bytes.len);
  at += 2 + f->log.config_bytes.len;
  assert_memory_equal(at + 8, "\0\0\0\0\0\0\0\x09", 8);
  assert_memory_equal(at + 16, evidence.first.root.b, 32);
  assert_memory_equal(at + 48, "\0\x40", 2);
  assert_memory_equal(at + 50, evidence.first.signature.data, 64);
  uint8_t checksum[32];
  crypto_hash_sha256(checksum, file.data, file.len - 32);
  assert_memory_equal(file.data + file.len - 32, checksum, 32);
}

static void every_bit_flip_and_every_cut_is_noticed(void **state)
{
  struct fixture *f = *state;
  enum kt_evidence_verdict verdict;
  struct kt_evidence evidence = fork_at(f, 9);
  struct kt_bytes file = encode(f, &evidence);
  uint8_t *copy = kt_arena_copy(&f->arena, file.data, file.len);
  assert_non_null(copy);
  for (size_t i = 0; i < 8 * file.len; i++) {
    copy[i / 8] ^= (uint8_t)(1u << i % 8);
    assert_int_not_equal(judge(f, (struct kt_bytes){ copy, file.len }, &verdict), KT_OK);
    copy[i / 8] ^= (uint8_t)(1u << i % 8);
  }
  for (size_t len = 0; len < file.len; len++) {
    assert_int_not_equal(judge(f, (struct kt_bytes){ copy, len }, &verdict), KT_OK);
  }
}

/* A forger recomputes the checksum: then only the times of receipt, which nobody signs, may change. */
static void flips_by_a_forger_prove_nothing(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence made[] = { fork_at(f, 9), inconsistent_at(f, 6, 13) };
  for (size_t k = 0; k < 2; k++) {
    struct kt_bytes file = encode(f, &made[k]);
    size_t times[2] = { 46 + 2 + f->log.config_bytes.len, 0 };
    times[1] = times[0] + 8 + 8 + 32 + 2 + 64 + 2 + f->log.config_bytes.len;
    uint8_t *copy = kt_arena_copy(&f->arena, file.data, file.len);
    size_t n_proven = 0;
    for (size_t i = 0; i < 8 * (file.len - 32); i++) {
      enum kt_evidence_verdict verdict = KT_EVIDENCE_CONSISTENT;
      copy[i / 8] ^= (uint8_t)(1u << i % 8);
      crypto_hash_sha256(copy + file.len - 32, copy, file.len - 32);
      bool proven =
          judge(f, (struct kt_bytes){ copy, file.len }, &verdict) == KT_OK && verdict == KT_EVIDENCE_CONTRADICTION;
      bool is_time = (i / 8 >= times[0] && i / 8 < times[0] + 8) || (i / 8 >= times[1] && i / 8 < times[1] + 8);
      assert_int_equal(proven, is_time);
      n_proven += proven;
      copy[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(n_proven, 128);
  }
}

static void sizes_must_fit_the_kind(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence cases[] = { fork_at(f, 9), inconsistent_at(f, 6, 13), evidence_of(f, KT_EVIDENCE_ROLLBACK),
                                 fork_at(f, 9) };
  cases[0].second = sign_head(&f->log, 8, &f->arena);
  cases[1].second = cases[1].first;
  cases[2].first = sign_head(&f->log, 8, &f->arena);
  cases[2].second = sign_head(&f->log, 8, &f->arena);
  cases[3].first.size = cases[3].second.size = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    enum kt_evidence_verdict verdict;
    struct kt_reason reason = { .code = NULL };
    struct kt_writer w;
    kt_writer_init(&w, 1 << 16);
    kt_evidence_write(&w, &cases[i]);
    assert_int_equal(w.err, KT_ERR_USAGE);
    assert_int_equal(w.len, 0);
    kt_writer_release(&w);
    assert_int_equal(kt_evidence_verify(&f->log.config, &cases[i], &f->arena, &verdict, &reason), KT_ERR_FORMAT);
  }
}

static void a_file_whose_sizes_do_not_fit_is_malformed(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence decoded;
  struct kt_evidence evidence = fork_at(f, 9);
  struct kt_bytes file = encode(f, &evidence);
  uint8_t *copy = kt_arena_copy(&f->arena, file.data, file.len);
  size_t size_at = 46 + 2 + f->log.config_bytes.len + 8 + 7;
  assert_int_equal(copy[size_at], 9);
  copy[size_at] = 8;
  crypto_hash_sha256(copy + file.len - 32, copy, file.len - 32);
  assert_int_equal(kt_evidence_decode((struct kt_bytes){ copy, file.len }, &decoded), KT_ERR_FORMAT);
}

static void a_later_format_is_told_apart(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence evidence = fork_at(f, 9);
  struct kt_evidence decoded;
  struct kt_bytes file = encode(f, &evidence);
  uint8_t *copy = kt_arena_copy(&f->arena, file.data, file.len);
  copy[12] = '2';
  assert_int_equal(kt_evidence_decode((struct kt_bytes){ copy, file.len }, &decoded), KT_ERR_UNSUPPORTED);
  assert_int_equal(kt_evidence_decode(text("{\"schema\":\"something else entirely, and long enough\"}"), &decoded),
                   KT_ERR_FORMAT);
}

static void the_id_names_the_finding(void **state)
{
  struct fixture *f = *state;
  uint8_t id[KT_EVIDENCE_ID_LEN];
  uint8_t other[KT_EVIDENCE_ID_LEN];
  struct kt_evidence evidence = fork_at(f, 9);
  kt_evidence_id(&evidence, id);
  struct kt_evidence swapped = evidence;
  swapped.first = evidence.second;
  swapped.second = evidence.first;
  swapped.first.received_ms++;
  kt_evidence_id(&swapped, other);
  assert_memory_equal(id, other, sizeof id);
  swapped = fork_at(f, 10);
  kt_evidence_id(&swapped, other);
  assert_memory_not_equal(id, other, sizeof id);
}

static void every_verdict_is_put_into_words(void **state)
{
  (void)state;
  for (int kind = KT_EVIDENCE_FORK; kind <= KT_EVIDENCE_ANSWER; kind++) {
    enum kt_evidence_kind k = (enum kt_evidence_kind)kind;
    assert_true(strlen(kt_evidence_proves(k, KT_EVIDENCE_CONSISTENT)) > 0);
    assert_true(strlen(kt_evidence_limits(k, KT_EVIDENCE_CONSISTENT)) > 0);
    assert_int_equal(strlen(kt_evidence_proves(k, KT_EVIDENCE_CONTRADICTION)) > 0, k <= KT_EVIDENCE_INCONSISTENT);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(r61_two_roots_of_one_size_are_proven, setup, teardown),
    cmocka_unit_test_setup_teardown(one_head_twice_is_no_fork, setup, teardown),
    cmocka_unit_test_setup_teardown(a_larger_head_that_does_not_extend_a_smaller_is_proven, setup, teardown),
    cmocka_unit_test_setup_teardown(consistency_elements_must_lead_to_the_signed_root, setup, teardown),
    cmocka_unit_test_setup_teardown(a_foreign_key_is_refused, setup, teardown),
    cmocka_unit_test_setup_teardown(heads_under_two_configurations_of_one_log, setup, teardown),
    cmocka_unit_test_setup_teardown(a_signature_is_for_its_size_and_root_only, setup, teardown),
    cmocka_unit_test_setup_teardown(rollback_is_genuine_but_no_contradiction, setup, teardown),
    cmocka_unit_test_setup_teardown(failed_responses_are_kept_whole, setup, teardown),
    cmocka_unit_test_setup_teardown(the_encoding_is_what_the_format_says, setup, teardown),
    cmocka_unit_test_setup_teardown(every_bit_flip_and_every_cut_is_noticed, setup, teardown),
    cmocka_unit_test_setup_teardown(flips_by_a_forger_prove_nothing, setup, teardown),
    cmocka_unit_test_setup_teardown(sizes_must_fit_the_kind, setup, teardown),
    cmocka_unit_test_setup_teardown(a_file_whose_sizes_do_not_fit_is_malformed, setup, teardown),
    cmocka_unit_test_setup_teardown(a_later_format_is_told_apart, setup, teardown),
    cmocka_unit_test_setup_teardown(the_id_names_the_finding, setup, teardown),
    cmocka_unit_test_setup_teardown(every_verdict_is_put_into_words, setup, teardown),
  };
  return kt_crypto_init() == KT_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
