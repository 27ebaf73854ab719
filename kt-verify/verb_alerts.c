/* SPDX-License-Identifier: Apache-2.0 */
/* alerts list, ack: the ledger. */
#include <string.h>

#include "base/hex.h"
#include "publish.h"
#include "report.h"
#include "state_alerts.h"
#include "verbs.h"

static void print_entry(struct kt_output *out, const struct kt_ledger_entry *entry)
{
  char id[KT_HEX_SIZE(KT_ALERT_ID_LEN)];
  char raised[KT_TIME_SIZE];
  char name[4 * KT_LABEL_MAX + 8];
  bool open = entry->settlement == KT_SETTLEMENT_OPEN;
  kt_hex_encode((struct kt_bytes){ entry->alert.id.b, KT_ALERT_ID_LEN }, id);
  kt_report_time(entry->raised_ms, raised);
  kt_text_clean(entry->label, name, sizeof name);
  kt_report_append_alert(out, &entry->alert);
  kt_output_data(out, "%s  %-12s %s%s%s, %s\n", id, kt_settlement_name(entry->settlement),
                 kt_alert_kind_name(entry->alert.kind), name[0] != '\0' ? " " : "", name, raised);
  if (open) {
    kt_report_alert(out, &entry->alert, entry->label);
  }
}

static enum kt_err list_alerts(void *ctx, struct kt_session *session)
{
  struct kt_ledger_entry *entries;
  size_t n;
  (void)ctx;
  enum kt_err err = kt_state_alerts(&session->state, NULL, &session->arena, &entries, &n);
  kt_output_set(session->out, "alerts", json_array());
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    /* A script reads what is open; how the others were settled is for people. */
    if (!session->out->json || entries[i].settlement == KT_SETTLEMENT_OPEN) {
      print_entry(session->out, &entries[i]);
    }
  }
  return err;
}

enum kt_exit kt_verb_alerts_list(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  enum kt_err err;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_session_read(&session, list_alerts, NULL, &err);
  }
  kt_session_close(&session);
  return code;
}

/* --- ack -------------------------------------------------------------------------------------------------------------------- */

static bool begins_with(const struct kt_alert_id *id, const char *prefix)
{
  char hex[KT_HEX_SIZE(KT_ALERT_ID_LEN)];
  kt_hex_encode((struct kt_bytes){ id->b, sizeof id->b }, hex);
  return prefix[0] != '\0' && strncmp(hex, prefix, strlen(prefix)) == 0;
}

/* KT_ERR_ABSENT: none; KT_ERR_USAGE: several. */
static enum kt_err find(struct kt_session *session, const char *prefix, struct kt_ledger_entry *ret_entry)
{
  struct kt_ledger_entry *entries;
  size_t n;
  size_t found = 0;
  enum kt_err err = kt_state_alerts(&session->state, NULL, &session->arena, &entries, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    if (begins_with(&entries[i].alert.id, prefix)) {
      *ret_entry = entries[i];
      found++;
    }
  }
  if (err != KT_OK) {
    return err;
  }
  return found == 1 ? KT_OK : found == 0 ? KT_ERR_ABSENT : KT_ERR_USAGE;
}

static bool entry_is_removal(const struct kt_ledger_entry *entry, enum kt_err err)
{
  return err == KT_OK && entry->alert.kind == KT_ALERT_DEVICE_REMOVED && entry->alert.has_device;
}

/* "If the removal is right": the device is not to come back with the next version we publish. */
static enum kt_err accept_removal(struct kt_session *session, const struct kt_ledger_entry *entry)
{
  struct kt_own_label own = { .session = session, .label = entry->label };
  enum kt_err err = kt_own_load(&own, session);
  return err == KT_OK ? kt_publish_disown(&own, &entry->alert.device) : err;
}

static enum kt_err ack(void *ctx, struct kt_session *session)
{
  const char *prefix = ctx;
  struct kt_ledger_entry entry;
  struct kt_ledger_entry settled;
  enum kt_err err = find(session, prefix, &entry);
  if (err == KT_OK) {
    err = kt_ledger_settle(&entry, KT_SETTLEMENT_ACKNOWLEDGED, 0, kt_now_ms(), &settled);
  }
  if (err == KT_OK) {
    err = kt_state_put_alert(&session->state, &settled);
  }
  return entry_is_removal(&entry, err) ? accept_removal(session, &entry) : err;
}

enum kt_exit kt_verb_alerts_ack(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  enum kt_err err = KT_OK;
  char prefix[KT_HEX_SIZE(KT_ALERT_ID_LEN)];
  enum kt_exit code = kt_session_open(&session, cli, out);
  size_t len = strlen(cli->args[0]);
  if (code == KT_EXIT_OK && len >= sizeof prefix) {
    err = KT_ERR_ABSENT;
  } else if (code == KT_EXIT_OK) {
    memcpy(prefix, cli->args[0], len + 1);
    code = kt_session_write(&session, ack, prefix, &err);
  }
  if (code == KT_EXIT_OK && err != KT_OK) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "alert-id", "%s: %s", cli->args[0],
                          err == KT_ERR_ABSENT     ? "no such alert (kt-verify alerts list)"
                          : err == KT_ERR_CONFLICT ? "this alert is settled already"
                                                   : "more than one alert begins like this");
  }
  if (code == KT_EXIT_OK) {
    kt_output_status(out, code, "the alert is settled; if the same happens again, there is a new one");
  }
  kt_session_close(&session);
  return code;
}
