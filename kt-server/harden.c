/* SPDX-License-Identifier: Apache-2.0 */
#include "harden.h"

#include <sys/prctl.h>
#include <sys/resource.h>

/* The leak checker reads this process as a debugger does. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_DUMPABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_DUMPABLE 1
#endif
#endif
#ifndef IS_DUMPABLE
#define IS_DUMPABLE 0
#endif

bool kt_harden(void)
{
  const struct rlimit none = { 0, 0 };
  return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, IS_DUMPABLE, 0, 0, 0) == 0 &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
