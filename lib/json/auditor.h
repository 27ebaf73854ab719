/* SPDX-License-Identifier: Apache-2.0 */
/* JSON views of the audit feed (draft: Auditing) and of the log structures around it (lib/log/log.h gives their bytes). */
#ifndef KT_JSON_AUDITOR_H
#define KT_JSON_AUDITOR_H

#include <kt/arena.h>
#include "json/builder.h"
#include "wire/auditor.h"

json_t *kt_json_auditor_update(const struct kt_auditor_update *update);

/* Views of encoded answers; NULL when they do not decode, or without memory. */
json_t *kt_json_audit_page(struct kt_bytes page);
json_t *kt_json_audit_state(struct kt_bytes state);
json_t *kt_json_consistency(struct kt_bytes consistency);
json_t *kt_json_audit_head(struct kt_bytes audit_head);

#endif
