/* SPDX-License-Identifier: Apache-2.0 */
/* code sas start, join: two people on a live call compare seven emoji or three numbers. The rules of the exchange are
 * kt/sas.h's; this is its conversation with the person, and its clock. */
#include <kt/sas.h>

#include <inttypes.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ceremony.h"
#include "sas_channel.h"
#include "stop.h"
#include "verbs.h"

#define STEP_MS 250
#define ROOM_TYPED_MAX 64
#define ANSWER_MAX 64

enum answer { ANSWER_NONE, ANSWER_YES, ANSWER_NO, ANSWER_GONE };

struct comparison {
  struct kt_ceremony ceremony;
  struct kt_sas_config config;
  struct kt_sas sas;
  struct kt_sas_channel channel;
  bool is_starter;
  enum kt_exit ended; /* not KT_EXIT_OK: why it ended was said */
  enum answer answer;
  char typed[ANSWER_MAX];
  size_t typed_len;
};

static struct kt_output *out_of(struct comparison *comparison)
{
  return comparison->ceremony.session.out;
}

/* --- messages ----------------------------------------------------------------------------------------------------------- */

static bool is_over(const struct comparison *comparison)
{
  return comparison->sas.state == KT_SAS_DONE || comparison->sas.state == KT_SAS_CANCELLED;
}

/* What cannot be sent ends the exchange: the other side would wait for it. */
static void send_message(struct comparison *comparison, const struct kt_sas_message *message)
{
  if (message->type != KT_SAS_NONE && kt_sas_channel_send(&comparison->channel, message) != KT_EXIT_OK) {
    comparison->ended = KT_EXIT_UNDECIDED;
    kt_sas_cancel(&comparison->sas, KT_SAS_STOPPED);
  }
}

/* Why it ended. What only the other side says is not verified by anybody: it ends the exchange and proves nothing. */
static void say_reason(struct comparison *comparison, enum kt_err err, const struct kt_reason *reason)
{
  bool refuted = kt_output_is_refuted(err) && !comparison->sas.cancelled_by_other;
  if (comparison->ended == KT_EXIT_OK) {
    comparison->ended = refuted ? KT_EXIT_FAILED : KT_EXIT_UNDECIDED;
    kt_output_fail(out_of(comparison), comparison->ended, reason->code != NULL ? reason->code : "sas",
                   "%s: %s. Nothing was changed", comparison->ceremony.watch.name,
                   reason->text != NULL ? reason->text : kt_err_text(err));
  }
}

static void take_message(struct comparison *comparison, struct kt_bytes text)
{
  struct kt_reason reason = { .code = NULL };
  struct kt_sas_message message;
  struct kt_sas_message reply = { .type = KT_SAS_NONE };
  enum kt_err err = kt_json_sas_read(text, &comparison->ceremony.session.arena, &message, &reason);
  if (err != KT_OK) {
    kt_sas_cancel(&comparison->sas, KT_SAS_MALFORMED);
  } else {
    err = kt_sas_receive(&comparison->sas, &message, kt_now_ms(), &reply, &reason);
  }
  if (err != KT_OK) {
    say_reason(comparison, err, &reason);
  }
  send_message(comparison, &reply);
}

/* From this side, by the person: the other side is told at the end. */
static void stop(struct comparison *comparison, const char *why)
{
  const struct kt_reason reason = { .code = "sas-stopped", .text = why };
  kt_sas_cancel(&comparison->sas, KT_SAS_STOPPED);
  say_reason(comparison, KT_ERR_DENIED, &reason);
}

/* One message, if there is one; otherwise see whether the time is over. */
static void step(struct comparison *comparison)
{
  if (kt_stop_requested()) { /* Ctrl-C, or the terminal is gone */
    kt_stop_unblock();
    stop(comparison, "the comparison was stopped here");
    return;
  }
  struct kt_reason reason = { .code = NULL };
  struct kt_bytes text;
  enum kt_err err = kt_sas_channel_receive(&comparison->channel, &comparison->ceremony.session.arena, &text);
  if (err == KT_OK) {
    take_message(comparison, text);
    return;
  }
  if (err == KT_ERR_ABSENT) {
    err = kt_sas_tick(&comparison->sas, kt_now_ms(), &reason);
    if (err != KT_OK) {
      say_reason(comparison, err, &reason);
    }
    return;
  }
  if (err == KT_ERR_DENIED) {
    comparison->ended = KT_EXIT_UNDECIDED;
  }
  kt_sas_cancel(&comparison->sas, err == KT_ERR_FORMAT ? KT_SAS_MALFORMED : KT_SAS_STOPPED);
  reason = (struct kt_reason){ .code = "sas-malformed", .text = "received something that is no message" };
  say_reason(comparison, err, &reason);
}

static void wait_for(struct comparison *comparison, enum kt_sas_state state)
{
  const struct timespec pause = { .tv_nsec = STEP_MS * 1000000L };
  while (!is_over(comparison) && comparison->sas.state != state) {
    unsigned before = (unsigned)comparison->sas.state;
    step(comparison);
    if (comparison->sas.state == before) {
      nanosleep(&pause, NULL);
    }
  }
}

/* --- the person --------------------------------------------------------------------------------------------------------- */

static bool is_asked(const struct comparison *comparison)
{
  return comparison->ceremony.session.cli->values[KT_OPT_CONFIRM] == NULL;
}

static void show_code(struct comparison *comparison, const struct kt_sas_code *code)
{
  struct kt_output *out = out_of(comparison);
  char numbers[32];
  kt_output_set(out, "emoji", json_array());
  for (size_t i = 0; i < KT_SAS_EMOJI; i++) {
    const struct kt_sas_emoji *emoji = kt_sas_emoji(code->emoji[i]);
    kt_output_append(out, "emoji", json_pack("{s:s,s:s}", "emoji", emoji->utf8, "name", emoji->name));
    kt_output_data(out, "  %s  %s\n", emoji->utf8, emoji->name);
  }
  snprintf(numbers, sizeof numbers, "%u %u %u", (unsigned)code->decimals[0], (unsigned)code->decimals[1],
           (unsigned)code->decimals[2]);
  kt_output_set(out, "decimals", json_string(numbers));
  kt_output_data(out, "or as numbers: %s\n", numbers);
  kt_output_note(out,
                 "kt-verify: read them to %s on the call, and let them read theirs to you. All the same, in the same "
                 "order?%s\n",
                 comparison->ceremony.watch.name, is_asked(comparison) ? " Type yes or no" : "");
  kt_output_flush(out);
}

/* The whole word, in whatever case; blanks around it do not matter. */
static enum answer read_word(const char *text)
{
  static const char blanks[] = " \t\r";
  const char *word = text + strspn(text, blanks);
  size_t len = strcspn(word, blanks);
  if (word[len + strspn(word + len, blanks)] != '\0') {
    return ANSWER_NONE;
  }
  if (len == 3 && strncasecmp(word, "yes", len) == 0) {
    return ANSWER_YES;
  }
  return len == 2 && strncasecmp(word, "no", len) == 0 ? ANSWER_NO : ANSWER_NONE;
}

/* A line in full: half a "no" is no answer. */
static void read_answer(struct comparison *comparison)
{
  char byte;
  if (read(STDIN_FILENO, &byte, 1) != 1) {
    comparison->answer = ANSWER_GONE;
    return;
  }
  if (byte != '\n') {
    comparison->typed[comparison->typed_len] = byte;
    comparison->typed_len += comparison->typed_len + 1 < ANSWER_MAX;
    return;
  }
  comparison->typed[comparison->typed_len] = '\0';
  comparison->answer = read_word(comparison->typed);
  comparison->typed_len = 0;
  if (comparison->answer == ANSWER_NONE) {
    kt_output_note(out_of(comparison), "kt-verify: please type yes or no\n");
  }
}

/* The other side may end it while this person still looks. */
static void ask(struct comparison *comparison)
{
  struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
  if (!is_asked(comparison)) {
    comparison->answer = read_word(comparison->ceremony.session.cli->values[KT_OPT_CONFIRM]);
    return;
  }
  while (comparison->answer == ANSWER_NONE && !is_over(comparison)) {
    if (poll(&input, 1, STEP_MS) > 0) {
      read_answer(comparison);
    } else {
      step(comparison);
    }
  }
}

/* --- the exchange ------------------------------------------------------------------------------------------------------- */

static void confirm(struct comparison *comparison)
{
  struct kt_reason reason = { .code = NULL };
  struct kt_sas_message message;
  enum kt_err err = kt_sas_confirm(&comparison->sas, kt_now_ms(), &message, &reason);
  if (err == KT_OK) {
    send_message(comparison, &message);
  } else {
    say_reason(comparison, err, &reason);
  }
}

static void refuse(struct comparison *comparison)
{
  if (comparison->answer == ANSWER_NO) {
    kt_sas_cancel(&comparison->sas, KT_SAS_MISMATCH); /* settled as a mismatch, which says it */
  } else {
    stop(comparison, "no answer was given");
  }
}

static void converse(struct comparison *comparison)
{
  struct kt_sas_code code;
  const char *name = comparison->ceremony.watch.name;
  kt_output_note(out_of(comparison), "kt-verify: waiting for %s, ten minutes at most (Ctrl-C ends it for both)\n",
                 name);
  wait_for(comparison, KT_SAS_COMPARE);
  /* What was typed at a terminal before the code was there is no answer to it. */
  (void)tcflush(STDIN_FILENO, TCIFLUSH);
  if (!is_over(comparison) && kt_sas_show(&comparison->sas, &code) == KT_OK) {
    show_code(comparison, &code);
    ask(comparison);
  }
  if (!is_over(comparison)) {
    if (comparison->answer == ANSWER_YES) {
      confirm(comparison);
    } else {
      refuse(comparison);
    }
  }
  if (!is_over(comparison)) {
    kt_output_note(out_of(comparison), "kt-verify: waiting for the answer of %s\n", name);
  }
  wait_for(comparison, KT_SAS_DONE);
}

/* Tell the other side, which has nobody else to ask. */
static void send_cancellation(struct comparison *comparison)
{
  struct kt_sas_message message;
  if (kt_sas_cancellation(&comparison->sas, &message)) {
    (void)kt_sas_channel_send(&comparison->channel, &message);
  }
}

static enum kt_exit finish(struct comparison *comparison)
{
  const struct kt_ceremony_outcome outcome = { .method = KT_METHOD_SAS,
                                               .matches = comparison->sas.state == KT_SAS_DONE,
                                               .detail = "The two of you saw different codes in a live comparison." };
  if (outcome.matches || comparison->answer == ANSWER_NO) {
    return kt_ceremony_settle(&comparison->ceremony, &outcome);
  }
  const char *name = comparison->ceremony.watch.name;
  if (comparison->sas.cancelled_by_other && comparison->sas.cancel == KT_SAS_MISMATCH) {
    kt_output_note(
        out_of(comparison),
        "kt-verify: that came over the channel, so nobody can tell whether %s said it: ask on the call. If they "
        "did see another code, send nothing secret until you have compared in person\n",
        name);
  }
  kt_output_note(out_of(comparison),
                 "kt-verify: to try again, both of you start anew; or compare in person: kt-verify code qr %s\n",
                 kt_output_word(name));
  return comparison->ended != KT_EXIT_OK ? comparison->ended : KT_EXIT_UNDECIDED;
}

/* --- beginning ---------------------------------------------------------------------------------------------------------- */

static enum kt_exit begin(struct comparison *comparison)
{
  struct kt_ceremony *ceremony = &comparison->ceremony;
  uint8_t transaction[KT_SAS_TRANSACTION_LEN];
  uint8_t secret[KT_SAS_SECRET_LEN];
  struct kt_sas_message message = { .type = KT_SAS_NONE };
  comparison->config = (struct kt_sas_config){ .log_id = ceremony->session.log_id,
                                               .own = { ceremony->own.label, ceremony->own.account.key },
                                               .other = { ceremony->watch.label, ceremony->theirs } };
  randombytes_buf(transaction, sizeof transaction);
  randombytes_buf(secret, sizeof secret);
  enum kt_err err = comparison->is_starter ? kt_sas_start(&comparison->sas, &comparison->config, transaction, secret,
                                                          kt_now_ms(), &message)
                                           : kt_sas_join(&comparison->sas, &comparison->config, secret, kt_now_ms());
  sodium_memzero(secret, sizeof secret);
  if (err != KT_OK) {
    return kt_output_fail(out_of(comparison), KT_EXIT_USAGE, "sas", "the comparison cannot begin: %s",
                          kt_err_text(err));
  }
  send_message(comparison, &message);
  return KT_EXIT_OK;
}

/* The starter's program makes the room up, unless one is given; the joiner hears it on the call. */
static enum kt_exit open_room(struct comparison *comparison)
{
  struct kt_session *session = &comparison->ceremony.session;
  char typed[ROOM_TYPED_MAX];
  char room[KT_SAS_ROOM_SIZE];
  kt_ceremony_read_typed(session->cli, 2, typed, sizeof typed);
  if (session->cli->n_args == 2 && comparison->is_starter) {
    snprintf(room, sizeof room, "%08" PRIu32, randombytes_uniform(100000000));
    kt_output_data(session->out, "room %.4s-%s\n", room, room + 4);
    kt_output_note(session->out, "kt-verify: tell %s on the call: kt-verify code sas join %s %.4s-%s\n",
                   comparison->ceremony.watch.name, kt_output_word(comparison->ceremony.own.name), room, room + 4);
    kt_output_flush(session->out);
  } else if (!kt_sas_room_parse(typed, room)) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "room",
                          "which room? Its %d digits are shown where kt-verify code sas start runs",
                          KT_SAS_ROOM_DIGITS);
  }
  kt_sas_channel_open_relay(&comparison->channel, session, room, comparison->is_starter);
  return KT_EXIT_OK;
}

static enum kt_exit open_channel(struct comparison *comparison)
{
  const struct kt_cli *cli = comparison->ceremony.session.cli;
  const char *in = cli->values[KT_OPT_IN];
  const char *out = cli->values[KT_OPT_OUT];
  if (in == NULL && out == NULL) {
    return open_room(comparison);
  }
  if (in == NULL || out == NULL || cli->n_args > 2) {
    return kt_output_fail(out_of(comparison), KT_EXIT_USAGE, "usage", "--in and --out go together, without a room");
  }
  return kt_sas_channel_open_files(&comparison->channel, &comparison->ceremony.session, in, out);
}

static enum kt_exit check_usage(const struct kt_cli *cli, struct kt_output *out)
{
  const char *said = cli->values[KT_OPT_CONFIRM];
  if (strcmp(cli->args[0], "start") != 0 && strcmp(cli->args[0], "join") != 0) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "code sas %s: it is start or join", cli->args[0]);
  }
  if (said != NULL && read_word(said) == ANSWER_NONE) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "--confirm %s: it is yes or no", said);
  }
  return KT_EXIT_OK;
}

static enum kt_exit compare(struct comparison *comparison)
{
  const struct kt_cli *cli = comparison->ceremony.session.cli;
  enum kt_exit code = kt_ceremony_with(&comparison->ceremony, kt_text_bytes(cli->args[1]), true);
  if (code == KT_EXIT_OK) {
    code = open_channel(comparison);
  }
  if (code == KT_EXIT_OK) {
    kt_stop_block(); /* from here on somebody waits to be told */
    code = begin(comparison);
  }
  if (code == KT_EXIT_OK) {
    converse(comparison);
    send_cancellation(comparison);
    code = finish(comparison);
  }
  return code;
}

enum kt_exit kt_verb_code_sas(const struct kt_cli *cli, struct kt_output *out)
{
  enum kt_exit code = check_usage(cli, out);
  if (code != KT_EXIT_OK) {
    return code;
  }
  struct comparison *comparison = calloc(1, sizeof *comparison); /* more than a frame should hold */
  if (comparison == NULL) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  comparison->is_starter = strcmp(cli->args[0], "start") == 0;
  comparison->channel.in = -1;
  comparison->channel.out = -1;
  out->verified = true;
  code = kt_ceremony_begin(&comparison->ceremony, cli, out, true);
  if (code == KT_EXIT_OK) {
    code = compare(comparison);
  }
  kt_sas_release(&comparison->sas);
  kt_sas_channel_close(&comparison->channel);
  kt_ceremony_close(&comparison->ceremony);
  free(comparison);
  return code;
}
