/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of a toy log's labels, made as the log makes them, and heads to verify them against, computed the long way.
 * Everything is in the caller's arena; what cannot be made fails the running cmocka test. */
#ifndef KT_TESTS_TOY_CREDENTIAL_H
#define KT_TESTS_TOY_CREDENTIAL_H

#include <kt/credential.h>

#include "toy_log.h"
#include "wire/credential.h"

/* A log of 16 entries for one provisional credential's life: alice's version 0 is in entry 1, her version 1 in entry 8. Of 10
 * entries, 7 is the last distinguished one, and a search for version 1 ends at 9; of 16, 11 is the next one, and 9 is none. */
#define TOY_CREDENTIAL_LABEL "alice"
#define TOY_CREDENTIAL_POSITION 7
#define TOY_CREDENTIAL_SIZE 10
#define TOY_CREDENTIAL_NEXT 11
void toy_credential_log(struct toy_log *log);

/* For the label's greatest version in the tree of `size` entries, on the entry `position`; of the type that fits. */
void toy_credential_make(struct toy_log *log, uint64_t size, const char *label, uint64_t position,
                         struct kt_arena *arena, struct kt_credential *ret);
struct kt_bytes toy_credential_encode(const struct toy_log *log, const struct kt_credential *credential,
                                      struct kt_arena *arena);
/* The update that takes a pending credential to a distinguished entry. */
void toy_credential_update(struct toy_log *log, const struct kt_credential_pending *pending, uint64_t distinguished,
                           struct kt_arena *arena, struct kt_combined_proof *ret);
struct kt_bytes toy_credential_update_encode(const struct kt_combined_proof *monitor, struct kt_arena *arena);

/* What somebody retains who walked the distinguished heads of the tree of `size` entries. */
void toy_recent_heads(const struct toy_log *log, uint64_t size, struct kt_arena *arena,
                      struct kt_recent_heads *ret_heads);

#endif
