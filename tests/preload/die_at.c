/* SPDX-License-Identifier: Apache-2.0 */
/* For LD_PRELOAD: the program is killed, as by SIGKILL, before its nth call that changes a file (KT_DIE_AT, from 1 on). With
 * KT_DIE_COUNT a file gets the number of such calls, one byte each. Children inherit neither. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long n_calls;
static long die_at;
static int count_fd = -1;
static ssize_t (*real_write)(int fd, const void *data, size_t len);

__attribute__((constructor)) static void begin(void)
{
  const char *at = getenv("KT_DIE_AT");
  const char *count = getenv("KT_DIE_COUNT");
  die_at = at != NULL ? strtol(at, NULL, 10) : 0;
  *(void **)&real_write = dlsym(RTLD_NEXT, "write");
  if (count != NULL) {
    count_fd = open(count, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  (void)unsetenv("KT_DIE_AT");
  (void)unsetenv("KT_DIE_COUNT");
}

static void one_more(void)
{
  if (atomic_fetch_add(&n_calls, 1) + 1 == die_at) {
    (void)kill(getpid(), SIGKILL);
  }
  if (count_fd >= 0) {
    (void)!real_write(count_fd, ".", 1);
  }
}

/* Types and lists of parameters cannot be in parentheses. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define WRAP(name, parameters, arguments, type) \
  type name parameters;                         \
  type name parameters                          \
  {                                             \
    type(*real) parameters;                     \
    *(void **)&real = dlsym(RTLD_NEXT, #name);  \
    one_more();                                 \
    return real arguments;                      \
  }
/* NOLINTEND(bugprone-macro-parentheses) */

WRAP(write, (int fd, const void *data, size_t len), (fd, data, len), ssize_t)
WRAP(pwrite64, (int fd, const void *data, size_t len, off64_t at), (fd, data, len, at), ssize_t)
WRAP(ftruncate64, (int fd, off64_t len), (fd, len), int)
WRAP(fdatasync, (int fd), (fd), int)
WRAP(fsync, (int fd), (fd), int)
