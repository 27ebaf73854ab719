/* SPDX-License-Identifier: Apache-2.0 */
/* log migration FILE: what the operator says about the end of the pinned log, and which log goes on. Asks nobody. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "evidence_store.h"
#include "report.h"
#include "session.h"
#include "text_file.h"
#include "verbs.h"
#include "wire/migration.h"

static enum kt_exit read_statement(struct kt_session *session, const char *path, struct kt_migration_checked *ret)
{
  struct kt_output *out = session->out;
  struct kt_reason reason = { .code = NULL };
  struct kt_bytes content = { NULL, 0 };
  enum kt_err err = kt_evidence_read_file(path, KT_MIGRATION_MAX, &session->arena, &content);
  if (err == KT_ERR_STORE) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: %s", path, strerror(errno));
  }
  if (err == KT_OK) {
    err = kt_migration_read(content, ret, &reason);
  }
  if (err != KT_OK) {
    enum kt_exit code = kt_output_fail_reason(out, err, &reason, path);
    kt_output_status(out, code,
                     kt_output_is_refuted(err) ? "the statement says nothing that can be believed"
                                               : "the statement could not be examined");
    return code;
  }
  if (!kt_hash_equal(&ret->old_log_id, &session->log_id)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "other-log", "%s is about the end of another log than the pinned one",
                          path);
  }
  return KT_EXIT_OK;
}

static void print_statement(struct kt_output *out, const struct kt_migration_checked *checked)
{
  const struct kt_migration *statement = &checked->statement;
  char made[KT_TIME_SIZE];
  json_t *root = kt_output_hex((struct kt_bytes){ statement->root.b, KT_HASH_LEN });
  json_t *new_log = kt_output_hex((struct kt_bytes){ checked->new_log_id.b, KT_HASH_LEN });
  kt_report_time(statement->made_ms, made);
  kt_output_data(out, "last head  size %" PRIu64 ", root %s\n", statement->size, json_string_value(root));
  if (kt_migration_is_fork(statement)) {
    json_t *other = kt_output_hex((struct kt_bytes){ statement->lost_root.b, KT_HASH_LEN });
    kt_output_data(out, "fork       the statement says that a head of size %" PRIu64 ", root %s, was signed, too\n",
                   statement->lost_size, json_string_value(other));
    kt_output_set(out, "fork_size", json_integer((json_int_t)statement->lost_size));
    kt_output_set(out, "fork_root", other);
  } else if (statement->has_lost) {
    kt_output_data(out, "lost       a head of size %" PRIu64 " was signed; entries of it may be gone\n",
                   statement->lost_size);
    kt_output_set(out, "lost_size", json_integer((json_int_t)statement->lost_size));
  }
  kt_output_data(out, "new log    %s\nmade       %s\n", json_string_value(new_log), made);
  kt_output_set(out, "last_size", json_integer((json_int_t)statement->size));
  kt_output_set(out, "last_root", root);
  kt_output_set(out, "new_log", new_log);
  kt_output_set(out, "signed_by_old", json_boolean(statement->old_signature.len > 0));
}

/* Two signatures for one size are evidence against the log, whoever made the statement. */
static enum kt_exit compare_head(struct kt_session *session, const struct kt_migration *statement)
{
  struct kt_seen_head ours;
  const struct kt_seen_head theirs = { .size = statement->size,
                                       .root = statement->root,
                                       .signature = statement->head_signature,
                                       .config = statement->old_config,
                                       .seen_ms = kt_now_ms() };
  const struct kt_log_state *log = &session->pinned->log;
  if (kt_session_seen_head(session, statement->size, &ours) && !kt_hash_equal(&ours.root, &statement->root)) {
    return kt_session_report_fork(session, &ours, &theirs, (struct kt_bytes){ NULL, 0 });
  }
  if (kt_migration_is_fork(statement) && statement->old_signature.len > 0) {
    kt_output_status(session->out, KT_EXIT_ALERT, "the old log signed two histories, and the statement says so");
    return kt_output_fail(session->out, KT_EXIT_ALERT, "migration-fork",
                          "what went over is of one history, and others were perhaps shown the other one, of %" PRIu64
                          " entries: compare codes with your contacts again, look at your own devices in the new log, "
                          "and ask the operator",
                          statement->lost_size);
  }
  if (log->tree.size <= statement->size) {
    return KT_EXIT_OK;
  }
  kt_output_status(session->out, KT_EXIT_ALERT, "entries that this home saw are lost");
  return kt_output_fail(
      session->out, KT_EXIT_ALERT, "migration-lost",
      "this home saw %" PRIu64 " entries, the statement ends with %" PRIu64
      "%s. What was published in between did not go over: look at your own devices in the new log, and ask "
      "the operator",
      log->tree.size, statement->size,
      statement->has_lost && statement->lost_size >= log->tree.size ? ", and says that some are lost"
                                                                    : ", and does NOT say that any are "
                                                                      "lost");
}

static enum kt_exit judge(struct kt_session *session, const struct kt_migration *statement)
{
  struct kt_output *out = session->out;
  enum kt_exit code = compare_head(session, statement);
  if (code != KT_EXIT_OK) {
    return code;
  }
  kt_output_check(out, "new-signature", true);
  if (statement->old_signature.len == 0) {
    kt_output_status(out, KT_EXIT_UNDECIDED, "only the new log's key signed this");
    return kt_output_fail(
        out, KT_EXIT_UNDECIDED, "migration-unsigned",
        "the old log's key did not sign it, so anybody who saw the old log could have made it. Ask the "
        "operator in a way you trust whether the new log is theirs, before you pin it");
  }
  out->verified = true;
  kt_output_check(out, "old-signature", true);
  kt_output_status(out, KT_EXIT_OK, "the pinned log's key says that it ended and which log goes on");
  kt_output_data(out,
                 "It does not say that what went over is what you published: the new log shows it as unsigned until "
                 "you publish your devices there again, with your account key. A stolen key of the old log could have "
                 "made this too.\n");
  return KT_EXIT_OK;
}

/* What `kt-verify init --config` pins, for a home of its own. */
static enum kt_exit write_config(struct kt_session *session, const struct kt_migration *statement, const char *path)
{
  enum kt_exit code = kt_text_file_write(session->out, path, statement->new_config);
  if (code == KT_EXIT_OK) {
    kt_output_note(session->out, "%s is the new log's configuration: kt-verify init URL --config %s --home NEW\n", path,
                   path);
  }
  return code;
}

enum kt_exit kt_verb_log_migration(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_migration_checked checked;
  const char *path = cli->values[KT_OPT_OUT];
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = read_statement(&session, cli->args[0], &checked);
  }
  if (code == KT_EXIT_OK) {
    print_statement(out, &checked);
    code = judge(&session, &checked.statement);
  }
  if (code == KT_EXIT_OK && path != NULL) {
    code = write_config(&session, &checked.statement, path);
  }
  kt_session_close(&session);
  return code;
}
