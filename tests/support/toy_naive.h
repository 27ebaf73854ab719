/* SPDX-License-Identifier: Apache-2.0 */
/* What is true of a toy log, computed the long way from the draft's definitions, without the code under test. */
#ifndef KT_TESTS_TOY_NAIVE_H
#define KT_TESTS_TOY_NAIVE_H

#include "toy_log.h"

/* Value of the balanced subtree over entries [start, start + 2^level), and of the whole tree (Log Tree). */
void toy_naive_subtree(const struct toy_log *log, uint64_t start, unsigned level, struct kt_hash *ret_value);
void toy_naive_root(const struct toy_log *log, uint64_t size, struct kt_hash *ret_root);

/* Reasonable Monitoring Window, Maximum Lifetime, in the tree of `size` entries. */
bool toy_naive_distinguished(const struct toy_log *log, uint64_t size, uint64_t pos);
bool toy_naive_rightmost_distinguished(const struct toy_log *log, uint64_t size, uint64_t *ret_pos);
bool toy_naive_expired(const struct toy_log *log, uint64_t size, uint64_t pos);
/* Parent in the implicit binary search tree of `size`; false for the root. */
bool toy_naive_parent(uint64_t size, uint64_t pos, uint64_t *ret_parent);
/* Whether a lies on the direct path of pos. */
bool toy_naive_is_ancestor(uint64_t size, uint64_t a, uint64_t pos);

/* What a user retains of the tree of `size` entries (Updating Views of the Tree). */
void toy_naive_state(const struct toy_log *log, uint64_t size, struct kt_tree_state *ret_state);

/* Greatest-Version Search: the terminal entry; the label must have a version. */
uint64_t toy_naive_greatest_terminal(const struct toy_log *log, uint64_t size, const char *label);
/* Fixed-Version Search, by the numbered steps: KT_OK with the terminal entry, KT_ERR_EXPIRED or KT_ERR_ABSENT. */
enum kt_err toy_naive_fixed(const struct toy_log *log, uint64_t size, const char *label, uint32_t target,
                            uint64_t *ret_terminal);

#endif
