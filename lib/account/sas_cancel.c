/* SPDX-License-Identifier: Apache-2.0 */
/* Why an exchange ends, in words: one table. */
#include "account/sas_cancel.h"

#include <string.h>

static const struct kt_sas_cancel_row rows[] = {
  [KT_SAS_STOPPED] = { "stopped", "sas-stopped", KT_ERR_DENIED, "the comparison was stopped here",
                       "the other person stopped the comparison" },
  [KT_SAS_MISMATCH] = { "mismatch", "sas-mismatch", KT_ERR_PROOF, "the two codes are not the same",
                        "the other person sees another code: the two codes are not the same" },
  [KT_SAS_EXPIRED] = { "expired", "sas-expired", KT_ERR_EXPIRED, "the ten minutes for the comparison are over",
                       "the other side ended it: the ten minutes for the comparison are over" },
  [KT_SAS_MALFORMED] = { "malformed", "sas-malformed", KT_ERR_FORMAT, "received something that is no message",
                         "the other side ended it: it received something that is no message" },
  [KT_SAS_UNEXPECTED] = { "unexpected-message", "sas-unexpected-message", KT_ERR_PROOF,
                          "received a message twice or out of order",
                          "the other side ended it: it received a message twice or out of order" },
  [KT_SAS_OTHER_TRANSACTION] = { "other-transaction", "sas-other-transaction", KT_ERR_PROOF,
                                 "received a message of another comparison",
                                 "the other side ended it: it received a message of another comparison" },
  [KT_SAS_OTHER_LOG] = { "other-log", "sas-other-log", KT_ERR_PROOF, "the other side uses another log",
                         "the other side ended it: it uses another log" },
  [KT_SAS_OTHER_LABEL] = { "other-label", "sas-other-label", KT_ERR_PROOF,
                           "the other side compares other labels than this one",
                           "the other side ended it: it compares other labels than this one" },
  [KT_SAS_OTHER_KEY] = { "other-key", "sas-other-key", KT_ERR_PROOF,
                         "the other side sees other account keys than this one",
                         "the other side ended it: it sees other account keys than this one" },
  [KT_SAS_WRONG_COMMITMENT] = { "commitment", "sas-commitment", KT_ERR_PROOF,
                                "the other side's key is not the one it committed to",
                                "the other side ended it: a key is not the one that was committed to" },
  [KT_SAS_WEAK_KEY] = { "weak-key", "sas-weak-key", KT_ERR_CRYPTO, "received a key that nothing secret comes of",
                        "the other side ended it: it received a key that nothing secret comes of" },
  [KT_SAS_WRONG_MAC] = { "mac", "sas-mac", KT_ERR_PROOF, "the other side's confirmation is not genuine",
                         "the other side ended it: a confirmation is not genuine" },
};

const struct kt_sas_cancel_row *kt_sas_cancel_row(enum kt_sas_cancel why)
{
  return &rows[why];
}

const char *kt_sas_cancel_name(enum kt_sas_cancel why)
{
  return rows[why].name;
}

enum kt_err kt_sas_cancel_from_name(struct kt_bytes name, enum kt_sas_cancel *ret_why)
{
  for (unsigned i = KT_SAS_NOT_CANCELLED + 1; i < sizeof rows / sizeof rows[0]; i++) {
    if (strlen(rows[i].name) == name.len && memcmp(rows[i].name, name.data, name.len) == 0) {
      *ret_why = (enum kt_sas_cancel)i;
      return KT_OK;
    }
  }
  return KT_ERR_FORMAT;
}
