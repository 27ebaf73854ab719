/* SPDX-License-Identifier: Apache-2.0 */
/* Which system calls this process may still make, now that everything it needs is open and running: a list of what is
 * needed, enforced by the kernel (seccomp), for all threads and for good.
 *
 * What only an intruder would do (start a program, look into another process, load code into the kernel) ends the
 * process. Anything else that is not on the list fails with EPERM: an unusual library must not end a log that works
 * without the call. The lists are in sandbox.c, what they are for in docs/operations.md. */
#ifndef KT_SERVER_SANDBOX_H
#define KT_SERVER_SANDBOX_H

#include "cli.h"

enum kt_sandbox {
  KT_SANDBOX_LOG,      /* `run`: sockets that are open already, files, threads; it can connect to nobody */
  KT_SANDBOX_OPERATOR, /* `run` of a Service Operator: connects to its Manager as well */
  KT_SANDBOX_SIGNER,   /* `signer`: files, and one peer after the other; no threads */
};

/* False in a program that was built with sanitizers: they look into their own process as debuggers do. */
bool kt_sandbox_is_built(void);

/* No way back. KT_ERR_UNSUPPORTED: the kernel cannot do it; KT_ERR_MEMORY. Nothing when it is not built. */
KT_MUST_USE enum kt_err kt_sandbox_enter(enum kt_sandbox sandbox, struct kt_error *error);

#endif
