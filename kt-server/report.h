/* SPDX-License-Identifier: Apache-2.0 */
/* How a verb ends: its exit code, and with --json the one object on stdout (docs/interface.md, Exit codes):
 * {"schema":"kt.server.VERB/1","verdict":"done|failed|usage|undecided", …, "reason":{"code","text"} on failure}. */
#ifndef KT_SERVER_REPORT_H
#define KT_SERVER_REPORT_H

#include <jansson.h>

#include "cli.h"

/* The failure, for a person on stderr, and with as_json as the object. `fields` (NULL: none) join it; the reference is
 * taken. */
int kt_report_failure(const struct kt_verb *verb, bool as_json, json_t *fields, enum kt_err err,
                      const struct kt_error *error);
/* The object of a verb that is done. Takes the reference; NULL: there was no memory for it. */
int kt_report_json(const struct kt_verb *verb, json_t *fields);

#endif
