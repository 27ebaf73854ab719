/* SPDX-License-Identifier: Apache-2.0 */
#include "harden.h"

#include <sys/prctl.h>
#include <sys/resource.h>

bool kt_harden(void)
{
  const struct rlimit none = { 0, 0 };
  return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, KT_IS_SANITIZED, 0, 0, 0) == 0 &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
