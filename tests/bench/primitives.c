/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <kt/suite.h>

#include "crypto/hash.h"
#include "server.h"

#define NODE_LEN 65
#define DISK_ROUNDS 64
#define START_ROUNDS 9
#define N_PROOFS 64 /* encoding to the curve takes a different number of attempts for each message */
#define SLICE_NS UINT64_C(20000000)
#define N_SLICES 20
#define N_ROUNDS_UNWATCHED 16 /* between two looks at the clock */
#define N_TOGETHER_MAX 8

struct bench_keys {
  const struct kt_suite *suite;
  struct kt_sign_key sign;
  struct kt_vrf_key vrf;
  uint8_t message[NODE_LEN];
  uint8_t sign_public[KT_PUBLIC_KEY_MAX];
  uint8_t vrf_public[KT_PUBLIC_KEY_MAX];
  uint8_t signature[KT_SIGNATURE_MAX];
  uint8_t proofs[N_PROOFS][KT_VRF_PROOF_MAX];
  /* Made last, for nobody. */
  struct kt_hash hash;
  uint8_t proof[KT_VRF_PROOF_MAX];
  uint8_t many_messages[N_TOGETHER_MAX][NODE_LEN];
  struct kt_hash many_hashes[N_TOGETHER_MAX];
  uint8_t many_proofs[KT_VRF_PROVE_MAX][KT_VRF_PROOF_MAX];
};

static struct kt_bytes message(struct bench_keys *keys, uint64_t round)
{
  memcpy(keys->message, &round, sizeof round);
  return (struct kt_bytes){ keys->message, sizeof keys->message };
}

/* Message i of a round of n is message(n * round + i). */
static void messages(struct bench_keys *keys, uint64_t round, size_t n, struct kt_bytes *ret_messages)
{
  for (size_t i = 0; i < n; i++) {
    uint64_t number = n * round + i;
    memcpy(keys->many_messages[i], &number, sizeof number);
    ret_messages[i] = (struct kt_bytes){ keys->many_messages[i], NODE_LEN };
  }
}

static enum kt_err run_prove(struct bench_keys *keys, uint64_t round)
{
  return keys->suite->vrf_prove(&keys->vrf, message(keys, round), keys->proof, &keys->hash);
}

static enum kt_err run_output(struct bench_keys *keys, uint64_t round)
{
  return keys->suite->vrf_output(&keys->vrf, message(keys, round), &keys->hash);
}

static enum kt_err run_vrf_verify(struct bench_keys *keys, uint64_t round)
{
  size_t i = round % N_PROOFS;
  return keys->suite->vrf_verify((struct kt_bytes){ keys->vrf_public, keys->suite->vrf_public_len }, message(keys, i),
                                 keys->proofs[i], &keys->hash);
}

static enum kt_err run_prove_together(struct bench_keys *keys, uint64_t round)
{
  struct kt_bytes alphas[KT_VRF_PROVE_MAX];
  uint8_t *proofs[KT_VRF_PROVE_MAX];
  messages(keys, round, KT_VRF_PROVE_MAX, alphas);
  for (size_t i = 0; i < KT_VRF_PROVE_MAX; i++) {
    proofs[i] = keys->many_proofs[i];
  }
  return kt_vrf_prove_batch(keys->suite, &keys->vrf, KT_VRF_PROVE_MAX, alphas, proofs, keys->many_hashes);
}

static enum kt_err run_output_together(struct bench_keys *keys, uint64_t round)
{
  struct kt_bytes alphas[KT_VRF_OUTPUT_MAX];
  messages(keys, round, KT_VRF_OUTPUT_MAX, alphas);
  return kt_vrf_output_batch(keys->suite, &keys->vrf, KT_VRF_OUTPUT_MAX, alphas, keys->many_hashes);
}

static enum kt_err run_vrf_verify_together(struct bench_keys *keys, uint64_t round)
{
  struct kt_bytes alphas[KT_VRF_BATCH_MAX];
  struct kt_vrf_claim claims[KT_VRF_BATCH_MAX];
  uint64_t first = round % (N_PROOFS / KT_VRF_BATCH_MAX);
  messages(keys, first, KT_VRF_BATCH_MAX, alphas);
  for (size_t i = 0; i < KT_VRF_BATCH_MAX; i++) {
    claims[i] = (struct kt_vrf_claim){ .alpha = alphas[i], .proof = keys->proofs[KT_VRF_BATCH_MAX * first + i] };
  }
  return kt_vrf_verify_batch(keys->suite, (struct kt_bytes){ keys->vrf_public, keys->suite->vrf_public_len },
                             KT_VRF_BATCH_MAX, claims, keys->many_hashes);
}

static enum kt_err run_sign(struct bench_keys *keys, uint64_t round)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  return keys->suite->sign(&keys->sign, message(keys, round), signature);
}

static enum kt_err run_verify(struct bench_keys *keys, uint64_t round)
{
  (void)round;
  return keys->suite->verify((struct kt_bytes){ keys->sign_public, keys->suite->sign_public_len }, message(keys, 0),
                             (struct kt_bytes){ keys->signature, keys->suite->signature_len });
}

static enum kt_err run_hash(struct bench_keys *keys, uint64_t round)
{
  struct kt_bytes node = message(keys, round);
  kt_sha256(node.data, node.len, &keys->hash);
  return KT_OK;
}

static const struct primitive {
  enum kt_err (*run)(struct bench_keys *keys, uint64_t round);
  unsigned n; /* of them at once */
} list[BENCH_N_PRIMITIVES] = {
  [BENCH_VRF_PROVE] = { run_prove, 1 },
  [BENCH_VRF_OUTPUT] = { run_output, 1 },
  [BENCH_VRF_VERIFY] = { run_vrf_verify, 1 },
  [BENCH_VRF_PROVE_TOGETHER] = { run_prove_together, KT_VRF_PROVE_MAX },
  [BENCH_VRF_OUTPUT_TOGETHER] = { run_output_together, KT_VRF_OUTPUT_MAX },
  [BENCH_VRF_VERIFY_TOGETHER] = { run_vrf_verify_together, KT_VRF_BATCH_MAX },
  [BENCH_SIGN] = { run_sign, 1 },
  [BENCH_VERIFY] = { run_verify, 1 },
  [BENCH_HASH] = { run_hash, 1 },
};

struct bench_keys *bench_keys_new(void)
{
  struct bench_keys *keys = bench_alloc(1, sizeof *keys);
  keys->suite = kt_suite_by_id(KT_SUITE_ED25519);
  const uint8_t seed[KT_SEED_LEN] = { 1 };
  bench_require(keys->suite->sign_public(seed, keys->sign_public), "signing key");
  bench_require(keys->suite->sign_key_init(&keys->sign, seed), "signing key");
  bench_require(keys->suite->vrf_public(seed, keys->vrf_public), "VRF key");
  bench_require(keys->suite->vrf_key_init(&keys->vrf, seed), "VRF key");
  for (uint64_t i = 0; i < N_PROOFS; i++) {
    bench_require(keys->suite->vrf_prove(&keys->vrf, message(keys, i), keys->proofs[i], &keys->hash), "VRF proof");
  }
  bench_require(keys->suite->sign(&keys->sign, message(keys, 0), keys->signature), "signature");
  return keys;
}

void bench_keys_free(struct bench_keys *keys)
{
  free(keys);
}

void bench_primitive_run(struct bench_keys *keys, enum bench_primitive which, uint64_t round)
{
  bench_require(list[which].run(keys, round), "a primitive of the suite");
}

void bench_primitive_slice(struct bench_keys *keys, enum bench_primitive which, double *best_us)
{
  uint64_t start = bench_cpu_ns();
  uint64_t n = 0;
  while (n % N_ROUNDS_UNWATCHED != 0 || bench_cpu_ns() - start < SLICE_NS) {
    bench_primitive_run(keys, which, n++);
  }
  double us = (double)(bench_cpu_ns() - start) / 1e3 / (double)(n * list[which].n);
  *best_us = *best_us == 0 || us < *best_us ? us : *best_us;
}

/* --- on all cores ------------------------------------------------------------------------------------------------------- */

struct worker {
  pthread_t thread;
  enum bench_primitive which;
  struct bench_keys *keys;
  const atomic_bool *stop;
  uint64_t n_done;
};

static void *work(void *ctx)
{
  struct worker *worker = ctx;
  do {
    bench_primitive_run(worker->keys, worker->which, worker->n_done++);
  } while (!atomic_load_explicit(worker->stop, memory_order_relaxed));
  return NULL;
}

struct bench_busy bench_primitive_busy(enum bench_primitive which, unsigned n_threads, double seconds)
{
  struct worker *workers = bench_alloc(n_threads, sizeof *workers);
  atomic_bool stop = false;
  uint64_t n_done = 0;
  for (unsigned i = 0; i < n_threads; i++) {
    workers[i] = (struct worker){ .which = which, .keys = bench_keys_new(), .stop = &stop };
  }
  uint64_t start = bench_now_ns();
  uint64_t start_cpu = bench_cpu_ns();
  for (unsigned i = 0; i < n_threads; i++) {
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
      bench_die("a thread cannot be started");
    }
  }
  bench_sleep_ns((uint64_t)(seconds * 1e9));
  atomic_store(&stop, true);
  for (unsigned i = 0; i < n_threads; i++) {
    (void)pthread_join(workers[i].thread, NULL);
    n_done += workers[i].n_done * list[which].n;
  }
  const struct bench_busy busy = { .rate = (double)n_done / bench_seconds_since(start),
                                   .cpu_us = (double)(bench_cpu_ns() - start_cpu) / 1e3 / (double)n_done };
  for (unsigned i = 0; i < n_threads; i++) {
    bench_keys_free(workers[i].keys);
  }
  free(workers);
  return busy;
}

/* --- all of them -------------------------------------------------------------------------------------------------------- */

/* The fastest slice of each: what it costs when nobody else slows the core down. They take turns, so that one bad moment
 * of the machine does not fall on one primitive alone. */
static void measure_crypto(size_t n_slices, struct bench_primitives *primitives)
{
  struct bench_keys *keys = bench_keys_new();
  for (size_t i = 0; i < n_slices; i++) {
    for (size_t which = 0; which < BENCH_N_PRIMITIVES; which++) {
      bench_primitive_slice(keys, (enum bench_primitive)which, &primitives->us[which]);
    }
  }
  bench_keys_free(keys);
}

static void measure_disk(const char *folder, struct bench_primitives *primitives)
{
  double sync_us[DISK_ROUNDS];
  double commit_us[DISK_ROUNDS];
  struct bench_disk *disk = bench_disk_new(folder);
  for (size_t i = 0; i < DISK_ROUNDS; i++) {
    sync_us[i] = bench_disk_sync_us(disk);
    commit_us[i] = bench_disk_commit_us(disk);
  }
  bench_disk_free(disk);
  primitives->sync_us = bench_percentile(sync_us, DISK_ROUNDS, 0.5);
  primitives->commit_us = bench_percentile(commit_us, DISK_ROUNDS, 0.5);
}

static double start_us(const struct bench_options *options, const char *folder)
{
  static const char *const argv[] = { "version", NULL };
  double us[START_ROUNDS];
  char log_path[BENCH_PATH_SIZE];
  bench_path(log_path, folder, "start.log");
  for (size_t i = 0; i < START_ROUNDS; i++) {
    us[i] = bench_run(options->server, log_path, argv).seconds * 1e6;
  }
  return bench_percentile(us, START_ROUNDS, 0.5);
}

_Static_assert(KT_VRF_PROVE_MAX == 2 && KT_VRF_OUTPUT_MAX == N_TOGETHER_MAX && KT_VRF_BATCH_MAX == N_TOGETHER_MAX,
               "as the rows say");

void bench_primitives_measure(const struct bench_options *options, const char *folder, struct bench_primitives *ret,
                              struct bench_report *report)
{
  struct bench_primitives p = { 0 };
  measure_crypto(bench_rounds(options, N_SLICES), &p);
  measure_disk(folder, &p);
  p.start_us = start_us(options, folder);
  const struct bench_row rows[] = {
    { .key = "vrf-prove", .text = "VRF prove", .value = p.us[BENCH_VRF_PROVE] },
    { .key = "vrf-output", .text = "VRF output", .value = p.us[BENCH_VRF_OUTPUT] },
    { .key = "vrf-verify", .text = "VRF verify", .value = p.us[BENCH_VRF_VERIFY] },
    { .key = "vrf-prove-together",
      .text = "VRF prove, two together, each",
      .value = p.us[BENCH_VRF_PROVE_TOGETHER],
      .bound = p.us[BENCH_VRF_PROVE],
      .formula = "VRF prove" },
    { .key = "vrf-output-together",
      .text = "VRF output, eight together, each",
      .value = p.us[BENCH_VRF_OUTPUT_TOGETHER],
      .bound = p.us[BENCH_VRF_OUTPUT],
      .formula = "VRF output" },
    { .key = "vrf-verify-together",
      .text = "VRF verify, eight together, each",
      .value = p.us[BENCH_VRF_VERIFY_TOGETHER],
      .bound = p.us[BENCH_VRF_VERIFY],
      .formula = "VRF verify" },
    { .key = "sign", .text = "Ed25519 sign", .value = p.us[BENCH_SIGN] },
    { .key = "verify", .text = "Ed25519 verify", .value = p.us[BENCH_VERIFY] },
    { .key = "hash", .text = "SHA-256 of a tree node (65 bytes)", .value = p.us[BENCH_HASH] },
    { .key = "sync", .text = "durable write (4 KiB append and fdatasync, median)", .value = p.sync_us },
    { .key = "commit", .text = "durable commit (SQLite transaction of one page, WAL, median)", .value = p.commit_us },
    { .key = "start", .text = "start and end of the server program (median)", .value = p.start_us },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct bench_row row = rows[i];
    row.unit = "us";
    bench_report_add(report, &row);
  }
  *ret = p;
}
