/* SPDX-License-Identifier: Apache-2.0 */
/* A log's folder from a backup: everything in it checked as fsck does, compared with the head guard where
 * there is one, and marked where nothing may be signed from it. The database takes its name last, so what a
 * crash leaves is no log. */
#ifndef KT_SERVER_RESTORE_H
#define KT_SERVER_RESTORE_H

#include "file_io.h"
#include "log/log.h"

enum kt_restore_guard {
  KT_RESTORE_GUARD_SIGNERS, /* a signer of its own has it, cannot be asked now, and decides at the start */
  KT_RESTORE_GUARD_MISSING, /* nothing shows whether this is the newest state */
  KT_RESTORE_GUARD_FITS,    /* nothing was signed that the copy does not have */
  KT_RESTORE_GUARD_AHEAD,   /* it is an old copy: marked */
  KT_RESTORE_GUARD_REFUSES, /* it contradicts the copy, is an old copy itself, or cannot be read: marked */
};

struct kt_restore_report {
  struct kt_hash log_id;
  struct kt_log_head head;
  uint64_t n_entries; /* as in kt_backup_report */
  enum kt_restore_guard guard;
  struct kt_path guard_path;    /* or the address of the signer that has it */
  char why[KT_LOG_REASON_SIZE]; /* SIGNERS, AHEAD, REFUSES: one sentence */
  bool has_signer_service;
  bool has_signing_key;
  bool has_vrf_key; /* otherwise VRF outputs were not checked, and nothing can be served before it is there */
};

struct kt_restore_request {
  const char *file;
  const char *dir;  /* absent or empty */
  const char *keys; /* folder with signing.key, vrf.key, operator.token, what there is of them; NULL: none is brought */
  void (*found)(void *ctx, const char *where, const char *what); /* damage */
  void *ctx;
};

/* KT_ERR_PROOF: the backup is damaged; KT_ERR_FORMAT, KT_ERR_UNSUPPORTED: it is none. On failure the folder is as it
 * was. */
KT_MUST_USE enum kt_err kt_restore(const struct kt_restore_request *request, struct kt_restore_report *ret_report,
                                   struct kt_error *error);

#endif
