/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the log can no longer give: what they need is past its maximum lifetime and was removed ("Users that go offline
 * for longer than the log entry maximum lifetime may not detect if the Transparency Log made malicious modifications to
 * their labels"). Going on without it is safe only for somebody who was away that long, by this machine's own clock: for
 * anybody else the log would have an easy way to make them forget what they saw. */
#include "session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

bool kt_session_is_late(const struct kt_session *session, uint64_t since_ms)
{
  const struct kt_config *config = &session->config;
  uint64_t now_ms = kt_now_ms();
  uint64_t away_ms = now_ms > since_ms ? now_ms - since_ms : 0;
  if (!config->has_maximum_lifetime || away_ms >= config->maximum_lifetime) {
    return config->has_maximum_lifetime;
  }
  uint64_t left_ms = config->maximum_lifetime - away_ms;
  /* away + max_ahead + max_behind >= lifetime; the sum could wrap, for all of them are the configuration's words. */
  return config->max_ahead >= left_ms || config->max_behind >= left_ms - config->max_ahead;
}

bool kt_session_has_expired(const struct kt_reply *reply)
{
  static const char *const types[] = { "urn:kt:problem:last-pruned", "urn:kt:problem:pruned",
                                       "urn:kt:problem:version-expired" };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    if (reply->kind == KT_REPLY_PROBLEM && reply->status == 410 && strcmp(reply->type, types[i]) == 0) {
      return true;
    }
  }
  return false;
}

void kt_session_tell_gap(struct kt_session *session, const char *what, const char *format, ...)
{
  char text[640];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  kt_output_note(session->out, "kt-verify: %s: %s\n", what, text);
  json_t *gaps = json_object_get(session->out->object, "gaps");
  if (gaps == NULL) {
    gaps = json_array();
    kt_output_set(session->out, "gaps", gaps);
  }
  json_t *gap = json_object();
  json_object_set_new(gap, "what", kt_output_text(kt_text_bytes(what)));
  json_object_set_new(gap, "text", kt_output_text(kt_text_bytes(text)));
  json_array_append_new(gaps, gap);
}

bool kt_session_restart_view(struct kt_session *session, const struct kt_reply *reply)
{
  struct kt_log_state *log = &session->pinned->log;
  const struct kt_tree_state *tree = &log->tree;
  if (tree->size == 0 || reply->kind != KT_REPLY_PROBLEM || reply->status != 410 ||
      strcmp(reply->type, "urn:kt:problem:last-pruned") != 0) {
    return false;
  }
  uint64_t seen_ms = tree->frontier[tree->n_frontier - 1].timestamp_ms;
  if (!kt_session_is_late(session, seen_ms)) {
    return false; /* the refusal is told as one: so early nothing may be gone */
  }
  char time[KT_TIME_SIZE];
  kt_report_time(seen_ms, time);
  kt_session_tell_gap(
      session, "the log",
      "this home saw the log last as of %s (%" PRIu64 " entries), longer ago than the log keeps entries. "
      "Nothing can prove any more that what it shows now continues from there, so it is looked at anew. "
      "The old signed head is kept; whoever was not away can compare it with theirs",
      time, tree->size);
  *log = (struct kt_log_state){ .signature_len = 0 };
  return true;
}
