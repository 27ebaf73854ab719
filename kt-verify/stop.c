/* SPDX-License-Identifier: Apache-2.0 */
#include "stop.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

#define WAIT_MAX_MS 60000

static void all_signals(sigset_t *ret_set)
{
  sigemptyset(ret_set);
  sigaddset(ret_set, SIGTERM);
  sigaddset(ret_set, SIGINT);
  sigaddset(ret_set, SIGHUP);
  sigaddset(ret_set, SIGUSR1);
}

void kt_stop_block(void)
{
  sigset_t set;
  all_signals(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
}

bool kt_stop_requested(void)
{
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
         sigismember(&pending, SIGHUP) == 1;
}

void kt_stop_unblock(void)
{
  const struct timespec at_once = { .tv_sec = 0 };
  sigset_t set;
  all_signals(&set);
  while (sigtimedwait(&set, NULL, &at_once) > 0) {
  }
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

enum kt_stop_wait kt_stop_wait(uint64_t ms)
{
  sigset_t set;
  uint64_t wait_ms = ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
  const struct timespec time = { .tv_sec = (time_t)(wait_ms / 1000), .tv_nsec = (long)(wait_ms % 1000) * 1000000 };
  all_signals(&set);
  int signal_number = sigtimedwait(&set, NULL, &time);
  return signal_number < 0 ? KT_WAIT_OVER : signal_number == SIGUSR1 ? KT_WAIT_LOOK : KT_WAIT_STOP;
}
