/* SPDX-License-Identifier: Apache-2.0 */
/* What a toy log says to those who compare and audit: consistency of two sizes, the state to begin an audit with, and an
 * auditor's feed of six made-up entries. Built the long way; appended to the writer. */
#ifndef KT_TESTS_TOY_AUDIT_H
#define KT_TESTS_TOY_AUDIT_H

#include "toy_log.h"
#include "wire/auditor.h"

#define TOY_FEED_LEN 6
#define TOY_FEED_LEAVES 3 /* that each entry adds; the last one also removes one */

/* The form of kt_verify_consistency, up to the log's size. */
void toy_consistency_write(struct kt_writer *w, const struct toy_log *log, uint64_t old_size, struct kt_arena *arena);
/* AuditState at the log's size (docs/formats.md). */
void toy_audit_state_write(struct kt_writer *w, const struct toy_log *log, struct kt_arena *arena);
/* Entry i of the feed; root is the prefix tree before it, and then after it, made of nodes of the log. leaves is room that the update borrows. */
void toy_feed_update(struct toy_log *log, struct kt_prefix_child *root, size_t i,
                     struct kt_prefix_leaf leaves[static TOY_FEED_LEAVES + 1], struct kt_arena *arena,
                     struct kt_auditor_update *ret_update);

#endif
