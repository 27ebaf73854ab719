/* SPDX-License-Identifier: Apache-2.0 */
/* For LD_PRELOAD: the wall clock is ahead by as many milliseconds as the file KT_CLOCK_FILE says now. Clocks that nobody can
 * set, and waiting by them, are as they are: unlike libfaketime, which moves deadlines too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int file = -1;
static int (*real_clock_gettime)(clockid_t clock, struct timespec *ret_now);

__attribute__((constructor)) static void begin(void)
{
  const char *path = getenv("KT_CLOCK_FILE");
  *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  if (path != NULL) {
    file = open(path, O_RDONLY | O_CLOEXEC);
  }
}

static int64_t ahead_ms(void)
{
  char text[32] = "";
  ssize_t n = file >= 0 ? pread(file, text, sizeof text - 1, 0) : 0;
  return n > 0 ? strtoll(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
  if (real_clock_gettime == NULL) { /* another library's constructor came first */
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  }
  int result = real_clock_gettime(clock, ret_now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t ms = ahead_ms();
    ret_now->tv_sec += ms / 1000;
    ret_now->tv_nsec += (long)(ms % 1000) * 1000000;
    if (ret_now->tv_nsec < 0) {
      ret_now->tv_nsec += 1000000000;
      ret_now->tv_sec--;
    } else if (ret_now->tv_nsec >= 1000000000) {
      ret_now->tv_nsec -= 1000000000;
      ret_now->tv_sec++;
    }
  }
  return result;
}

time_t time(time_t *ret_now)
{
  struct timespec now = { 0 };
  (void)clock_gettime(CLOCK_REALTIME, &now);
  if (ret_now != NULL) {
    *ret_now = now.tv_sec;
  }
  return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
  struct timespec now = { 0 };
  (void)zone;
  int result = clock_gettime(CLOCK_REALTIME, &now);
  *ret_now = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
  return result;
}
