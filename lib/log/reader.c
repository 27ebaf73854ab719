/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "crypto/hkdf.h"
#include "log/engine.h"

enum kt_err kt_log_reader_new(struct kt_log *log, struct kt_log_reader **ret_reader, struct kt_log_problem *ret_problem)
{
  struct kt_store_error error;
  struct kt_log_reader *reader = calloc(1, sizeof *reader);
  if (reader == NULL) {
    return kt_log_refuse(ret_problem, KT_ERR_MEMORY, "memory", "out of memory");
  }
  reader->log = log;
  enum kt_err err = kt_store_open_reader(log->options.store, &reader->conn, &error);
  if (err != KT_OK) {
    free(reader);
    return kt_log_refuse(ret_problem, err, "store", "%s", error.text);
  }
  *ret_reader = reader;
  return KT_OK;
}

void kt_log_reader_free(struct kt_log_reader *reader)
{
  if (reader != NULL) {
    kt_store_close_conn(reader->conn);
    kt_wipe(reader->openings, sizeof reader->openings);
    free(reader);
  }
}

enum kt_err kt_log_read_begin(struct kt_log_reader *reader, struct kt_log_problem *ret_problem)
{
  enum kt_err err = kt_store_read_begin(reader->conn);
  return err == KT_OK ? KT_OK : kt_log_store_problem(ret_problem, err, reader->conn);
}

void kt_log_read_end(struct kt_log_reader *reader)
{
  kt_store_read_end(reader->conn);
}
