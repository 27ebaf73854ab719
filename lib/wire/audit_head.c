/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/audit_head.h"

#include <string.h>

void kt_audit_head_write(struct kt_writer *w, const struct kt_audit_head *head)
{
  kt_tree_head_write(w, &head->tree_head);
  kt_write_bytes(w, head->root.b, sizeof head->root.b);
  kt_write_present(w, head->has_auditor);
  if (head->has_auditor) {
    kt_auditor_tree_head_write(w, &head->auditor);
  }
}

enum kt_err kt_audit_head_decode(struct kt_bytes encoded, struct kt_audit_head *ret)
{
  struct kt_reader r;
  struct kt_audit_head head = { .has_auditor = false };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_tree_head_read(&r, &head.tree_head);
  const uint8_t *root = kt_read_bytes(&r, KT_HASH_LEN);
  head.has_auditor = kt_read_present(&r);
  if (head.has_auditor) {
    kt_auditor_tree_head_read(&r, &head.auditor);
  }
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    memcpy(head.root.b, root, KT_HASH_LEN);
    *ret = head;
  }
  return err;
}
