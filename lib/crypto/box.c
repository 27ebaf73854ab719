/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/box.h"

#include <sodium.h>

_Static_assert(KT_BOX_KEY_LEN == crypto_secretbox_KEYBYTES, "key");
_Static_assert(KT_BOX_NONCE_LEN == crypto_secretbox_NONCEBYTES, "nonce");
_Static_assert(KT_BOX_TAG_LEN == crypto_secretbox_MACBYTES, "tag");

enum kt_err kt_box_seal(const uint8_t key[static KT_BOX_KEY_LEN], const uint8_t nonce[static KT_BOX_NONCE_LEN],
                        struct kt_bytes message, uint8_t *ret_box)
{
  return crypto_secretbox_easy(ret_box, message.data, message.len, nonce, key) == 0 ? KT_OK : KT_ERR_CRYPTO;
}

enum kt_err kt_box_open(const uint8_t key[static KT_BOX_KEY_LEN], const uint8_t nonce[static KT_BOX_NONCE_LEN],
                        struct kt_bytes box, uint8_t *ret_message)
{
  return crypto_secretbox_open_easy(ret_message, box.data, box.len, nonce, key) == 0 ? KT_OK : KT_ERR_PROOF;
}
