/* SPDX-License-Identifier: Apache-2.0 */
/* Account keys inside kept states: 33 bytes as they are, or optional<AccountKey>. Neither writes nor reads judge the key;
 * a reader's error is sticky, and the key untouched then. */
#ifndef KT_ACCOUNT_KEY_CODEC_H
#define KT_ACCOUNT_KEY_CODEC_H

#include <kt/account_key.h>
#include <kt/writer.h>
#include "base/reader.h"

void kt_account_key_write_optional(struct kt_writer *w, bool present, const struct kt_account_key *key);
void kt_account_key_read(struct kt_reader *r, struct kt_account_key *ret_key);
/* Is one there? */
bool kt_account_key_read_optional(struct kt_reader *r, struct kt_account_key *ret_key);

#endif
