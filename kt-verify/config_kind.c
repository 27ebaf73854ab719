/* SPDX-License-Identifier: Apache-2.0 */
#include "config_kind.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "json/config.h"

#define KIND_LEN 3 /* uint16 ciphersuite, uint8 mode */

static void mode_text(uint8_t mode, char *ret_text, size_t size)
{
  if (mode >= KT_MODE_CONTACT_MONITORING && mode <= KT_MODE_THIRD_PARTY_AUDITING) {
    snprintf(ret_text, size, "mode %s", kt_json_mode_name((enum kt_mode)mode));
  } else {
    snprintf(ret_text, size, "unknown mode %u", (unsigned)mode);
  }
}

void kt_config_kind(struct kt_bytes encoded, char ret_text[static KT_CONFIG_KIND_SIZE])
{
  char mode[KT_CONFIG_KIND_SIZE / 2];
  if (encoded.len < KIND_LEN) {
    snprintf(ret_text, KT_CONFIG_KIND_SIZE, "too short to name a mode and a suite");
    return;
  }
  unsigned suite_id = (unsigned)encoded.data[0] << 8 | encoded.data[1];
  const struct kt_suite *suite = kt_suite_by_id((uint16_t)suite_id);
  mode_text(encoded.data[2], mode, sizeof mode);
  if (suite != NULL) {
    snprintf(ret_text, KT_CONFIG_KIND_SIZE, "%s, suite %s", mode, suite->name);
  } else {
    snprintf(ret_text, KT_CONFIG_KIND_SIZE, "%s, unknown suite %u", mode, suite_id);
  }
}

bool kt_config_same_kind(struct kt_bytes a, struct kt_bytes b)
{
  return a.len >= KIND_LEN && b.len >= KIND_LEN && memcmp(a.data, b.data, KIND_LEN) == 0;
}

/* The failed check stays the reason: it says more than a configuration that nobody signed. */
static void note_other(struct kt_session *session, const struct kt_config *served)
{
  struct kt_hash id;
  kt_config_log_id(served, &id);
  if (kt_hash_equal(&id, &session->log_id)) {
    kt_output_note(session->out,
                   "kt-verify: the server shows another configuration of this log than the pinned one. If "
                   "its operator published one: kt-verify config update FILE\n");
  } else {
    kt_output_note(session->out,
                   "kt-verify: the server shows another log than the pinned one. Check the address. " KT_CONFIG_NEW_LOG
                   "\n");
  }
}

static bool explain(struct kt_session *session, struct kt_bytes served)
{
  struct kt_output *out = session->out;
  const struct kt_bytes pinned = session->pinned->config;
  struct kt_config config;
  char ours[KT_CONFIG_KIND_SIZE];
  char theirs[KT_CONFIG_KIND_SIZE];
  if (kt_config_decode(served, &config, NULL) != KT_OK ||
      (pinned.len == served.len && memcmp(pinned.data, served.data, served.len) == 0)) {
    return false;
  }
  if (kt_config_same_kind(pinned, served)) {
    note_other(session, &config);
    return false;
  }
  kt_config_kind(pinned, ours);
  kt_config_kind(served, theirs);
  json_object_del(out->object, "reason"); /* what failed was said; this says why it failed */
  kt_output_fail(
      out, KT_EXIT_FAILED, "config-mismatch",
      "this server shows another log than the pinned one. Pinned: %s. Shown by the server: %s. A log never "
      "changes its mode or suite, so nothing of the answer was accepted. Check the address. " KT_CONFIG_NEW_LOG,
      ours, theirs);
  return true;
}

bool kt_session_explain_config(struct kt_session *session)
{
  struct kt_reply reply;
  kt_transport_get(session->transport, "/v1/config", &reply);
  bool explained = reply.kind == KT_REPLY_OK && reply.len <= KT_CONFIG_MAX && explain(session, kt_reply_body(&reply));
  kt_reply_release(&reply);
  return explained;
}
