/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence files of this home, home/evidence/ID.evidence: what <kt/evidence.h> makes, under the id that names the
 * finding, so the same finding is one file. A file is written completely (synced, renamed) before anybody is told. */
#ifndef KT_VERIFY_EVIDENCE_STORE_H
#define KT_VERIFY_EVIDENCE_STORE_H

#include <jansson.h>
#include <kt/evidence.h>

#include "state.h"

#define KT_EVIDENCE_ID_SIZE (2 * KT_EVIDENCE_ID_LEN + 1) /* hex */
#define KT_EVIDENCE_FILE_MAX ((size_t)160 << 20)

struct kt_signed_head kt_evidence_signed_head(const struct kt_seen_head *head);
/* Two heads that do not go together, `theirs` received after `ours`: fork at one size; with consistency elements (from
 * the smaller size to the larger) a fork at different sizes; otherwise `theirs` is smaller and it is a rollback. Borrows. */
void kt_evidence_of_heads(const struct kt_hash *log_id, const struct kt_seen_head *ours,
                          const struct kt_seen_head *theirs, struct kt_bytes consistency,
                          struct kt_evidence *ret_evidence);

void kt_evidence_id_text(const struct kt_evidence *evidence, char ret_id[static KT_EVIDENCE_ID_SIZE]);

/* Members for people and programs: kind, log, heads; no label, no response. NULL when memory runs out. */
json_t *kt_evidence_to_json(const struct kt_evidence *evidence);

/* KT_ERR_STORE: errno says why. Saving what is there already is fine. */
KT_MUST_USE enum kt_err kt_evidence_save(const char *home, const struct kt_evidence *evidence,
                                         char ret_path[static KT_STATE_PATH_MAX]);
/* A file anywhere, decoded and not verified, in the arena. KT_ERR_STORE: errno says why. */
KT_MUST_USE enum kt_err kt_evidence_load(const char *path, struct kt_arena *arena, struct kt_bytes *ret_file,
                                         struct kt_evidence *ret_evidence);
/* The saved files whose id begins with `prefix` ("": all), ascending, at most max paths in the arena. None: *ret_n 0. */
KT_MUST_USE enum kt_err kt_evidence_find(const char *home, const char *prefix, size_t max, struct kt_arena *arena,
                                         const char ***ret_paths, size_t *ret_n);

/* A file of the user's own choosing. KT_ERR_STORE: errno says why; KT_ERR_FORMAT: larger than max, or no regular file. */
KT_MUST_USE enum kt_err kt_evidence_read_file(const char *path, size_t max, struct kt_arena *arena,
                                              struct kt_bytes *ret_content);
/* Completely or not at all. KT_ERR_STORE: errno says why. */
KT_MUST_USE enum kt_err kt_evidence_write_file(const char *path, struct kt_bytes content);

#endif
