/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <cyaml/cyaml.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listen.h"
#include "log/log.h"
#include "names.h"
#include "process_stats.h"
#include "units.h"
#include "yaml_where.h"

/* As written: what is absent is NULL, and text is not interpreted yet. */
struct raw_limits {
  char *body, *value, *response, *memory, *disk, *timeout, *head_timeout, *body_timeout, *send_timeout;
  uint64_t *values_per_update, *queue, *audit_page, *connections, *per_address;
};
struct raw_rates {
  uint64_t *search, *monitor, *update;
};
struct raw {
  char *tls_certificate, *tls_key;
  char *listen, *admin_listen, *head_guard, *signer, *user, *upstream, *heartbeat, *cadence, *drain, *cache,
      *clock_jump, *clock_gap;
  uint64_t *threads;
  int registration, access, access_log; /* absent is the first word, the default */
  struct raw_limits limits;
  struct raw_rates rates;
};

#define OPTIONAL_TEXT (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define TEXT(key, structure, member) CYAML_FIELD_STRING_PTR(key, OPTIONAL_TEXT, structure, member, 1, KT_ADDRESS_MAX)
#define COUNT(key, structure, member) CYAML_FIELD_UINT_PTR(key, OPTIONAL_TEXT, structure, member)

static const cyaml_strval_t registrations[] = { { "open", KT_REGISTRATION_OPEN },
                                                { "token", KT_REGISTRATION_TOKEN },
                                                { "closed", KT_REGISTRATION_CLOSED } };
static const cyaml_strval_t accesses[] = { { "open", KT_ACCESS_OPEN }, { "token", KT_ACCESS_TOKEN } };
static const cyaml_strval_t access_logs[] = { { "off", KT_ACCESS_LOG_OFF },
                                              { "errors", KT_ACCESS_LOG_ERRORS },
                                              { "all", KT_ACCESS_LOG_ALL } };

static const cyaml_schema_field_t limit_fields[] = {
  TEXT("body", struct raw_limits, body),
  TEXT("value", struct raw_limits, value),
  TEXT("response", struct raw_limits, response),
  TEXT("memory", struct raw_limits, memory),
  TEXT("disk", struct raw_limits, disk),
  TEXT("timeout", struct raw_limits, timeout),
  TEXT("head-timeout", struct raw_limits, head_timeout),
  TEXT("body-timeout", struct raw_limits, body_timeout),
  TEXT("send-timeout", struct raw_limits, send_timeout),
  COUNT("values-per-update", struct raw_limits, values_per_update),
  COUNT("queue", struct raw_limits, queue),
  COUNT("audit-page", struct raw_limits, audit_page),
  COUNT("connections", struct raw_limits, connections),
  COUNT("connections-per-address", struct raw_limits, per_address),
  CYAML_FIELD_END,
};
static const cyaml_schema_field_t rate_fields[] = {
  COUNT("search", struct raw_rates, search),
  COUNT("monitor", struct raw_rates, monitor),
  COUNT("update", struct raw_rates, update),
  CYAML_FIELD_END,
};
static const cyaml_schema_field_t fields[] = {
  TEXT("listen", struct raw, listen),
  TEXT("admin-listen", struct raw, admin_listen),
  TEXT("head-guard", struct raw, head_guard),
  TEXT("signer", struct raw, signer),
  CYAML_FIELD_STRING_PTR("user", OPTIONAL_TEXT, struct raw, user, 1, KT_USER_MAX),
  TEXT("upstream", struct raw, upstream),
  CYAML_FIELD_STRING_PTR("tls-certificate", OPTIONAL_TEXT, struct raw, tls_certificate, 1, KT_TLS_PATH_MAX),
  CYAML_FIELD_STRING_PTR("tls-key", OPTIONAL_TEXT, struct raw, tls_key, 1, KT_TLS_PATH_MAX),
  TEXT("heartbeat", struct raw, heartbeat),
  TEXT("cadence", struct raw, cadence),
  TEXT("clock-jump", struct raw, clock_jump),
  TEXT("clock-gap", struct raw, clock_gap),
  TEXT("drain", struct raw, drain),
  TEXT("cache", struct raw, cache),
  COUNT("threads", struct raw, threads),
  CYAML_FIELD_ENUM("registration", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct raw, registration, registrations,
                   CYAML_ARRAY_LEN(registrations)),
  CYAML_FIELD_ENUM("access", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct raw, access, accesses,
                   CYAML_ARRAY_LEN(accesses)),
  CYAML_FIELD_ENUM("access-log", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct raw, access_log, access_logs,
                   CYAML_ARRAY_LEN(access_logs)),
  CYAML_FIELD_MAPPING("limits", CYAML_FLAG_OPTIONAL, struct raw, limits, limit_fields),
  CYAML_FIELD_MAPPING("rates", CYAML_FLAG_OPTIONAL, struct raw, rates, rate_fields),
  CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, fields) };

/* --- what the YAML library says ---------------------------------------------------------------------------------- */

/* The first line of its report names the trouble, the first line of its backtrace the place. */
struct complaint {
  char what[200];
  char where[200];
};

__attribute__((format(printf, 3, 0))) static void listen_to_library(cyaml_log_t level, void *ctx, const char *format,
                                                                    va_list args)
{
  struct complaint *complaint = ctx;
  char line[200];
  (void)level;
  (void)vsnprintf(line, sizeof line, format, args);
  line[strcspn(line, "\n")] = '\0';
  if (strncmp(line, "Load: ", 6) == 0 && complaint->what[0] == '\0') {
    (void)snprintf(complaint->what, sizeof complaint->what, "%s", line + 6);
  } else if (strstr(line, "(line: ") != NULL && complaint->where[0] == '\0') {
    (void)snprintf(complaint->where, sizeof complaint->where, "%s", line);
  }
}

static enum kt_err refuse_at(const char *path, struct kt_yaml_place place, const char *what, struct kt_error *error)
{
  return kt_error_set(error, KT_ERR_FORMAT, "%s:%u:%u: %s", path, place.line, place.column, what);
}

static enum kt_err refuse_key(const char *path, struct kt_bytes text, const char *section, const char *key,
                              const char *why, struct kt_error *error)
{
  struct kt_yaml_place place = { 1, 1 };
  char what[400];
  (void)kt_yaml_where(text, section, key, &place);
  (void)snprintf(what, sizeof what, "%s: %s", key, why);
  return refuse_at(path, place, what, error);
}

/* Complaints about a key: the library gives the place before it, a person looks for the key itself. */
static const struct {
  const char *said;
  const char *ours;
} key_complaints[] = {
  { "Unexpected key: ", "unknown option" },
  { "Mapping field already seen: ", "this option is there twice:" },
};

/* True when the complaint was one of these, and the error is set. */
static bool explain_key(const char *path, struct kt_bytes text, const struct complaint *complaint,
                        struct kt_error *error)
{
  for (size_t i = 0; i < sizeof key_complaints / sizeof key_complaints[0]; i++) {
    size_t len = strlen(key_complaints[i].said);
    if (strncmp(complaint->what, key_complaints[i].said, len) == 0) {
      struct kt_yaml_place place = { 1, 1 };
      char what[240];
      (void)snprintf(what, sizeof what, "%s \"%s\"", key_complaints[i].ours, complaint->what + len);
      (void)kt_yaml_where(text, NULL, complaint->what + len, &place);
      (void)refuse_at(path, place, what, error);
      return true;
    }
  }
  return false;
}

/* The options with words for values, and the words. The library tells neither. */
static const struct {
  const char *key;
  const char *words;
} word_options[] = {
  { "registration", "open, token, closed" },
  { "access", "open, token" },
  { "access-log", "off, errors, all" },
};

/* True when the complaint was about such a value, and the error is set. */
static bool explain_word(const char *path, struct kt_bytes text, struct kt_yaml_place place,
                         const struct complaint *complaint, struct kt_error *error)
{
  static const char said[] = "Invalid ENUM value: ";
  const size_t len = sizeof said - 1;
  struct kt_yaml_place key = { 0, 0 };
  for (size_t i = 0; strncmp(complaint->what, said, len) == 0 && i < sizeof word_options / sizeof word_options[0];
       i++) {
    if (kt_yaml_where(text, NULL, word_options[i].key, &key) && key.line == place.line) {
      char what[300];
      (void)snprintf(what, sizeof what, "%s is one of %s, not %s", word_options[i].key, word_options[i].words,
                     complaint->what + len);
      (void)refuse_at(path, place, what, error);
      return true;
    }
  }
  return false;
}

static bool line_has_tab(struct kt_bytes text, unsigned line)
{
  unsigned at = 1;
  for (size_t i = 0; i < text.len && at <= line; i++) {
    if (at == line && text.data[i] == '\t') {
      return true;
    }
    at += text.data[i] == '\n';
  }
  return false;
}

static enum kt_err explain(const char *path, struct kt_bytes text, cyaml_err_t cause, const struct complaint *complaint,
                           struct kt_error *error)
{
  struct kt_yaml_place place = { 1, 1 };
  if (cause == CYAML_ERR_OOM) {
    return kt_error_set(error, KT_ERR_MEMORY, "%s: out of memory", path);
  }
  if (kt_yaml_syntax(text, &place)) {
    return refuse_at(path, place,
                     line_has_tab(text, place.line) ? "this is not YAML: tabs are not allowed, indent with spaces"
                                                    : "this is not YAML",
                     error);
  }
  if (explain_key(path, text, complaint, error)) {
    return KT_ERR_FORMAT;
  }
  const char *line = strstr(complaint->where, "line: ");
  const char *column = strstr(complaint->where, "column: ");
  if (line != NULL && column != NULL) {
    place.line = (unsigned)strtoul(line + sizeof "line: " - 1, NULL, 10);
    place.column = (unsigned)strtoul(column + sizeof "column: " - 1, NULL, 10);
  }
  if (explain_word(path, text, place, complaint, error)) {
    return KT_ERR_FORMAT;
  }
  return refuse_at(path, place, complaint->what[0] != '\0' ? complaint->what : cyaml_strerror(cause), error);
}

/* --- interpretation ----------------------------------------------------------------------------------------------- */

enum kind { DURATION, SIZE, NUMBER };

/* How one option becomes a number, and its default. */
struct rule {
  const char *section;
  const char *key;
  enum kind kind;
  size_t raw_offset;
  size_t offset;
  uint64_t fallback;
  uint64_t min;
  uint64_t max;
};

#define TOP(key, kind, from, to, ...)                                                          \
  {                                                                                            \
    NULL, key, kind, offsetof(struct raw, from), offsetof(struct kt_settings, to), __VA_ARGS__ \
  }
#define LIMIT(key, kind, from, to, ...)                                                                          \
  {                                                                                                              \
    "limits", key, kind, offsetof(struct raw, limits.from), offsetof(struct kt_settings, limits.to), __VA_ARGS__ \
  }

/* kind is always NUMBER: requests per second. */
#define RATE(key, from, purpose, fallback)                                                       \
  {                                                                                              \
    "rates", key, NUMBER, offsetof(struct raw, rates.from),                                      \
        offsetof(struct kt_settings, rates) + (purpose) * sizeof(uint64_t), fallback, 0, 1000000 \
  }

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define HOUR_MS ((uint64_t)3600000)
#define THREADS_MIN 2 /* unless told: one request that takes long does not hold up all others */

static const struct rule rules[] = {
  TOP("heartbeat", DURATION, heartbeat, heartbeat_ms, 0, 0, 24 * HOUR_MS),
  TOP("cadence", DURATION, cadence, cadence_ms, KT_LOG_CADENCE_MS_DEFAULT, 0, HOUR_MS),
  TOP("clock-jump", DURATION, clock_jump, clock_jump_ms, 600000, 0, 24 * HOUR_MS),
  TOP("clock-gap", DURATION, clock_gap, clock_gap_ms, 30 * 24 * HOUR_MS, 0, 36500 * 24 * HOUR_MS),
  TOP("drain", DURATION, drain, drain_ms, 10000, 0, HOUR_MS),
  TOP("cache", SIZE, cache, cache_bytes, KT_LOG_CACHE_BYTES_DEFAULT, 0, 1024 * GIB),
  TOP("threads", NUMBER, threads, threads, 0, 0, 256),
  LIMIT("body", SIZE, body, body_bytes, MIB, KIB, 64 * MIB),
  LIMIT("value", SIZE, value, value_bytes, KT_LOG_VALUE_MAX_DEFAULT, 1, KT_LOG_VALUE_MAX_DEFAULT),
  LIMIT("response", SIZE, response, response_bytes, KT_LOG_RESPONSE_MAX_DEFAULT, 64 * KIB, GIB),
  LIMIT("timeout", DURATION, timeout, timeout_ms, 30000, 1000, HOUR_MS),
  LIMIT("values-per-update", NUMBER, values_per_update, values_per_update, KT_LOG_VALUES_MAX_DEFAULT, 1,
        KT_LOG_LEAVES_MAX),
  LIMIT("queue", NUMBER, queue, queue, KT_LOG_QUEUE_MAX_DEFAULT, 1, 1000000),
  LIMIT("audit-page", NUMBER, audit_page, audit_page, KT_LOG_AUDIT_MAX_DEFAULT, 1, 65536),
  LIMIT("connections", NUMBER, connections, connections, 1000, 8, 100000),
  LIMIT("connections-per-address", NUMBER, per_address, per_address, 100, 0, 100000),
  LIMIT("head-timeout", DURATION, head_timeout, head_ms, 10000, 100, HOUR_MS),
  LIMIT("body-timeout", DURATION, body_timeout, body_ms, 30000, 100, HOUR_MS),
  LIMIT("send-timeout", DURATION, send_timeout, send_ms, 120000, 100, HOUR_MS),
  LIMIT("memory", SIZE, memory, memory_bytes, 256 * MIB, MIB, 1024 * GIB),
  LIMIT("disk", SIZE, disk, disk_bytes, 64 * MIB, 0, 1048576 * GIB),
  RATE("search", search, KT_PURPOSE_SEARCH, 100),
  RATE("monitor", monitor, KT_PURPOSE_MONITOR, 100),
  RATE("update", update, KT_PURPOSE_UPDATE, 20),
};

/* The option's number; a text that is none gives its reason. */
static const char *rule_read(const struct rule *rule, const struct raw *raw, uint64_t *ret_number)
{
  const void *at = (const char *)raw + rule->raw_offset;
  const char *why = NULL;
  if (rule->kind == NUMBER) {
    uint64_t *const *number = at;
    *ret_number = *number != NULL ? **number : rule->fallback;
    return NULL;
  }
  char *const *text = at;
  if (*text == NULL) {
    *ret_number = rule->fallback;
  } else if (rule->kind == DURATION) {
    (void)!kt_duration_parse(*text, ret_number, &why);
  } else {
    (void)!kt_size_parse(*text, ret_number, &why);
  }
  return why;
}

static void limit_text(enum kind kind, uint64_t limit, char ret_text[static KT_DURATION_TEXT_SIZE])
{
  if (kind == DURATION) {
    kt_duration_text(limit, ret_text);
  } else if (kind == SIZE) {
    kt_size_text(limit, ret_text);
  } else {
    (void)snprintf(ret_text, KT_DURATION_TEXT_SIZE, "%" PRIu64, limit);
  }
}

static void explain_range(const struct rule *rule, char ret_text[static 128])
{
  char min[KT_DURATION_TEXT_SIZE];
  char max[KT_DURATION_TEXT_SIZE];
  limit_text(rule->kind, rule->min, min);
  limit_text(rule->kind, rule->max, max);
  (void)snprintf(ret_text, 128, "the value is out of range, which is %s to %s", min, max);
}

static enum kt_err apply_rules(const char *path, struct kt_bytes text, const struct raw *raw,
                               struct kt_settings *settings, struct kt_error *error)
{
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
    const struct rule *rule = &rules[i];
    uint64_t number = 0;
    char range[128];
    const char *why = rule_read(rule, raw, &number);
    if (why == NULL && (number < rule->min || number > rule->max)) {
      explain_range(rule, range);
      why = range;
    }
    if (why != NULL) {
      return refuse_key(path, text, rule->section, rule->key, why, error);
    }
    *(uint64_t *)(void *)((char *)settings + rule->offset) = number;
  }
  return KT_OK;
}

static void apply_text(const char *value, const char *fallback, char ret_text[static KT_ADDRESS_MAX + 1])
{
  (void)snprintf(ret_text, KT_ADDRESS_MAX + 1, "%s", value != NULL ? value : fallback);
}

/* One without the other would serve in the clear what was meant to be private. */
static enum kt_err check_tls(const char *path, struct kt_bytes text, const struct raw *raw, struct kt_error *error)
{
  struct kt_yaml_place place = { 1, 1 };
  if ((raw->tls_certificate != NULL) == (raw->tls_key != NULL)) {
    return KT_OK;
  }
  (void)kt_yaml_where(text, NULL, raw->tls_key != NULL ? "tls-key" : "tls-certificate", &place);
  return refuse_at(path, place, "tls-certificate and tls-key go together", error);
}

static enum kt_err check_address(const char *path, struct kt_bytes text, const char *key, const char *address,
                                 struct kt_error *error)
{
  struct kt_error cause;
  return kt_listen_check(address, &cause) == KT_OK ? KT_OK : refuse_key(path, text, NULL, key, cause.text, error);
}

static enum kt_err check_addresses(const char *path, struct kt_bytes text, const struct kt_settings *settings,
                                   struct kt_error *error)
{
  enum kt_err err = check_address(path, text, "listen", settings->listen, error);
  bool has_admin = strcmp(settings->admin_listen, "off") != 0;
  return err == KT_OK && has_admin ? check_address(path, text, "admin-listen", settings->admin_listen, error) : err;
}

static enum kt_err interpret(const char *path, struct kt_bytes text, const struct raw *raw,
                             struct kt_settings *ret_settings, struct kt_error *error)
{
  struct kt_settings settings = { 0 };
  enum kt_err err = apply_rules(path, text, raw, &settings, error);
  if (err == KT_OK) {
    err = check_tls(path, text, raw, error);
  }
  if (err != KT_OK) {
    return err;
  }
  apply_text(raw->listen, "127.0.0.1:8080", settings.listen);
  apply_text(raw->admin_listen, "127.0.0.1:0", settings.admin_listen);
  apply_text(raw->head_guard, KT_NAME_HEAD_GUARD, settings.head_guard);
  apply_text(raw->signer, KT_SIGNER_INTERNAL, settings.signer);
  apply_text(raw->upstream, "", settings.upstream);
  (void)snprintf(settings.user, sizeof settings.user, "%s", raw->user != NULL ? raw->user : "");
  if (raw->tls_key != NULL) {
    (void)snprintf(settings.tls_certificate, sizeof settings.tls_certificate, "%s", raw->tls_certificate);
    (void)snprintf(settings.tls_key, sizeof settings.tls_key, "%s", raw->tls_key);
  }
  settings.registration = (enum kt_registration)raw->registration;
  settings.access = (enum kt_access_policy)raw->access;
  settings.access_log = (enum kt_access_log)raw->access_log;
  err = check_addresses(path, text, &settings, error);
  if (err == KT_OK) {
    *ret_settings = settings;
  }
  return err;
}

#define FILE_MAX_LEN ((size_t)256 << 10)

/* As many as processors: more would compete for them. */
static size_t default_threads(void)
{
  size_t n_cores = kt_core_count();
  return n_cores > THREADS_MIN ? n_cores : THREADS_MIN;
}

static enum kt_err load_text(const char *path, struct kt_bytes text, struct kt_settings *ret_settings,
                             struct kt_error *error)
{
  static const struct raw nothing = { 0 };
  struct complaint complaint = { { 0 }, { 0 } };
  cyaml_config_t library = {
    .log_fn = listen_to_library, .log_ctx = &complaint, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR
  };
  cyaml_data_t *data = NULL;
  cyaml_err_t cause = cyaml_load_data(text.data, text.len, &library, &schema, &data, NULL);
  if (cause != CYAML_OK) {
    return explain(path, text, cause, &complaint, error);
  }
  /* A file of comments alone is valid: everything has its default. */
  enum kt_err err = interpret(path, text, data != NULL ? data : &nothing, ret_settings, error);
  (void)cyaml_free(&library, &schema, data, 0);
  if (err == KT_OK && ret_settings->threads == 0) {
    ret_settings->threads = default_threads();
  }
  return err;
}

enum kt_err kt_settings_load(const char *path, struct kt_settings *ret_settings, struct kt_error *error)
{
  size_t len = 0;
  char *text = malloc(FILE_MAX_LEN + 1);
  if (text == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  enum kt_err err = kt_file_read(path, FILE_MAX_LEN, text, &len, error);
  if (err == KT_OK && len == 0) { /* to whom the log answers must not be a default because of that */
    err = kt_error_set(error, KT_ERR_FORMAT, "%s:1:1: the file is empty: it was truncated; a backup has it", path);
  }
  if (err == KT_OK) {
    err = load_text(path, (struct kt_bytes){ (const uint8_t *)text, len }, ret_settings, error);
  }
  free(text);
  return err;
}
