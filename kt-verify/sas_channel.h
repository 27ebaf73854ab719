/* SPDX-License-Identifier: Apache-2.0 */
/* How the messages of a SAS exchange travel: over two mailboxes of the log's relay (docs/formats.md, Relay), or over a
 * pair of files or pipes with one JSON message per line. Either way the channel is trusted with nothing: what comes out of
 * it is bytes. */
#ifndef KT_VERIFY_SAS_CHANNEL_H
#define KT_VERIFY_SAS_CHANNEL_H

#include "json/sas.h"
#include "session.h"

#define KT_SAS_ROOM_DIGITS 8
#define KT_SAS_ROOM_SIZE (KT_SAS_ROOM_DIGITS + 1)

struct kt_sas_channel {
  struct kt_session *session;
  int in; /* -1: over the relay */
  int out;
  char send_path[96]; /* relay */
  char receive_path[96];
  unsigned n_received;
  uint8_t line[KT_JSON_SAS_MAX + 1]; /* files: what is read and not handed out */
  size_t line_len;
};

/* Digits, with spaces and dashes in between. */
bool kt_sas_room_parse(const char *text, char ret_room[static KT_SAS_ROOM_SIZE]);

/* Says what is wrong. Whatever it returns, kt_sas_channel_close is due. */
enum kt_exit kt_sas_channel_open_files(struct kt_sas_channel *channel, struct kt_session *session, const char *in,
                                       const char *out);
/* The room keeps this exchange apart from others; it is no secret. */
void kt_sas_channel_open_relay(struct kt_sas_channel *channel, struct kt_session *session, const char *room,
                               bool is_starter);
void kt_sas_channel_close(struct kt_sas_channel *channel);

/* What the relay answers, Message messages<0..2^8-1>: its first message, for the next ones are asked for when it is their turn.
 * KT_ERR_ABSENT: there is none. KT_ERR_FORMAT; KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_sas_relay_read(struct kt_bytes answer, struct kt_arena *arena, struct kt_bytes *ret_text);

/* Says what is wrong. */
enum kt_exit kt_sas_channel_send(struct kt_sas_channel *channel, const struct kt_sas_message *message);

/* Without waiting. KT_ERR_ABSENT: nothing there, or no answer: ask again later. KT_ERR_FORMAT: no message of a size that
 * is one. KT_ERR_DENIED: it will not work, said. The text is in the arena. */
KT_MUST_USE enum kt_err kt_sas_channel_receive(struct kt_sas_channel *channel, struct kt_arena *arena,
                                               struct kt_bytes *ret_text);

#endif
