/* SPDX-License-Identifier: Apache-2.0 */
/* What search and monitor responses have in common. */
#ifndef KT_CONFORMANCE_RESPONSE_H
#define KT_CONFORMANCE_RESPONSE_H

#include <kt/client.h>

#include "wire/search.h"
#include "world.h"

/* A client that has retained nothing, at the time of the log's newest entry. config is borrowed. */
struct kt_client conf_client(struct conf_case *c, const struct kt_config *config, const struct conf_world *world);
/* full_tree_head, tree_size, binary_ladder of the expectation. */
void conf_same_head(struct conf_case *c, const struct kt_config *config, const struct kt_full_tree_head *head);
void conf_same_ladder(struct conf_case *c, const struct kt_config *config, const struct kt_ladder_step *steps,
                      size_t n);

#endif
