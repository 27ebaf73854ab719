/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticated encryption of a whole message under a key (libsodium's secretbox: XSalsa20 and Poly1305). A nonce is
 * fresh random bytes for every message. */
#ifndef KT_CRYPTO_BOX_H
#define KT_CRYPTO_BOX_H

#include <kt/bytes.h>
#include <kt/err.h>

#define KT_BOX_KEY_LEN 32
#define KT_BOX_NONCE_LEN 24
#define KT_BOX_TAG_LEN 16

/* KT_BOX_TAG_LEN + message.len bytes. */
KT_MUST_USE enum kt_err kt_box_seal(const uint8_t key[static KT_BOX_KEY_LEN],
                                    const uint8_t nonce[static KT_BOX_NONCE_LEN], struct kt_bytes message,
                                    uint8_t *ret_box);
/* box.len - KT_BOX_TAG_LEN bytes. KT_ERR_PROOF: another key or nonce, or a changed box; nothing is written then. */
KT_MUST_USE enum kt_err kt_box_open(const uint8_t key[static KT_BOX_KEY_LEN],
                                    const uint8_t nonce[static KT_BOX_NONCE_LEN], struct kt_bytes box,
                                    uint8_t *ret_message);

#endif
