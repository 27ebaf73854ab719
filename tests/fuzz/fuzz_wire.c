/* SPDX-License-Identifier: Apache-2.0 */
/* Every structure of the wire: what decodes is encoded to the same bytes again and has a JSON view. The first byte:
 * structure in the low nibble, mode and suite in the high one, and above 95 structures from number 16 on. */
#include "fuzz.h"

#include "json/auditor.h"
#include "json/config.h"
#include "json/distinguished.h"
#include "json/monitor.h"
#include "json/search.h"
#include "json/update.h"
#include "wire/audit_head.h"
#include "wire/auditor.h"
#include "wire/distinguished.h"
#include "wire/manager.h"
#include "wire/monitor.h"
#include "wire/search.h"
#include "wire/update.h"

#define WRITER_LIMIT ((size_t)64 << 20)

/* One input on its way: decoded, written to w, viewed. */
struct passage {
  const struct kt_config *config;
  struct kt_bytes input;
  struct kt_arena arena;
  struct kt_writer w;
  json_t *view;
};

static enum kt_err search_request(struct passage *p)
{
  struct kt_search_request request;
  enum kt_err err = kt_search_request_decode(p->input, &request);
  if (err == KT_OK) {
    kt_search_request_write(&p->w, &request);
    p->view = kt_json_search_request(&request);
  }
  return err;
}

static enum kt_err search_response_for(struct passage *p, struct kt_optional_u32 version)
{
  struct kt_search_response response;
  enum kt_err err = kt_search_response_decode(p->input, p->config, version, &p->arena, &response);
  if (err == KT_OK) {
    FUZZ_CHECK(!version.present || response.version == version.value);
    kt_search_response_write(&p->w, p->config, version.present, &response);
    p->view = kt_json_search_response(p->config, &response);
    FUZZ_CHECK(p->view != NULL);
  }
  return err;
}

static enum kt_err search_response(struct passage *p)
{
  return search_response_for(p, (struct kt_optional_u32){ .present = false });
}

static enum kt_err search_response_fixed(struct passage *p)
{
  return search_response_for(p, (struct kt_optional_u32){ .present = true, .value = 1 });
}

static enum kt_err contact_monitor_request(struct passage *p)
{
  struct kt_contact_monitor_request request;
  enum kt_err err = kt_contact_monitor_request_decode(p->input, &p->arena, &request);
  if (err == KT_OK) {
    kt_contact_monitor_request_write(&p->w, &request);
    p->view = kt_json_contact_monitor_request(&request);
  }
  return err;
}

static enum kt_err owner_init_request(struct passage *p)
{
  struct kt_owner_init_request request;
  enum kt_err err = kt_owner_init_request_decode(p->input, &request);
  if (err == KT_OK) {
    kt_owner_init_request_write(&p->w, &request);
    p->view = kt_json_owner_init_request(&request);
  }
  return err;
}

static enum kt_err owner_monitor_request(struct passage *p)
{
  struct kt_owner_monitor_request request;
  enum kt_err err = kt_owner_monitor_request_decode(p->input, &p->arena, &request);
  if (err == KT_OK) {
    kt_owner_monitor_request_write(&p->w, &request);
    p->view = kt_json_owner_monitor_request(&request);
  }
  return err;
}

static enum kt_err monitor_response(struct passage *p)
{
  struct kt_monitor_response response;
  enum kt_err err = kt_monitor_response_decode(p->input, p->config, &p->arena, &response);
  if (err == KT_OK) {
    kt_monitor_response_write(&p->w, p->config, &response);
    p->view = kt_json_monitor_response(&response);
    FUZZ_CHECK(p->view != NULL);
  }
  return err;
}

static enum kt_err owner_init_response(struct passage *p)
{
  struct kt_owner_init_response response;
  enum kt_err err = kt_owner_init_response_decode(p->input, p->config, &p->arena, &response);
  if (err == KT_OK) {
    kt_owner_init_response_write(&p->w, p->config, &response);
    p->view = kt_json_owner_init_response(p->config, &response);
    FUZZ_CHECK(p->view != NULL);
  }
  return err;
}

static enum kt_err update_request(struct passage *p)
{
  struct kt_update_request request;
  enum kt_err err = kt_update_request_decode(p->input, &p->arena, &request);
  if (err == KT_OK) {
    kt_update_request_write(&p->w, &request);
    p->view = kt_json_update_request(&request);
  }
  return err;
}

static enum kt_err update_response(struct passage *p)
{
  struct kt_update_response response;
  enum kt_err err = kt_update_response_decode(p->input, p->config, &p->arena, &response);
  if (err == KT_OK) {
    kt_update_response_write(&p->w, p->config, &response);
    p->view = kt_json_update_response(p->config, &response);
    FUZZ_CHECK(p->view != NULL);
  }
  return err;
}

static enum kt_err distinguished_request(struct passage *p)
{
  struct kt_distinguished_request request;
  enum kt_err err = kt_distinguished_request_decode(p->input, &request);
  if (err == KT_OK) {
    kt_distinguished_request_write(&p->w, &request);
    p->view = kt_json_distinguished_request(&request);
    FUZZ_CHECK(p->view != NULL);
  }
  return err;
}

static enum kt_err distinguished_response(struct passage *p)
{
  struct kt_distinguished_response response;
  enum kt_err err = kt_distinguished_response_decode(p->input, p->config, &p->arena, &response);
  if (err == KT_OK) {
    kt_distinguished_response_write(&p->w, p->config, &response);
    p->view = kt_json_distinguished_response(&response);
    FUZZ_CHECK(p->view != NULL);
  }
  return err;
}

static enum kt_err auditor_update(struct passage *p)
{
  struct kt_auditor_update update;
  enum kt_err err = kt_auditor_update_decode(p->input, &p->arena, &update);
  if (err == KT_OK) {
    kt_auditor_update_write(&p->w, &update);
    p->view = kt_json_auditor_update(&update);
    FUZZ_CHECK(p->view != NULL);
  }
  return err;
}

static enum kt_err configuration(struct passage *p)
{
  struct kt_config config;
  struct kt_reason reason = { 0 };
  uint8_t encoded[KT_CONFIG_MAX];
  enum kt_err err = kt_config_decode(p->input, &config, &reason);
  FUZZ_CHECK((err == KT_OK) == (reason.code == NULL));
  if (err == KT_OK) {
    kt_write_bytes(&p->w, encoded, kt_config_encode(&config, encoded));
    p->view = kt_json_config(&config);
    FUZZ_CHECK(p->view != NULL);
  }
  return err == KT_ERR_PROOF || err == KT_ERR_CRYPTO ? KT_ERR_FORMAT : err; /* a key that is none */
}

static enum kt_err audit_head(struct passage *p)
{
  struct kt_audit_head head;
  enum kt_err err = kt_audit_head_decode(p->input, &head);
  if (err == KT_OK) {
    kt_audit_head_write(&p->w, &head);
    p->view = kt_json_audit_head(p->input);
    FUZZ_CHECK(p->view != NULL);
  }
  return err;
}

static enum kt_err manager_update_request(struct passage *p)
{
  struct kt_manager_update_request request;
  enum kt_err err = kt_manager_update_request_decode(p->input, p->config, &p->arena, &request);
  if (err == KT_OK) {
    kt_manager_update_request_write(&p->w, p->config, &request);
  }
  return err;
}

static enum kt_err auditor_tree_head(struct passage *p)
{
  struct kt_auditor_tree_head head;
  enum kt_err err = kt_auditor_tree_head_decode(p->input, &head);
  if (err == KT_OK) {
    kt_auditor_tree_head_write(&p->w, &head);
  }
  return err;
}

/* Numbers are part of the corpus: new structures go at the end. */
static enum kt_err (*const structures[])(struct passage *p) = {
  search_request,         search_response,        search_response_fixed, contact_monitor_request, owner_init_request,
  owner_monitor_request,  monitor_response,       owner_init_response,   update_request,          update_response,
  distinguished_request,  distinguished_response, auditor_update,        configuration,           audit_head,
  manager_update_request, auditor_tree_head,
};
#define N_STRUCTURES (sizeof structures / sizeof structures[0])
#define N_HIGH 6 /* modes and suites */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  if (!fuzz_split(data, size, &input)) {
    return 0;
  }
  const unsigned high = input.selector / 16 % N_HIGH;
  const unsigned number = input.selector % 16 + 16U * (input.selector / (16 * N_HIGH));
  if (number >= N_STRUCTURES) {
    return 0;
  }
  const struct kt_config config = { .suite = fuzz_suite(high / 3 == 1),
                                    .mode = (enum kt_mode)(KT_MODE_CONTACT_MONITORING + high % 3) };
  struct passage passage = { .config = &config, .input = input.rest };
  kt_arena_init(&passage.arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&passage.w, WRITER_LIMIT);
  enum kt_err err = structures[number](&passage);
  FUZZ_CHECK(err == KT_OK ? fuzz_wrote(&passage.w, input.rest) : fuzz_is_refusal(err));
  json_decref(passage.view);
  kt_writer_release(&passage.w);
  kt_arena_release(&passage.arena);
  return 0;
}
