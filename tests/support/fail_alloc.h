/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail on command: ours (the linker wraps malloc, calloc, realloc, strdup and sodium_malloc in the programs
 * of tests/fault), SQLite's, Jansson's and libcrypto's (through their hooks).
 *
 * Nothing fails until fail_alloc_arm. From any thread; the counter is shared. */
#ifndef KT_TESTS_FAIL_ALLOC_H
#define KT_TESTS_FAIL_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

/* Before anything else in main: the libraries take their allocator once. False when one of them refuses. */
bool fail_alloc_hook(void);

/* The nth allocation from here on fails (1: the next one), alone or with all that follow. */
void fail_alloc_arm(uint64_t nth, bool for_good);
/* Whether an allocation was refused since. */
bool fail_alloc_disarm(void);

#endif
