/* SPDX-License-Identifier: Apache-2.0 */
/* Account key seeds: one file per label in home/keys, mode 0600, holding 64 hex digits. A file that others may read or
 * write is refused. Seeds in memory live in a struct kt_secret.
 *
 * While the account key is being replaced there are two: the next one is durable before anything is published with it,
 * and takes the place of the present one when that is verified. Whatever cuts this off, the key that the log knows is in
 * one of the two files. */
#ifndef KT_VERIFY_KEY_STORE_H
#define KT_VERIFY_KEY_STORE_H

#include <kt/account_key.h>

#include "crypto/secret.h"
#include "output.h"

enum kt_key_slot { KT_KEY_PRESENT, KT_KEY_NEXT };

/* KT_EXIT_ABSENT, with nothing said: there is no file. Other failures are said. */
enum kt_exit kt_key_load(struct kt_output *out, const char *home, struct kt_bytes label, enum kt_key_slot slot,
                         struct kt_secret **ret_secret);
/* Whether this key is in one of the two files; nothing is said of a file that cannot be used. */
bool kt_key_is_here(const char *home, struct kt_bytes label, const struct kt_account_key *key);
/* Never overwrites: KT_EXIT_USAGE when a key is there. Durable when it returns. */
enum kt_exit kt_key_save(struct kt_output *out, const char *home, struct kt_bytes label, enum kt_key_slot slot,
                         const struct kt_secret *secret);
/* The present key, whatever was there; durable. */
enum kt_exit kt_key_replace(struct kt_output *out, const char *home, struct kt_bytes label,
                            const struct kt_secret *secret);
/* The next key becomes the present one, which is gone. */
enum kt_exit kt_key_promote(struct kt_output *out, const char *home, struct kt_bytes label);
/* A fresh seed, or all zero for the caller to fill. */
enum kt_exit kt_key_make(struct kt_output *out, bool fresh, struct kt_secret **ret_secret);

#endif
