/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of the messages of a SAS exchange (kt/sas.h; docs/formats.md, SAS). */
#ifndef KT_JSON_SAS_H
#define KT_JSON_SAS_H

#include <kt/sas.h>

#include <kt/arena.h>
#include "json/builder.h"

/* What a relay mailbox takes; longer ones are not read. */
#define KT_JSON_SAS_MAX 4096

/* New reference, or NULL without memory or for a label that is not UTF-8. */
json_t *kt_json_sas_message(const struct kt_sas_message *message);

/* Read the text of one message, strictly: duplicate, unknown and missing members are refused. Labels are in the arena.
 * KT_ERR_FORMAT ("sas-malformed"; then kt_sas_cancel with KT_SAS_MALFORMED is due) or KT_ERR_UNSUPPORTED
 * ("sas-protocol": another version). */
KT_MUST_USE enum kt_err kt_json_sas_read(struct kt_bytes text, struct kt_arena *arena,
                                         struct kt_sas_message *ret_message, struct kt_reason *reason);

#endif
