/* SPDX-License-Identifier: Apache-2.0 */
#include "auditor_alert.h"

#include <string.h>

#include <kt/writer.h>
#include "report.h"
#include "state_alerts.h"

static const struct kt_bytes nobody = { NULL, 0 }; /* it is about the log as a whole */

bool kt_auditor_is_missing(const struct kt_reason *reason, const struct kt_reply *reply)
{
  static const char type[] = "urn:kt:problem:" KT_AUDITOR_MISSING;
  bool shown = reason != NULL && reason->code != NULL && strcmp(reason->code, KT_AUDITOR_MISSING) == 0;
  bool told =
      reply != NULL && reply->kind == KT_REPLY_PROBLEM && reply->status == 503 && strcmp(reply->type, type) == 0;
  return shown || told;
}

/* docs/formats.md, Alert ids: while the auditor is away nothing newer is accepted, so the size accepted last stands for
 * the time without it. */
static struct kt_alert make_alert(const struct kt_session *session)
{
  struct kt_alert alert = { .kind = KT_ALERT_AUDITOR_MISSING, .audience = KT_AUDIENCE_ANYONE };
  uint8_t size[8];
  struct kt_writer w;
  kt_writer_init_fixed(&w, size, sizeof size);
  kt_write_u64(&w, session->pinned->log.tree.size);
  const struct kt_bytes part = { size, sizeof size };
  kt_alert_id_compute(alert.kind, &session->log_id, nobody, &part, 1, &alert.id);
  return alert;
}

struct raising {
  struct kt_alert alert;
  enum kt_raised raised;
};

static enum kt_err raise_alert(void *ctx, struct kt_session *session)
{
  struct raising *raising = ctx;
  return kt_state_raise(&session->state, &raising->alert, nobody, kt_now_ms(), &session->arena, &raising->raised);
}

void kt_auditor_raise_missing(struct kt_session *session)
{
  struct raising raising = { .alert = make_alert(session), .raised = KT_RAISED_KNOWN };
  enum kt_err err;
  if (session->config.mode != KT_MODE_THIRD_PARTY_AUDITING) {
    return; /* a server of another mode that says so says nothing */
  }
  if (kt_session_write(session, raise_alert, &raising, &err) != KT_EXIT_OK || err != KT_OK) {
    kt_output_note(session->out, "kt-verify: the alert cannot be recorded\n");
  }
  bool first = kt_report_append_alert(session->out, &raising.alert);
  if (first && raising.raised != KT_RAISED_KNOWN) {
    kt_report_alert(session->out, &raising.alert, nobody);
  }
}

enum kt_err kt_auditor_end_missing(struct kt_session *session)
{
  struct kt_ledger_entry *entries;
  size_t n;
  if (session->config.mode != KT_MODE_THIRD_PARTY_AUDITING) {
    return KT_OK;
  }
  enum kt_err err = kt_state_alerts(&session->state, &nobody, &session->arena, &entries, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    if (entries[i].alert.kind == KT_ALERT_AUDITOR_MISSING) {
      err = kt_state_settle(&session->state, &entries[i], KT_SETTLEMENT_ENDED, 0, kt_now_ms());
    }
  }
  return err;
}
