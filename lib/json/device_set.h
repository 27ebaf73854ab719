/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of device sets: the view that people read, and the form that operators write for import and insertion:
 * {"devices":[{"name":…,"keys":[{"alg":…,"key":"base64"}]}]}, with optional "label" and "account_key" (hex).
 *
 * Keys are base64, as everywhere in interface.md; ids, account keys and signatures are hex. */
#ifndef KT_JSON_DEVICE_SET_H
#define KT_JSON_DEVICE_SET_H

#include <kt/device_set.h>

#include <kt/arena.h>
#include "json/builder.h"

/* New reference, or NULL without memory. Names that are not UTF-8 cannot occur in a decoded set. */
json_t *kt_json_device(const struct kt_device *device);
json_t *kt_json_device_set(const struct kt_device_set *set);
/* The set in an encoded value, or JSON null when the value is no device set. */
json_t *kt_json_value(struct kt_bytes value);

struct kt_json_provision {
  struct kt_bytes label;           /* empty when the object has none */
  const struct kt_device *devices; /* ascending by id */
  size_t n_devices;
  bool has_account_key;
  struct kt_account_key account_key;
};

#define KT_JSON_TEXT_SIZE 160

/* Read the operator's form. label: the account when the object need not name one, empty when it must (import). Ids are
 * derived from label, name and keys, so reading the same object twice gives the same set; added_ms is 0 (unknown). All
 * memory is the arena's. On failure ret_text says what is wrong and where. */
KT_MUST_USE enum kt_err kt_json_provision_read(const json_t *object, struct kt_bytes label, struct kt_arena *arena,
                                               struct kt_json_provision *ret_provision,
                                               char ret_text[static KT_JSON_TEXT_SIZE]);
/* A line of an import, which names its label: the same from its text. What was read borrows from the text, too. */
KT_MUST_USE enum kt_err kt_json_provision_line(const char *text, size_t len, struct kt_arena *arena,
                                               struct kt_json_provision *ret_provision,
                                               char ret_text[static KT_JSON_TEXT_SIZE]);

#endif
