/* SPDX-License-Identifier: Apache-2.0 */
/* Every attack by its name. */
#ifndef KT_TESTS_EVIL_ATTACKS_H
#define KT_TESTS_EVIL_ATTACKS_H

#include "world.h"

struct evil_attacks {
  const struct evil_attack *list;
  size_t n;
};

extern const struct evil_attacks evil_attacks_tree;   /* on the log's content and history */
extern const struct evil_attacks evil_attacks_head;   /* on tree heads and those of auditors */
extern const struct evil_attacks evil_attacks_search; /* on answers to searches */
extern const struct evil_attacks evil_attacks_owner;  /* on answers to owners, and on monitoring */
extern const struct evil_attacks evil_attacks_feed;   /* on what auditors are handed */
extern const struct evil_attacks evil_attacks_leaf;   /* of a manager, on the operator's signatures */

/* NULL: there is none. */
const struct evil_attack *evil_attack_find(const char *name);
/* "name<tab>what it does" lines. */
void evil_attacks_print(void);

/* Bits of evil_attack.kinds. */
#define EVIL_ON(kind) (1u << (kind))
#define EVIL_ANY 0xffu

#endif
