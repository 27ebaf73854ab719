/* SPDX-License-Identifier: Apache-2.0 */
/* What a run that was interrupted needs to go on: files in a folder of its own.
 *
 * The truth is a text file that grows by a line for each new head, each acknowledged update and each failure, handed to the
 * kernel at once: a kill loses none of it, a power cut at most what came after the last crash_kept_sync. The view of a client
 * is replaced as a whole. */
#ifndef KT_TESTS_CRASH_KEPT_H
#define KT_TESTS_CRASH_KEPT_H

#include "truth.h"
#include "user.h"

/* What the file has at least, as the counters say that were saved after it. */
struct crash_kept_counts {
  uint64_t acks;
  uint64_t heads;
  uint64_t failures;
};

/* Take over what the file says, if there is one, and keep what comes from here on there. Only a last line that was not finished
 * is cut off. False, with a line on stderr and the file as it was, when a whole line is damaged, when it has less than `least`,
 * or when it cannot be read or written: a log is not held to a truth of which a part is lost. */
bool crash_kept_truth(struct crash_truth *truth, const char *path, const struct crash_kept_counts *least);
/* What was kept outlasts a power cut from here on. */
bool crash_kept_sync(const struct crash_truth *truth);

/* The head that the user saw last, with what proves later heads consistent with it. False: cannot be written. */
bool crash_kept_save_view(const struct crash_user *user, const char *path);
/* False: it cannot be read, is damaged, or there is none, unless is_first: then the user sees the log for the first time. */
bool crash_kept_load_view(struct crash_user *user, const char *path, bool is_first);

#endif
