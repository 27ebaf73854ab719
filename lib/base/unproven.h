/* SPDX-License-Identifier: Apache-2.0 */
/* What a signature or proof that was not accepted says about whoever made it. The one place where a failure of this
 * machine is kept apart from a verdict: libcrypto reports a want of memory as a failure of its own. */
#ifndef KT_BASE_UNPROVEN_H
#define KT_BASE_UNPROVEN_H

#include <kt/err.h>

/* KT_ERR_PROOF, with this reason; or nothing, when it could not be examined: then KT_ERR_MEMORY or KT_ERR_CRYPTO, as
 * err, with the reason "not-examined". err is not KT_OK. */
enum kt_err kt_unproven(struct kt_reason *reason, enum kt_err err, const char *code, const char *text,
                        const char *section);

#endif
