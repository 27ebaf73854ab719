/* SPDX-License-Identifier: Apache-2.0 */
/* Labels and device sets. Imported labels have numbers, so that the k-th can be asked for; accounts sign for labels of
 * their own. Everything follows from the numbers: two runs log the same keys. */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include <kt/device_set.h>

#include "bench.h"

#define BENCH_LABEL_SIZE 40

/* "user-00000042@example.org" */
struct kt_bytes bench_label(size_t index, char ret_label[static BENCH_LABEL_SIZE]);
/* One line for kt-server import per label: a phone with an Ed25519 and an X25519 key. */
void bench_write_import(const char *path, size_t n_labels);

struct bench_account {
  uint8_t seed[KT_ACCOUNT_SEED_LEN];
  char label[BENCH_LABEL_SIZE];
  uint32_t seq;
  struct kt_hash previous;
};

void bench_account_init(struct bench_account *account, size_t index);
struct kt_bytes bench_account_label(const struct bench_account *account);
/* The next signed set: the same phone, its keys changed with every set. The value lives in the arena. */
struct kt_bytes bench_account_sign(struct bench_account *account, const struct kt_hash *log_id, struct kt_arena *arena);

#endif
