/* SPDX-License-Identifier: Apache-2.0 */
/* migrate: what went over, and what the operator tells people. */
#include <inttypes.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/noun.h"
#include "json/builder.h"
#include "migrate.h"
#include "names.h"
#include "report.h"

static json_t *view(const struct kt_migrate_request *request, const struct kt_migrate_report *report)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "statement", kt_json_lossy(request->statement));
  kt_json_set(&b, "old_log", kt_json_hash(&report->old_log_id));
  kt_json_set(&b, "new_log", kt_json_hash(&report->new_log_id));
  kt_json_set(&b, "last_size", kt_json_u64(report->head.size));
  kt_json_set(&b, "last_root", kt_json_hash(&report->head.root));
  if (report->has_lost) {
    kt_json_set(&b, report->is_fork ? "fork_size" : "lost_size", kt_json_u64(report->lost_size));
  }
  if (report->is_fork) {
    kt_json_set(&b, "fork_root", kt_json_hash(&report->lost_root));
  }
  kt_json_set(&b, "guard_missing", json_boolean(report->is_guard_missing));
  kt_json_set(&b, "signed_by_old", json_boolean(report->is_signed_by_old));
  kt_json_set(&b, "carried", kt_json_u64(report->n_carried));
  kt_json_set(&b, "already_there", kt_json_u64(report->n_there));
  kt_json_set(&b, "erased", kt_json_u64(report->n_erased));
  kt_json_set(&b, "left_out", kt_json_u64(report->n_left));
  return kt_json_end(&b);
}

static void print(const struct kt_migrate_request *request, const struct kt_migrate_report *report)
{
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  (void)kt_hex_encode((struct kt_bytes){ report->head.root.b, KT_HASH_LEN }, root);
  (void)printf("carried over %" PRIu64 ", already there %" PRIu64 ", erased %" PRIu64 ", left out %" PRIu64 "\n",
               report->n_carried, report->n_there, report->n_erased, report->n_left);
  (void)printf("the old log ends with %" PRIu64 " %s, root %s\n", report->head.size, kt_noun_entries(report->head.size),
               root);
  if (report->is_fork) {
    (void)kt_hex_encode((struct kt_bytes){ report->lost_root.b, KT_HASH_LEN }, root);
    (void)printf("FORK: a head of another history was signed, too, of %" PRIu64 " %s, root %s. Whoever checks the "
                 "statement is alerted\n",
                 report->lost_size, kt_noun_entries(report->lost_size), root);
  } else if (report->has_lost) {
    (void)printf("LOST: a head of %" PRIu64 " %s was signed. Whoever saw it is alerted, and right\n", report->lost_size,
                 kt_noun_entries(report->lost_size));
  }
  if (report->is_guard_missing) {
    (void)printf("NOTHING SHOWS that this head was its last one: the guard is missing, as you said\n");
  }
  (void)printf("%s says so, signed by %s\n", request->statement,
               report->is_signed_by_old ? "the old log's key and the new one's"
                                        : "the new log's key ONLY: anybody could have made it. Vouch for it elsewhere");
  if (report->has_signer_service) {
    kt_say("the old log's signer is a service, and %s is marked, not the signer's folder: stop it, and put a file "
           "named " KT_NAME_READ_ONLY " there, so that it never signs again",
           request->old_dir);
  }
  kt_say(
      "what comes next: kt-server run %s; publish %s and what kt-server config %s -o FILE writes. People check it with "
      "kt-verify log migration %s, begin with a new --home, and publish their devices again with their old account "
      "key; "
      "until then their labels show as unsigned",
      request->new_dir, request->statement, request->new_dir, request->statement);
}

int kt_verb_migrate(const struct kt_verb *verb, int argc, char **argv)
{
  const char *arguments[3] = { NULL, NULL, NULL };
  bool as_json = false;
  struct kt_migrate_request request = { .old_key = NULL };
  const struct kt_option options[] = { { "old-key", &request.old_key, NULL },
                                       { "new-key", &request.new_key, NULL },
                                       { "accept-missing-guard", NULL, &request.guard_may_be_missing },
                                       { "state-fork", NULL, &request.states_fork },
                                       { "json", NULL, &as_json } };
  struct kt_migrate_report report;
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, sizeof options / sizeof options[0], arguments, 3) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  request.old_dir = arguments[0];
  request.new_dir = arguments[1];
  request.statement = arguments[2];
  enum kt_err err = kt_migrate(&request, &report, &error);
  if (err != KT_OK) {
    return kt_report_failure(verb, as_json, NULL, err, &error);
  }
  if (as_json) {
    return kt_report_json(verb, view(&request, &report));
  }
  print(&request, &report);
  return KT_EXIT_DONE;
}
