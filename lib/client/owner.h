/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's state as the algorithms need it. */
#ifndef KT_CLIENT_OWNER_H
#define KT_CLIENT_OWNER_H

#include "client/known.h"

/* Greatest version as of an entry at or right of the start, as the owner knows it. Borrows owner. */
struct kt_history kt_owner_history(struct kt_owner_state *owner);

/* The owner state's wanted versions: every ladder the owner may still have to verify. ctx: struct kt_owner_state. */
bool kt_owner_wants(const void *ctx, uint32_t version);

#endif
