/* SPDX-License-Identifier: Apache-2.0 */
/* The log's newest head with its root, for whoever computes the root itself (ours: GET /v1/auditor/head,
 * docs/formats.md). The auditor's head is the newest one that the log has of it.
 *   struct { TreeHead tree_head; HashValue root; optional<AuditorTreeHead> auditor_tree_head; } AuditHead; */
#ifndef KT_WIRE_AUDIT_HEAD_H
#define KT_WIRE_AUDIT_HEAD_H

#include "wire/tree_head.h"

struct kt_audit_head {
  struct kt_tree_head tree_head;
  struct kt_hash root;
  bool has_auditor;
  struct kt_auditor_tree_head auditor;
};

void kt_audit_head_write(struct kt_writer *w, const struct kt_audit_head *head);
/* A whole message. KT_ERR_FORMAT. Borrows. */
KT_MUST_USE enum kt_err kt_audit_head_decode(struct kt_bytes encoded, struct kt_audit_head *ret);

#endif
