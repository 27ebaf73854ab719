/* SPDX-License-Identifier: Apache-2.0 */
/* Registry of device key algorithms: number in a device set, name on the command line and in JSON (docs/formats.md).
 *
 * The log does not use these keys; lengths are checked so that a mangled key is refused when it is published and not
 * when somebody encrypts to it. Numbers the registry does not know are legal and kept. */
#ifndef KT_KEY_ALGORITHM_H
#define KT_KEY_ALGORITHM_H

#include <kt/bytes.h>
#include <kt/err.h>

KT_API_BEGIN

enum kt_key_algorithm {
  KT_KEY_ED25519 = 1,
  KT_KEY_X25519 = 2,
  KT_KEY_P256 = 3,
  KT_KEY_MLKEM768 = 4,
  KT_KEY_MLKEM1024 = 5,
  KT_KEY_MLDSA65 = 6,
  KT_KEY_OPENPGP = 7,
  KT_KEY_SSH = 8,
  KT_KEY_RAW = 9,
};

/* "x25519" …; NULL for a number the registry does not know. */
const char *kt_key_algorithm_name(uint16_t algorithm);
/* KT_ERR_UNSUPPORTED for a name the registry does not know. Names are lower case. */
KT_MUST_USE enum kt_err kt_key_algorithm_from_name(const char *name, size_t name_len, uint16_t *ret_algorithm);
/* May these bytes be a key of this algorithm? Number 0 is reserved and empty keys do not exist. */
bool kt_key_algorithm_fits(uint16_t algorithm, struct kt_bytes key);

KT_API_END

#endif
