/* SPDX-License-Identifier: Apache-2.0 */
/* auditor keygen; audit --follow, audit --sign: the auditor as a process. Between two passes it holds its place in the log
 * and the lock on its memory; every pass opens the home anew, so that a new configuration is taken. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "auditor.h"
#include "auditor_key.h"
#include "crypto/key_text.h"
#include "stop.h"
#include "verbs.h"

#define INTERVAL_DEFAULT_MS UINT64_C(5000)
#define INTERVAL_MAX_S UINT64_C(86400)
#define PAUSE_MAX_MS UINT64_C(60000)
#define BEHIND_PASSES 4 /* with an older head than was seen: a relay or a cache catches up in that time */

/* --- the process ------------------------------------------------------------------------------------------------------------ */

struct follower {
  const struct kt_cli *cli;
  struct kt_output *out;
  struct kt_auditor *auditor;
  uint64_t interval_ms;
  uint32_t failures; /* passes in a row without an answer */
  bool started;
};

static enum kt_exit read_interval(const struct kt_cli *cli, struct kt_output *out, uint64_t *ret_ms)
{
  const char *text = cli->values[KT_OPT_INTERVAL];
  uint64_t interval_s = INTERVAL_DEFAULT_MS / 1000;
  if (text != NULL && (!kt_cli_number(text, INTERVAL_MAX_S, &interval_s) || interval_s == 0)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "interval", "--interval %s: from 1 to %" PRIu64 " seconds", text,
                          INTERVAL_MAX_S);
  }
  *ret_ms = interval_s * 1000;
  return KT_EXIT_OK;
}

static enum kt_exit pass(struct follower *follower)
{
  struct kt_session session;
  enum kt_exit code = kt_session_open(&session, follower->cli, follower->out);
  if (code == KT_EXIT_OK) {
    code = kt_auditor_pass(follower->auditor, &session);
  }
  kt_session_close(&session);
  return code;
}

/* Something to tell: entries, a signature, a failure; and the first pass in any case. */
static bool is_worth_a_line(const struct follower *follower)
{
  const json_t *object = follower->out->object;
  return !follower->started || json_integer_value(json_object_get(object, "new_entries")) > 0 ||
         json_is_true(json_object_get(object, "submitted")) || json_object_get(object, "reason") != NULL;
}

/* False: nobody reads any more. */
static bool tell(struct follower *follower, enum kt_exit *code)
{
  struct kt_output *out = follower->out;
  if (is_worth_a_line(follower)) {
    enum kt_exit written = kt_output_finish(out, *code);
    if (written != *code || ferror(out->data)) {
      *code = written;
      return false;
    }
  }
  json_object_clear(out->object);
  out->verified = false;
  follower->started = true;
  return true;
}

/* The interval; longer and longer without an answer, and never shorter than the log asked for. */
static uint64_t pause_ms(const struct follower *follower)
{
  uint64_t pause = follower->interval_ms;
  for (uint32_t i = 0; i < follower->failures && pause < PAUSE_MAX_MS; i++) {
    pause *= 2;
  }
  pause = pause > PAUSE_MAX_MS && follower->interval_ms < PAUSE_MAX_MS ? PAUSE_MAX_MS : pause;
  uint64_t asked = follower->auditor->retry_after_s * 1000;
  return pause > asked ? pause : asked;
}

/* True: asked to end. */
static bool sleep_ms(uint64_t ms)
{
  uint64_t until = kt_now_ms() + ms;
  for (;;) {
    uint64_t now = kt_now_ms();
    if (kt_stop_requested()) {
      return true;
    }
    if (now >= until || until - now > ms) { /* over, or the clock was set back */
      return false;
    }
    enum kt_stop_wait wait = kt_stop_wait(until - now);
    if (wait != KT_WAIT_OVER) {
      return wait == KT_WAIT_STOP;
    }
  }
}

static enum kt_exit follow(struct follower *follower)
{
  struct kt_output *out = follower->out;
  do {
    enum kt_exit code = pass(follower);
    bool passes_by = code == KT_EXIT_UNDECIDED && !follower->auditor->feed.stands;
    if (code != KT_EXIT_OK && !passes_by) {
      return code;
    }
    follower->failures = code == KT_EXIT_OK ? 0 : follower->failures + 1;
    if (!tell(follower, &code)) {
      return code;
    }
  } while (!sleep_ms(pause_ms(follower)));
  kt_output_set(out, "stopped", json_true());
  kt_output_status(out, KT_EXIT_OK, "auditing ends");
  return KT_EXIT_OK;
}

enum kt_exit kt_audit_as_auditor(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct follower follower = { .cli = cli, .out = out };
  if (cli->values[KT_OPT_FROM] != NULL || cli->values[KT_OPT_TO] != NULL) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage",
                          "--from and --to do not go with --follow and --sign: where an auditor begins is in the "
                          "log's configuration");
  }
  enum kt_exit code = read_interval(cli, out, &follower.interval_ms);
  if (code != KT_EXIT_OK) {
    return code;
  }
  follower.auditor = calloc(1, sizeof *follower.auditor);
  if (follower.auditor == NULL) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  follower.auditor->state.lock_fd = -1;
  follower.auditor->record.lock_fd = -1;
  if (kt_cli_flag(cli, KT_OPT_FOLLOW)) {
    kt_stop_block(); /* one pass may be killed at any moment */
  }
  code = kt_session_open(&session, cli, out); /* says what is wrong with the home */
  if (code == KT_EXIT_OK) {
    code = kt_auditor_open(follower.auditor, out, session.state.home, cli->values[KT_OPT_SIGN]);
  }
  kt_session_close(&session);
  if (code == KT_EXIT_OK) {
    code = kt_audit_feed_open(&follower.auditor->feed, cli, out);
  }
  if (code == KT_EXIT_OK) {
    follower.auditor->patience = kt_cli_flag(cli, KT_OPT_FOLLOW) ? BEHIND_PASSES : 0;
    code = kt_cli_flag(cli, KT_OPT_FOLLOW) ? follow(&follower) : pass(&follower);
  }
  kt_auditor_close(follower.auditor);
  free(follower.auditor);
  return code;
}

/* --- auditor keygen --------------------------------------------------------------------------------------------------------- */

enum kt_exit kt_verb_auditor_keygen(const struct kt_cli *cli, struct kt_output *out)
{
  char line[KT_KEY_TEXT_MAX];
  size_t len = 0;
  const char *path = cli->args[0];
  const char *word = cli->values[KT_OPT_SUITE] != NULL ? cli->values[KT_OPT_SUITE] : "ed25519";
  const struct kt_suite *suite = kt_suite_by_word(word);
  if (suite == NULL) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "--suite %s: it is ed25519 or p256, the log's suite", word);
  }
  if (strcmp(path, "-") == 0) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "a secret key is not written to standard output: name a file");
  }
  enum kt_exit code = kt_auditor_key_create(out, path, suite, line, &len);
  if (code != KT_EXIT_OK) {
    return code;
  }
  kt_output_data(out, "%.*s", (int)len, line);
  kt_output_note(
      out,
      "kt-verify: the secret key is in %s, and nowhere else. Give %s.pub to the log's operator (kt-server "
      "init --auditor-key, or change-auditor). What the key signs is recorded in %s.signed, so that it never "
      "signs two trees of one size: move the two files together. A copy of the key that signs on another "
      "machine has a record of its own, and nothing keeps the two from signing different trees\n",
      path, path, path);
  kt_output_set(out, "suite", json_string(word));
  kt_output_set(out, "public_key", json_stringn(line, len - 1));
  kt_output_set(out, "file", kt_output_text(kt_text_bytes(path)));
  return KT_EXIT_OK;
}
