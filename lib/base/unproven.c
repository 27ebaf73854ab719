/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unproven.h"

enum kt_err kt_unproven(struct kt_reason *reason, enum kt_err err, const char *code, const char *text,
                        const char *section)
{
  const bool examined = err != KT_ERR_MEMORY && err != KT_ERR_CRYPTO;
  return examined ? kt_fail(reason, KT_ERR_PROOF, code, text, section)
                  : kt_fail(reason, err, "not-examined",
                            "this machine could not examine a signature, a key or a proof, perhaps for want of memory: "
                            "that says nothing about the log",
                            "ours");
}
