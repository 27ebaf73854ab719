/* SPDX-License-Identifier: Apache-2.0 */
/* What this process gives up before it does anything: core files (they would hold keys), being read by a debugger of
 * the same user, and new privileges of programs it starts. */
#ifndef KT_SERVER_HARDEN_H
#define KT_SERVER_HARDEN_H

#include <stdbool.h>

/* 1 in a build whose sanitizers read this process as a debugger does. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KT_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KT_IS_SANITIZED 1
#endif
#endif
#ifndef KT_IS_SANITIZED
#define KT_IS_SANITIZED 0
#endif

/* Again after a change of user, which resets some of it. False with errno. */
bool kt_harden(void);

/* Is there room in what this process may lock for its keys? libsodium goes on without, and says nothing. */
bool kt_can_lock_keys(void);

#endif
