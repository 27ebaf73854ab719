/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "log/engine.h"

enum kt_err kt_log_refuse(struct kt_log_problem *problem, enum kt_err err, const char *code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  problem->code = code;
  problem->retry = err == KT_ERR_MEMORY;
  problem->is_damaged = false;
  problem->is_unnamed = false;
  problem->current_size = 0;
  (void)vsnprintf(problem->text, sizeof problem->text, format, args);
  va_end(args);
  return err;
}

enum kt_err kt_log_retry(struct kt_log_problem *problem, enum kt_err err, const char *code, const char *text)
{
  (void)kt_log_refuse(problem, err, code, "%s", text);
  problem->retry = true;
  return err;
}

enum kt_err kt_log_refuse_token(struct kt_log_problem *problem, enum kt_err err)
{
  return kt_log_refuse(problem, KT_ERR_DENIED, "registration-token", "%s",
                       err == KT_ERR_ABSENT ? "the registration token is not valid"
                                            : "the registration token was used before");
}

enum kt_err kt_log_refuse_tree(struct kt_log_problem *problem, uint64_t ref)
{
  return kt_log_refuse(problem, KT_ERR_PROOF, "recheck",
                       "the prefix tree that is to be gone on from is not the one that was signed, at %s %llu of entry "
                       "%llu: the data is damaged",
                       kt_store_ref_is_leaf(ref) ? "leaf" : "quad", (unsigned long long)kt_store_ref_index(ref),
                       (unsigned long long)kt_store_ref_pos(ref));
}

enum kt_err kt_log_store_problem(struct kt_log_problem *problem, enum kt_err err, const struct kt_store_conn *conn)
{
  if (err == KT_ERR_MEMORY) {
    return kt_log_refuse(problem, err, "memory", "out of memory");
  }
  if (err == KT_ERR_UNDETERMINED) {
    return kt_log_retry(problem, KT_ERR_STORE, "store-busy", kt_store_message(conn));
  }
  const bool is_of_store = err == KT_ERR_ABSENT || err == KT_ERR_STORE;
  if (is_of_store && kt_store_message(conn)[0] == '\0') { /* no call failed: a row that has to be there is not */
    (void)kt_log_refuse(problem, KT_ERR_STORE, "store", "the database lacks a row that another one refers to");
    problem->is_damaged = true;
    return KT_ERR_STORE;
  }
  bool full = kt_store_is_full(conn);
  (void)kt_log_refuse(problem, KT_ERR_STORE, full ? KT_LOG_STORE_FULL : "store", "%s (%s)", kt_store_message(conn),
                      kt_err_text(err));
  problem->retry = full;
  problem->is_damaged = kt_store_is_damaged(conn);
  problem->is_unnamed = kt_store_is_unnamed(conn);
  return KT_ERR_STORE;
}
