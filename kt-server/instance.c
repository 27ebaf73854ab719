/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "config_file.h"
#include "access.h"
#include "folder.h"
#include "guard_file.h"
#include "keys.h"
#include "operator.h"
#include "role.h"

/* --- what the engine asks for ----------------------------------------------------------------------------------- */

uint64_t kt_now_ms(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  /* A clock before 1970 must not become one of the far future. */
  return now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t kt_monotonic_ms(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Goes on while the machine sleeps. */
static uint64_t elapsed_ms(void *ctx)
{
  struct timespec now;
  (void)ctx;
  (void)clock_gettime(CLOCK_BOOTTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t now_ms(void *ctx)
{
  (void)ctx;
  return kt_now_ms();
}

static enum kt_err random_bytes(void *ctx, uint8_t *ret_bytes, size_t len)
{
  (void)ctx;
  randombytes_buf(ret_bytes, len);
  return KT_OK;
}

static enum kt_err guard_load(void *ctx, struct kt_log_guard *ret_guard)
{
  struct kt_instance *instance = ctx;
  return kt_signer_guard(instance->signer, ret_guard, &instance->signer_error);
}

static void sign_begin(void *ctx, const struct kt_log_extension *extension)
{
  const struct kt_instance *instance = ctx;
  kt_signer_begin(instance->signer, extension);
}

static enum kt_err sign(void *ctx, const struct kt_log_extension *extension,
                        uint8_t ret_signature[static KT_SIGNATURE_MAX])
{
  struct kt_instance *instance = ctx;
  enum kt_err err = kt_signer_sign(instance->signer, extension, ret_signature, &instance->signer_error);
  if (err != KT_OK) {
    kt_say("signer: %s", instance->signer_error.text);
  }
  return err;
}

/* Of data without a name only this process has it: whoever wants to save it decides when it ends. */
static void fatal(void *ctx, const struct kt_log_problem *problem)
{
  const struct kt_instance *instance = ctx;
  kt_say("the log signs nothing any more: %s", problem->text);
  if (instance->on_fatal == NULL) {
    return;
  }
  if (problem->is_unnamed) {
    kt_say("the files are in /proc/%d/fd for as long as this process runs. When they are nowhere "
           "else, copy " KT_NAME_DATABASE " and " KT_NAME_DATABASE "-wal from there, then stop it",
           (int)getpid());
  } else {
    instance->on_fatal(instance->on_fatal_ctx);
  }
}

static void full(void *ctx, const char *text)
{
  struct kt_instance *instance = ctx;
  atomic_store(&instance->is_full, text != NULL);
  if (text == NULL) {
    kt_say("there is room on the disk again, and the log goes on");
  } else {
    kt_say("the disk is full, updates are refused until there is room: %s", text);
  }
}

static void pruning(void *ctx, const char *text)
{
  (void)ctx;
  kt_say("removing what is past the maximum lifetime is held up: %s", text);
}

static void clock_changed(void *ctx, const char *text)
{
  (void)ctx;
  if (text == NULL) {
    kt_say("the clock is right again, and the log goes on");
  } else {
    kt_say("%s", text);
  }
}

/* Seven eighths are the engine's. Its memory has to be cleared before the first use, which a small import would
 * feel. */
static size_t engine_cache_bytes(const struct kt_instance *instance)
{
  uint64_t bytes = instance->settings.cache_bytes / 8 * 7;
  return (size_t)(instance->cache_max > 0 && instance->cache_max < bytes ? instance->cache_max : bytes);
}

struct kt_log_options kt_instance_log_options(struct kt_instance *instance, bool guard_may_be_missing)
{
  const struct kt_settings *settings = &instance->settings;
  return (struct kt_log_options){
    .config = &instance->config,
    .vrf_key = instance->vrf,
    .store = instance->store,
    .registration = settings->registration,
    .heartbeat_ms = settings->heartbeat_ms,
    .cache_bytes = engine_cache_bytes(instance),
    .cadence_ms = settings->cadence_ms,
    .limits = { .value_max = (size_t)settings->limits.value_bytes,
                .values_max = (size_t)settings->limits.values_per_update,
                .queue_max = (size_t)settings->limits.queue,
                .response_max = (size_t)settings->limits.response_bytes,
                .audit_max = (size_t)settings->limits.audit_page },
    .guard_may_be_missing = guard_may_be_missing,
    .read_only = instance->read_only,
    .ctx = instance,
    .now_ms = now_ms,
    .elapsed_ms = elapsed_ms,
    .clock_jump_ms = settings->clock_jump_ms,
    .clock_gap_ms = settings->clock_gap_ms,
    .clock = clock_changed,
    .random = random_bytes,
    .guard_load = guard_load,
    .sign_begin = sign_begin,
    .sign = sign,
    .fatal = fatal,
    .full = full,
    .pruning = pruning,
  };
}

/* --- stages ------------------------------------------------------------------------------------------------------- */

void kt_instance_init(struct kt_instance *instance)
{
  *instance = (struct kt_instance){ .lock_fd = -1 };
}

static enum kt_err load_config(struct kt_instance *instance, struct kt_error *error)
{
  enum kt_err err =
      kt_config_file_load(instance->dir.s, instance->config_bytes, &instance->config_len, &instance->config, error);
  if (err == KT_ERR_ABSENT && !kt_instance_is_operator(instance)) {
    return kt_error_set(error, err, "%s/" KT_NAME_CONFIG " is missing: a backup has it, and so has who pinned the log",
                        instance->dir.s);
  }
  if (err == KT_ERR_ABSENT) {
    return kt_error_set(error, err,
                        "%s/" KT_NAME_CONFIG " is missing: put the Manager's " KT_NAME_CONFIG
                        " (kt-server config) and " KT_NAME_OPERATOR_TOKEN " here",
                        instance->dir.s);
  }
  return err;
}

/* A key that is not the Configuration's would make proofs that every client refuses. */
static enum kt_err load_vrf_key(struct kt_instance *instance, struct kt_error *error)
{
  const struct kt_config *config = &instance->config;
  struct kt_path path;
  struct kt_secret *seed = NULL;
  enum kt_err err = kt_key_find(instance->dir.s, KT_NAME_VRF_KEY, &path, error);
  if (err == KT_OK) {
    err = kt_key_load(path.s, "vrf", &seed, error);
  }
  if (err != KT_OK) {
    return err;
  }
  err = kt_vrf_key_new(config->suite, seed->seed, &instance->vrf);
  kt_secret_free(seed);
  if (err != KT_OK) {
    return kt_error_set(error, err, "%s is not a usable key: %s", path.s, kt_err_text(err));
  }
  if (memcmp(instance->vrf->public_key, config->vrf_public_key.data, config->vrf_public_key.len) != 0) {
    return kt_error_set(error, KT_ERR_CRYPTO, "%s does not belong to " KT_NAME_CONFIG, path.s);
  }
  return KT_OK;
}

/* The windows of the Configuration bound what the settings may say. */
static enum kt_err check_settings(const struct kt_instance *instance, struct kt_error *error)
{
  if (instance->settings.heartbeat_ms >= instance->config.max_behind) {
    return kt_error_set(error, KT_ERR_FORMAT,
                        "%s/" KT_NAME_SETTINGS ": heartbeat must be shorter than max-behind (%llu ms), or clients "
                        "will find the log stale",
                        instance->dir.s, (unsigned long long)instance->config.max_behind);
  }
  if (instance->config.mode == KT_MODE_THIRD_PARTY_AUDITING &&
      instance->settings.heartbeat_ms >= instance->config.max_auditor_lag) {
    return kt_error_set(error, KT_ERR_FORMAT,
                        "%s/" KT_NAME_SETTINGS ": heartbeat must be shorter than max-auditor-lag (%llu ms), or clients "
                        "will miss the auditor after every quiet time",
                        instance->dir.s, (unsigned long long)instance->config.max_auditor_lag);
  }
  return KT_OK;
}

bool kt_instance_is_operator(const struct kt_instance *instance)
{
  return instance->settings.upstream[0] != '\0';
}

bool kt_instance_has_signer_service(const struct kt_instance *instance)
{
  return strcmp(instance->settings.signer, "internal") != 0;
}

enum kt_err kt_instance_guard(const struct kt_instance *instance, struct kt_log_guard *ret_guard,
                              struct kt_error *error)
{
  const struct kt_signer_place place = { .dir = instance->dir.s, .address = instance->settings.signer };
  struct kt_signer *signer = NULL;
  if (!kt_instance_has_signer_service(instance)) {
    return kt_guard_load(instance->guard_path.s, ret_guard, error);
  }
  enum kt_err err = kt_signer_open(&place, &signer, error);
  if (err == KT_OK) {
    err = kt_signer_guard(signer, ret_guard, error);
  }
  kt_signer_close(signer);
  return err;
}

/* By settings and Configuration: a log's keys, a Manager's, or a Service Operator's. Not the signing key: only the
 * signer reads it. */
static enum kt_err load_keys(struct kt_instance *instance, struct kt_error *error)
{
  bool is_managed = instance->config.mode == KT_MODE_THIRD_PARTY_MANAGEMENT;
  if (kt_instance_is_operator(instance)) {
    return kt_role_load_operator(instance, error);
  }
  enum kt_err err = load_vrf_key(instance, error);
  return err == KT_OK && is_managed ? kt_role_load_token(instance, error) : err;
}

enum kt_err kt_instance_load_public(struct kt_instance *instance, const char *dir, struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err = kt_path_join(NULL, dir, &instance->dir, error);
  if (err == KT_OK) {
    err = kt_folder_check_log(instance->dir.s, error);
  }
  if (err == KT_OK) {
    err = kt_path_join(instance->dir.s, KT_NAME_SETTINGS, &path, error);
  }
  if (err == KT_OK) {
    err = kt_settings_load(path.s, &instance->settings, error);
  }
  if (err == KT_OK) {
    err = kt_path_join(instance->dir.s, instance->settings.head_guard, &instance->guard_path, error);
  }
  if (err == KT_OK) {
    err = kt_folder_is_marked(instance->dir.s, &instance->is_marked, error);
  }
  return err == KT_OK ? load_config(instance, error) : err;
}

enum kt_err kt_instance_load(struct kt_instance *instance, const char *dir, struct kt_error *error)
{
  enum kt_err err = kt_instance_load_public(instance, dir, error);
  if (err == KT_OK) {
    err = check_settings(instance, error);
  }
  return err == KT_OK ? load_keys(instance, error) : err;
}

enum kt_err kt_instance_lock(struct kt_instance *instance, struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err = kt_path_join(instance->dir.s, KT_NAME_LOCK, &path, error);
  if (err != KT_OK) {
    return err;
  }
  int fd = open(path.s, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", path.s, strerror(errno));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    err = errno == EWOULDBLOCK
              ? kt_error_set(error, KT_ERR_UNDETERMINED, "%s is in use by another kt-server", instance->dir.s)
              : kt_error_set(error, KT_ERR_STORE, "locking %s: %s", path.s, strerror(errno));
    (void)close(fd);
    return err;
  }
  instance->lock_fd = fd;
  return KT_OK;
}

/* Of the configured cache an eighth is for the pages of the database, shared by the handles there are at most: one of
 * each thread, the sequencer's two, and one for administration. */
static size_t page_cache_bytes(const struct kt_settings *settings)
{
  return (size_t)(settings->cache_bytes / 8 / (settings->threads + 3));
}

enum kt_err kt_instance_damaged(const struct kt_instance *instance, const char *text, struct kt_error *error)
{
  return kt_error_set(error, KT_ERR_PROOF, "%.200s is damaged, restore a backup: %.400s", instance->dir.s, text);
}

enum kt_err kt_instance_open_store(struct kt_instance *instance, bool create, bool guard_may_be_missing,
                                   struct kt_error *error)
{
  const struct kt_signer_place signer = { .dir = instance->dir.s,
                                          .address = instance->settings.signer,
                                          .guard_may_be_missing = create || guard_may_be_missing,
                                          .has_no_sandbox = instance->has_no_sandbox };
  const struct kt_store_options options = { .create = create,
                                            .node_len = KT_LOG_NODE_LEN,
                                            .cache_bytes = page_cache_bytes(&instance->settings) };
  struct kt_path path;
  struct kt_store_error store_error;
  enum kt_err err = kt_path_join(instance->dir.s, KT_NAME_DATABASE, &path, error);
  if (err != KT_OK) {
    return err;
  }
  err = kt_store_open_sqlite(path.s, &options, &instance->store, &store_error);
  if (err != KT_OK) {
    return store_error.is_damaged ? kt_instance_damaged(instance, store_error.text, error)
                                  : kt_error_set(error, err, "%s", store_error.text);
  }
  return instance->read_only ? KT_OK : kt_signer_open(&signer, &instance->signer, error);
}

/* Before the signer is asked for its guard: without a key it has no answer, and that is no lost guard. */
static enum kt_err check_signing_key(const struct kt_instance *instance, struct kt_error *error)
{
  struct kt_path path;
  if (kt_instance_is_operator(instance) || kt_instance_has_signer_service(instance)) {
    return KT_OK;
  }
  enum kt_err err = kt_key_find(instance->dir.s, KT_NAME_SIGNING_KEY, &path, error);
  return err == KT_OK ? kt_key_check(path.s, error) : err;
}

enum kt_err kt_instance_open_log(struct kt_instance *instance, bool guard_may_be_missing, struct kt_error *error)
{
  struct kt_log_problem problem;
  enum kt_err err = kt_access_open(instance->dir.s, &instance->access, error);
  if (err != KT_OK) {
    return err;
  }
  err = instance->read_only ? KT_OK : kt_folder_check_mark(instance->dir.s, error);
  if (err == KT_OK && !instance->read_only) {
    err = check_signing_key(instance, error);
  }
  if (err != KT_OK) {
    return err;
  }
  if (kt_instance_is_operator(instance)) {
    return kt_operator_open(instance, guard_may_be_missing, &instance->operator_role, error);
  }
  err = kt_instance_open_store(instance, false, guard_may_be_missing, error);
  if (err != KT_OK) {
    return err;
  }
  struct kt_log_options options = kt_instance_log_options(instance, guard_may_be_missing);
  err = kt_log_open(&options, &instance->log, &problem);
  if (err != KT_OK && problem.is_damaged) {
    return kt_instance_damaged(instance, problem.text, error);
  }
  if (err != KT_OK) {
    /* The engine knows that the signer refused, the signer knows why. */
    return instance->signer_error.text[0] != '\0'
               ? kt_error_set(error, err, "%s (%.200s)", problem.text, instance->signer_error.text)
               : kt_error_set(error, err, "%s", problem.text);
  }
  return KT_OK;
}

enum kt_err kt_instance_open(struct kt_instance *instance, const char *dir, struct kt_error *error)
{
  enum kt_err err = kt_instance_load(instance, dir, error);
  if (err == KT_OK) {
    err = kt_instance_lock(instance, error);
  }
  instance->read_only = instance->is_marked;
  instance->settings.cadence_ms = 0;
  return err == KT_OK ? kt_instance_open_log(instance, false, error) : err;
}

void kt_instance_release(struct kt_instance *instance)
{
  kt_operator_close(instance->operator_role);
  kt_log_close(instance->log);
  kt_store_close(instance->store);
  kt_access_close(instance->access);
  kt_signer_close(instance->signer);
  kt_vrf_key_free(instance->vrf);
  kt_secret_free(instance->leaf);
  if (instance->lock_fd >= 0) {
    (void)close(instance->lock_fd);
  }
  kt_instance_init(instance);
}
