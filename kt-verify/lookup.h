/* SPDX-License-Identifier: Apache-2.0 */
/* One look-up of the verb, for a label alone and for every member of a group. */
#ifndef KT_VERIFY_LOOKUP_H
#define KT_VERIFY_LOOKUP_H

#include "session.h"

/* Look the label up, judge it, say it, and fill the JSON object. The label is 1 to 255 bytes of UTF-8. */
enum kt_exit kt_lookup_label(struct kt_session *session, struct kt_bytes label);
/* Everybody in the file that --group names. */
enum kt_exit kt_lookup_group(struct kt_session *session, const char *path);

#endif
