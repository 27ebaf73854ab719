/* SPDX-License-Identifier: Apache-2.0 */
/* requests: fields to bytes, bytes to fields. The fields of what was decoded are compared by their encoding, which is
 * checked against the file's first. */
#include <string.h>

#include "base/reader.h"
#include "wire/common.h"
#include "wire/config.h"
#include "wire/monitor.h"
#include "wire/update.h"
#include "leaf.h"

struct request {
  struct conf_case *c;
  struct kt_bytes wanted;  /* the encoding in the file */
  struct kt_writer fields; /* encoded from the fields */
  struct kt_writer again;  /* decoded from the file and encoded */
};

static struct kt_optional_u64 optional_u64(struct conf_case *c, const char *key)
{
  return (struct kt_optional_u64){ .present = conf_has(c->input, key), .value = conf_u64_or_zero(c, c->input, key) };
}

static struct kt_optional_u32 optional_u32(struct conf_case *c, const char *key)
{
  bool present = conf_has(c->input, key);
  return (struct kt_optional_u32){ .present = present, .value = present ? conf_u32(c, c->input, key) : 0 };
}

static struct kt_monitor_map_entry map_entry(struct conf_case *c, const json_t *object)
{
  return (struct kt_monitor_map_entry){ .position = conf_u64(c, object, "position"),
                                        .version = conf_u32(c, object, "version") };
}

static const struct kt_monitor_map_entry *map_entries(struct conf_case *c, size_t *ret_n)
{
  const json_t *array = conf_array(c, c->input, "entries");
  size_t n = json_array_size(array);
  struct kt_monitor_map_entry *entries = conf_alloc(c, n, sizeof *entries);
  for (size_t i = 0; i < n; i++) {
    entries[i] = map_entry(c, json_array_get(array, i));
  }
  *ret_n = n;
  return entries;
}

static void search_request(struct request *r)
{
  struct conf_case *c = r->c;
  struct kt_search_request request = { .last = optional_u64(c, "last"),
                                       .label = conf_hex(c, c->input, "label"),
                                       .version = optional_u32(c, "version") };
  kt_search_request_write(&r->fields, &request);
  conf_err(c, kt_search_request_decode(r->wanted, &request), KT_OK, "decoding");
  kt_search_request_write(&r->again, &request);
}

static void contact_monitor_request(struct request *r)
{
  struct conf_case *c = r->c;
  struct kt_contact_monitor_request request = { .last = optional_u64(c, "last"),
                                                .label = conf_hex(c, c->input, "label") };
  request.entries = map_entries(c, &request.n_entries);
  kt_contact_monitor_request_write(&r->fields, &request);
  conf_err(c, kt_contact_monitor_request_decode(r->wanted, &c->arena, &request), KT_OK, "decoding");
  kt_contact_monitor_request_write(&r->again, &request);
}

static void owner_init_request(struct request *r)
{
  struct conf_case *c = r->c;
  struct kt_owner_init_request request = { .last = optional_u64(c, "last"),
                                           .label = conf_hex(c, c->input, "label"),
                                           .start = conf_u64(c, c->input, "start") };
  kt_owner_init_request_write(&r->fields, &request);
  conf_err(c, kt_owner_init_request_decode(r->wanted, &request), KT_OK, "decoding");
  kt_owner_init_request_write(&r->again, &request);
}

static void owner_monitor_request(struct request *r)
{
  struct conf_case *c = r->c;
  struct kt_owner_monitor_request request = { .last = optional_u64(c, "last"),
                                              .label = conf_hex(c, c->input, "label"),
                                              .start = conf_u64(c, c->input, "start"),
                                              .greatest_version = optional_u32(c, "greatest_version") };
  request.entries = map_entries(c, &request.n_entries);
  kt_owner_monitor_request_write(&r->fields, &request);
  conf_err(c, kt_owner_monitor_request_decode(r->wanted, &c->arena, &request), KT_OK, "decoding");
  kt_owner_monitor_request_write(&r->again, &request);
}

static void update_request(struct request *r)
{
  struct conf_case *c = r->c;
  const json_t *values = conf_array(c, c->input, "values");
  size_t n = json_array_size(values);
  struct kt_bytes *list = conf_alloc(c, n, sizeof *list);
  for (size_t i = 0; i < n; i++) {
    list[i] = conf_hex_value(c, json_array_get(values, i), "values");
  }
  struct kt_update_request request = { .last = optional_u64(c, "last"),
                                       .label = conf_hex(c, c->input, "label"),
                                       .greatest_version = optional_u32(c, "greatest_version"),
                                       .values = list,
                                       .n_values = n };
  kt_update_request_write(&r->fields, &request);
  conf_err(c, kt_update_request_decode(r->wanted, &c->arena, &request), KT_OK, "decoding");
  kt_update_request_write(&r->again, &request);
}

static void binary_ladder_step(struct request *r)
{
  struct conf_case *c = r->c;
  const struct kt_config config = { .suite = c->suite, .mode = KT_MODE_CONTACT_MONITORING };
  struct kt_ladder_step step = { .proof = conf_hex_len(c, c->input, "proof", c->suite->vrf_proof_len).data,
                                 .has_commitment = conf_has(c->input, "commitment") };
  if (step.has_commitment) {
    step.commitment = conf_hash(c, c->input, "commitment");
  }
  kt_ladder_step_write(&r->fields, &config, &step);

  /* A step is decoded as the one element of a vector. */
  struct kt_writer vector = conf_writer(c);
  kt_write_count8(&vector, 1);
  kt_write_bytes(&vector, r->wanted.data, r->wanted.len);
  struct kt_reader reader;
  size_t n = 0;
  kt_reader_init(&reader, vector.buf, vector.len);
  const struct kt_ladder_step *steps = kt_ladder_steps_read(&reader, &config, false, &c->arena, &n);
  conf_err(c, kt_reader_end(&reader), KT_OK, "decoding");
  kt_ladder_step_write(&r->again, &config, &steps[0]);
}

static void monitor_map_entry(struct request *r)
{
  struct kt_reader reader;
  struct kt_monitor_map_entry entry = map_entry(r->c, r->c->input);
  kt_monitor_map_entry_write(&r->fields, &entry);
  kt_reader_init(&reader, r->wanted.data, r->wanted.len);
  entry.position = kt_read_u64(&reader);
  entry.version = kt_read_u32(&reader);
  conf_err(r->c, kt_reader_end(&reader), KT_OK, "decoding");
  kt_monitor_map_entry_write(&r->again, &entry);
}

static void label_value(struct request *r)
{
  struct kt_reader reader;
  kt_label_value_write(&r->fields, conf_hex(r->c, r->c->input, "value"));
  kt_reader_init(&reader, r->wanted.data, r->wanted.len);
  const struct kt_bytes value = kt_label_value_read(&reader);
  conf_err(r->c, kt_reader_end(&reader), KT_OK, "decoding");
  kt_label_value_write(&r->again, value);
}

static void update_info(struct request *r)
{
  struct conf_case *c = r->c;
  uint64_t mode = conf_u64(c, c->input, "mode");
  const struct kt_config config = { .suite = c->suite, .mode = (enum kt_mode)(mode & 3) };
  struct kt_update_info info = { .opening = conf_hex_len(c, c->input, "opening", KT_OPENING_LEN).data };
  if (mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    info.signature = conf_hex(c, c->input, "signature");
  }
  kt_update_info_write(&r->fields, &config, &info);

  struct kt_reader reader;
  kt_reader_init(&reader, r->wanted.data, r->wanted.len);
  info.opening = kt_read_bytes(&reader, KT_OPENING_LEN);
  info.signature = kt_update_suffix_read(&reader, &config);
  conf_err(c, kt_reader_end(&reader), KT_OK, "decoding");
  kt_update_info_write(&r->again, &config, &info);
}

/* Never sent, so never decoded: the configuration in it is. */
static void update_tbs(struct request *r)
{
  struct conf_case *c = r->c;
  const struct kt_bytes encoded = conf_hex(c, c->input, "configuration");
  const struct kt_bytes label = conf_hex(c, c->input, "label");
  const struct kt_bytes value = conf_hex(c, c->input, "value");
  struct kt_config config;
  conf_err(c, kt_config_decode(encoded, &config, &c->reason), KT_OK, "decoding the configuration");
  kt_update_sign_data(&r->fields, &config, label, conf_u32(c, c->input, "version"), value);
  kt_write_bytes(&r->again, encoded.data, encoded.len);
  kt_write_opaque8(&r->again, label);
  kt_write_u32(&r->again, conf_u32(c, c->input, "version"));
  kt_write_opaque32(&r->again, value);
}

static const struct {
  const char *kind;
  void (*run)(struct request *r);
} kinds[] = {
  { "binary-ladder-step", binary_ladder_step },
  { "contact-monitor-request", contact_monitor_request },
  { "label-value", label_value },
  { "monitor-map-entry", monitor_map_entry },
  { "owner-init-request", owner_init_request },
  { "owner-monitor-request", owner_monitor_request },
  { "search-request", search_request },
  { "update-info", update_info },
  { "update-request", update_request },
  { "update-tbs", update_tbs },
};

void conf_requests(struct conf_case *c)
{
  const char *kind = conf_text(c, c->input, "kind");
  struct request r = {
    .c = c, .wanted = conf_hex(c, c->expect, "encoding"), .fields = conf_writer(c), .again = conf_writer(c)
  };
  size_t i = 0;
  while (i < sizeof kinds / sizeof kinds[0] && strcmp(kinds[i].kind, kind) != 0) {
    i++;
  }
  if (i == sizeof kinds / sizeof kinds[0]) {
    conf_fail(c, "unknown kind \"%s\"", kind);
  }
  kinds[i].run(&r);
  conf_same_bytes(c, conf_written(c, &r.fields), r.wanted, "encoding");
  conf_same_bytes(c, conf_written(c, &r.again), r.wanted, "encoding of what was decoded");
}
