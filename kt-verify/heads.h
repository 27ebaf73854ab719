/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of the pinned log: the newest one, the root at an earlier size, and the list that people exchange to find forks
 * (draft: Detecting Forks; docs/formats.md, Heads to exchange). Sizes count log entries. */
#ifndef KT_VERIFY_HEADS_H
#define KT_VERIFY_HEADS_H

#include "session.h"

/* Walk the distinguished heads: brings the session to the newest head, and keeps the heads that credentials are verified
 * against. */
enum kt_exit kt_heads_refresh(struct kt_session *session, const struct kt_distinguished_result **ret_result);

/* The root at `size` (1 … newest) of the log that the session's verified head is of, proven by consistency. In the
 * arena: *ret_consistency, empty for the newest size itself. */
enum kt_exit kt_heads_root_at(struct kt_session *session, uint64_t size, struct kt_arena *arena,
                              struct kt_hash *ret_root, struct kt_bytes *ret_consistency);

/* The same under another signed tree than the session's. */
enum kt_exit kt_heads_root_under(struct kt_session *session, uint64_t newest_size, const struct kt_hash *newest_root,
                                 uint64_t size, struct kt_arena *arena, struct kt_hash *ret_root,
                                 struct kt_bytes *ret_consistency);

#define KT_HEADS_FILE_MAX 64

struct kt_exchanged_head {
  uint64_t size;
  struct kt_hash root;
  uint64_t timestamp_ms;     /* unsigned heads only */
  struct kt_bytes signature; /* empty: nobody can prove it */
  struct kt_bytes config;
};

struct kt_heads_file {
  struct kt_hash log_id;
  struct kt_exchanged_head heads[KT_HEADS_FILE_MAX];
  size_t n;
};

/* The newest verified head, as the log signed it, and the distinguished heads (NULL: without). Borrows from the session. */
void kt_heads_collect(const struct kt_session *session, const struct kt_distinguished_result *result,
                      struct kt_heads_file *ret_file);
/* The text of log distinguished, for later: HOME/evidence/heads-SIZE.txt, by the size of the newest head. KT_ERR_STORE:
 * errno says why. */
KT_MUST_USE enum kt_err kt_heads_file_keep(const struct kt_heads_file *file, const char *home,
                                           char ret_path[static KT_STATE_PATH_MAX]);

/* Text or JSON, whichever it is; in the arena. KT_ERR_FORMAT. */
KT_MUST_USE enum kt_err kt_heads_file_decode(struct kt_bytes content, struct kt_arena *arena,
                                             struct kt_heads_file **ret_file);
/* Print it on stdout, or fill the JSON object. */
void kt_heads_file_print(const struct kt_heads_file *file, struct kt_output *out);

#endif
