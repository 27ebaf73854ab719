/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the log: asks over HTTP, verifies with libkt, keeps its view across restarts of the server.
 *
 * Every verified head goes to the truth. A server that is gone is no failure; an answer that does not verify is. */
#ifndef KT_TESTS_CRASH_USER_H
#define KT_TESTS_CRASH_USER_H

#include <kt/arena.h>
#include <kt/client.h>
#include <kt/writer.h>

#include "truth.h"

enum crash_answer {
  CRASH_OK,
  CRASH_GONE,  /* the server went away before it answered */
  CRASH_BUSY,  /* 503: try again */
  CRASH_WRONG, /* refused or not verified; the failure has been said */
};

struct kt_transport;

struct crash_user {
  char name[24];
  struct crash_truth *truth;
  const struct kt_config *config;
  struct kt_hash log_id;
  struct kt_log_state log;
  struct kt_transport *transport; /* of the running server */
  struct kt_arena arena;          /* of the current exchange, with what its result borrows */
  uint8_t *response;
};

/* config is borrowed. */
void crash_user_init(struct crash_user *user, const char *name, const struct kt_config *config,
                     struct crash_truth *truth);
void crash_user_release(struct crash_user *user);

/* A server was started at this address. */
void crash_user_connect(struct crash_user *user, const char *url);

/* POST the request; *ret_response is valid until the next crash_user_ask. what: for the message of a failure. */
enum crash_answer crash_user_ask(struct crash_user *user, const char *path, struct kt_writer *request, const char *what,
                                 struct kt_bytes *ret_response);
/* For the kt_verify_* functions, at this moment. */
struct kt_client crash_user_client(struct crash_user *user, struct kt_reason *reason);
/* Take what a kt_verify_* said about the log; err KT_OK or the failure is reported. */
enum crash_answer crash_user_accept(struct crash_user *user, enum kt_err err, const struct kt_log_state *log,
                                    const char *what, const struct kt_reason *reason);

/* The value of a version is what was acknowledged. */
enum crash_answer crash_user_check(struct crash_user *user, const struct crash_ack *ack);

#endif
