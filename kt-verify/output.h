/* SPDX-License-Identifier: Apache-2.0 */
/* What the person or the script sees: data on stdout, everything else on stderr, or with --json exactly one object on
 * stdout (schema kt.<verb>/1, words of the verb joined by '-').
 *
 * Every function that can go wrong returns an enum kt_exit, which is also the exit code; whoever notices a failure
 * says it once through kt_output_fail and the code is handed up. */
#ifndef KT_VERIFY_OUTPUT_H
#define KT_VERIFY_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include <kt/bytes.h>
#include <kt/err.h>
#include <kt/text.h>

#include "wrap.h"

enum kt_exit {
  KT_EXIT_OK = 0,
  KT_EXIT_FAILED = 1, /* a proof, signature or consistency check */
  KT_EXIT_USAGE = 2,  /* usage or configuration, the state folder included */
  KT_EXIT_UNDECIDED = 3,
  KT_EXIT_ALERT = 4,
  KT_EXIT_ABSENT = 5,
};

struct kt_output {
  FILE *data;
  FILE *messages;
  struct kt_wrap data_wrap; /* all text goes through these two */
  struct kt_wrap messages_wrap;
  bool json;
  bool color;
  bool verified;    /* the verb checked something with the log: exit 0 is "verified" and not "done" */
  const char *verb; /* "device add"; NULL before it is known */
  json_t *object;   /* members beyond schema and verdict */
};

/* color: "auto", "always", "never" or NULL. */
void kt_output_init(struct kt_output *out, FILE *data, FILE *messages, const char *color, bool json);
void kt_output_release(struct kt_output *out);

/* Text on stdout; nothing with --json. */
__attribute__((format(printf, 2, 3))) void kt_output_data(struct kt_output *out, const char *format, ...);
/* Text on stderr, with or without --json. */
__attribute__((format(printf, 2, 3))) void kt_output_note(struct kt_output *out, const char *format, ...);
/* Whether a line on stderr can be written over, to show progress: on a terminal that is more than a typewriter. */
bool kt_output_rewrites(const struct kt_output *out);
/* Show what was said so far, a question without a line's end included. */
void kt_output_flush(struct kt_output *out);
/* VERIFIED, ALERT …, on stdout, coloured on a terminal, followed by the text. */
__attribute__((format(printf, 3, 4))) void kt_output_status(struct kt_output *out, enum kt_exit code,
                                                            const char *format, ...);

/* A clean label as a word of a command that the person may paste: itself when it is plain (kt_label_is_plain), else the
 * word LABEL, so that nobody who chooses a label chooses a command. */
const char *kt_output_word(const char *label);

/* Say why, on stderr and as `reason` (the first one stays); returns code. */
__attribute__((format(printf, 4, 5))) enum kt_exit kt_output_fail(struct kt_output *out, enum kt_exit code,
                                                                  const char *reason_code, const char *format, ...);
/* The same for a verifier's error; what: the question, for example "search for alice". */
enum kt_exit kt_output_fail_reason(struct kt_output *out, enum kt_err err, const struct kt_reason *reason,
                                   const char *what);

/* The word for scripts. */
const char *kt_output_verdict(const struct kt_output *out, enum kt_exit code);
/* The answer itself is wrong: not the clock, not memory. */
bool kt_output_is_refuted(enum kt_err err);

/* Members of the JSON object. Values are stolen; a NULL value is ignored. */
void kt_output_set(struct kt_output *out, const char *name, json_t *value);
void kt_output_append(struct kt_output *out, const char *list, json_t *value);
/* A check that was made; made several times, it is one entry that holds when it held each time. */
void kt_output_check(struct kt_output *out, const char *name, bool ok);
json_t *kt_output_hex(struct kt_bytes bytes);
json_t *kt_output_base64(struct kt_bytes bytes);
json_t *kt_output_text(struct kt_bytes bytes);

/* Write the object (with --json); returns the exit code to end with, KT_EXIT_USAGE when stdout cannot be written. */
enum kt_exit kt_output_finish(struct kt_output *out, enum kt_exit code);

#endif
