/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Contact Monitor. */
#include "client/check.h"
#include "client/known.h"
#include "wire/monitor.h"

void kt_request_contact(struct kt_writer *w, const struct kt_log_state *log, struct kt_bytes label,
                        const struct kt_contact_state *contact)
{
  struct kt_monitor_map map;
  kt_map_load(contact, &map);
  const struct kt_contact_monitor_request request = {
    .last = kt_check_last(log), .label = label, .entries = map.entries, .n_entries = map.n
  };
  kt_contact_monitor_request_write(w, &request);
}

/* Verify into result, which may be left half-written on failure. */
static enum kt_err verify(const struct kt_client *client, const struct kt_contact_state *contact,
                          const struct kt_monitor_response *response, struct kt_contact_result *result)
{
  struct kt_monitor_map *map = kt_arena_alloc(client->arena, 2, sizeof *map);
  struct kt_label_keys keys;
  struct kt_check check;
  if (map == NULL) {
    return KT_ERR_MEMORY;
  }
  kt_map_load(contact, &map[0]);
  enum kt_err err =
      kt_known_keys(client, (struct kt_bytes){ 0 }, NULL, NULL, 0, contact->known, contact->n_known, &keys);
  if (err == KT_OK) {
    err = kt_check_begin(&check, client, &response->full_tree_head, &response->monitor);
  }
  if (err == KT_OK) {
    err = kt_contact_monitor(&check.replay->view, &keys, &map[0], NULL, &map[1]);
  }
  if (err == KT_OK) {
    err = kt_check_end(&check, &result->log, NULL);
  }
  if (err == KT_OK) {
    err = kt_map_store(client->arena, &map[1], &result->contact.map, &result->contact.n_map);
  }
  if (err == KT_OK) {
    err = kt_known_retain(client->arena, &keys, kt_contact_wants, &result->contact, &result->contact.known,
                          &result->contact.n_known);
  }
  return err;
}

enum kt_err kt_verify_contact(const struct kt_client *client, const struct kt_contact_state *contact,
                              struct kt_bytes encoded, struct kt_contact_result *ret_result)
{
  struct kt_monitor_response response;
  struct kt_contact_result *result = kt_arena_alloc(client->arena, 1, sizeof *result);
  if (result == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = kt_monitor_response_decode(encoded, client->config, client->arena, &response);
  if (err != KT_OK) {
    return kt_check_format(client, err);
  }
  err = verify(client, contact, &response, result);
  if (err == KT_OK) {
    *ret_result = *result;
  }
  return err;
}
