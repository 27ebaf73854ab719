/* SPDX-License-Identifier: Apache-2.0 */
/* One log folder, opened by this process: settings, Configuration, keys, lock, store, engine.
 *
 * Three stages, each for the verbs that need no more: load reads and checks the files, lock keeps other processes out,
 * open_log opens the data. release undoes whatever was reached, and is right after any failure. */
#ifndef KT_SERVER_INSTANCE_H
#define KT_SERVER_INSTANCE_H

#include "crypto/secret.h"
#include "file_io.h"
#include "log/log.h"
#include "settings.h"

#define KT_NAME_SETTINGS "kt-server.yaml"
#define KT_NAME_CONFIG "config.bin"
#define KT_NAME_SIGNING_KEY "signing.key"
#define KT_NAME_VRF_KEY "vrf.key"
#define KT_NAME_DATABASE "log.db"
#define KT_NAME_LOCK "lock"
#define KT_NAME_ADMIN "admin.sock"
/* Third-party management. */
#define KT_NAME_LEAF_KEY "leaf.key"
#define KT_NAME_LEAF_PUBLIC "leaf.pub"
#define KT_NAME_OPERATOR_TOKEN "operator.token"
#define KT_NAME_OPERATOR_DATABASE "operator.db"
#define KT_OPERATOR_TOKEN_LEN 64 /* hex digits */

struct kt_operator;

struct kt_instance {
  struct kt_path dir;
  int lock_fd; /* -1: not held */
  struct kt_settings settings;
  struct kt_path guard_path;
  uint8_t config_bytes[KT_CONFIG_MAX + 1];
  size_t config_len;
  struct kt_config config; /* borrows from config_bytes */
  struct kt_secret *signing;
  struct kt_secret *vrf;
  struct kt_store *store;
  struct kt_log *log; /* NULL with a Service Operator's folder, which has instead: */
  struct kt_secret *leaf;
  struct kt_operator *operator_role;
  /* Third-party management, both roles: what the operator shows to the Manager. Empty: none. */
  char operator_token[KT_OPERATOR_TOKEN_LEN + 1];
  /* The last error of a guard callback; written by the sequencer only. */
  struct kt_error guard_error;
  /* Called when the log can sign no more; may be NULL. From any thread. */
  void (*on_fatal)(void *ctx);
  void *on_fatal_ctx;
};

/* The instance must stay where it is from here on: what it opens borrows from it. */
void kt_instance_init(struct kt_instance *instance);
KT_MUST_USE enum kt_err kt_instance_load(struct kt_instance *instance, const char *dir, struct kt_error *error);
/* KT_ERR_UNDETERMINED: another process holds it (exit 3). */
KT_MUST_USE enum kt_err kt_instance_lock(struct kt_instance *instance, struct kt_error *error);
KT_MUST_USE enum kt_err kt_instance_open_log(struct kt_instance *instance, bool guard_may_be_missing,
                                             struct kt_error *error);
/* All three. */
KT_MUST_USE enum kt_err kt_instance_open(struct kt_instance *instance, const char *dir, struct kt_error *error);
void kt_instance_release(struct kt_instance *instance);

/* The folder is a Service Operator's, under a Third-Party Manager. After load. */
bool kt_instance_is_operator(const struct kt_instance *instance);
/* What create and open of the engine need; borrows from the instance. */
struct kt_log_options kt_instance_log_options(struct kt_instance *instance, bool guard_may_be_missing);
uint64_t kt_now_ms(void);

#endif
