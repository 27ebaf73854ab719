/* SPDX-License-Identifier: Apache-2.0 */
/* Text that others chose (labels, names of devices, words of a server), on its way to a terminal.
 *
 * Whoever adds a device names it. Raw, the name could move the cursor, hide a line or read from right to left, and so
 * make an alert say something else. */
#ifndef KT_TEXT_H
#define KT_TEXT_H

#include <kt/bytes.h>

KT_API_BEGIN

/* Room for a label or a device's name in full. */
#define KT_TEXT_CLEAN_SIZE (KT_LABEL_MAX + 6)
#define KT_TEXT_QUOTE_SIZE (2 * KT_LABEL_MAX + 8)

/* The text with a '?' for every control character, mark that reorders what stands around it, invisible character (but
 * those that an emoji is made of, in their places) and byte that is not UTF-8; of blanks beside each other the first.
 * Line breaks are control characters. Always terminated; cut at a character where `size` is too small, which counts
 * bytes, at least 1. Shell quoting and HTML are another matter: this is for people to read. */
void kt_text_clean(struct kt_bytes text, char *ret_text, size_t size);

/* The same between quotation marks, with a backslash before those (and backslashes) that are in it: so that what follows
 * the name is not the name's. `size` is at least 3. */
void kt_text_quote(struct kt_bytes text, char *ret_text, size_t size);

/* What nobody types into a label on purpose, as the end of a pasted line: a control character anywhere, a blank first or
 * last. Gives it in words, and which character it is, from 1; NULL: there is none. The text is UTF-8. */
const char *kt_text_slip(struct kt_bytes text, size_t *ret_at);

KT_API_END

#endif
