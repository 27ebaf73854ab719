/* SPDX-License-Identifier: Apache-2.0 */
/* Signals of a daemon, or of an exchange that somebody else waits for, without handlers: they stay blocked and are asked
 * for, so that nothing is interrupted half way. SIGTERM, SIGINT and SIGHUP ask it to end, SIGUSR1 to look at the clock
 * (after a suspend, or when it was set). */
#ifndef KT_VERIFY_STOP_H
#define KT_VERIFY_STOP_H

#include <stdbool.h>
#include <stdint.h>

void kt_stop_block(void);
/* Was the end asked for? Without kt_stop_block never: the signal has ended the process. */
bool kt_stop_requested(void);
/* Forget what was asked for; the next such signal ends the process, for people who press Ctrl-C twice. */
void kt_stop_unblock(void);

enum kt_stop_wait { KT_WAIT_OVER, KT_WAIT_LOOK, KT_WAIT_STOP };
/* Sleep, as long as nobody wants anything; at most a minute, because a clock can be set and a computer can sleep. */
enum kt_stop_wait kt_stop_wait(uint64_t ms);

#endif
