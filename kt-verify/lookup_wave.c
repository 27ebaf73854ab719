/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a group looked up at once: one batch of searches, then one of the monitoring that these oblige to. Whatever
 * is out of the ordinary (an own label, a refusal, versions in between that have to be looked at) is looked up alone,
 * when it is its turn to be said. */
#include <stdlib.h>

#include "lookup.h"
#include "owner.h"
#include "session_batch.h"

#define NONE SIZE_MAX

struct member {
  struct kt_watch watch;
  size_t search;  /* index in the batch; NONE: looked up alone */
  size_t monitor; /* NONE: nothing to monitor */
};

struct kt_lookup_wave {
  struct kt_session *session;
  struct member *members;
  size_t n;
  struct kt_batch *searches;
  struct kt_batch *monitors;
};

struct kt_lookup_wave *kt_lookup_wave_new(struct kt_session *session, const struct kt_bytes *labels, size_t n)
{
  struct kt_lookup_wave *wave = calloc(1, sizeof *wave);
  struct member *members = calloc(n + 1, sizeof *members); /* + 1: none is no failure */
  if (wave == NULL || members == NULL) {
    free(wave);
    free(members);
    return NULL;
  }
  *wave = (struct kt_lookup_wave){ .session = session, .members = members, .n = n };
  for (size_t i = 0; i < n; i++) {
    kt_watch_init(&members[i].watch, session, labels[i]);
    members[i].watch.allow_unsigned = kt_cli_flag(session->cli, KT_OPT_ALLOW_UNSIGNED);
    members[i].search = NONE;
    members[i].monitor = NONE;
  }
  return wave;
}

void kt_lookup_wave_free(struct kt_lookup_wave *wave)
{
  if (wave != NULL) {
    kt_batch_free(wave->searches);
    kt_batch_free(wave->monitors);
    free(wave->members);
    free(wave);
  }
}

/* --- asking ------------------------------------------------------------------------------------------------------------- */

/* A failure to read is said when the label is looked up alone. */
static bool is_own(const struct member *member)
{
  struct kt_own_label own;
  return kt_own_open(&own, member->watch.session, member->watch.label) != KT_EXIT_ABSENT;
}

static void ask_searches(struct kt_lookup_wave *wave)
{
  size_t n = 0;
  for (size_t i = 0; i < wave->n; i++) {
    wave->members[i].search = is_own(&wave->members[i]) ? NONE : n++;
  }
  wave->searches = kt_batch_new(wave->session, n);
  for (size_t i = 0; i < wave->n && wave->searches != NULL; i++) {
    struct member *member = &wave->members[i];
    if (member->search != NONE) {
      wave->searches->items[member->search].query = kt_watch_search_query(&member->watch);
    }
  }
  if (wave->searches != NULL) {
    kt_batch_ask(wave->searches);
  }
}

static bool is_verified(const struct kt_batch *batch, size_t i)
{
  return batch != NULL && i != NONE && batch->items[i].outcome == KT_BATCH_VERIFIED;
}

/* Its search found something, and the search is all there is to be found. */
static bool is_plain(const struct kt_lookup_wave *wave, const struct member *member)
{
  return is_verified(wave->searches, member->search) && member->watch.found && !kt_watch_wants_history(&member->watch);
}

static void ask_monitors(struct kt_lookup_wave *wave)
{
  size_t n = 0;
  for (size_t i = 0; i < wave->n; i++) {
    struct member *member = &wave->members[i];
    bool due = is_plain(wave, member) && member->watch.other.monitoring.n_map > 0;
    member->monitor = due ? n++ : NONE;
  }
  wave->monitors = n > 0 ? kt_batch_new(wave->session, n) : NULL;
  for (size_t i = 0; i < wave->n && wave->monitors != NULL; i++) {
    struct member *member = &wave->members[i];
    if (member->monitor != NONE) {
      wave->monitors->items[member->monitor].query = kt_watch_monitor_query(&member->watch);
    }
  }
  if (wave->monitors != NULL) {
    kt_batch_ask(wave->monitors);
  }
}

void kt_lookup_wave_ask(struct kt_lookup_wave *wave)
{
  ask_searches(wave);
  ask_monitors(wave);
}

/* --- saying it ---------------------------------------------------------------------------------------------------------- */

bool kt_lookup_wave_has(const struct kt_lookup_wave *wave, size_t i)
{
  const struct member *member = &wave->members[i];
  return wave->searches != NULL && member->search != NONE &&
         wave->searches->items[member->search].outcome != KT_BATCH_OPEN;
}

/* The obligations of a label that was found, as kt_watch_look discharges them; that there were none is kept already. */
static enum kt_exit report_monitor(struct kt_lookup_wave *wave, struct member *member)
{
  if (member->watch.other.monitoring.n_map == 0) {
    return KT_EXIT_OK;
  }
  bool open = wave->monitors == NULL || member->monitor == NONE ||
              wave->monitors->items[member->monitor].outcome == KT_BATCH_OPEN;
  return open ? kt_watch_monitor(&member->watch) : kt_batch_report(wave->monitors, member->monitor);
}

enum kt_exit kt_lookup_wave_report(struct kt_lookup_wave *wave, size_t i)
{
  struct member *member = &wave->members[i];
  bool again = is_verified(wave->searches, member->search) && kt_watch_wants_history(&member->watch);
  if (!kt_lookup_wave_has(wave, i) || again) {
    return kt_lookup_label(wave->session, member->watch.label);
  }
  enum kt_exit code = kt_batch_report(wave->searches, member->search);
  if (code == KT_EXIT_OK) {
    kt_watch_add_notes(&member->watch);
    code = report_monitor(wave, member);
  }
  return kt_lookup_report(&member->watch, code);
}
