/* SPDX-License-Identifier: Apache-2.0 */
/* White space around what people paste and scanners print. */
#ifndef KT_ACCOUNT_TRIM_H
#define KT_ACCOUNT_TRIM_H

#include <kt/bytes.h>

/* `text` without ASCII white space at either end; borrows. */
struct kt_bytes kt_trim(struct kt_bytes text);

#endif
