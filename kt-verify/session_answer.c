/* SPDX-License-Identifier: Apache-2.0 */
/* The log's own answer about a label, kept when a comparison with the person speaks against it. */
#include <errno.h>
#include <string.h>

#include "evidence_store.h"
#include "session.h"

static const struct kt_log_state nothing;

/* Who retains nothing gets an answer that stands on its own. KT_ERR_UNDETERMINED: none came. */
static enum kt_err fetch(struct kt_session *session, struct kt_bytes label, struct kt_bytes *ret_response)
{
  struct kt_reply reply;
  struct kt_writer w;
  enum kt_err err = KT_ERR_UNDETERMINED;
  kt_writer_init(&w, KT_REQUEST_MAX);
  kt_request_search(&w, &nothing, label, NULL);
  kt_transport_post(session->transport, "/v1/search", (struct kt_bytes){ w.buf, w.len }, NULL, &reply);
  if (reply.kind == KT_REPLY_OK) {
    *ret_response = (struct kt_bytes){ kt_arena_copy(&session->arena, reply.body, reply.len), reply.len };
    err = ret_response->data != NULL ? KT_OK : KT_ERR_MEMORY;
  }
  kt_reply_release(&reply);
  kt_writer_release(&w);
  return err;
}

void kt_session_keep_answer(struct kt_session *session, struct kt_bytes label, const char *name)
{
  char path[KT_STATE_PATH_MAX];
  struct kt_search_result result;
  struct kt_reason reason = { .code = NULL };
  struct kt_evidence evidence = { .kind = KT_EVIDENCE_ANSWER,
                                  .log_id = session->log_id,
                                  .answer = { .config = session->pinned->config, .label = label } };
  enum kt_err err = fetch(session, label, &evidence.answer.response);
  evidence.answer.received_ms = kt_now_ms();
  if (err == KT_OK) {
    err = kt_evidence_open_answer(&session->config, &evidence, &session->arena, &result, &reason);
  }
  if (err != KT_OK) {
    kt_output_note(
        session->out,
        "kt-verify: there is no signed answer of the log about %s to keep as evidence (%s); comparing again when "
        "the log answers keeps one\n",
        name, reason.text != NULL ? reason.text : kt_err_text(err));
    return;
  }
  if (kt_session_evidence_is_full(session)) {
    kt_output_note(session->out, "kt-verify: the log's answer about %s is not kept: %s/evidence is full\n", name,
                   session->state.home);
    return;
  }
  err = kt_evidence_save(session->state.home, &evidence, path);
  if (err != KT_OK) {
    kt_output_note(session->out, "kt-verify: the log's answer about %s cannot be kept in %s/evidence: %s\n", name,
                   session->state.home, err == KT_ERR_STORE ? strerror(errno) : kt_err_text(err));
    return;
  }
  kt_output_set(session->out, "evidence_file", kt_output_text(kt_text_bytes(path)));
  kt_output_note(
      session->out,
      "kt-verify: what the log says about %s, with its signature, is kept in %s. Together with %s's word that "
      "the account key is another one it shows others what happened\n",
      name, path, name);
}
