/* SPDX-License-Identifier: Apache-2.0 */
#include "attacks.h"

#include <stdio.h>
#include <string.h>

static const struct evil_attacks *const all[] = { &evil_attacks_tree,  &evil_attacks_head, &evil_attacks_search,
                                                  &evil_attacks_owner, &evil_attacks_feed, &evil_attacks_leaf };
#define N_ALL (sizeof all / sizeof all[0])

const struct evil_attack *evil_attack_find(const char *name)
{
  for (size_t i = 0; i < N_ALL; i++) {
    for (size_t k = 0; k < all[i]->n; k++) {
      if (strcmp(all[i]->list[k].name, name) == 0) {
        return &all[i]->list[k];
      }
    }
  }
  return NULL;
}

void evil_attacks_print(void)
{
  for (size_t i = 0; i < N_ALL; i++) {
    for (size_t k = 0; k < all[i]->n; k++) {
      printf("%s\t%s\n", all[i]->list[k].name, all[i]->list[k].does);
    }
  }
}
