/* SPDX-License-Identifier: Apache-2.0 */
/* JSON view of the Configuration (draft: Tree Head Signature), with the log identity. */
#ifndef KT_JSON_CONFIG_H
#define KT_JSON_CONFIG_H

#include <kt/config.h>

#include "json/builder.h"

/* "contact-monitoring" … */
const char *kt_json_mode_name(enum kt_mode mode);
json_t *kt_json_config(const struct kt_config *config);

#endif
