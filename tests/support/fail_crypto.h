/* SPDX-License-Identifier: Apache-2.0 */
/* libcrypto runs out of memory on command, to show what its callers make of that: it says of some such failures what it
 * says of a bad key or signature. Process-wide; for one thread. */
#ifndef KT_TESTS_FAIL_CRYPTO_H
#define KT_TESTS_FAIL_CRYPTO_H

#include <stdbool.h>

/* Before libcrypto's first allocation. False: it was too late. */
bool fail_crypto_hook(void);
/* The allocation after n others fails, and with for_good all that follow. */
void fail_crypto_arm(long n, bool for_good);
/* Memory is back; was an allocation denied since fail_crypto_arm? */
bool fail_crypto_disarm(void);

#endif
