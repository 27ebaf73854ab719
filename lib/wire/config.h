/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration inside other structures (draft: Tree Head Signature). */
#ifndef KT_WIRE_CONFIG_H
#define KT_WIRE_CONFIG_H

#include <kt/config.h>

#include <kt/writer.h>

void kt_config_write(struct kt_writer *w, const struct kt_config *config);

#endif
