/* SPDX-License-Identifier: Apache-2.0 */
/* code qr, scan: two people in one room. Each scans what the other's screen shows; the programs compare account keys
 * both ways, and the logs that both see. */
#include <kt/in_person.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ceremony.h"
#include "crypto/hash.h"
#include "heads.h"
#include "qr.h"
#include "report.h"
#include "verbs.h"

#define PAYLOAD_MAX 4096
/* A symbol with its quiet zone that a terminal of 80 columns shows. */
#define COMFORTABLE_WIDTH (80 - 2 * KT_QR_QUIET)
#define HEADS_MIN 2

/* What one shows to the other person. heads: at least KT_IN_PERSON_HEADS_MAX. */
static void make_payload(const struct kt_ceremony *ceremony, const struct kt_distinguished_result *result,
                         struct kt_in_person_head *heads, struct kt_in_person *ret_payload)
{
  struct kt_in_person payload = { .log_id = ceremony->session.log_id,
                                  .sender = { .label = ceremony->own.label },
                                  .recipient = { .label = ceremony->watch.label },
                                  .heads = heads };
  kt_account_key_fingerprint(&ceremony->own.account.key, &payload.sender.key);
  kt_account_key_fingerprint(&ceremony->theirs, &payload.recipient.key);
  for (size_t i = result->n_heads; i-- > 0;) { /* right to left in the answer, ascending in the payload */
    heads[payload.n_heads++] =
        (struct kt_in_person_head){ .size = result->heads[i].size, .root = result->heads[i].root };
  }
  *ret_payload = payload;
}

/* --- qr ----------------------------------------------------------------------------------------------------------------- */

/* The newest heads find the youngest forks: the oldest go first when the symbol is wider than a terminal. */
static enum kt_err fit(const struct kt_in_person *payload, struct kt_arena *arena, const char **ret_text,
                       struct kt_qr *ret_qr)
{
  struct kt_in_person shorter = *payload;
  for (;;) {
    enum kt_err err = kt_in_person_format(&shorter, arena, ret_text);
    if (err == KT_OK) {
      err = kt_qr_encode(*ret_text, arena, ret_qr);
    }
    if (err != KT_OK || ret_qr->width <= COMFORTABLE_WIDTH || shorter.n_heads <= HEADS_MIN) {
      return err;
    }
    shorter.heads++;
    shorter.n_heads--;
  }
}

static enum kt_exit write_png(struct kt_ceremony *ceremony, const struct kt_qr *qr, const char *path)
{
  struct kt_output *out = ceremony->session.out;
  enum kt_err err = kt_qr_write_png(qr, path, &ceremony->session.arena);
  if (err != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: %s", path,
                          err == KT_ERR_STORE ? strerror(errno) : kt_err_text(err));
  }
  kt_output_set(out, "png", kt_output_text(kt_text_bytes(path)));
  kt_output_note(out, "kt-verify: %s written\n", path);
  return KT_EXIT_OK;
}

static enum kt_exit show_payload(struct kt_ceremony *ceremony, const struct kt_distinguished_result *result)
{
  struct kt_session *session = &ceremony->session;
  struct kt_output *out = session->out;
  struct kt_in_person_head heads[KT_IN_PERSON_HEADS_MAX];
  struct kt_in_person payload;
  struct kt_qr qr;
  const char *text;
  const char *png = session->cli->values[KT_OPT_PNG];
  make_payload(ceremony, result, heads, &payload);
  enum kt_err err = fit(&payload, &session->arena, &text, &qr);
  if (err != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "payload", "the QR code cannot be made: %s", kt_err_text(err));
  }
  if (png != NULL) {
    enum kt_exit code = write_png(ceremony, &qr, png);
    if (code != KT_EXIT_OK) {
      return code;
    }
  }
  kt_output_set(out, "payload", json_string(text));
  if (kt_qr_fits(&qr, out)) {
    kt_qr_draw(&qr, out);
  } else {
    kt_output_note(
        out,
        "kt-verify: the QR code is not drawn: it needs a window of %zu columns, and this one has %zu. Make the "
        "window wider, or write an image: kt-verify code qr %s --png FILE\n",
        kt_qr_columns(&qr), kt_wrap_columns(out->data), kt_output_word(ceremony->watch.name));
  }
  kt_output_data(out, "%s\n", text);
  kt_output_note(
      out,
      "kt-verify: this is for %s only. Let them scan it off your screen. Then scan theirs: kt-verify code scan "
      "FILE.png (an image), or kt-verify code scan - (the text)\n",
      ceremony->watch.name);
  kt_report_contact(out, &ceremony->watch.other.contact);
  return kt_report_alerts(session, ceremony->watch.label, KT_EXIT_OK);
}

enum kt_exit kt_verb_code_qr(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_ceremony ceremony;
  const struct kt_distinguished_result *result = NULL;
  enum kt_exit code = kt_ceremony_open(&ceremony, cli, out, true, true);
  if (code == KT_EXIT_OK) {
    code = kt_heads_refresh(&ceremony.session, &result);
  }
  if (code == KT_EXIT_OK) {
    code = show_payload(&ceremony, result);
  }
  kt_ceremony_close(&ceremony);
  return code;
}

/* --- scan: what was scanned --------------------------------------------------------------------------------------------- */

static enum kt_exit refuse_image(struct kt_output *out, const char *path, enum kt_err err)
{
  switch ((int)err) {
  case KT_ERR_STORE:
    if (errno == ENOENT) { /* most likely what some other code says, and no name at all */
      char what[256];
      kt_text_clean(kt_text_bytes(path), what, sizeof what);
      return kt_output_fail(out, KT_EXIT_USAGE, "file",
                            "\"%s\" is neither a code of kt-verify (those begin with KTQ1:) nor a file here", what);
    }
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: %s", path, strerror(errno));
  case KT_ERR_FORMAT:
    return kt_output_fail(out, KT_EXIT_USAGE, "image", "%s is no PNG image of at most %d pixels on a side", path,
                          KT_QR_IMAGE_SIDE_MAX);
  case KT_ERR_ABSENT:
    return kt_output_fail(out, KT_EXIT_USAGE, "image-empty",
                          "no QR code found in %s: the whole symbol with a light edge around it has to be in the image",
                          path);
  case KT_ERR_CONFLICT:
    return kt_output_fail(out, KT_EXIT_USAGE, "image-several", "several QR codes in %s: one at a time", path);
  case KT_ERR_UNSUPPORTED:
    return kt_output_fail(
        out, KT_EXIT_UNDECIDED, "image-reader",
        "images are read by libzbar, which is not there (Debian: apt install libzbar0): install it, or "
        "give kt-verify code scan the text below the code");
  default: return kt_output_fail(out, KT_EXIT_UNDECIDED, "memory", "%s: %s", path, kt_err_text(err));
  }
}

/* A payload begins with KTQ and has a colon; everything else names a file. */
static bool is_file(const struct kt_cli *cli)
{
  const char *text = cli->args[0] + strspn(cli->args[0], " \t\r\n");
  return cli->n_args == 1 && strcmp(text, "-") != 0 && (strncmp(text, "KTQ", 3) != 0 || strchr(text, ':') == NULL);
}

static enum kt_exit read_payload(struct kt_session *session, struct kt_in_person *ret_payload)
{
  struct kt_reason reason = { .code = NULL };
  const struct kt_cli *cli = session->cli;
  const char *text = NULL;
  if (is_file(cli)) {
    enum kt_err err = kt_qr_read_png(cli->args[0], &session->arena, &text);
    if (err != KT_OK) {
      return refuse_image(session->out, cli->args[0], err);
    }
  } else {
    char *typed = kt_arena_alloc(&session->arena, 1, PAYLOAD_MAX);
    if (typed == NULL) {
      return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "memory", "out of memory");
    }
    kt_ceremony_read_typed(cli, 0, typed, PAYLOAD_MAX);
    text = typed;
  }
  enum kt_err err = kt_in_person_parse(kt_text_bytes(text), &session->arena, ret_payload, &reason);
  if (err == KT_OK) {
    return KT_EXIT_OK;
  }
  /* A slip or something else in the picture says nothing about the log. */
  kt_output_fail_reason(session->out, err, &reason, "what was scanned");
  return KT_EXIT_USAGE;
}

/* Nothing was compared: say why. KT_EXIT_OK: it is for this person and this log. */
static enum kt_exit check_addressee(const struct kt_ceremony *ceremony, const struct kt_in_person *scanned)
{
  struct kt_output *out = ceremony->session.out;
  const struct kt_in_person own = { .log_id = ceremony->session.log_id,
                                    .sender = { .label = ceremony->own.label },
                                    .recipient = { .label = scanned->sender.label } };
  struct kt_in_person_verdict verdict;
  char theirs[4 * KT_LABEL_MAX + 8];
  kt_text_clean(scanned->recipient.label, theirs, sizeof theirs);
  kt_in_person_judge(&own, scanned, &verdict);
  switch (verdict.people) {
  case KT_IN_PERSON_OWN_PAYLOAD:
    return kt_output_fail(out, KT_EXIT_USAGE, "own-payload", "this is your own code: scan the other person's screen");
  case KT_IN_PERSON_OTHER_PEOPLE:
    return kt_output_fail(out, KT_EXIT_USAGE, "other-people",
                          "this code is for %s and you are %s: they show yours with kt-verify code qr %s", theirs,
                          ceremony->own.name, kt_output_word(ceremony->own.name));
  case KT_IN_PERSON_OTHER_LOG:
    return kt_output_fail(out, KT_EXIT_USAGE, "other-log",
                          "the other person uses another log than the one pinned here: nothing was compared");
  case KT_IN_PERSON_MATCH:
  case KT_IN_PERSON_KEY_MISMATCH: break;
  }
  return KT_EXIT_OK;
}

/* --- scan: the verdict -------------------------------------------------------------------------------------------------- */

/* The log is append-only: of any smaller size that they saw, it can say what it was here. Their largest such head
 * reaches furthest. */
static enum kt_exit compare_by_consistency(struct kt_session *session, const struct kt_in_person *scanned,
                                           struct kt_in_person_verdict *verdict)
{
  const struct kt_in_person_head *theirs = NULL;
  struct kt_hash root;
  struct kt_bytes consistency;
  for (size_t i = 0; i < scanned->n_heads && scanned->heads[i].size <= session->pinned->log.tree.size; i++) {
    theirs = &scanned->heads[i];
  }
  if (verdict->log == KT_IN_PERSON_LOG_FORK || theirs == NULL || theirs->size <= verdict->own_head.size) {
    return KT_EXIT_OK;
  }
  enum kt_exit code = kt_heads_root_at(session, theirs->size, &session->arena, &root, &consistency);
  if (code == KT_EXIT_OK) {
    verdict->log = kt_hash_equal(&root, &theirs->root) ? KT_IN_PERSON_LOG_SAME : KT_IN_PERSON_LOG_FORK;
    verdict->own_head = (struct kt_in_person_head){ .size = theirs->size, .root = root };
    verdict->their_head = *theirs;
  }
  return code;
}

/* A payload carries no signature, so evidence takes one more exchange. What the log signed here is kept at once: it may
 * not answer any more once it was found out. */
static void keep_heads(const struct kt_ceremony *ceremony, const struct kt_distinguished_result *result)
{
  const struct kt_session *session = &ceremony->session;
  char path[KT_STATE_PATH_MAX];
  struct kt_heads_file *file = calloc(1, sizeof *file); /* more than a frame should hold */
  enum kt_err err = KT_ERR_MEMORY;
  if (file != NULL) {
    kt_heads_collect(session, result, file);
    err = kt_heads_file_keep(file, session->state.home, path);
  }
  free(file);
  if (err != KT_OK) {
    kt_output_note(session->out, "kt-verify: what the log signed here cannot be kept in %s/evidence: %s\n",
                   session->state.home, err == KT_ERR_STORE ? strerror(errno) : kt_err_text(err));
    return;
  }
  kt_output_set(session->out, "heads_file", kt_output_text(kt_text_bytes(path)));
  kt_output_note(
      session->out,
      "kt-verify: what the log signed here is kept in %s. Give this file to %s, by a way that is not this log's, "
      "and get theirs; then both of you: kt-verify log check FILE. With the log's signatures of both sides it "
      "becomes evidence that anybody can check. Do it soon, as long as the log answers\n",
      path, ceremony->watch.name);
}

static enum kt_exit report_fork(struct kt_ceremony *ceremony, const struct kt_distinguished_result *result,
                                const struct kt_in_person_verdict *verdict)
{
  struct kt_session *session = &ceremony->session;
  const struct kt_seen_head ours = { .size = verdict->own_head.size, .root = verdict->own_head.root };
  const struct kt_seen_head theirs = { .size = verdict->their_head.size,
                                       .root = verdict->their_head.root,
                                       .seen_ms = kt_now_ms() };
  kt_output_set(session->out, "log_match", json_string("fork"));
  enum kt_exit code = kt_session_report_fork(session, &ours, &theirs, (struct kt_bytes){ NULL, 0 });
  keep_heads(ceremony, result);
  return code;
}

static enum kt_exit report_log(struct kt_session *session, const struct kt_in_person_verdict *verdict)
{
  struct kt_output *out = session->out;
  if (verdict->log == KT_IN_PERSON_LOG_SAME) {
    kt_output_check(out, "same-log", true);
    kt_output_set(out, "log_match", json_string("same"));
    kt_output_set(out, "common_size", json_integer((json_int_t)verdict->own_head.size));
    kt_output_data(out,
                   "both of you see the same log in its first %" PRIu64
                   " entries; a difference in younger ones cannot be seen by "
                   "this scan\n",
                   verdict->own_head.size);
    return KT_EXIT_OK;
  }
  kt_output_set(out, "log_match", json_string("undecided"));
  return kt_output_fail(out, KT_EXIT_UNDECIDED, "no-common-size",
                        "whether both see the same log is undecided: all their heads are larger than the newest one "
                        "here. Let both run kt-verify code qr again, and scan once more");
}

static const char *describe_mismatch(const struct kt_in_person_verdict *verdict)
{
  if (verdict->their_key_differs && verdict->own_key_differs) {
    return "The log shows each of you an account key for the other that is not theirs.";
  }
  return verdict->their_key_differs ? "The log shows you an account key for them that is not theirs."
                                    : "The log shows them an account key for you that is not yours.";
}

/* The log first: with a fork in hand, keys that agree today are no reason to call anybody verified. */
static enum kt_exit judge(struct kt_ceremony *ceremony, const struct kt_in_person *scanned,
                          const struct kt_distinguished_result *result)
{
  struct kt_in_person_head heads[KT_IN_PERSON_HEADS_MAX];
  struct kt_in_person own;
  struct kt_in_person_verdict verdict;
  make_payload(ceremony, result, heads, &own);
  kt_in_person_judge(&own, scanned, &verdict);
  enum kt_exit log_code = compare_by_consistency(&ceremony->session, scanned, &verdict);
  if (log_code == KT_EXIT_OK && verdict.log == KT_IN_PERSON_LOG_FORK) {
    log_code = report_fork(ceremony, result, &verdict);
  }
  const struct kt_ceremony_outcome outcome = { .method = KT_METHOD_QR,
                                               .matches = verdict.people == KT_IN_PERSON_MATCH,
                                               .detail = describe_mismatch(&verdict) };
  if (log_code == KT_EXIT_FAILED && outcome.matches) {
    return log_code;
  }
  enum kt_exit code = kt_ceremony_settle(ceremony, &outcome);
  if (log_code == KT_EXIT_OK) {
    log_code = report_log(&ceremony->session, &verdict);
  }
  return (enum kt_exit)kt_exit_code_worse((int)code, (int)log_code);
}

enum kt_exit kt_verb_code_scan(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_ceremony ceremony;
  struct kt_in_person scanned = { .n_heads = 0 };
  const struct kt_distinguished_result *result = NULL;
  enum kt_exit code = kt_ceremony_begin(&ceremony, cli, out, true);
  out->verified = true;
  if (code == KT_EXIT_OK) {
    code = read_payload(&ceremony.session, &scanned);
  }
  if (code == KT_EXIT_OK) {
    code = check_addressee(&ceremony, &scanned);
  }
  if (code == KT_EXIT_OK) {
    code = kt_ceremony_with(&ceremony, scanned.sender.label, true);
  }
  if (code == KT_EXIT_OK) {
    code = kt_heads_refresh(&ceremony.session, &result);
  }
  if (code == KT_EXIT_OK) {
    code = judge(&ceremony, &scanned, result);
  }
  kt_ceremony_close(&ceremony);
  return code;
}
