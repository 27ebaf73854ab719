/* SPDX-License-Identifier: Apache-2.0 */
#include "account/alert_list.h"

#include <kt/arena.h>

#include <string.h>

enum kt_err kt_alert_list_init(struct kt_alert_list *list, const struct kt_logged_value *logged,
                               enum kt_audience audience, size_t cap, struct kt_arena *arena)
{
  struct kt_alert *items = kt_arena_alloc(arena, cap, sizeof *items);
  if (items == NULL) {
    return KT_ERR_MEMORY;
  }
  *list = (struct kt_alert_list){ .logged = logged, .audience = audience, .items = items, .cap = cap };
  return KT_OK;
}

struct kt_alert *kt_alert_list_add(struct kt_alert_list *list, enum kt_alert_kind kind, const char *detail,
                                   const struct kt_bytes *parts, size_t n_parts)
{
  struct kt_alert *alert = &list->items[list->n++];
  *alert = (struct kt_alert){ .kind = kind,
                              .audience = list->audience,
                              .detail = detail,
                              .has_version = true,
                              .version = list->logged->version,
                              .position = list->logged->position,
                              .time_ms = list->logged->time_ms };
  kt_alert_id_compute(kind, &list->logged->log_id, list->logged->label, parts, n_parts, &alert->id);
  return alert;
}

void kt_alert_set_device(struct kt_alert *alert, const struct kt_device *device)
{
  alert->has_device = true;
  alert->device = device->id;
  alert->device_name = device->name;
}

const struct kt_device *kt_device_by_id(const struct kt_device_set *set, const struct kt_device_id *id)
{
  for (size_t i = 0; set != NULL && i < set->n_devices; i++) {
    if (memcmp(set->devices[i].id.b, id->b, sizeof id->b) == 0) {
      return &set->devices[i];
    }
  }
  return NULL;
}
