/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of retained states that several of them have, between a format number and a reader's end. */
#ifndef KT_CLIENT_STATE_H
#define KT_CLIENT_STATE_H

#include <kt/client.h>

#include "base/reader.h"

#define KT_STATE_FORMAT 1
void kt_state_format_read(struct kt_reader *r);

/* The counts of a tree state follow from its size; size 0 is the size alone. */
void kt_tree_state_write(struct kt_writer *w, const struct kt_tree_state *tree);
void kt_tree_state_read(struct kt_reader *r, struct kt_tree_state *ret_tree);

void kt_contact_body_write(struct kt_writer *w, const struct kt_contact_state *contact);
void kt_contact_body_read(struct kt_reader *r, struct kt_arena *arena, struct kt_contact_state *ret);

#endif
