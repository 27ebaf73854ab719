/* SPDX-License-Identifier: Apache-2.0 */
/* The load: an owner of several accounts who publishes signed device sets one after the other, without pause.
 *
 * An update that was sent when the server died is sent again, unchanged, to the next one: it may have been logged or
 * not, but must not be logged twice. */
#ifndef KT_TESTS_CRASH_WRITER_H
#define KT_TESTS_CRASH_WRITER_H

#include <kt/account_key.h>

#include "random.h"
#include "user.h"

#define CRASH_ACCOUNTS 12 /* of one writer at a time */
#define CRASH_VERSIONS 6  /* of one account; then a new account takes its place */

struct crash_account {
  char label[CRASH_LABEL_SIZE]; /* empty: none */
  uint8_t seed[KT_ACCOUNT_SEED_LEN];
  uint32_t n_versions;
  struct kt_hash latest; /* value of the newest version */
  uint8_t *owner;        /* encoded kt_owner_state; NULL: before owner initialization */
  size_t owner_len;
  uint8_t *pending; /* encoded device set that was sent and not acknowledged; NULL: none */
  size_t pending_len;
};

struct crash_writer {
  struct crash_user user;
  unsigned number;
  struct crash_random random;
  struct crash_account accounts[CRASH_ACCOUNTS];
  unsigned n_created;
  struct crash_account *busy; /* with an update that was sent and not acknowledged */
  uint64_t start_size;        /* tree size when the present server started, as far as known */
  uint64_t n_resent;          /* updates that had to be sent again */
  uint64_t n_found;           /* those of them that had been logged the first time */
};

void crash_writer_init(struct crash_writer *writer, unsigned number, uint64_t seed, const struct kt_config *config,
                       struct crash_truth *truth);
void crash_writer_release(struct crash_writer *writer);

/* A pthread's start routine (struct crash_writer *): publishes until the server is gone. */
void *crash_writer_run(void *writer);

#endif
