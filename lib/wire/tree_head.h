/* SPDX-License-Identifier: Apache-2.0 */
/* Tree heads and the bytes their signatures cover (draft: Tree Head Signature, Auditor Tree Head Signature, Full Tree
 * Head Verification). The two _sign_data builders are the only makers of those bytes, for signer and verifier. */
#ifndef KT_WIRE_TREE_HEAD_H
#define KT_WIRE_TREE_HEAD_H

#include <kt/config.h>

#include "base/reader.h"
#include <kt/writer.h>

struct kt_tree_head {
  uint64_t tree_size;
  struct kt_bytes signature;
};

struct kt_auditor_tree_head {
  uint64_t timestamp;
  uint64_t tree_size;
  struct kt_bytes signature;
};

enum kt_full_tree_head_type {
  KT_HEAD_SAME = 1,
  KT_HEAD_UPDATED = 2,
};

struct kt_full_tree_head {
  enum kt_full_tree_head_type type;
  struct kt_tree_head tree_head;            /* updated */
  struct kt_auditor_tree_head auditor_head; /* updated, in third-party auditing mode */
};

void kt_tree_head_write(struct kt_writer *w, const struct kt_tree_head *head);
void kt_tree_head_read(struct kt_reader *r, struct kt_tree_head *ret);
void kt_auditor_tree_head_write(struct kt_writer *w, const struct kt_auditor_tree_head *head);
void kt_auditor_tree_head_read(struct kt_reader *r, struct kt_auditor_tree_head *ret);
/* A whole message. KT_ERR_FORMAT. Borrows. */
KT_MUST_USE enum kt_err kt_auditor_tree_head_decode(struct kt_bytes encoded, struct kt_auditor_tree_head *ret);
void kt_full_tree_head_write(struct kt_writer *w, const struct kt_config *config, const struct kt_full_tree_head *head);
void kt_full_tree_head_read(struct kt_reader *r, const struct kt_config *config, struct kt_full_tree_head *ret);

/* TreeHeadTBS and AuditorTreeHeadTBS; both fit KT_HEAD_TBS_MAX. Return the length. */
#define KT_HEAD_TBS_MAX (KT_CONFIG_MAX + 64)
size_t kt_tree_head_sign_data(const struct kt_config *config, uint64_t tree_size, const struct kt_hash *root,
                              uint8_t buf[static KT_HEAD_TBS_MAX]);
size_t kt_auditor_tree_head_sign_data(const struct kt_config *config, uint64_t timestamp, uint64_t tree_size,
                                      const struct kt_hash *root, uint8_t buf[static KT_HEAD_TBS_MAX]);

/* Sign with the prepared key (the log, often) or the seed (an auditor, now and then), or verify against the
 * configuration's key (signature_public_key, auditor_public_key). */
KT_MUST_USE enum kt_err kt_tree_head_sign(const struct kt_config *config, const struct kt_sign_key *key,
                                          uint64_t tree_size, const struct kt_hash *root,
                                          uint8_t ret_signature[static KT_SIGNATURE_MAX]);
KT_MUST_USE enum kt_err kt_auditor_tree_head_sign(const struct kt_config *config,
                                                  const uint8_t seed[static KT_SEED_LEN], uint64_t timestamp,
                                                  uint64_t tree_size, const struct kt_hash *root,
                                                  uint8_t ret_signature[static KT_SIGNATURE_MAX]);
KT_MUST_USE enum kt_err kt_tree_head_verify(const struct kt_config *config, const struct kt_tree_head *head,
                                            const struct kt_hash *root);
KT_MUST_USE enum kt_err kt_auditor_tree_head_verify(const struct kt_config *config,
                                                    const struct kt_auditor_tree_head *head,
                                                    const struct kt_hash *root);

#endif
