/* SPDX-License-Identifier: Apache-2.0 */
/* DIR/kt-server.yaml: what an operator may change without becoming another log.
 *
 * The windows, the suite, the mode and the keys are not in it: every signature covers them, so they are fixed at init
 * in DIR/config.bin. Paths are relative to DIR. Unknown keys and bad values are refused with file, line and column. */
#ifndef KT_SERVER_SETTINGS_H
#define KT_SERVER_SETTINGS_H

#include <kt/account_policy.h>

#include "file_io.h"

/* What a request is for: each has its own quota. */
enum kt_purpose {
  KT_PURPOSE_PUBLIC,
  KT_PURPOSE_SEARCH,
  KT_PURPOSE_MONITOR,
  KT_PURPOSE_UPDATE,
  KT_PURPOSE_ADMIN,
  KT_PURPOSE_RELAY, /* its messages; its rate is fixed (relay.h) */
};
#define KT_PURPOSES 6

/* Who may ask at all. */
enum kt_access_policy { KT_ACCESS_OPEN, KT_ACCESS_TOKEN };

enum kt_access_log { KT_ACCESS_LOG_OFF, KT_ACCESS_LOG_ERRORS, KT_ACCESS_LOG_ALL };

#define KT_ADDRESS_MAX 255
#define KT_TLS_PATH_MAX 127
#define KT_USER_MAX 63
#define KT_SIGNER_INTERNAL "internal"

struct kt_settings {
  char listen[KT_ADDRESS_MAX + 1];
  char admin_listen[KT_ADDRESS_MAX + 1]; /* "off": none */
  char head_guard[KT_ADDRESS_MAX + 1];
  char signer[KT_ADDRESS_MAX + 1];           /* KT_SIGNER_INTERNAL, or unix:PATH */
  char tls_certificate[KT_TLS_PATH_MAX + 1]; /* PEM files; empty: no TLS */
  char tls_key[KT_TLS_PATH_MAX + 1];
  char user[KT_USER_MAX + 1];        /* who `run` becomes when root starts it; empty: nobody else */
  char upstream[KT_ADDRESS_MAX + 1]; /* the Manager's address; empty: this is no Service Operator of a managed log */
  enum kt_registration registration;
  enum kt_access_policy access;
  enum kt_access_log access_log;
  uint64_t heartbeat_ms; /* 0: half of max_behind */
  uint64_t cadence_ms;
  uint64_t clock_jump_ms; /* 0: the clock is believed whatever it does */
  uint64_t clock_gap_ms;  /* 0: at the start, too */
  uint64_t drain_ms;
  uint64_t cache_bytes;
  uint64_t threads; /* never 0: "0" in the file is as many as the machine has processors, 2 to 64 */
  struct {
    uint64_t body_bytes;
    uint64_t value_bytes;
    uint64_t response_bytes;
    uint64_t values_per_update;
    uint64_t queue;
    uint64_t audit_page;
    uint64_t connections;
    uint64_t per_address; /* connections; 0: no limit */
    uint64_t timeout_ms;  /* of an idle connection */
    uint64_t head_ms;     /* these three are absolute */
    uint64_t body_ms;
    uint64_t send_ms;
    uint64_t memory_bytes; /* of all bodies and answers under way */
    uint64_t disk_bytes;   /* with less free, the log is not ready */
  } limits;
  uint64_t rates[KT_PURPOSES]; /* requests per second of one address; 0: no limit */
};

/* KT_ERR_FORMAT: refused, "FILE:LINE:COLUMN: …". KT_ERR_ABSENT, KT_ERR_STORE: not readable. */
KT_MUST_USE enum kt_err kt_settings_load(const char *path, struct kt_settings *ret_settings, struct kt_error *error);

/* The file that init writes: every option with its default and what it does. registration: the word for that option;
 * more (NULL: nothing) is put at the end. To be freed; NULL: no memory. */
char *kt_settings_template(const char *registration, const char *more);

#endif
