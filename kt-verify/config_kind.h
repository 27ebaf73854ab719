/* SPDX-License-Identifier: Apache-2.0 */
/* What sort of log a Configuration is of: its first octets, the cipher suite and the mode (draft: Tree Head Signature),
 * in words. Read from the bytes, so that a configuration which cannot be decoded has a kind too. */
#ifndef KT_VERIFY_CONFIG_KIND_H
#define KT_VERIFY_CONFIG_KIND_H

#include <kt/bytes.h>

#include "session.h"

#define KT_CONFIG_KIND_SIZE 96

/* What is left to a person who has an old log pinned and meets another one. */
#define KT_CONFIG_NEW_LOG                                                                                     \
  "If the operator says that the log goes on as a new one, check it with kt-verify log migration STATEMENT; " \
  "a new log needs a new --home"

/* "mode contact-monitoring, suite KT_128_SHA256_P256"; "unknown mode 9 …" */
void kt_config_kind(struct kt_bytes encoded, char ret_text[static KT_CONFIG_KIND_SIZE]);
/* The same mode and suite; keys and windows may differ. */
bool kt_config_same_kind(struct kt_bytes a, struct kt_bytes b);

/* After a refusal or an answer that does not verify: does the server show another configuration than the pinned one?
 * That proves nothing, since nobody signed it; it is what a person looks for first. True: one of another kind, which is
 * the reason now, to be reported as KT_EXIT_FAILED. Another one of the same kind: a note. What is no configuration at all
 * (a portal's page, an outage) says nothing. */
bool kt_session_explain_config(struct kt_session *session);

#endif
