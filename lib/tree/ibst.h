/* SPDX-License-Identifier: Apache-2.0 */
/* Implicit binary search tree over log entry positions (draft: Implicit Binary Search Tree and its appendix). Pure
 * arithmetic, valid for every size from 1 to 2^64-1. */
#ifndef KT_TREE_IBST_H
#define KT_TREE_IBST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_IBST_DEPTH_MAX 64

uint64_t kt_ibst_root(uint64_t size);
/* Children; false when there is none (a leaf; for right also the rightmost entry). */
bool kt_ibst_left(uint64_t pos, uint64_t *ret_left);
bool kt_ibst_right(uint64_t pos, uint64_t size, uint64_t *ret_right);
/* The child of pos on the way to target (target != pos, both < size). */
uint64_t kt_ibst_toward(uint64_t pos, uint64_t target, uint64_t size);
/* Root first, rightmost entry last; the count. */
size_t kt_ibst_frontier(uint64_t size, uint64_t ret_frontier[static KT_IBST_DEPTH_MAX]);
/* The direct path of pos, root first, parent last, without pos itself; the count. */
size_t kt_ibst_path(uint64_t pos, uint64_t size, uint64_t ret_path[static KT_IBST_DEPTH_MAX]);

#endif
