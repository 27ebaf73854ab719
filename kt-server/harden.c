/* SPDX-License-Identifier: Apache-2.0 */
#include "harden.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define KEYS_LEN 16384 /* a page or two for each key, and its neighbours */

bool kt_harden(void)
{
  const struct rlimit none = { 0, 0 };
  return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, KT_IS_SANITIZED, 0, 0, 0) == 0 &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool kt_can_lock_keys(void)
{
  static uint8_t room[KEYS_LEN];
  if (mlock(room, sizeof room) != 0) {
    return false;
  }
  (void)munlock(room, sizeof room);
  return true;
}
