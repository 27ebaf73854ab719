/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed UTF-8 (RFC 3629 section 4): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef KT_ACCOUNT_UTF8_H
#define KT_ACCOUNT_UTF8_H

#include <kt/bytes.h>

#include <stdbool.h>

bool kt_utf8_is_valid(struct kt_bytes text);

#endif
