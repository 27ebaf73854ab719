/* SPDX-License-Identifier: Apache-2.0 */
/* Other people's labels in the state database: what was looked up, what is pinned, what has to be monitored. Inside a
 * transaction; what is read lives in the arena. */
#ifndef KT_VERIFY_STATE_CONTACTS_H
#define KT_VERIFY_STATE_CONTACTS_H

#include <kt/contact.h>

#include "state.h"

struct kt_other_label {
  struct kt_bytes label;
  struct kt_contact_state monitoring; /* what the protocol needs */
  bool has_version;
  uint32_t version; /* greatest seen */
  struct kt_contact contact;
  struct kt_bytes last; /* newest endorsed value; data NULL: none */
  bool watched;         /* monitor add, until monitor remove */
  uint64_t checked_ms;  /* last complete check; 0: never */
};

/* A label never seen before gives an empty record, not an error. */
KT_MUST_USE enum kt_err kt_state_contact(struct kt_state *state, struct kt_bytes label, struct kt_arena *arena,
                                         struct kt_other_label *ret_other);
/* Is it an account or a contact of this home? KT_ERR_ABSENT: neither. */
KT_MUST_USE enum kt_err kt_state_has_label(struct kt_state *state, struct kt_bytes label);
KT_MUST_USE enum kt_err kt_state_put_contact(struct kt_state *state, const struct kt_other_label *other);
/* The next kt_state_contact gives an empty record. */
KT_MUST_USE enum kt_err kt_state_forget_contact(struct kt_state *state, struct kt_bytes label);
KT_MUST_USE enum kt_err kt_state_contacts(struct kt_state *state, struct kt_arena *arena,
                                          struct kt_other_label **ret_others, size_t *ret_n);

#endif
