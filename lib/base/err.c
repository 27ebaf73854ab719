/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/err.h>

#include <stddef.h>

const char *kt_err_text(enum kt_err err)
{
  switch (err) {
  case KT_OK: return "no error";
  case KT_ERR_FORMAT: return "malformed data";
  case KT_ERR_PROOF: return "a proof, signature or consistency check failed";
  case KT_ERR_STALE: return "the log's newest timestamp is outside the bounds of this machine's clock";
  case KT_ERR_ABSENT: return "it does not exist";
  case KT_ERR_EXPIRED: return "it has expired or was erased";
  case KT_ERR_UNDETERMINED: return "the data does not determine the answer";
  case KT_ERR_DENIED: return "not authorised";
  case KT_ERR_CONFLICT: return "it was changed by somebody else in the meantime";
  case KT_ERR_LIMIT: return "over a limit";
  case KT_ERR_USAGE: return "wrong arguments";
  case KT_ERR_UNSUPPORTED: return "not supported";
  case KT_ERR_MEMORY: return "out of memory";
  case KT_ERR_STORE: return "reading or writing stored data failed";
  case KT_ERR_CRYPTO: return "a cryptographic operation failed or a key is invalid";
  }
  return "unknown error";
}

enum kt_err kt_fail(struct kt_reason *reason, enum kt_err err, const char *code, const char *text, const char *section)
{
  if (reason != NULL && reason->code == NULL) {
    *reason = (struct kt_reason){ .code = code, .text = text, .section = section };
  }
  return err;
}

enum kt_err kt_fail_at(struct kt_reason *reason, enum kt_err err, const char *code, const char *text,
                       const char *section, uint64_t position)
{
  if (reason != NULL && reason->code == NULL) {
    *reason = (struct kt_reason){
      .code = code, .text = text, .section = section, .position = position, .has_position = true
    };
  }
  return err;
}
