/* SPDX-License-Identifier: Apache-2.0 */
/* lookup --group: a verdict per member and one for the group, the worst of them ("1 before 4 before 3 before 5 before 0").
 * Members are asked about many at once, in waves, and each is judged and told exactly as alone, in the file's order; who
 * is to receive a message is for the app to decide by the members' verdicts. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lookup.h"
#include "owner_report.h"
#include "text_file.h"

#define GROUP_FILE_MAX ((size_t)1 << 20)
#define WAVE_MAX 64 /* members whose answers are in memory together; each wave changes the state at once */

static bool is_member(const struct kt_lookup_group *group, struct kt_bytes label)
{
  for (size_t i = 0; i < group->n; i++) {
    if (group->labels[i].len == label.len && memcmp(group->labels[i].data, label.data, label.len) == 0) {
      return true;
    }
  }
  return false;
}

static struct kt_bytes next_line(struct kt_bytes *text)
{
  struct kt_bytes line = *text;
  const uint8_t *end = memchr(text->data, '\n', text->len);
  line.len = end != NULL ? (size_t)(end - text->data) : text->len;
  size_t taken = end != NULL ? line.len + 1 : line.len;
  text->data += taken;
  text->len -= taken;
  line.len -= line.len > 0 && line.data[line.len - 1] == '\r' ? 1 : 0;
  return line;
}

enum kt_exit kt_lookup_group_parse(struct kt_session *session, const char *path, struct kt_bytes text,
                                   struct kt_lookup_group *group)
{
  struct kt_output *out = session->out;
  group->n = 0;
  for (size_t number = 1; text.len > 0; number++) {
    struct kt_bytes label = next_line(&text);
    if (label.len == 0 || is_member(group, label)) {
      continue;
    }
    if (kt_own_check_typed(session, label) != KT_EXIT_OK) {
      return kt_output_fail(out, KT_EXIT_USAGE, "label", "%s: line %zu is no label; nobody was looked up", path,
                            number);
    }
    if (group->n == KT_LOOKUP_GROUP_MAX) {
      return kt_output_fail(out, KT_EXIT_USAGE, "group", "%s: more than %d labels", path, KT_LOOKUP_GROUP_MAX);
    }
    group->labels[group->n++] = label;
  }
  return group->n > 0 ? KT_EXIT_OK
                      : kt_output_fail(out, KT_EXIT_USAGE, "group", "%s: no label in it, one per line", path);
}

/* Without the network, or asked to be patient: the rest would only say the same. */
static bool is_pointless(const struct kt_session *session, const json_t *member)
{
  const char *code = json_string_value(json_object_get(json_object_get(member, "reason"), "code"));
  return session->retry_after_s > 0 || (code != NULL && strcmp(code, "network") == 0);
}

static enum kt_exit not_asked(struct kt_session *session, struct kt_bytes label)
{
  char name[4 * KT_LABEL_MAX + 8];
  kt_text_clean(label, name, sizeof name);
  return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "not-asked",
                        "%s: not looked up, because the log does not answer", name);
}

/* One member with a JSON object of its own. */
static enum kt_exit look_up_member(struct kt_session *session, struct kt_lookup_wave *wave, size_t i,
                                   struct kt_bytes label, bool ask, json_t **ret_member)
{
  struct kt_output *out = session->out;
  json_t *whole = out->object;
  out->object = json_object();
  kt_output_set(out, "label", kt_output_text(label));
  enum kt_exit code = ask || kt_lookup_wave_has(wave, i) ? kt_lookup_wave_report(wave, i) : not_asked(session, label);
  json_object_set_new(out->object, "verdict", json_string(kt_output_verdict(out, code)));
  *ret_member = out->object;
  out->object = whole;
  return code;
}

static void summarize(struct kt_output *out, const struct kt_lookup_group *group, const enum kt_exit *codes,
                      enum kt_exit worst)
{
  size_t counts[KT_EXIT_ABSENT + 1] = { 0 };
  for (size_t i = 0; i < group->n; i++) {
    counts[codes[i]]++;
  }
  kt_output_data(out, "\n");
  for (size_t i = 0; i < group->n; i++) {
    char name[4 * KT_LABEL_MAX + 8];
    kt_text_clean(group->labels[i], name, sizeof name);
    kt_output_status(out, codes[i], "%s", name);
  }
  kt_output_status(out, worst, "group of %zu: %zu verified, %zu with alerts, %zu failed, %zu undecided, %zu absent",
                   group->n, counts[KT_EXIT_OK], counts[KT_EXIT_ALERT], counts[KT_EXIT_FAILED],
                   counts[KT_EXIT_UNDECIDED] + counts[KT_EXIT_USAGE], counts[KT_EXIT_ABSENT]);
  if (worst != KT_EXIT_OK) {
    kt_output_data(out, "Encrypt only to the members that are VERIFIED; what to do about the others is said above.\n");
  }
}

/* *ask: becomes false when the log does not answer. */
static enum kt_exit look_up_wave(struct kt_session *session, const struct kt_bytes *labels, size_t n, bool *ask,
                                 enum kt_exit *codes)
{
  enum kt_exit worst = KT_EXIT_OK;
  struct kt_lookup_wave *wave = kt_lookup_wave_new(session, labels, n);
  if (wave == NULL) {
    return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  if (*ask) {
    kt_lookup_wave_ask(wave);
  }
  for (size_t i = 0; i < n; i++) {
    json_t *member = NULL;
    codes[i] = look_up_member(session, wave, i, labels[i], *ask, &member);
    *ask = *ask && !(codes[i] == KT_EXIT_UNDECIDED && is_pointless(session, member));
    kt_output_append(session->out, "members", member);
    worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)codes[i]);
  }
  kt_lookup_wave_free(wave);
  kt_session_forget(session);
  return worst;
}

static enum kt_exit look_up_all(struct kt_session *session, const struct kt_lookup_group *group)
{
  enum kt_exit worst = KT_EXIT_OK;
  enum kt_exit *codes = kt_arena_alloc(&session->pinned_arena, group->n, sizeof *codes);
  bool ask = true;
  if (codes == NULL) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "memory", "out of memory");
  }
  for (size_t i = 0; i < group->n; i++) {
    codes[i] = KT_EXIT_UNDECIDED;
  }
  kt_output_set(session->out, "members", json_array());
  for (size_t i = 0; i < group->n; i += WAVE_MAX) {
    size_t n = group->n - i < WAVE_MAX ? group->n - i : WAVE_MAX;
    enum kt_exit code = look_up_wave(session, group->labels + i, n, &ask, codes + i);
    worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)code);
  }
  summarize(session->out, group, codes, worst);
  return worst;
}

enum kt_exit kt_lookup_group(struct kt_session *session, const char *path)
{
  struct kt_bytes text;
  struct kt_lookup_group *group = kt_arena_alloc(&session->pinned_arena, 1, sizeof *group);
  if (group == NULL) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "memory", "out of memory");
  }
  enum kt_exit code = kt_text_file_read(session->out, path, GROUP_FILE_MAX, &session->pinned_arena, &text);
  if (code == KT_EXIT_OK) {
    code = kt_lookup_group_parse(session, path, text, group);
  }
  return code == KT_EXIT_OK ? look_up_all(session, group) : code;
}
