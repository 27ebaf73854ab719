/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded configurations of every mode, written from the draft (Tree Head Signature), with the public keys of RFC 8032
 * section 7.1, tests 1 to 3: signature, VRF, third party. */
#ifndef KT_TEST_WIRE_CONFIGS_H
#define KT_TEST_WIRE_CONFIGS_H

#include "wire_test.h"

#include "wire/config.h"

#define KEY_1 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define KEY_2 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define KEY_3 "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"

/* clang-format off */
#define CONFIG_SUITE "0002"                 /* CipherSuite ciphersuite */
#define CONFIG_KEYS "0020" KEY_1 "0020" KEY_2 /* signature_public_key<0..2^16-1>, vrf_public_key<0..2^16-1> */
#define CONFIG_MANAGER "0020" KEY_3         /* leaf_public_key<0..2^16-1> */
#define CONFIG_AUDITOR \
  "000000000000ea60"                        /* uint64 max_auditor_lag */ \
  "0000000000000003"                        /* uint64 auditor_start_pos */ \
  "0020" KEY_3                              /* auditor_public_key<0..2^16-1> */
#define CONFIG_TIMES \
  "0000000000002710"                        /* uint64 max_ahead */ \
  "00000000000927c0"                        /* uint64 max_behind */ \
  "0000000005265c00"                        /* uint64 reasonable_monitoring_window */
#define CONFIG_NO_LIFETIME "00"             /* optional<uint64> maximum_lifetime */

#define CONFIG_CONTACT CONFIG_SUITE "01" CONFIG_KEYS CONFIG_TIMES CONFIG_NO_LIFETIME
#define CONFIG_MANAGED CONFIG_SUITE "02" CONFIG_KEYS CONFIG_MANAGER CONFIG_TIMES CONFIG_NO_LIFETIME
#define CONFIG_AUDITED CONFIG_SUITE "03" CONFIG_KEYS CONFIG_AUDITOR CONFIG_TIMES CONFIG_NO_LIFETIME
/* clang-format on */

/* The configuration borrows from *ret_bytes. */
static inline struct kt_config decode_config(const char *hex, struct kt_bytes *ret_bytes)
{
  struct kt_config config;
  struct kt_reason reason = { 0 };
  *ret_bytes = bytes_hex(hex);
  assert_int_equal(kt_config_decode(*ret_bytes, &config, &reason), KT_OK);
  assert_null(reason.code);
  return config;
}

#endif
