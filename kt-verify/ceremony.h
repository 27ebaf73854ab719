/* SPDX-License-Identifier: Apache-2.0 */
/* What all ways of comparing codes share: one's own account, the other person's account key as the log shows it, and
 * what the outcome does to the contact and the alerts. A contact becomes verified in one place only. */
#ifndef KT_VERIFY_CEREMONY_H
#define KT_VERIFY_CEREMONY_H

#include "owner.h"
#include "watch.h"

struct kt_ceremony {
  struct kt_session session;
  bool has_own;
  struct kt_own_label own; /* when has_own */
  struct kt_watch watch;   /* the other person */
  struct kt_account_key theirs;
};

/* Open the session. Whatever it returns, kt_ceremony_close is due. with_own: "one's own account is the only one there is,
 * or --as LABEL". */
enum kt_exit kt_ceremony_begin(struct kt_ceremony *ceremony, const struct kt_cli *cli, struct kt_output *out,
                               bool with_own);
/* Who the other person is. ask: search the label now, for comparisons by machine, where a key older than the other
 * side's would look like an attack; otherwise only somebody never looked up is looked up. */
enum kt_exit kt_ceremony_with(struct kt_ceremony *ceremony, struct kt_bytes label, bool ask);
/* Both, with cli->args[0]. */
enum kt_exit kt_ceremony_open(struct kt_ceremony *ceremony, const struct kt_cli *cli, struct kt_output *out,
                              bool with_own, bool ask);
void kt_ceremony_close(struct kt_ceremony *ceremony);

struct kt_ceremony_outcome {
  enum kt_contact_method method;
  bool matches;
  const char *detail; /* of a mismatch: one sentence for the alert */
};

/* Keep the outcome and say it: a match verifies the contact and settles what it answers, a mismatch makes it changed,
 * raises code-mismatch and keeps the log's signed answer as evidence. Gives the exit code with the open alerts in mind. */
enum kt_exit kt_ceremony_settle(struct kt_ceremony *ceremony, const struct kt_ceremony_outcome *outcome);

/* The text of an argument that may be "-" (stdin) or split at blanks by the shell, from cli->args[first] on; at most
 * size - 1 bytes, NUL-terminated. */
void kt_ceremony_read_typed(const struct kt_cli *cli, size_t first, char *ret_text, size_t size);

#endif
