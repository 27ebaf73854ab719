/* SPDX-License-Identifier: Apache-2.0 */
#include "sas_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "json/builder.h"

#define SEND_PATIENCE_S 60 /* in all; longer than an address over the relay's rate has to wait */
#define SEND_PAUSE_MAX_S 5

bool kt_sas_room_parse(const char *text, char ret_room[static KT_SAS_ROOM_SIZE])
{
  char room[KT_SAS_ROOM_SIZE] = "";
  size_t n = 0;
  for (; *text != '\0'; text++) {
    if (*text == ' ' || *text == '-') {
      continue;
    }
    if (*text < '0' || *text > '9' || n == KT_SAS_ROOM_DIGITS) {
      return false;
    }
    room[n++] = *text;
  }
  if (n == KT_SAS_ROOM_DIGITS) {
    memcpy(ret_room, room, sizeof room);
  }
  return n == KT_SAS_ROOM_DIGITS;
}

/* --- files and pipes ---------------------------------------------------------------------------------------------------- */

static bool is_pipe(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISFIFO(info.st_mode);
}

enum kt_exit kt_sas_channel_open_files(struct kt_sas_channel *channel, struct kt_session *session, const char *in,
                                       const char *out)
{
  *channel = (struct kt_sas_channel){ .session = session, .in = -1, .out = -1 };
  /* Reading and writing, a pipe opens at once; and it stays readable when the other side is slower. */
  int flags = is_pipe(out) ? O_RDWR | O_NONBLOCK : O_WRONLY | O_CREAT | O_TRUNC;
  channel->out = open(out, flags | O_CLOEXEC, 0600);
  if (channel->out < 0) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "file", "%s: %s", out, strerror(errno));
  }
  /* A file that the other side has not made yet is made here: empty. */
  channel->in = open(in, O_RDONLY | O_NONBLOCK | O_CREAT | O_CLOEXEC, 0600);
  if (channel->in < 0) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "file", "%s: %s", in, strerror(errno));
  }
  return KT_EXIT_OK;
}

static enum kt_exit send_line(struct kt_sas_channel *channel, const char *text)
{
  char line[KT_JSON_SAS_MAX + 2];
  int len = snprintf(line, sizeof line, "%s\n", text);
  /* At most PIPE_BUF: a pipe takes all of it or nothing. */
  if (write(channel->out, line, (size_t)len) != len) {
    return kt_output_fail(channel->session->out, KT_EXIT_UNDECIDED, "file", "the message cannot be written: %s",
                          strerror(errno));
  }
  return KT_EXIT_OK;
}

static enum kt_err receive_line(struct kt_sas_channel *channel, struct kt_arena *arena, struct kt_bytes *ret_text)
{
  const uint8_t *end = memchr(channel->line, '\n', channel->line_len);
  if (end == NULL && channel->line_len < sizeof channel->line) {
    ssize_t n = read(channel->in, channel->line + channel->line_len, sizeof channel->line - channel->line_len);
    channel->line_len += n > 0 ? (size_t)n : 0; /* at the end of a file more may come, as from a pipe */
    end = memchr(channel->line, '\n', channel->line_len);
  }
  if (end == NULL) {
    return channel->line_len == sizeof channel->line ? KT_ERR_FORMAT : KT_ERR_ABSENT;
  }
  size_t len = (size_t)(end - channel->line);
  const struct kt_bytes text = { kt_arena_copy(arena, channel->line, len), len };
  channel->line_len -= len + 1;
  memmove(channel->line, end + 1, channel->line_len);
  if (len == 0 || text.data == NULL) {
    return KT_ERR_FORMAT;
  }
  *ret_text = text;
  return KT_OK;
}

/* --- relay -------------------------------------------------------------------------------------------------------------- */

/* SHA-256("kt-sas-relay/1" || log_id || role || room), in hex. */
static void mailbox_path(const struct kt_session *session, const char *role, const char *room, char *ret_path,
                         size_t size)
{
  char hex[KT_HEX_SIZE(KT_HASH_LEN)];
  uint8_t text[128];
  struct kt_hash hash;
  struct kt_writer w;
  kt_writer_init_fixed(&w, text, sizeof text);
  kt_write_bytes(&w, "kt-sas-relay/1", 14);
  kt_write_bytes(&w, session->log_id.b, KT_HASH_LEN);
  kt_write_bytes(&w, role, strlen(role));
  kt_write_bytes(&w, room, strlen(room));
  kt_sha256(text, w.len, &hash);
  kt_hex_encode((struct kt_bytes){ hash.b, KT_HASH_LEN }, hex);
  snprintf(ret_path, size, "/v1/relay/%s", hex);
}

void kt_sas_channel_open_relay(struct kt_sas_channel *channel, struct kt_session *session, const char *room,
                               bool is_starter)
{
  *channel = (struct kt_sas_channel){ .session = session, .in = -1, .out = -1 };
  mailbox_path(session, is_starter ? "starter" : "joiner", room, channel->send_path, sizeof channel->send_path);
  mailbox_path(session, is_starter ? "joiner" : "starter", room, channel->receive_path, sizeof channel->receive_path);
}

/* Seconds to wait before the message is sent again; 0: there is nothing to wait for. Only what the relay certainly did not take is
 * sent again: a message twice ends the exchange. */
static int pause_after(const struct kt_reply *reply)
{
  if (reply->kind != KT_REPLY_PROBLEM || (reply->status != 429 && reply->status != 503)) {
    return 0;
  }
  return reply->retry_after_s < 1                  ? 1
         : reply->retry_after_s < SEND_PAUSE_MAX_S ? reply->retry_after_s
                                                   : SEND_PAUSE_MAX_S;
}

static enum kt_exit send_to_relay(struct kt_sas_channel *channel, const char *text)
{
  struct kt_reply reply;
  enum kt_exit code = KT_EXIT_OK;
  int waited_s = 0;
  for (;;) {
    kt_transport_put(channel->session->transport, channel->send_path, kt_text_bytes(text), &reply);
    const struct timespec pause = { .tv_sec = pause_after(&reply) };
    if (pause.tv_sec == 0 || waited_s >= SEND_PATIENCE_S) {
      break;
    }
    kt_reply_release(&reply);
    nanosleep(&pause, NULL);
    waited_s += (int)pause.tv_sec;
  }
  if (reply.kind != KT_REPLY_OK) {
    code = kt_session_refused(channel->session, &reply, "the relay");
  }
  kt_reply_release(&reply);
  return code;
}

enum kt_err kt_sas_relay_read(struct kt_bytes answer, struct kt_arena *arena, struct kt_bytes *ret_text)
{
  struct kt_reader r;
  kt_reader_init(&r, answer.data, answer.len);
  if (kt_read_u8(&r) == 0) {
    return kt_reader_end(&r) == KT_OK ? KT_ERR_ABSENT : KT_ERR_FORMAT;
  }
  const struct kt_bytes message = kt_read_opaque16(&r, KT_JSON_SAS_MAX);
  if (r.err != KT_OK || message.len == 0) {
    return KT_ERR_FORMAT;
  }
  const struct kt_bytes text = { kt_arena_copy(arena, message.data, message.len), message.len };
  if (text.data == NULL) {
    return KT_ERR_MEMORY;
  }
  *ret_text = text;
  return KT_OK;
}

static enum kt_err receive_from_relay(struct kt_sas_channel *channel, struct kt_arena *arena, struct kt_bytes *ret_text)
{
  char path[sizeof channel->receive_path + 32];
  struct kt_reply reply;
  enum kt_err err = KT_ERR_ABSENT;
  snprintf(path, sizeof path, "%s?from=%u", channel->receive_path, channel->n_received);
  kt_transport_get(channel->session->transport, path, &reply);
  if (reply.kind == KT_REPLY_OK) {
    err = kt_sas_relay_read(kt_reply_body(&reply), arena, ret_text);
    channel->n_received += err == KT_OK;
  } else if (reply.kind == KT_REPLY_PROBLEM && reply.status != 429 && reply.status < 500) {
    (void)kt_session_refused(channel->session, &reply, "the relay");
    err = KT_ERR_DENIED;
  }
  kt_reply_release(&reply);
  return err;
}

/* --- either ------------------------------------------------------------------------------------------------------------- */

void kt_sas_channel_close(struct kt_sas_channel *channel)
{
  if (channel->in >= 0) {
    (void)close(channel->in);
  }
  if (channel->out >= 0) {
    (void)close(channel->out);
  }
}

enum kt_exit kt_sas_channel_send(struct kt_sas_channel *channel, const struct kt_sas_message *message)
{
  json_t *object = kt_json_sas_message(message);
  char *text = kt_json_dump(object, JSON_COMPACT);
  json_decref(object);
  if (text == NULL) {
    return kt_output_fail(channel->session->out, KT_EXIT_UNDECIDED, "memory", "the message cannot be written");
  }
  enum kt_exit code = channel->out >= 0 ? send_line(channel, text) : send_to_relay(channel, text);
  free(text);
  return code;
}

enum kt_err kt_sas_channel_receive(struct kt_sas_channel *channel, struct kt_arena *arena, struct kt_bytes *ret_text)
{
  return channel->in >= 0 ? receive_line(channel, arena, ret_text) : receive_from_relay(channel, arena, ret_text);
}
