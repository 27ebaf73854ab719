/* SPDX-License-Identifier: Apache-2.0 */
/* Account key seeds: one file per label in home/keys, mode 0600, holding 64 hex digits. A file that others may read or
 * write is refused. Seeds in memory live in a struct kt_secret. */
#ifndef KT_VERIFY_KEY_STORE_H
#define KT_VERIFY_KEY_STORE_H

#include "crypto/secret.h"
#include "output.h"

/* KT_EXIT_ABSENT, with nothing said: there is no file. Other failures are said. */
enum kt_exit kt_key_load(struct kt_output *out, const char *home, struct kt_bytes label, struct kt_secret **ret_secret);
/* Never overwrites: KT_EXIT_USAGE when a key is there. Durable when it returns. */
enum kt_exit kt_key_save(struct kt_output *out, const char *home, struct kt_bytes label,
                         const struct kt_secret *secret);
/* A fresh seed, or all zero for the caller to fill. */
enum kt_exit kt_key_make(struct kt_output *out, bool fresh, struct kt_secret **ret_secret);

#endif
