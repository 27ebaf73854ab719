/* SPDX-License-Identifier: Apache-2.0 */
/* What this process gives up before it does anything: core files (they would hold keys), being read by a debugger of the
 * same user, and new privileges of programs it starts. */
#ifndef KT_SERVER_HARDEN_H
#define KT_SERVER_HARDEN_H

#include <stdbool.h>

/* False with errno. */
bool kt_harden(void);

#endif
