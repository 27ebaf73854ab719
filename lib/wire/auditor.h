/* SPDX-License-Identifier: Apache-2.0 */
/* AuditorUpdate (draft: Auditing). */
#ifndef KT_WIRE_AUDITOR_H
#define KT_WIRE_AUDITOR_H

#include "wire/proof.h"

struct kt_auditor_update {
  uint64_t timestamp;
  const struct kt_prefix_leaf *added; /* at most 65535; borrows from the input */
  size_t n_added;
  const struct kt_prefix_leaf *removed;
  size_t n_removed;
  struct kt_prefix_proof proof;
};

void kt_auditor_update_write(struct kt_writer *w, const struct kt_auditor_update *update);
/* Reads one update from a stream of them (the audit feed); decode takes exactly one. */
void kt_auditor_update_read(struct kt_reader *r, struct kt_arena *arena, struct kt_auditor_update *ret);
KT_MUST_USE enum kt_err kt_auditor_update_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                                 struct kt_auditor_update *ret);

#endif
