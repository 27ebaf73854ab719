/* SPDX-License-Identifier: Apache-2.0 */
/* One look-up of the verb, for a label alone and for every member of a group. */
#ifndef KT_VERIFY_LOOKUP_H
#define KT_VERIFY_LOOKUP_H

#include "watch.h"

/* Look the label up, judge it, say it, and fill the JSON object. The label is 1 to 255 bytes of UTF-8. */
enum kt_exit kt_lookup_label(struct kt_session *session, struct kt_bytes label);
/* The same after the newest version was looked up; code: how that ended. */
enum kt_exit kt_lookup_report(struct kt_watch *watch, enum kt_exit code);
#define KT_LOOKUP_GROUP_MAX 4096

struct kt_lookup_group {
  struct kt_bytes labels[KT_LOOKUP_GROUP_MAX];
  size_t n;
};

/* One label per line of the file at `path`, into *group, which borrows. Everything is checked before anything is asked. Empty
 * lines are skipped, and a label that comes again. */
enum kt_exit kt_lookup_group_parse(struct kt_session *session, const char *path, struct kt_bytes text,
                                   struct kt_lookup_group *group);
/* Everybody in the file that --group names. */
enum kt_exit kt_lookup_group(struct kt_session *session, const char *path);

/* Some members of a group, asked about at once. */
struct kt_lookup_wave;
struct kt_lookup_wave *kt_lookup_wave_new(struct kt_session *session, const struct kt_bytes *labels, size_t n);
void kt_lookup_wave_free(struct kt_lookup_wave *wave);
/* Ask; nothing is said. Without it every label is looked up alone. */
void kt_lookup_wave_ask(struct kt_lookup_wave *wave);
/* Was label i answered? If not, saying it asks. */
bool kt_lookup_wave_has(const struct kt_lookup_wave *wave, size_t i);
/* As kt_lookup_label. */
enum kt_exit kt_lookup_wave_report(struct kt_lookup_wave *wave, size_t i);

#endif
