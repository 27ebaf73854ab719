/* SPDX-License-Identifier: Apache-2.0 */
/* A label owner as `update` and `from-kt` describe one. */
#ifndef KT_CONFORMANCE_OWNER_H
#define KT_CONFORMANCE_OWNER_H

#include <kt/client.h>

#include "algo/algo.h"
#include "conf.h"

/* {starting, version_at_starting?, upcoming: [position of one version each]} */
struct kt_owner_state conf_owner(struct conf_case *c, const json_t *object);
/* What that owner is told: n_new versions at position. */
struct kt_label_update conf_label_update(const struct kt_owner_state *owner, uint64_t position, uint32_t n_new);

#endif
