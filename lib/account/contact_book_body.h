/* SPDX-License-Identifier: Apache-2.0 */
/* What an exported file holds when it is open: the Contacts of docs/formats.md. */
#ifndef KT_ACCOUNT_CONTACT_BOOK_BODY_H
#define KT_ACCOUNT_CONTACT_BOOK_BODY_H

#include <kt/contact_book.h>
#include <kt/writer.h>

/* Entries out of order fail with KT_ERR_USAGE, those that are none with KT_ERR_LIMIT. */
void kt_contact_book_write(struct kt_writer *w, const struct kt_book_entry *entries, size_t n_entries);
/* KT_ERR_FORMAT, KT_ERR_MEMORY. Labels borrow from plain. */
KT_MUST_USE enum kt_err kt_contact_book_read(struct kt_bytes plain, struct kt_arena *arena,
                                             struct kt_book_entry **ret_entries, size_t *ret_n_entries);

#endif
