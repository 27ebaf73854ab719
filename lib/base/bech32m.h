/* SPDX-License-Identifier: Apache-2.0 */
/* Bech32m (BIP 350): a human-readable part, "1", groups of five bits, six characters of checksum; 90 characters at
 * most, within which up to four wrong characters are always noticed.
 *
 * Decoding takes one case or the other, never both. A fault says where: `at` is an index into the text, or
 * KT_BECH32M_NOWHERE. For a wrong checksum it is the only place where changing one character makes it right: a hint
 * for the person who typed it, never a correction (BIP 350: "refrain from using this for more than indicating"). */
#ifndef KT_BASE_BECH32M_H
#define KT_BASE_BECH32M_H

#include <kt/bytes.h>
#include <kt/err.h>

#define KT_BECH32M_TEXT_MAX 90
#define KT_BECH32M_CHECKSUM_LEN 6
#define KT_BECH32M_PREFIX_MAX (KT_BECH32M_TEXT_MAX - 1 - KT_BECH32M_CHECKSUM_LEN)
#define KT_BECH32M_NOWHERE SIZE_MAX

struct kt_bech32m {
  char prefix[KT_BECH32M_PREFIX_MAX + 1]; /* the human-readable part, lower case, NUL-terminated */
  uint8_t groups[KT_BECH32M_TEXT_MAX];    /* five bits each, without the checksum */
  size_t n_groups;
};

enum kt_bech32m_fault_kind {
  KT_BECH32M_LENGTH,    /* over 90 characters, or too short for a prefix and a checksum */
  KT_BECH32M_SEPARATOR, /* no "1", nothing before it, or too little after it */
  KT_BECH32M_CHARACTER, /* at: the first one that cannot stand there */
  KT_BECH32M_CASE,      /* at: the first letter of the other case */
  KT_BECH32M_CHECKSUM,
};

struct kt_bech32m_fault {
  enum kt_bech32m_fault_kind kind;
  size_t at;
};

/* KT_ERR_LIMIT over 90 characters, KT_ERR_USAGE for a prefix that cannot be one (or is not in lower case). */
KT_MUST_USE enum kt_err kt_bech32m_encode(const struct kt_bech32m *code, char ret_text[static KT_BECH32M_TEXT_MAX + 1]);
/* KT_ERR_FORMAT, and then *fault is filled. The groups need not be whole bytes: see kt_bits5_join. */
KT_MUST_USE enum kt_err kt_bech32m_decode(struct kt_bytes text, struct kt_bech32m *ret_code,
                                          struct kt_bech32m_fault *fault);

#endif
