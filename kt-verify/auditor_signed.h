/* SPDX-License-Identifier: Apache-2.0 */
/* What an auditor's key signed last: KEY.signed, beside the key file and not in a home, so that every home on this machine
 * that signs with the key shares it (docs/formats.md, What an auditor's key signed).
 *
 * The greatest size and its root are enough: a smaller tree is never signed, that one only again, so no size ever gets two
 * roots. A copy of the key elsewhere has a record of its own; nothing here can see it. */
#ifndef KT_VERIFY_AUDITOR_SIGNED_H
#define KT_VERIFY_AUDITOR_SIGNED_H

#include <kt/suite.h>

#include "output.h"
#include "state.h"

struct kt_auditor_signed {
  struct kt_hash log_id; /* zero when size is 0 */
  uint64_t size;         /* 0: nothing was signed */
  struct kt_hash root;
  size_t signature_len;                /* 0: not known */
  uint8_t signature[KT_SIGNATURE_MAX]; /* the log's, of its head of this tree: evidence when it shows another one */
};

#define KT_AUDITOR_SIGNED_PATH_MAX 1056
#define KT_AUDITOR_SIGNED_LINE_MAX 512

struct kt_auditor_record {
  char path[KT_AUDITOR_SIGNED_PATH_MAX]; /* of the record; "": no key */
  int lock_fd;                           /* the key file, locked; -1: not held */
  struct kt_auditor_signed last;         /* as loaded */
  char error[KT_STATE_ERROR_SIZE];       /* why it may not be used; "": errno says it */
};

/* One line with its line break and a NUL; its length. key: the public key. */
size_t kt_auditor_signed_text(const struct kt_suite *suite, struct kt_bytes key, const struct kt_auditor_signed *last,
                              char ret_line[static KT_AUDITOR_SIGNED_LINE_MAX]);
/* KT_ERR_FORMAT: not such a line, byte for byte. KT_ERR_CONFLICT: another key's. */
KT_MUST_USE enum kt_err kt_auditor_signed_parse(struct kt_bytes line, const struct kt_suite *suite, struct kt_bytes key,
                                                struct kt_auditor_signed *ret_last);
/* May the key sign this tree of this log? */
bool kt_auditor_signed_allows(const struct kt_auditor_signed *last, const struct kt_hash *log_id, uint64_t size,
                              const struct kt_hash *root);

/* Find the key's record and keep every other process from signing with the key until the close, whatever its home or the
 * name it knows the file by. Failures are said; KT_EXIT_UNDECIDED: another one has it. */
enum kt_exit kt_auditor_record_open(struct kt_output *out, const char *key_path, struct kt_auditor_record *ret_record);
void kt_auditor_record_close(struct kt_auditor_record *record);
/* Into record->last. KT_ERR_ABSENT: there is none, though every key is made with one. KT_ERR_FORMAT, KT_ERR_CONFLICT: as
 * parse. KT_ERR_DENIED: record->error or errno. */
KT_MUST_USE enum kt_err kt_auditor_record_load(struct kt_auditor_record *record, const struct kt_suite *suite,
                                               struct kt_bytes key);
/* Replace it; durable on KT_EXIT_OK. Failures are said. */
enum kt_exit kt_auditor_record_save(struct kt_auditor_record *record, struct kt_output *out,
                                    const struct kt_suite *suite, struct kt_bytes key,
                                    const struct kt_auditor_signed *last);

#endif
