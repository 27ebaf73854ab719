/* SPDX-License-Identifier: Apache-2.0 */
#include "config_file.h"

#include "names.h"

enum kt_err kt_config_file_load(const char *dir, uint8_t ret_bytes[static KT_CONFIG_MAX + 1], size_t *ret_len,
                                struct kt_config *ret_config, struct kt_error *error)
{
  struct kt_path path;
  struct kt_reason reason = { 0 };
  enum kt_err err = kt_path_join(dir, KT_NAME_CONFIG, &path, error);
  if (err == KT_OK) {
    err = kt_file_read(path.s, KT_CONFIG_MAX, (char *)ret_bytes, ret_len, error);
  }
  if (err != KT_OK) {
    return err;
  }
  err = kt_config_decode((struct kt_bytes){ ret_bytes, *ret_len }, ret_config, &reason);
  return err == KT_OK ? KT_OK : kt_error_set(error, err, "%s: %s", path.s, reason.text);
}
