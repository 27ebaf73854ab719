/* SPDX-License-Identifier: Apache-2.0 */
/* The alerts of one judgement, in the arena. Space is reserved for the most there can be, so adding cannot fail. */
#ifndef KT_ACCOUNT_ALERT_LIST_H
#define KT_ACCOUNT_ALERT_LIST_H

#include <kt/alert.h>

struct kt_alert_list {
  const struct kt_logged_value *logged;
  enum kt_audience audience;
  struct kt_alert *items;
  size_t n;
  size_t cap;
};

KT_MUST_USE enum kt_err kt_alert_list_init(struct kt_alert_list *list, const struct kt_logged_value *logged,
                                           enum kt_audience audience, size_t cap, struct kt_arena *arena);
/* Add an alert about the logged value; parts tell its cause from others of the kind. The caller may go on filling it. */
struct kt_alert *kt_alert_list_add(struct kt_alert_list *list, enum kt_alert_kind kind, const char *detail,
                                   const struct kt_bytes *parts, size_t n_parts);
void kt_alert_set_device(struct kt_alert *alert, const struct kt_device *device);

/* The device of set with this id; NULL when there is none. set may be NULL. */
const struct kt_device *kt_device_by_id(const struct kt_device_set *set, const struct kt_device_id *id);

#endif
