/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "server.h"

#define NODE_LEN 65
#define BLOCK_LEN 4096
#define DURABLE_ROUNDS 64
#define START_ROUNDS 9
#define N_PROOFS 64 /* encoding to the curve takes a different number of attempts for each message */
#define SLICE_NS UINT64_C(25000000)
#define N_SLICES 30

struct keys {
  const struct kt_suite *suite;
  struct kt_sign_key sign;
  struct kt_vrf_key vrf;
  uint8_t message[NODE_LEN];
  uint8_t sign_public[KT_PUBLIC_KEY_MAX];
  uint8_t vrf_public[KT_PUBLIC_KEY_MAX];
  uint8_t signature[KT_SIGNATURE_MAX];
  uint8_t proofs[N_PROOFS][KT_VRF_PROOF_MAX];
  struct kt_hash hash;
};

static struct kt_bytes message(struct keys *keys, uint64_t round)
{
  memcpy(keys->message, &round, sizeof round);
  return (struct kt_bytes){ keys->message, sizeof keys->message };
}

static enum kt_err run_prove(struct keys *keys, uint64_t round)
{
  return keys->suite->vrf_prove(&keys->vrf, message(keys, round), keys->proofs[round % N_PROOFS], &keys->hash);
}

static enum kt_err run_output(struct keys *keys, uint64_t round)
{
  return keys->suite->vrf_output(&keys->vrf, message(keys, round), &keys->hash);
}

static enum kt_err run_vrf_verify(struct keys *keys, uint64_t round)
{
  size_t i = round % N_PROOFS;
  return keys->suite->vrf_verify((struct kt_bytes){ keys->vrf_public, keys->suite->vrf_public_len }, message(keys, i),
                                 keys->proofs[i], &keys->hash);
}

static enum kt_err run_sign(struct keys *keys, uint64_t round)
{
  return keys->suite->sign(&keys->sign, message(keys, round), keys->signature);
}

static enum kt_err run_verify(struct keys *keys, uint64_t round)
{
  (void)round;
  return keys->suite->verify((struct kt_bytes){ keys->sign_public, keys->suite->sign_public_len }, message(keys, 0),
                             (struct kt_bytes){ keys->signature, keys->suite->signature_len });
}

static enum kt_err run_hash(struct keys *keys, uint64_t round)
{
  struct kt_bytes node = message(keys, round);
  kt_sha256(node.data, node.len, &keys->hash);
  return KT_OK;
}

/* CPU microseconds per call in one slice of time; the clock is asked every 16 rounds. */
static double slice_us(struct keys *keys, enum kt_err (*run)(struct keys *keys, uint64_t round))
{
  uint64_t start = bench_cpu_ns();
  uint64_t n = 0;
  while (n % 16 != 0 || bench_cpu_ns() - start < SLICE_NS) {
    bench_require(run(keys, n), "a primitive of the suite");
    n++;
  }
  return (double)(bench_cpu_ns() - start) / 1e3 / (double)n;
}

static void keep_smaller(double *best_us, double us)
{
  *best_us = *best_us == 0 || us < *best_us ? us : *best_us;
}

/* The fastest slice of each: what it costs when nobody else slows the core down. They take turns, so that one bad moment
 * of the machine does not fall on one primitive alone. */
static void measure_crypto(struct bench_primitives *primitives)
{
  struct keys keys = { .suite = kt_suite_by_id(KT_SUITE_ED25519) };
  const uint8_t seed[KT_SEED_LEN] = { 1 };
  bench_require(keys.suite->sign_public(seed, keys.sign_public), "signing key");
  bench_require(keys.suite->sign_key_init(&keys.sign, seed), "signing key");
  bench_require(keys.suite->vrf_public(seed, keys.vrf_public), "VRF key");
  bench_require(keys.suite->vrf_key_init(&keys.vrf, seed), "VRF key");
  for (size_t i = 0; i < N_SLICES; i++) {
    keep_smaller(&primitives->vrf_prove_us, slice_us(&keys, run_prove));
    keep_smaller(&primitives->vrf_output_us, slice_us(&keys, run_output));
    keep_smaller(&primitives->sign_us, slice_us(&keys, run_sign));
    keep_smaller(&primitives->hash_us, slice_us(&keys, run_hash));
    for (uint64_t k = 0; k < N_PROOFS; k++) {
      bench_require(run_prove(&keys, k), "VRF proof");
    }
    keep_smaller(&primitives->vrf_verify_us, slice_us(&keys, run_vrf_verify));
    bench_require(run_sign(&keys, 0), "signature");
    keep_smaller(&primitives->verify_us, slice_us(&keys, run_verify));
  }
}

static int compare_doubles(const void *a, const void *b)
{
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
  qsort(values, n, sizeof *values, compare_doubles);
  return values[n / 2];
}

double bench_durable_us(const char *folder)
{
  static const uint8_t block[BLOCK_LEN];
  double us[DURABLE_ROUNDS];
  char path[BENCH_PATH_SIZE];
  bench_path(path, folder, "durable");
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  for (size_t i = 0; i < DURABLE_ROUNDS; i++) {
    uint64_t start = bench_now_ns();
    if (fd < 0 || write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0) {
      bench_die("%s: %s", path, strerror(errno));
    }
    us[i] = bench_seconds_since(start) * 1e6;
  }
  (void)close(fd);
  (void)unlink(path);
  return median(us, DURABLE_ROUNDS);
}

static double start_us(const struct bench_options *options, const char *folder)
{
  static const char *const argv[] = { "version", NULL };
  double us[START_ROUNDS];
  char log_path[BENCH_PATH_SIZE];
  bench_path(log_path, folder, "server.log");
  for (size_t i = 0; i < START_ROUNDS; i++) {
    us[i] = bench_server_verb(options->server, log_path, argv).seconds * 1e6;
  }
  return median(us, START_ROUNDS);
}

void bench_primitives_measure(const struct bench_options *options, const char *folder, struct bench_primitives *ret,
                              struct bench_report *report)
{
  struct bench_primitives primitives = { 0 };
  measure_crypto(&primitives);
  primitives.durable_us = bench_durable_us(folder);
  primitives.start_us = start_us(options, folder);
  const struct bench_row rows[] = {
    { .key = "vrf-prove", .text = "VRF prove", .value = primitives.vrf_prove_us },
    { .key = "vrf-output", .text = "VRF output", .value = primitives.vrf_output_us },
    { .key = "vrf-verify", .text = "VRF verify", .value = primitives.vrf_verify_us },
    { .key = "sign", .text = "Ed25519 sign", .value = primitives.sign_us },
    { .key = "verify", .text = "Ed25519 verify", .value = primitives.verify_us },
    { .key = "hash", .text = "SHA-256 of a tree node (65 bytes)", .value = primitives.hash_us },
    { .key = "durable", .text = "durable write (4 KiB append and fdatasync, median)", .value = primitives.durable_us },
    { .key = "start", .text = "start and end of the server program (median)", .value = primitives.start_us },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct bench_row row = rows[i];
    row.unit = "us";
    bench_report_add(report, &row);
  }
  *ret = primitives;
}
