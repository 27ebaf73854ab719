/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts that several files ask for: fields in object, true when it verifies. */
#ifndef KT_CONFORMANCE_LEAF_H
#define KT_CONFORMANCE_LEAF_H

#include "conf.h"

/* The commitment of what the fields opening, label, version and update say. */
struct kt_hash conf_commitment_of(struct conf_case *c, const json_t *object);
bool conf_vrf_verifies(struct conf_case *c, const json_t *object, struct kt_hash *ret_output);
/* Fields of a configuration, root, tree_size and signature. */
bool conf_tree_head_verifies(struct conf_case *c, const json_t *object, struct kt_bytes signature);

#endif
