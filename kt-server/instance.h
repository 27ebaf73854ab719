/* SPDX-License-Identifier: Apache-2.0 */
/* One log folder, opened by this process: settings, Configuration, keys, lock, store, engine.
 *
 * Three stages, each for the verbs that need no more: load reads and checks the files, lock keeps other processes out,
 * open_log opens the data and starts the signer. release undoes whatever was reached, and is right after any
 * failure. */
#ifndef KT_SERVER_INSTANCE_H
#define KT_SERVER_INSTANCE_H

#include <stdatomic.h>

#include "crypto/secret.h"
#include "file_io.h"
#include "log/log.h"
#include "names.h"
#include "settings.h"
#include "signer.h"

#define KT_OPERATOR_TOKEN_LEN 64 /* hex digits */

struct kt_access;
struct kt_operator;

struct kt_instance {
  struct kt_path dir;
  int lock_fd;    /* -1: not held */
  bool is_marked; /* DIR/read-only is there: nothing in this folder signs */
  bool read_only; /* open_log opens neither signer nor writer; set before it, where it is wished */
  struct kt_settings settings;
  uint64_t cache_max; /* engine's, set before open_log: no more than there is a use for; 0: as configured */
  struct kt_path guard_path;
  uint8_t config_bytes[KT_CONFIG_MAX + 1];
  size_t config_len;
  struct kt_config config;  /* borrows from config_bytes */
  struct kt_access *access; /* tokens of those who may ask; of an open log or operator */
  struct kt_signer *signer; /* of an open log */
  bool has_no_sandbox;      /* asked for at the command line: the signer that is started has none either */
  struct kt_vrf_key *vrf;
  struct kt_store *store;
  atomic_bool is_damage_told; /* the journal has it, once */
  struct kt_log *log;         /* NULL with a Service Operator's folder, which has instead: */
  struct kt_secret *leaf;
  struct kt_operator *operator_role;
  /* Third-party management, both roles: what the operator shows to the Manager. Empty: none. */
  char operator_token[KT_OPERATOR_TOKEN_LEN + 1];
  /* What the signer said last when it did not do as asked; written by the sequencer only. */
  struct kt_error signer_error;
  atomic_bool is_full; /* the disk, when the log wanted to add to it last */
  /* Called when the log can sign no more; may be NULL. From any thread. */
  void (*on_fatal)(void *ctx);
  void *on_fatal_ctx;
};

/* The instance must stay where it is from here on: what it opens borrows from it. */
void kt_instance_init(struct kt_instance *instance);
KT_MUST_USE enum kt_err kt_instance_load(struct kt_instance *instance, const char *dir, struct kt_error *error);
/* Without keys, and without what depends on them: for those who only read. */
KT_MUST_USE enum kt_err kt_instance_load_public(struct kt_instance *instance, const char *dir, struct kt_error *error);
/* KT_ERR_UNDETERMINED: another process holds it (exit 3). */
KT_MUST_USE enum kt_err kt_instance_lock(struct kt_instance *instance, struct kt_error *error);
/* Data and signer, without looking at what they hold; after load, not for a Service Operator. */
KT_MUST_USE enum kt_err kt_instance_open_store(struct kt_instance *instance, bool create, bool guard_may_be_missing,
                                               struct kt_error *error);
KT_MUST_USE enum kt_err kt_instance_open_log(struct kt_instance *instance, bool guard_may_be_missing,
                                             struct kt_error *error);
/* All three, for one piece of work on a log that does not run: read only when the folder is marked so. What is added is
 * committed without a cadence, since nobody else adds anything. */
KT_MUST_USE enum kt_err kt_instance_open(struct kt_instance *instance, const char *dir, struct kt_error *error);
/* What SQLite or the engine said of a database that contradicts itself; KT_ERR_PROOF. */
enum kt_err kt_instance_damaged(const struct kt_instance *instance, const char *text, struct kt_error *error);
void kt_instance_release(struct kt_instance *instance);

/* The folder is a Service Operator's, under a Third-Party Manager. After load. */
bool kt_instance_is_operator(const struct kt_instance *instance);
/* A service holds the signing key and the head guard (`signer: unix:PATH`). After load. */
bool kt_instance_has_signer_service(const struct kt_instance *instance);
/* The head guard of a log that is not open for signing, from whoever has it: its file, or the service, which is asked.
 * After load. Errors: kt_guard_load's, or kt_signer_open's and kt_signer_guard's. */
KT_MUST_USE enum kt_err kt_instance_guard(const struct kt_instance *instance, struct kt_log_guard *ret_guard,
                                          struct kt_error *error);
/* What create and open of the engine need, once open_store was there; borrows from the instance. */
struct kt_log_options kt_instance_log_options(struct kt_instance *instance, bool guard_may_be_missing);
uint64_t kt_now_ms(void);
/* For how long something takes: no clock that is set moves it, and it stands still while the machine sleeps. */
uint64_t kt_monotonic_ms(void);

#endif
