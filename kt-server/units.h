/* SPDX-License-Identifier: Apache-2.0 */
/* Durations ("250ms", "10m", "24h") and sizes ("64KiB", "1MiB") as people write them.
 *
 * A number and a unit, nothing else: "24" is no duration, because nobody can tell of what. KT_ERR_FORMAT with *ret_why
 * (static) saying what is wrong; KT_ERR_LIMIT when the number does not fit 63 bits. */
#ifndef KT_SERVER_UNITS_H
#define KT_SERVER_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include <kt/err.h>

/* Units: ms, s, m, h, d; "0" alone is a duration too. */
KT_MUST_USE enum kt_err kt_duration_parse(const char *text, uint64_t *ret_ms, const char **ret_why);
/* Units: none or B for bytes, KiB, MiB, GiB. */
KT_MUST_USE enum kt_err kt_size_parse(const char *text, uint64_t *ret_bytes, const char **ret_why);
/* Decimal digits only, no sign, no blank, all 64 bits. */
KT_MUST_USE enum kt_err kt_number_parse(const char *text, uint64_t *ret_number);

/* "2026-11-22T01:23:45.678Z", from Unix milliseconds. */
#define KT_TIME_TEXT_SIZE 40
void kt_time_text(uint64_t ms, char ret_text[static KT_TIME_TEXT_SIZE]);

#define KT_DURATION_TEXT_SIZE 32
/* "24h", "1500ms": the largest unit that divides it. */
void kt_duration_text(uint64_t ms, char ret_text[static KT_DURATION_TEXT_SIZE]);
/* "64MiB", "1500B": the same for sizes. */
void kt_size_text(uint64_t bytes, char ret_text[static KT_DURATION_TEXT_SIZE]);

#endif
