/* SPDX-License-Identifier: Apache-2.0 */
/* What a run that was interrupted needs to go on: files in a folder of its own.
 *
 * The truth is a text file that grows by a line for each new head and each acknowledged update, handed to the kernel at
 * once: a kill loses none of it, a power cut perhaps its end. The view of a client is replaced as a whole. */
#ifndef KT_TESTS_CRASH_KEPT_H
#define KT_TESTS_CRASH_KEPT_H

#include "truth.h"
#include "user.h"

/* Take over what the file says, if there is one, and keep what comes from here on there. A line that was not finished
 * ends what is taken over, and is cut off. False when the file cannot be read or written. */
bool crash_kept_truth(struct crash_truth *truth, const char *path);

/* The head that the user saw last, with what proves later heads consistent with it. False: cannot be written. */
bool crash_kept_save_view(const struct crash_user *user, const char *path);
/* False: it cannot be read, or is damaged. True without a file: the user sees the log for the first time. */
bool crash_kept_load_view(struct crash_user *user, const char *path);

#endif
