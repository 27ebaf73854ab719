/* SPDX-License-Identifier: Apache-2.0 */
/* DIR/config.bin: the Configuration that clients pin. */
#ifndef KT_SERVER_CONFIG_FILE_H
#define KT_SERVER_CONFIG_FILE_H

#include <kt/config.h>

#include "file_io.h"

/* ret_config borrows from ret_bytes. KT_ERR_ABSENT: no such file; KT_ERR_FORMAT and others of decoding. */
KT_MUST_USE enum kt_err kt_config_file_load(const char *dir, uint8_t ret_bytes[static KT_CONFIG_MAX + 1],
                                            size_t *ret_len, struct kt_config *ret_config, struct kt_error *error);

#endif
