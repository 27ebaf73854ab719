/* SPDX-License-Identifier: Apache-2.0 */
/* Binary ladders (draft: Binary Ladder and its appendix). All arithmetic in 64 bits: the log chooses the numbers.
 *
 * A search ladder for target t in an entry whose greatest version is n is the ladder of t up to and including the
 * first lookup whose outcome differs from what t as the greatest version would give: until then the ladders of t and
 * of n agree. So one series per target is enough, and the outcome of each lookup says whether to go on. */
#ifndef KT_TREE_LADDER_H
#define KT_TREE_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_LADDER_MAX 66 /* 33 powers of two and 32 halvings at most */

/* Versions that establish `greatest` as the greatest that exists, in lookup order; the count. */
size_t kt_ladder_base(uint32_t greatest, uint32_t ret_versions[static KT_LADDER_MAX]);
/* Those not above the target (draft: Monitoring the Tree, Binary Ladder). */
size_t kt_ladder_monitoring(uint32_t target, uint32_t ret_versions[static KT_LADDER_MAX]);
/* Whether version appears in kt_ladder_base(greatest). */
bool kt_ladder_contains(uint32_t greatest, uint32_t version);

/* Versions looked up from an entry, for tests and vectors: target, greatest version there, and the versions whose
 * inclusion was shown to the left or non-inclusion to the right (either may be NULL with count 0). */
size_t kt_ladder_search(uint32_t target, uint32_t greatest, const uint32_t *left_inclusion, size_t n_left,
                        const uint32_t *right_non_inclusion, size_t n_right,
                        uint32_t ret_versions[static KT_LADDER_MAX]);

#endif
