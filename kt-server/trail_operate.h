/* SPDX-License-Identifier: Apache-2.0 */
/* kt_operate, with every request that changes something recorded in the administration trail before it is answered. */
#ifndef KT_SERVER_TRAIL_OPERATE_H
#define KT_SERVER_TRAIL_OPERATE_H

#include "operate.h"

/* As kt_operate; uid is who asks. When the record cannot be written the answer is a failure that says so: what was
 * asked for has happened. */
json_t *kt_operate_recorded(struct kt_instance *instance, const json_t *request, uid_t uid);

/* A record of this folder; a failure is said on stderr too, for those who have to go on. */
KT_MUST_USE enum kt_err kt_record(const struct kt_instance *instance, const char *action, const char *result,
                                  uint64_t n, struct kt_error *error);

#endif
