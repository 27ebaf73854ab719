/* SPDX-License-Identifier: Apache-2.0 */
/* When a Manager's answer contradicts what the operator verified before: is it another log, an older one, or only a bad
 * answer? The Manager is asked once more as by somebody who remembers nothing; what it signs then is compared. Evidence
 * is a file of <kt/evidence.h>, which anybody verifies offline. */
#ifndef KT_SERVER_OPERATOR_FORK_H
#define KT_SERVER_OPERATOR_FORK_H

#include <kt/client.h>

#include "file_io.h"
#include "upstream.h"

struct kt_opfork {
  const struct kt_config *config;
  struct kt_bytes config_bytes;
  const char *dir;
  const struct kt_log_state *ours; /* the last verified head */
  struct kt_upstream *upstream;
};

enum kt_opfork_found {
  KT_OPFORK_NOTHING,  /* no answer, or nothing signed against what was verified */
  KT_OPFORK_FORK,     /* evidence: two heads that cannot both be true */
  KT_OPFORK_ROLLBACK, /* evidence: an older head than before */
};

/* ret_path: the evidence file, also where it was there already; empty when it cannot be written (said on stderr). */
enum kt_opfork_found kt_opfork_judge(const struct kt_opfork *fork, struct kt_path *ret_path);

#define KT_NAME_EVIDENCE "evidence"
/* Some evidence file in DIR/evidence; false: there is none. */
bool kt_opfork_has_evidence(const char *dir, struct kt_path *ret_path);

#endif
