/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, opening and closing a log; the comparison with the head guard. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/noun.h"
#include "crypto/hash.h"
#include "log/auditor.h"
#include "log/engine.h"
#include "log/published.h"

#define OR_DEFAULT(value, otherwise) ((value) == 0 ? (otherwise) : (value))

/* "an entry at least every max_behind/2 (and max_auditor_lag/2)": after a longer pause the newest entry would be
 * further from the auditor's head than clients accept. */
static uint64_t default_heartbeat(const struct kt_config *config)
{
  bool audited = config->mode == KT_MODE_THIRD_PARTY_AUDITING && config->max_auditor_lag < config->max_behind;
  return (audited ? config->max_auditor_lag : config->max_behind) / 2;
}

static void fill_defaults(struct kt_log_options *options)
{
  struct kt_log_limits *limits = &options->limits;
  limits->value_max = OR_DEFAULT(limits->value_max, KT_LOG_VALUE_MAX_DEFAULT);
  limits->values_max = OR_DEFAULT(limits->values_max, KT_LOG_VALUES_MAX_DEFAULT);
  limits->queue_max = OR_DEFAULT(limits->queue_max, KT_LOG_QUEUE_MAX_DEFAULT);
  limits->queue_bytes = OR_DEFAULT(limits->queue_bytes, KT_LOG_QUEUE_BYTES_DEFAULT);
  limits->entries_max = OR_DEFAULT(limits->entries_max, KT_LOG_ENTRIES_MAX_DEFAULT);
  limits->response_max = OR_DEFAULT(limits->response_max, KT_LOG_RESPONSE_MAX_DEFAULT);
  limits->owner_ladders_max = OR_DEFAULT(limits->owner_ladders_max, KT_LOG_OWNER_LADDERS_MAX_DEFAULT);
  limits->audit_max = OR_DEFAULT(limits->audit_max, KT_LOG_AUDIT_MAX_DEFAULT);
  limits->audit_leaves_max = OR_DEFAULT(limits->audit_leaves_max, KT_LOG_AUDIT_LEAVES_MAX_DEFAULT);
  options->heartbeat_ms = OR_DEFAULT(options->heartbeat_ms, default_heartbeat(options->config));
}

static enum kt_err check_options(const struct kt_log_options *options, struct kt_log_problem *problem)
{
  const struct kt_config *config = options->config;
  if (options->limits.values_max > KT_LOG_LEAVES_MAX) {
    return kt_log_refuse(problem, KT_ERR_USAGE, "values-max", "one entry holds at most %d new versions",
                         KT_LOG_LEAVES_MAX);
  }
  const struct kt_vrf_key *key = options->vrf_key;
  if (key == NULL && options->read_only) {
    return KT_OK;
  }
  if (key == NULL || memcmp(config->vrf_public_key.data, key->public_key, config->vrf_public_key.len) != 0) {
    return kt_log_refuse(problem, KT_ERR_UNSUPPORTED, "key", "the secret keys do not belong to this configuration");
  }
  return KT_OK;
}

static void log_free(struct kt_log *log)
{
  kt_log_fresh_free(log);
  kt_log_reader_free(log->drafter);
  kt_log_cache_release(&log->cache);
  kt_label_cache_release(&log->labels);
  kt_store_close_conn(log->writer);
  pthread_mutex_destroy(&log->round_lock);
  pthread_mutex_destroy(&log->clock_lock);
  pthread_mutex_destroy(&log->lock);
  pthread_cond_destroy(&log->wake);
  free(log);
}

/* Trees first: a label that is not there costs five reads, and a path whose last steps are not costs dozens. */
static enum kt_err init_caches(struct kt_log *log, size_t bytes)
{
  uint8_t secret[KT_SHORT_HASH_KEY_LEN] = { 0 };
  size_t of_labels = bytes / 32 * 5;
  enum kt_err err = of_labels > 0 ? log->options.random(log->options.ctx, secret, sizeof secret) : KT_OK;
  if (err == KT_OK) {
    err = kt_label_cache_init(&log->labels, of_labels, secret);
  }
  return err == KT_OK ? kt_log_cache_init(&log->cache, bytes - of_labels) : err;
}

/* Options checked, writer open, nothing read. */
static enum kt_err log_new(const struct kt_log_options *options, struct kt_log **ret_log,
                           struct kt_log_problem *problem)
{
  enum kt_err err = check_options(options, problem);
  if (err != KT_OK) {
    return err;
  }
  struct kt_log *log = calloc(1, sizeof *log);
  if (log == NULL) {
    (void)kt_log_refuse(problem, KT_ERR_MEMORY, "memory", "out of memory");
    return KT_ERR_MEMORY;
  }
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&log->wake, &clock);
  pthread_condattr_destroy(&clock);
  pthread_mutex_init(&log->lock, NULL);
  pthread_mutex_init(&log->round_lock, NULL);
  pthread_mutex_init(&log->clock_lock, NULL);
  log->options = *options;
  fill_defaults(&log->options);
  kt_config_log_id(options->config, &log->log_id);
  err = init_caches(log, options->cache_bytes);
  if (err != KT_OK) {
    (void)kt_log_refuse(problem, err, "memory", "out of memory for a cache of %zu bytes", options->cache_bytes);
    log_free(log);
    return err;
  }
  struct kt_store_error error;
  err = options->read_only ? kt_store_open_reader(options->store, &log->writer, &error)
                           : kt_store_open_writer(options->store, &log->writer, &error);
  if (err != KT_OK) {
    (void)kt_log_refuse(problem, err, "store", "%s", error.text);
    log_free(log);
    return err;
  }
  *ret_log = log;
  return KT_OK;
}

/* --- create ------------------------------------------------------------------------------------------------------- */

static enum kt_err require_new(const struct kt_log *log, struct kt_log_problem *problem)
{
  uint64_t n;
  struct kt_log_guard guard;
  enum kt_err err = kt_store_count_entries(log->writer, &n);
  if (err != KT_OK) {
    return kt_log_store_problem(problem, err, log->writer);
  }
  if (n > 0) {
    return kt_log_refuse(problem, KT_ERR_CONFLICT, "exists", "the store already holds a log");
  }
  err = log->options.guard_load(log->options.ctx, &guard);
  if (err == KT_OK) {
    return kt_log_refuse(problem, KT_ERR_CONFLICT, "guard", "a head guard of another log is in the way");
  }
  return err == KT_ERR_ABSENT ? KT_OK : kt_log_refuse(problem, err, "guard", "the head guard cannot be read");
}

/* "A log of size 0 has no head, and owner initialization, required before a first update, needs a distinguished
 * entry." */
static enum kt_err write_first(struct kt_log *log, struct kt_log_problem *problem)
{
  const struct kt_log_options *options = &log->options;
  struct kt_log_entry_draft *draft = calloc(1, sizeof *draft);
  if (draft == NULL) {
    return kt_log_refuse(problem, KT_ERR_MEMORY, "memory", "out of memory");
  }
  enum kt_err err = kt_log_entry_pad(options, draft);
  if (err != KT_OK) {
    free(draft);
    return kt_log_refuse(problem, err, "random", "no randomness: %s", kt_err_text(err));
  }
  err = kt_store_begin(log->writer);
  if (err == KT_OK) {
    err = kt_log_entry_put(log, draft, options->now_ms(options->ctx), &log->tip);
  }
  if (err == KT_OK) {
    err = kt_log_config_put(log->writer, options->config, NULL);
  }
  if (err == KT_OK) {
    err = kt_store_commit(log->writer);
  }
  free(draft);
  if (err != KT_OK) {
    (void)kt_log_store_problem(problem, err, log->writer);
    kt_store_rollback(log->writer);
    return err;
  }
  return kt_log_sign_tip(log, NULL, problem);
}

enum kt_err kt_log_create(const struct kt_log_options *options, struct kt_log_problem *ret_problem)
{
  struct kt_log *log;
  enum kt_err err = log_new(options, &log, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  err = require_new(log, ret_problem);
  if (err == KT_OK) {
    err = write_first(log, ret_problem);
  }
  log_free(log);
  return err;
}

/* --- open --------------------------------------------------------------------------------------------------------- */

/* Of the newest entry, which the next one is made from, the log tree's leaf says what it is. */
static enum kt_err check_entry(const struct kt_log *log, struct kt_log_problem *problem)
{
  const struct kt_log_tip *tip = &log->tip;
  struct kt_hash computed;
  struct kt_hash stored = { { 0 } };
  kt_log_entry_hash(tip->timestamp_ms, &tip->prefix_root.hash, &computed);
  enum kt_err err = kt_store_get_log_node(log->writer, tip->size - 1, 0, &stored);
  if (err != KT_OK) {
    return kt_log_store_problem(problem, err, log->writer);
  }
  if (!kt_hash_equal(&computed, &stored)) {
    (void)kt_log_refuse(problem, KT_ERR_PROOF, "recheck",
                        "the log tree has another leaf for entry %llu than what is stored of it: the data is damaged",
                        (unsigned long long)(tip->size - 1));
    problem->is_damaged = true;
    return KT_ERR_PROOF;
  }
  return KT_OK;
}

/* What names its tree is a place in the file, which nothing signed has in it: one bit less, and it is the place of an
 * older tree. Whether what is in the right place leads to its hash shows when it is gone on from. */
static enum kt_err check_tree(const struct kt_log *log, struct kt_log_problem *problem)
{
  const struct kt_prefix_child *root = &log->tip.prefix_root;
  struct kt_hash stored = { { 0 } };
  enum kt_err err = kt_log_stored_hash(log->writer, root->ref, &stored);
  if (err == KT_ERR_ABSENT || (err == KT_OK && !kt_hash_equal(&stored, &root->hash))) {
    err = kt_log_refuse_tree(problem, root->ref);
    problem->is_damaged = true;
    return err;
  }
  return err == KT_OK ? KT_OK : kt_log_store_problem(problem, err, log->writer);
}

static enum kt_err load_tip(struct kt_log *log, struct kt_log_problem *problem)
{
  uint64_t n;
  struct kt_store_entry entry;
  enum kt_err err = kt_store_count_entries(log->writer, &n);
  if (err == KT_OK && n == 0) {
    return kt_log_refuse(problem, KT_ERR_ABSENT, "empty", "the store holds no log");
  }
  if (err == KT_OK) {
    err = kt_store_get_entry(log->writer, n - 1, &entry);
  }
  if (err == KT_OK) {
    err = kt_log_heads_at(log->writer, n, log->tip.heads);
  }
  if (err != KT_OK) {
    return kt_log_store_problem(problem, err, log->writer);
  }
  log->tip.size = n;
  log->tip.timestamp_ms = entry.timestamp_ms;
  log->tip.prefix_root = (struct kt_prefix_child){ .ref = entry.prefix_root_ref, .hash = entry.prefix_root };
  err = kt_log_prune_open(log);
  if (err != KT_OK) {
    return kt_log_store_problem(problem, err, log->writer);
  }
  err = check_entry(log, problem);
  return err == KT_OK ? check_tree(log, problem) : err;
}

/* What is published was guarded before. A guard that is behind it was not written last, and says nothing about what
 * was: the database may be an old copy, too. */
static enum kt_err check_age(struct kt_store_conn *conn, const struct kt_config *config,
                             const struct kt_log_guard *guard, struct kt_log_problem *ret_problem)
{
  struct kt_log_head head;
  const char *what = NULL;
  const enum kt_err err = kt_log_head_get(conn, config, &head, &what);
  if (err == KT_ERR_STORE || err == KT_ERR_MEMORY) {
    return kt_log_store_problem(ret_problem, err, conn);
  }
  if (err != KT_OK || head.size <= guard->size) { /* a stored head that does not fit is no head */
    return KT_OK;
  }
  return kt_log_refuse(ret_problem, KT_ERR_CONFLICT, "guard-old",
                       "the guard knows of %llu %s, but a head of %llu was published: the guard is an old copy, so "
                       "nothing shows that the database is none. Bring back the newest guard. Only when it is gone "
                       "for good, and nothing was signed after this database: move this one away and give "
                       "--accept-missing-guard, once",
                       (unsigned long long)guard->size, kt_noun_entries(guard->size), (unsigned long long)head.size);
}

/* "The server refuses to start, with an explanation, when its database is behind the guard or contradicts it: a
 * restored backup must never sign a fork." The guard may be behind the database by what was not published: the program
 * ended between the two writes. */
enum kt_err kt_log_guard_judge(struct kt_store_conn *conn, const struct kt_config *config,
                               const struct kt_log_guard *guard, struct kt_log_problem *ret_problem)
{
  uint64_t n = 0;
  struct kt_store_entry last = { .timestamp_ms = 0 };
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_hash root;
  enum kt_err err = kt_store_count_entries(conn, &n);
  if (err == KT_OK && guard->size > n) {
    return kt_log_refuse(ret_problem, KT_ERR_CONFLICT, "guard-behind",
                         "the database has %llu %s, but a head of %llu %s was signed: this is an old copy, and "
                         "going on from it would fork the log",
                         (unsigned long long)n, kt_noun_entries(n), (unsigned long long)guard->size,
                         kt_noun_entries(guard->size));
  }
  if (err == KT_OK && n > 0) {
    err = kt_store_get_entry(conn, n - 1, &last);
  }
  if (err == KT_OK) {
    err = kt_log_heads_at(conn, guard->size, heads);
  }
  if (err != KT_OK) {
    return kt_log_store_problem(ret_problem, err, conn);
  }
  kt_log_root(guard->size, heads, &root);
  if (!kt_hash_equal(&root, &guard->root) || guard->timestamp_ms > last.timestamp_ms) {
    return kt_log_refuse(ret_problem, KT_ERR_CONFLICT, "guard-contradicts",
                         "the database differs from the head of %llu %s that was signed: it belongs to another log or "
                         "to a fork of this one",
                         (unsigned long long)guard->size, kt_noun_entries(guard->size));
  }
  return check_age(conn, config, guard, ret_problem);
}

static enum kt_err check_guard(struct kt_log *log, struct kt_log_problem *problem)
{
  struct kt_log_guard guard;
  enum kt_err err = log->options.guard_load(log->options.ctx, &guard);
  if (err == KT_ERR_ABSENT && log->options.guard_may_be_missing) {
    log->guarded = (struct kt_log_guard){ .size = log->tip.size, .timestamp_ms = log->tip.timestamp_ms };
    kt_log_root(log->tip.size, log->tip.heads, &log->guarded.root);
    return KT_OK;
  }
  if (err == KT_ERR_ABSENT) {
    return kt_log_refuse(problem, err, "guard-missing",
                         "there is no head guard, so nothing shows that this is the newest state of the log");
  }
  if (err != KT_OK) {
    return kt_log_refuse(problem, err, "guard", "what was signed last is not known: %s", kt_err_text(err));
  }
  err = kt_log_guard_judge(log->writer, log->options.config, &guard, problem);
  if (err == KT_OK) {
    log->guarded = guard;
  }
  return err;
}

/* What was signed and published once, and nothing else. Entries behind it are in no answer. */
static enum kt_err publish_stored(struct kt_log *log, struct kt_log_problem *problem)
{
  struct kt_log_head head;
  const char *what = NULL;
  enum kt_err err = kt_log_head_get(log->writer, log->options.config, &head, &what);
  if (err == KT_ERR_ABSENT) {
    return kt_log_refuse(problem, err, "head-missing",
                         "the data holds no signed head, so nothing of it can be served without signing");
  }
  if (err == KT_ERR_PROOF) {
    return kt_log_refuse(problem, err, "head", "the stored head is damaged: %s", what);
  }
  if (err != KT_OK) {
    return kt_log_store_problem(problem, err, log->writer);
  }
  if (log->auditor.size > head.size) {
    return kt_log_refuse(problem, KT_ERR_PROOF, "auditor-head", "the stored auditor's head is ahead of the log's");
  }
  kt_log_publish(log, &head);
  return KT_OK;
}

/* A stored head that does not fit is no head; the next one takes its place. */
static void look_for_stored(struct kt_log *log)
{
  struct kt_log_head head;
  const char *what = NULL;
  log->stored_size = kt_log_head_get(log->writer, log->options.config, &head, &what) == KT_OK ? head.size : 0;
}

/* "Order data, guard, sign" holds for what an earlier process left, too. Only what was judged is settled: to settle a
 * write-ahead log that is older than the database would overwrite the newer one. */
static enum kt_err settle_and_sign(struct kt_log *log, struct kt_log_problem *problem)
{
  enum kt_err err = kt_store_settle(log->writer);
  return err == KT_OK ? kt_log_sign_tip(log, NULL, problem) : kt_log_store_problem(problem, err, log->writer);
}

/* Heads under another Configuration are those of a log that nobody knows, and a shorter lifetime in it removes data for
 * good. Two witnesses: one that is damaged alone is written anew. */
static enum kt_err check_config(struct kt_log *log, struct kt_log_problem *problem)
{
  enum kt_err err = kt_log_config_check(log->writer, log->options.config);
  log->is_config_stored = err == KT_OK;
  if (err == KT_ERR_PROOF && log->stored_size == 0) {
    return kt_log_refuse(
        problem, KT_ERR_UNSUPPORTED, "configuration",
        "config.bin is not the Configuration that the log's heads were signed under: it was damaged or "
        "replaced. Bring back the right one; a backup has it");
  }
  return err == KT_ERR_STORE || err == KT_ERR_MEMORY ? kt_log_store_problem(problem, err, log->writer) : KT_OK;
}

static enum kt_err judge(struct kt_log *log, struct kt_log_problem *problem)
{
  enum kt_err err = load_tip(log, problem);
  if (err == KT_OK && !log->options.read_only) {
    look_for_stored(log);
    err = check_guard(log, problem);
    err = err == KT_OK ? check_config(log, problem) : err;
  }
  return err == KT_OK ? kt_log_auditor_load(log, problem) : err;
}

static void begin_to_write(struct kt_log *log)
{
  uint64_t now_ms;
  (void)kt_log_look_at_clock(log, &now_ms);
  atomic_store(&log->has_erased_labels, kt_store_has_erased_labels(log->writer));
  atomic_store(&log->is_wash_due, kt_store_wash_is_due(log->writer));
  kt_log_wash(log); /* an erasure that a crash interrupted is finished before anything else happens */
}

enum kt_err kt_log_open(const struct kt_log_options *options, struct kt_log **ret_log,
                        struct kt_log_problem *ret_problem)
{
  struct kt_log *log;
  enum kt_err err = log_new(options, &log, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  err = judge(log, ret_problem);
  if (err != KT_OK) {
    kt_store_leave(log->writer);
  } else {
    err = log->options.read_only ? publish_stored(log, ret_problem) : settle_and_sign(log, ret_problem);
  }
  if (err == KT_OK && !log->options.read_only) {
    err = kt_log_reader_new(log, &log->drafter, ret_problem);
  }
  if (err != KT_OK) {
    log_free(log);
    return err;
  }
  if (log->options.read_only) {
    atomic_store(&log->has_erased_labels, true); /* perhaps: only a writer reads it */
  } else {
    begin_to_write(log);
  }
  *ret_log = log;
  return KT_OK;
}

void kt_log_close(struct kt_log *log)
{
  if (log == NULL) {
    return;
  }
  kt_log_stop(log);
  log_free(log);
}

void kt_log_status(struct kt_log *log, struct kt_log_status *ret_status)
{
  struct kt_log_status status = {
    .n_inserted = atomic_load(&log->n_inserted),
    .n_commits = atomic_load(&log->n_commits),
    .n_heartbeats = atomic_load(&log->n_heartbeats),
    .is_fatal = atomic_load(&log->is_fatal),
    .is_read_only = log->options.read_only,
    .is_wash_due = atomic_load(&log->is_wash_due),
    .has_lifetime = log->options.config->has_maximum_lifetime,
    .pruned = { .boundary = atomic_load(&log->pruned.boundary),
                .n_entries = atomic_load(&log->pruned.n_entries),
                .n_nodes = atomic_load(&log->pruned.n_nodes),
                .n_values = atomic_load(&log->pruned.n_values) },
    .is_pruning_stopped = atomic_load(&log->pruned.is_stopped),
    .is_pruning_waiting = atomic_load(&log->pruned.is_waiting),
  };
  kt_log_head(log, &status.head);
  pthread_mutex_lock(&log->clock_lock);
  status.clock_problem = kt_log_clock_code(log->told_clock);
  (void)snprintf(status.clock_reason, sizeof status.clock_reason, "%s", log->clock_reason);
  pthread_mutex_unlock(&log->clock_lock);
  pthread_mutex_lock(&log->lock);
  status.n_queued = log->n_queued;
  if (status.is_pruning_stopped || status.is_pruning_waiting) {
    memcpy(status.pruning_reason, log->pruning_reason, sizeof status.pruning_reason);
  }
  pthread_mutex_unlock(&log->lock);
  *ret_status = status;
}
