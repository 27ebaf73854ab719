/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts: what can be wrong, how a person is told, and which exit code it gives.
 *
 * Names and exit codes are stable. Texts are static English, written for somebody who is frightened and no expert:
 * they say what was seen, what is not known, and the command to run. An alert borrows device_name from the value it
 * was raised for; everything else in it is its own or static. */
#ifndef KT_ALERT_H
#define KT_ALERT_H

#include <kt/device_set.h>

KT_API_BEGIN

enum kt_alert_kind {
  KT_ALERT_UNKNOWN_DEVICE,
  KT_ALERT_VERSION_NOT_MINE,
  KT_ALERT_DEVICE_REMOVED,
  KT_ALERT_ACCOUNT_KEY_CHANGED,
  KT_ALERT_UNSIGNED_SET,
  KT_ALERT_CONTACT_DEVICE_ADDED,
  KT_ALERT_CODE_MISMATCH,
  KT_ALERT_FORK,
  KT_ALERT_ROLLBACK,
  KT_ALERT_MONITOR_BLIND,
  KT_ALERT_AUDITOR_MISSING,
  KT_ALERT_CREDENTIAL_UNCONFIRMED, /* a provisional credential expired, and the log does not stand by it */
  KT_ALERT_TEST,                   /* nothing was seen: somebody tries whether alerts arrive */
};

#define KT_ALERT_KINDS 13

/* Whom the alert tells about what: their own account, somebody else's, or the log as a whole. */
enum kt_audience { KT_AUDIENCE_OWNER, KT_AUDIENCE_CONTACT, KT_AUDIENCE_ANYONE };

/* First bytes of SHA-256 over the cause: the same cause gives the same id in every run, so it is raised once. */
#define KT_ALERT_ID_LEN 16

struct kt_alert_id {
  uint8_t b[KT_ALERT_ID_LEN];
};

/* A value of a label, as the log shows it: what judgements are about. */
struct kt_logged_value {
  struct kt_hash log_id;
  struct kt_bytes label;
  struct kt_bytes value;
  uint32_t version;
  uint64_t position; /* log entry that added it */
  uint64_t time_ms;  /* that entry's timestamp */
};

struct kt_alert {
  enum kt_alert_kind kind;
  enum kt_audience audience;
  bool is_note;      /* worth a line, exit code 0, not kept in the ledger */
  bool key_replaced; /* version-not-mine: the account key is another one, which the owner's key or paper endorsed */
  /* version-not-mine: signed with the owner's account key. Whoever made it has the key, and publishing another list does
   * not take it from them. */
  bool by_account_key;
  struct kt_alert_id id;
  const char *detail; /* one sentence, static; NULL when the kind says it all */
  bool has_device;
  struct kt_device_id device;
  struct kt_bytes device_name;
  bool has_version; /* version, position and time_ms: where in the log it was seen */
  uint32_t version;
  uint64_t position;
  uint64_t time_ms;
};

struct kt_alert_text {
  const char *headline; /* one line */
  const char *meaning;  /* what was checked, what it may mean, what is not known */
  const char *next;     /* what to do; {label}, {device}, {id} stand for the alert's own (kt_alert_next) */
};

/* "unknown-device" … */
const char *kt_alert_kind_name(enum kt_alert_kind kind);
KT_MUST_USE enum kt_err kt_alert_kind_from_name(const char *name, enum kt_alert_kind *ret_kind);
const struct kt_alert_text *kt_alert_text(const struct kt_alert *alert);

/* Letters, digits, @ . _ + - and not first a -: such a label can stand in a command that a person pastes. */
bool kt_label_is_plain(struct kt_bytes label);

/* The `next` text with the alert's label, device and id filled in. A label that is not plain stays the
 * word LABEL, so that a pasted command cannot be somebody else's. */
#define KT_ALERT_NEXT_SIZE 2048
void kt_alert_next(const struct kt_alert *alert, struct kt_bytes label, char ret_text[KT_AT_LEAST KT_ALERT_NEXT_SIZE]);

/* kind, log, label and the parts that tell causes of this kind apart (docs/formats.md lists them). */
#define KT_ALERT_PARTS_MAX 4
void kt_alert_id_compute(enum kt_alert_kind kind, const struct kt_hash *log_id, struct kt_bytes label,
                         const struct kt_bytes *parts, size_t n_parts, struct kt_alert_id *ret_id);

/* 1 for fork and rollback, 3 for monitor-blind and auditor-missing, 4 for the others; 0 for a note or a test. */
int kt_alert_exit_code(enum kt_alert_kind kind, bool is_note);
/* The code for several labels: 1 before 4 before 2 before 3 before 5 before 0. */
int kt_exit_code_worse(int a, int b);

KT_API_END

#endif
