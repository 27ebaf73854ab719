/* SPDX-License-Identifier: Apache-2.0 */
/* restore: what came out of a backup, and what the operator may do with it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "json/builder.h"
#include "names.h"
#include "report.h"
#include "restore.h"
#include "units.h"

static void print_damage(void *ctx, const char *where, const char *what)
{
  (void)ctx;
  kt_say("%s: %s", where, what);
}

static const char *guard_word(enum kt_restore_guard guard)
{
  switch (guard) {
  case KT_RESTORE_GUARD_SIGNERS: return "signer";
  case KT_RESTORE_GUARD_MISSING: return "missing";
  case KT_RESTORE_GUARD_FITS: return "fits";
  case KT_RESTORE_GUARD_AHEAD: return "ahead";
  case KT_RESTORE_GUARD_REFUSES: return "refuses";
  }
  return "?";
}

static bool is_marked(const struct kt_restore_report *report)
{
  return report->guard == KT_RESTORE_GUARD_AHEAD || report->guard == KT_RESTORE_GUARD_REFUSES;
}

static void print_head(const char *dir, const struct kt_restore_report *report)
{
  char newest[KT_TIME_TEXT_SIZE];
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  char log_id[KT_HEX_SIZE(KT_HASH_LEN)];
  kt_time_text(report->head.timestamp_ms, newest);
  (void)kt_hex_encode((struct kt_bytes){ report->head.root.b, KT_HASH_LEN }, root);
  (void)kt_hex_encode((struct kt_bytes){ report->log_id.b, KT_HASH_LEN }, log_id);
  (void)printf("restored to %s\nlog        %s\nsize       %" PRIu64 "\nroot       %s\nnewest     %s\n", dir, log_id,
               report->head.size, root, newest);
  if (report->n_entries > report->head.size) {
    (void)printf("behind it  %" PRIu64
                 " entries: not served before their head is signed, which happens at the first start "
                 "that may sign\n",
                 report->n_entries - report->head.size);
  }
  (void)printf("checked    signature, entries, trees, values%s\n",
               report->has_vrf_key ? ", VRF outputs" : "; NOT the VRF outputs, without " KT_NAME_VRF_KEY);
}

/* The keys first: without them nothing runs. Then what the guard says about signing. */
static void print_next(const char *dir, const struct kt_restore_report *report)
{
  if (!report->has_vrf_key) {
    (void)printf("keys       put " KT_NAME_VRF_KEY " (mode 0600) into %s: no answer can be proved without it\n", dir);
  } else if (!report->has_signing_key && !is_marked(report) && !report->has_signer_service) {
    (void)printf("keys       " KT_NAME_SIGNING_KEY " is not in %s: without a signer it can be served read only\n", dir);
  }
  switch (report->guard) {
  case KT_RESTORE_GUARD_FITS:
    (void)printf("guard      %s: nothing was signed that this copy does not have\n"
                 "next       kt-server run %s, when the log that it was copied from is gone; beside it only with "
                 "--read-only, for of two that sign with one guard the other one stops\n",
                 report->guard_path.s, dir);
    break;
  case KT_RESTORE_GUARD_SIGNERS:
    (void)printf(
        "guard      the signer's, which gave none (%s): it refuses to sign when this copy is older than the head "
        "it signed last\n"
        "next       kt-server run %s; when it is refused, with --read-only\n",
        report->why, dir);
    break;
  case KT_RESTORE_GUARD_MISSING:
    (void)printf(
        "guard      none at %s: NOTHING SHOWS THAT THIS IS THE NEWEST STATE of the log\n"
        "next       put the newest head guard there, or serve it with kt-server run %s --read-only. Only if you know "
        "that nothing was signed after this backup: kt-server run %s --accept-missing-guard, once\n",
        report->guard_path.s, dir, dir);
    break;
  case KT_RESTORE_GUARD_AHEAD:
  case KT_RESTORE_GUARD_REFUSES:
    (void)printf(
        "guard      %s: %s\n"
        "next       the folder is marked, nothing will be signed from it. Look for a newer backup; or serve this one "
        "with kt-server run %s --read-only; or go on as a new log: kt-server migrate\n",
        report->guard_path.s, report->why, dir);
    break;
  }
}

static json_t *view(const char *dir, const struct kt_restore_report *report)
{
  struct kt_json_builder log;
  struct kt_json_builder b;
  kt_json_begin(&log);
  kt_json_set(&log, "id", kt_json_hash(&report->log_id));
  kt_json_set(&log, "tree_size", kt_json_u64(report->head.size));
  kt_json_set(&log, "root", kt_json_hash(&report->head.root));
  kt_json_set(&log, "timestamp_ms", kt_json_u64(report->head.timestamp_ms));
  kt_json_begin(&b);
  kt_json_set(&b, "dir", kt_json_lossy(dir));
  kt_json_set(&b, "log", kt_json_end(&log));
  kt_json_set(&b, "entries", kt_json_u64(report->n_entries));
  kt_json_set(&b, "guard", json_string(guard_word(report->guard)));
  kt_json_set(&b, "read_only", json_boolean(is_marked(report)));
  kt_json_set(&b, "signing_key", json_boolean(report->has_signing_key));
  kt_json_set(&b, "vrf_key", json_boolean(report->has_vrf_key));
  return kt_json_end(&b);
}

int kt_verb_restore(const struct kt_verb *verb, int argc, char **argv)
{
  const char *arguments[2] = { NULL, NULL };
  bool as_json = false;
  struct kt_restore_request request = { .found = print_damage };
  const struct kt_option options[] = { { "keys", &request.keys, NULL }, { "json", NULL, &as_json } };
  struct kt_restore_report report;
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, sizeof options / sizeof options[0], arguments, 2) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  request.file = arguments[0];
  request.dir = arguments[1];
  enum kt_err err = kt_restore(&request, &report, &error);
  if (err != KT_OK) {
    return kt_report_failure(verb, as_json, NULL, err, &error);
  }
  if (as_json) {
    return kt_report_json(verb, view(request.dir, &report));
  }
  print_head(request.dir, &report);
  print_next(request.dir, &report);
  return KT_EXIT_DONE;
}
