/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that do not verify, kept as evidence of kind `failed`. Whoever runs the log could fill the disk with them, so
 * there is an end to it; the forks, which the log has to sign, are kept without one. */
#include "session.h"

#include <errno.h>
#include <string.h>

#include "evidence_store.h"

#define KEPT_MAX 100
#define KEPT_RESPONSE_MAX ((size_t)1 << 20)

struct kt_bytes kt_session_request_text(struct kt_session *session, const char *path, struct kt_bytes body)
{
  static const char verb[] = "POST ";
  size_t path_len = strlen(path);
  size_t len = sizeof verb - 1 + path_len + 1 + body.len;
  char *text = kt_arena_alloc(&session->arena, 1, len);
  if (text == NULL) {
    return (struct kt_bytes){ NULL, 0 };
  }
  memcpy(text, verb, sizeof verb - 1);
  memcpy(text + sizeof verb - 1, path, path_len);
  text[sizeof verb - 1 + path_len] = '\n';
  if (body.len > 0) {
    memcpy(text + len - body.len, body.data, body.len);
  }
  return (struct kt_bytes){ (const uint8_t *)text, len };
}

bool kt_session_evidence_is_full(struct kt_session *session)
{
  const char **paths;
  size_t n = 0;
  return kt_evidence_find(session->state.home, "", KEPT_MAX, &session->arena, &paths, &n) != KT_OK || n >= KEPT_MAX;
}

void kt_session_keep_failed(struct kt_session *session, const char *code, struct kt_bytes request,
                            struct kt_bytes response)
{
  char path[KT_STATE_PATH_MAX];
  struct kt_seen_head retained;
  if (session->state.db == NULL || request.data == NULL) {
    return;
  }
  if (response.len > KEPT_RESPONSE_MAX || kt_session_evidence_is_full(session)) {
    kt_output_note(session->out, "kt-verify: what was received is not kept: it is too large, or %s/evidence is full\n",
                   session->state.home);
    return;
  }
  struct kt_evidence evidence = { .kind = KT_EVIDENCE_FAILED, .log_id = session->log_id };
  evidence.failed = (struct kt_failed_response){
    .received_ms = kt_now_ms(), .code = kt_text_bytes(code), .request = request, .response = response
  };
  evidence.has_retained = kt_session_seen_head(session, session->pinned->log.tree.size, &retained);
  if (evidence.has_retained) {
    evidence.first = kt_evidence_signed_head(&retained);
  }
  if (kt_evidence_save(session->state.home, &evidence, path) == KT_OK) {
    kt_output_note(session->out, "kt-verify: what was received is kept in %s\n", path);
  } else {
    kt_output_note(session->out, "kt-verify: what was received cannot be kept in %s/evidence: %s\n",
                   session->state.home, strerror(errno));
  }
}
