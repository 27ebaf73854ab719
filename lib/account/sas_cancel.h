/* SPDX-License-Identifier: Apache-2.0 */
/* What ending an exchange means: its name on the wire, the error, and the reason a person is given. Static storage. */
#ifndef KT_ACCOUNT_SAS_CANCEL_H
#define KT_ACCOUNT_SAS_CANCEL_H

#include <kt/sas.h>

struct kt_sas_cancel_row {
  const char *name;
  const char *code; /* of the kt_reason */
  enum kt_err err;
  const char *text;
  const char *text_by_other;
};

/* Any but KT_SAS_NOT_CANCELLED. */
const struct kt_sas_cancel_row *kt_sas_cancel_row(enum kt_sas_cancel why);

#endif
