/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody's devices, for people and as members of the JSON object. */
#ifndef KT_VERIFY_REPORT_SET_H
#define KT_VERIFY_REPORT_SET_H

#include <kt/account_policy.h>

#include "output.h"

/* endorsed: the pinned account key stands behind the set. */
void kt_report_set(struct kt_output *out, const struct kt_set_judgement *judgement, bool endorsed);

#endif
