/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files that people hand over, "-" for standard input or output. */
#ifndef KT_VERIFY_TEXT_FILE_H
#define KT_VERIFY_TEXT_FILE_H

#include <kt/arena.h>

#include "output.h"

/* At most `max` bytes, into the arena, with a NUL behind them. Says why it fails: KT_EXIT_USAGE. */
enum kt_exit kt_text_file_read(struct kt_output *out, const char *path, size_t max, struct kt_arena *arena,
                               struct kt_bytes *ret_text);
/* The whole file, mode 0600, durable, or the one that was there before. */
enum kt_exit kt_text_file_write(struct kt_output *out, const char *path, struct kt_bytes text);

#endif
